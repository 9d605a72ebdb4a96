"""Commands that score: ``score``, ``compare``, ``validate``, ``protocols``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from phraseloc.commands.options import (
    bootstrap_options,
    check_rows_file,
    extra_option,
    format_option,
    per_phrase_option,
    protocol_names,
    protocol_of,
    protocol_options,
    setting_option,
    space_options,
    truth_options,
)
from phraseloc.commands.program import FAILED
from phraseloc.commands.reading import aligned, measured, scored
from phraseloc.commands.streaming import STREAM_OPTIONS, find_job, stream_options, total
from phraseloc.errors import OptionError
from phraseloc.protocol import PROTOCOLS, find_protocol
from phraseloc.report import render_scores


@click.command()
@click.argument("ground_truth")
@click.argument("predictions", nargs=-1, required=True)
@truth_options
@click.option(
    "--protocol",
    "names",
    multiple=True,
    default=["flickr30k"],
    metavar="NAME",
    shell_complete=protocol_names,
    help="A protocol, see `phraseloc protocols`; may be repeated. [default: flickr30k]",
)
@setting_option
@format_option
@per_phrase_option("every phrase's result")
@extra_option
@bootstrap_options
@space_options
@stream_options
def score(
    ground_truth: str,
    predictions: tuple[str, ...],
    split: str | None,
    unrelated: str | None,
    truth_boxes: dict[str, Any],
    names: tuple[str, ...],
    settings: tuple[str, ...],
    style: str,
    per_phrase: str | None,
    extra: str,
    samples: int,
    seed: int,
    confidence: float,
    **reading: Any,
) -> None:
    """Score PREDICTIONS against GROUND_TRUTH.

    GROUND_TRUTH is the Flickr30k Entities release (folder, zip or tar), or a JSON, JSON Lines, CSV,
    TSV or Parquet file; PREDICTIONS are such files, or - for standard input. Large files, patterns
    and folders of such files are streamed, here or at an address of fsspec.

    \b
    Example:
      phraseloc score annotations.zip mine.json --split test.txt --protocol flickr30k
      phraseloc score 'truth/*.parquet' 'mine/*.parquet' --workers 8
      phraseloc score 's3://bucket/truth/*.parquet' gs://bucket/run-7/ --workers 8
    """
    protocols = [protocol_of(name, settings) for name in names]
    check_rows_file(per_phrase)
    streaming = {option: reading.pop(option) for option in STREAM_OPTIONS}
    chosen: dict[str, Any] = {"split": split, "unrelated": unrelated, "extra": extra}
    chosen["truth_boxes"] = truth_boxes
    job = find_job(ground_truth, predictions, protocols, streaming, **chosen, **reading)
    if job is not None:
        from phraseloc.bulk.run import score_bulk

        totals = total(job, streaming, per_phrase)
        scores = score_bulk(job, totals, (samples, seed, confidence))
        click.echo(render_scores(scores, style))
        return
    from phraseloc.formats import load_ground_truth

    truth = load_ground_truth(ground_truth, split=split, unrelated=unrelated, **truth_boxes)
    bootstrap = {"samples": samples, "seed": seed, "confidence": confidence}
    scores = scored(truth, predictions, protocols, extra, reading, bootstrap)
    if per_phrase is not None:
        from phraseloc.formats.per_phrase import write_per_phrase

        write_per_phrase(truth, scores, Path(per_phrase))
    click.echo(render_scores(scores, style))


@click.command()
@click.argument("ground_truth")
@click.argument("first", metavar="A")
@click.argument("others", metavar="B…", nargs=-1, required=True)
@truth_options
@protocol_options
@format_option
@extra_option
@bootstrap_options
@space_options
@stream_options
def compare(
    ground_truth: str,
    first: str,
    others: tuple[str, ...],
    split: str | None,
    unrelated: str | None,
    truth_boxes: dict[str, Any],
    name: str,
    settings: tuple[str, ...],
    style: str,
    extra: str,
    samples: int,
    seed: int,
    confidence: float,
    **reading: Any,
) -> None:
    """Tell whether predictions B are better than A on GROUND_TRUTH, and in which categories.

    Images are resampled for intervals and swapped for p-values, as phrases of an image depend on
    each other. Where there are several B, each is compared with A, and p-values are corrected.
    FOLDER:NAME is the method NAME of a leaderboard's folder, as it was measured.

    \b
    Example:
      phraseloc compare annotations.zip old.json new.json --split test.txt
      phraseloc compare annotations.zip results:glove-att new.json --split test.txt
    """
    protocol = protocol_of(name, settings)
    streaming = {option: reading.pop(option) for option in STREAM_OPTIONS}
    chosen: dict[str, Any] = {"split": split, "unrelated": unrelated, "extra": extra}
    chosen["truth_boxes"] = truth_boxes
    files = (first, *others)
    job = find_job(ground_truth, files, [protocol], streaming, compared=True, **chosen, **reading)
    from phraseloc.report.compare import render_comparisons

    if job is not None:
        from phraseloc.bulk.run import compare_bulk, score_bulk

        totals = total(job, streaming)
        ends = (samples, seed, confidence)
        found = compare_bulk(job, totals, ends)
        click.echo(render_comparisons(score_bulk(job, totals, ends), found, style))
        return
    from phraseloc.comparison import compare as compared
    from phraseloc.formats import load_ground_truth

    truth = load_ground_truth(ground_truth, split=split, unrelated=unrelated, **truth_boxes)
    bootstrap = {"samples": samples, "seed": seed, "confidence": confidence}
    scores = measured(truth, files, protocol, extra, reading, bootstrap)
    click.echo(render_comparisons(scores, compared(truth, scores), style))


@click.command()
@click.argument("file")
@click.option("--ground-truth", metavar="FILE", help="Check the predictions' keys against it.")
@truth_options
@extra_option
@space_options
def validate(
    file: str,
    ground_truth: str | None,
    split: str | None,
    unrelated: str | None,
    truth_boxes: dict[str, Any],
    extra: str,
    **reading: Any,
) -> None:
    """Check a prediction FILE, or with its keys against a ground truth; name all that is wrong.

    Exit code 1 says that the file is sound, but phrases of the ground truth have no prediction.

    \b
    Example:
      phraseloc validate mine.json --ground-truth annotations.zip --split test.txt
    """
    from phraseloc.formats import load_ground_truth, load_predictions

    if ground_truth is None:
        found = load_predictions(file, **reading)
        kind = "points" if found.points else "boxes"
        click.echo(f"{found.source}: {len(found):,} rows, {len(found.boxes):,} {kind}, sound")
        click.echo(f"  keys: {'complete' if found.keys.complete else 'by row order'}")
        click.echo("  boxes: " + ", ".join(f"{k} {v}" for k, v in vars(found.space).items()))
        return
    truth = load_ground_truth(ground_truth, split=split, unrelated=unrelated, **truth_boxes)
    alignment = aligned(truth, file, extra, reading)
    click.echo(
        f"{alignment.predictions.source}: sound; {len(truth) - alignment.missing:,} of "
        f"{len(truth):,} phrases have a prediction"
    )
    if alignment.missing:
        import numpy as np

        absent = np.flatnonzero(alignment.rows < 0)
        for row in absent[:10]:
            click.echo(f"  missing: {truth.keys.describe(row)}")
        if len(absent) > 10:
            click.echo(f"  and {len(absent) - 10:,} more")
        sys.exit(FAILED)


@click.command()
@click.argument("name", required=False, shell_complete=protocol_names)
@click.option(
    "--explain",
    "explained",
    nargs=4,
    metavar="GROUND_TRUTH PREDICTIONS A B",
    help="Tell which phrases flip from protocol A to B, and why; options below are for it.",
)
@truth_options
@format_option
@per_phrase_option("every phrase that flips")
@extra_option
@space_options
def protocols(
    name: str | None,
    explained: tuple[str, str, str, str] | None,
    split: str | None,
    unrelated: str | None,
    truth_boxes: dict[str, Any],
    style: str,
    per_phrase: str | None,
    extra: str,
    **reading: Any,
) -> None:
    """List the protocols, show every choice of the one called NAME, or explain how two differ.

    With --explain, A and B are names, with overrides after commas as in flickr30k,threshold=0.7.
    A phrase flips when it is right, wrong or not scored under A and something else under B; the
    reason is the field that, changed alone, makes it so.

    \b
    Example:
      phraseloc protocols maf-released
      phraseloc protocols --explain annotations.zip mine.json flickr30k any-box \\
          --split test.txt
    """
    if explained is None:
        _show(name)
        return
    if name is not None:
        raise OptionError(f"found {name!r} beside --explain, which names both of its protocols")
    ground_truth, predictions, *names = explained
    from phraseloc.explanation import explain, read_protocol
    from phraseloc.formats import load_ground_truth
    from phraseloc.formats.per_phrase import write_rows
    from phraseloc.report.explain import flip_columns, flip_rows, render_explanation

    first, second = map(read_protocol, names)
    check_rows_file(per_phrase)
    truth = load_ground_truth(ground_truth, split=split, unrelated=unrelated, **truth_boxes)
    alignment = aligned(truth, predictions, extra, reading)
    found = explain(truth, alignment, first, second, names=names)
    if per_phrase is not None:
        write_rows(list(flip_rows(truth, found)), Path(per_phrase), flip_columns(truth))
    click.echo(render_explanation(found, style))


def _show(name: str | None) -> None:
    """List the protocols, or show every choice of one."""
    if name is None:
        width = max(map(len, PROTOCOLS))
        for protocol in PROTOCOLS.values():
            click.echo(f"{protocol.name:{width}}  {protocol.summary}")
        return
    protocol = find_protocol(name)
    click.echo(f"{protocol.name}: {protocol.summary}\n{protocol.citation}\n")
    for field, value in protocol.choices().items():
        shown = ",".join(map(str, value)) if isinstance(value, tuple) else value
        click.echo(f"  {field:16}  {shown}")
    click.echo(f"\n{protocol.signature}")
