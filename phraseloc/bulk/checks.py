"""What only all rows together tell of a file: that it has any, and that its boxes are pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phraseloc.errors import OptionError, Problems

if TYPE_CHECKING:
    from phraseloc.bulk.run import Job, Totals


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
    for problems in noted:
        problems.raise_if_any()
    for tally, rules in zip(totals.tallies, job.rules, strict=False):
        if not tally.counts.get("phrases"):
            raise OptionError(f"protocol {rules.protocol.name} leaves no phrase to score")
