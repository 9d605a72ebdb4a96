"""The command ``report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phraseloc.commands.methods import proposals_option
from phraseloc.commands.options import (
    bootstrap_options,
    extra_option,
    proposal_options,
    protocol_names,
    protocol_of,
    setting_option,
    space_options,
    truth_options,
)
from phraseloc.commands.reading import aligned, named_file, read_objects
from phraseloc.errors import OptionError
from phraseloc.protocol import Protocol

if TYPE_CHECKING:
    from phraseloc.alignment import Alignment
    from phraseloc.data import GroundTruth
    from phraseloc.formats.results import Results
    from phraseloc.proposals import Proposals


@click.command()
@click.argument("source", metavar="RESULTS_DIR|GROUND_TRUTH")
@click.argument("predictions", nargs=-1)
@click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page (.html).",
)
@truth_options
@proposals_option
@proposal_options
@click.option(
    "--protocol",
    "name",
    metavar="NAME",
    shell_complete=protocol_names,
    help="[default: that of the results, or flickr30k]",
)
@setting_option
@click.option("--title", default="Phrase localization", show_default=True, help="Of the page.")
@click.option(
    "--phrases",
    type=click.IntRange(1),
    default=20_000,
    show_default=True,
    help="How many phrases to list at most.",
)
@extra_option
@bootstrap_options
@space_options
def report(
    source: str,
    predictions: tuple[str, ...],
    output: Path,
    split: str | None,
    unrelated: str | None,
    truth_boxes: dict[str, Any],
    files: tuple[str, ...],
    objects: str | None,
    attributes: str | None,
    proposal_boxes: dict[str, Any],
    name: str | None,
    settings: tuple[str, ...],
    title: str,
    phrases: int,
    extra: str,
    samples: int,
    seed: int,
    confidence: float,
    **reading: Any,
) -> None:
    """Make one HTML page of a leaderboard's RESULTS_DIR, or of PREDICTIONS on GROUND_TRUTH.

    The page needs no network: intervals, thresholds, categories, overlaps, significance, errors,
    and every phrase with its boxes. PREDICTIONS may be given as NAME=FILE, and join those of
    RESULTS_DIR.

    \b
    Example:
      phraseloc report results -o report.html
      phraseloc report annotations.zip old.json new.json --split test.txt -o report.html
    """
    from phraseloc.formats.source import replacing, suffix_of
    from phraseloc.formats.stored import is_results
    from phraseloc.report.page import measured, render_page

    suffix_of(output, (".html",))
    results = None
    if is_results(Path(source)):
        if split or unrelated or truth_boxes:
            raise OptionError(f"{source} has a ground truth of its own: expected no --split")
        truth, results, found = _stored(Path(source))
    else:
        from phraseloc.formats import load_ground_truth

        if not predictions:
            raise OptionError(f"{source} is no folder of results: expected PREDICTIONS with it")
        truth = load_ground_truth(source, split=split, unrelated=unrelated, **truth_boxes)
        found = {}
    for label, path in map(named_file, predictions):
        if label in found:
            raise OptionError(f"two methods are called {label!r}: expected NAME=FILE with another")
        found[label] = aligned(truth, path, extra, reading)
    objects_found = None
    if files:
        objects_found = read_objects(truth, files, objects, attributes, proposal_boxes)
    protocol = _protocol(name, settings, results)
    entries = {} if results is None else {entry.name: entry for entry in results.entries}
    methods = [
        measured(
            truth,
            label,
            alignment,
            protocol,
            objects_found,
            entries.get(label),
            samples=samples,
            seed=seed,
            confidence=confidence,
        )
        for label, alignment in found.items()
    ]
    page = render_page(
        truth,
        methods,
        title=title,
        source="" if results is None else results.ground_truth["source"],
        inputs=_inputs(results, objects_found),
        phrases=phrases,
    )
    with replacing(output) as file:
        file.write(page.encode())
    click.echo(output)


def _stored(folder: Path) -> tuple[GroundTruth, Results, dict[str, Alignment]]:
    """Read the methods of a folder of results."""
    from phraseloc.alignment import align
    from phraseloc.formats.stored import load_folder, load_predicted

    truth, results = load_folder(folder)
    entries = [entry for entry in results.entries if entry.predictions is not None]
    found = {entry.name: align(truth, load_predicted(folder, entry)) for entry in entries}
    return truth, results, found


def _protocol(name: str | None, settings: tuple[str, ...], results: Results | None) -> Protocol:
    """Give the protocol that was asked for, or that of the results."""
    if name is not None or results is None:
        return protocol_of(name or "flickr30k", settings)
    from phraseloc.formats.stored import protocol_of_results
    from phraseloc.protocol import parse_overrides

    return protocol_of_results(results).override(**parse_overrides(settings))


def _inputs(results: Results | None, proposals: Proposals | None) -> dict[str, str]:
    """Name what the figures rest on beside ground truth and predictions."""
    if results is not None:
        return {
            name: f"{facts['source']}, sha256 {facts['sha256']}"
            for name, facts in results.inputs.items()
        }
    if proposals is None:
        return {}
    return {"proposals": f"{proposals.source}, sha256 {proposals.digest}"}
