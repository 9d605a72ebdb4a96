"""The command ``gate``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phraseloc.commands.options import (
    bootstrap_options,
    extra_option,
    protocol_of,
    protocol_options,
    space_options,
    truth_options,
)
from phraseloc.commands.program import FAILED
from phraseloc.commands.reading import aligned, named_file
from phraseloc.errors import InputError

if TYPE_CHECKING:
    from phraseloc.formats.results import Entry, Results
    from phraseloc.gate import Verdict

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""What GitHub calls the file that a job's step may add Markdown to."""


@click.command()
@click.argument("ground_truth")
@click.argument("predictions")
@click.option(
    "--against",
    required=True,
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The baseline: what --update wrote, or a leaderboard's results.json.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(0),
    default=0.2,
    show_default=True,
    help="How many points may be lost.",
)
@click.option(
    "--significance",
    type=click.FloatRange(0, 1, True, True),
    default=0.05,
    show_default=True,
    help="How often a fall that is noise may fail.",
)
@click.option("--update", is_flag=True, help="Make these predictions the baseline.")
@click.option(
    "--junit", metavar="FILE", type=click.Path(path_type=Path), help="Write JUnit XML there."
)
@click.option(
    "--summary",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"Write a Markdown table there. [default: add it to ${STEP_SUMMARY}, where that is set]",
)
@truth_options
@protocol_options
@extra_option
@bootstrap_options
@space_options
def gate(
    ground_truth: str,
    predictions: str,
    against: Path,
    tolerance: float,
    significance: float,
    update: bool,
    junit: Path | None,
    summary: Path | None,
    split: str | None,
    unrelated: str | None,
    truth_boxes: dict[str, Any],
    name: str,
    settings: tuple[str, ...],
    extra: str,
    samples: int,
    seed: int,
    confidence: float,
    **reading: Any,
) -> None:
    """Fail where the accuracy of PREDICTIONS on GROUND_TRUTH really fell below a baseline's.

    A fall fails when it exceeds the tolerance and is no noise, over all phrases or in a category.
    PREDICTIONS is FILE or NAME=FILE; of a baseline with several entries, that of NAME is taken.

    \b
    Example:
      phraseloc gate annotations.zip mine.json --split test.txt --against baseline.json --update
      phraseloc gate annotations.zip mine.json --split test.txt --against baseline.json
    """
    protocol = protocol_of(name, settings)
    from phraseloc.formats import load_ground_truth
    from phraseloc.formats.results import entry_of, place_of, write_results
    from phraseloc.gate import first_verdict, judge, with_entry
    from phraseloc.report.gate import render_line
    from phraseloc.scoring import score

    label, path = named_file(predictions)
    place = place_of(against)
    results, before = _stored(against, label, needed=not update)
    truth = load_ground_truth(ground_truth, split=split, unrelated=unrelated, **truth_boxes)
    alignment = aligned(truth, path, extra, reading)
    bootstrap: dict[str, Any] = {"samples": samples, "seed": seed, "confidence": confidence}
    rows = alignment.predictions
    scores = score(truth, rows, protocol, alignment=alignment, name=label, **bootstrap)
    after = entry_of(truth, scores, upper_bound=scores.upper_bound, key="", source=rows.source)
    limits = {"tolerance": tolerance, "significance": significance}
    if before is None:
        verdict = first_verdict(after, **limits)
    else:
        with _advising(place):
            verdict = judge(truth, before, after, str(place), samples=samples, seed=seed, **limits)
    _report(verdict, junit, summary)
    if update:
        write_results(with_entry(results, before, after), place)
        click.echo(f"wrote {place}", err=True)
    click.echo(render_line(verdict, updated=update and before is not None))
    if verdict.failed and not update:
        sys.exit(FAILED)


def _stored(against: Path, label: str, *, needed: bool) -> tuple[Results | None, Entry | None]:
    """Read the baseline, and find the entry to judge by; None where there is no file."""
    from phraseloc.formats.results import find_entry, load_results, place_of

    place = place_of(against)
    if not os.access(place, os.F_OK):
        if needed:
            raise InputError(str(place), "there is no such file; --update writes a first baseline")
        return None, None
    with _advising(place):
        results = load_results(against)
    return results, find_entry(results, label, str(place))


@contextmanager
def _advising(place: Path) -> Iterator[None]:
    """Say of a baseline that cannot be used how to go on without it."""
    try:
        yield
    except InputError as error:
        found = str(error).removeprefix(f"{error.source}: ")
        advice = "to start anew, remove it and run with --update"
        raise InputError(str(place), f"{found}; {advice}") from None


def _report(verdict: Verdict, junit: Path | None, summary: Path | None) -> None:
    """Write the reports; they come first, as a baseline is only replaced where all else is done."""
    from phraseloc.report.gate import append_summary, save_junit, save_summary

    if junit is not None:
        save_junit(verdict, junit)
    shared = os.environ.get(STEP_SUMMARY)
    if summary is not None:
        save_summary(verdict, summary)
    elif shared:
        append_summary(verdict, Path(shared))
