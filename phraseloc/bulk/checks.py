"""What only all rows together tell of a file: that it has any, and that its boxes are pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phraseloc.alignment import IN_ORDER
from phraseloc.errors import InputError, OptionError, Problems

if TYPE_CHECKING:
    from phraseloc.bulk.run import Job, Totals
    from phraseloc.bulk.tally import Tally


def check_totals(job: Job, totals: Totals) -> None:
    """Check what only all rows together tell.

    Raises
    ------
    InputError
        with what is wrong in a file
    OptionError
        if a protocol leaves no phrase
    """
    counts = totals.tallies[0].counts.get
    noted = [problems + Problems(problems.source) for problems in totals.noted]
    if not counts("truth"):
        noted[0].add("no phrase with a box", "found 0 phrases, expected at least one")
    for problems, tally in zip(noted[1:], totals.tallies, strict=False):
        counts = tally.counts.get
        if not counts("rows"):
            problems.add("no record", "found 0 records, expected one a phrase")
        elif counts("candidates") and not counts("beyond"):
            problems.add(
                "all boxes lie in the first pixel; are they fractions of the image (--units 0-1)?",
                "found no coordinate above 1",
            )
    for place, misplaced in enumerate(totals.misplaced):
        if job.ordered[place] and not noted[place + 1]:
            noted[place + 1] = _misplaced(totals.tallies[place], misplaced)
    for problems in noted:
        problems.raise_if_any()
    for tally, rules in zip(totals.tallies, job.rules, strict=False):
        if not tally.counts.get("phrases"):
            raise OptionError(f"protocol {rules.protocol.name} leaves no phrase to score")


def _misplaced(tally: Tally, misplaced: Problems) -> Problems:
    """Tell what is wrong with the order of rows that are found by their place."""
    rows, expected = (tally.counts.get(name, 0) for name in ("rows", "truth"))
    if rows == expected:
        return misplaced
    problems = Problems(misplaced.source)
    problems.add(IN_ORDER, f"found {rows:,} rows, expected {expected:,}")
    return problems


def refuse_buckets(job: Job) -> None:
    """Refuse to go on by keys with rows that have none.

    Raises
    ------
    InputError
        if a method's rows are found by their place alone, and another's are in another order
    """
    if not any(job.ordered):
        return
    lacking, keyed = (job.names[job.ordered.index(kind)] for kind in (True, False))
    raise InputError(
        keyed,
        f"its rows are in another order than the ground truth's, in which those of {lacking} must "
        "be, for want of complete keys; expected one order, or one file a run",
    )
