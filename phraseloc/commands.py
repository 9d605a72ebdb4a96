"""The command line: options and calls. Commands import what they use, so that help is instant."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from phraseloc._version import __version__
from phraseloc.errors import PhraselocError
from phraseloc.protocol import PROTOCOLS, Protocol, find_protocol, parse_overrides

UNUSABLE = 2
INCOMPLETE = 1


class Program(click.Group):
    """A group whose commands turn this project's errors into a message and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; nothing but its own errors is caught."""
        try:
            return super().invoke(ctx)
        except PhraselocError as error:
            click.echo(f"phraseloc: {error}", err=True)
            ctx.exit(UNUSABLE)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="phraseloc")
def main() -> None:
    """Evaluate phrase localization: one prediction file in, one honest, reproducible figure out.

    Exit codes: 0 good, 1 the check failed, 2 unusable input.
    """


Command = Callable[..., None]


def space_options(command: Command) -> Command:
    """Add the options that declare what the predictions' boxes mean."""
    options = (
        click.option("--layout", type=click.Choice(["xywh", "xyxy"]), help="[default: xywh]"),
        click.option(
            "--corners",
            type=click.Choice(["inclusive", "continuous"]),
            help="Does the right and bottom pixel belong to the box? [default: inclusive]",
        ),
        click.option(
            "--origin",
            type=click.Choice(["0", "1"]),
            callback=lambda _ctx, _param, value: None if value is None else int(value),
            help="The coordinate of the first pixel. [default: 1]",
        ),
        click.option(
            "--units",
            type=click.Choice(["pixel", "0-1", "0-1000"]),
            help="Pixels, or fractions of the image's size. [default: pixel]",
        ),
        click.option(
            "--degenerate",
            type=click.Choice(["error", "count"]),
            default="error",
            show_default=True,
            help="What a predicted box without area is.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


split_option = click.option("--split", metavar="FILE", help="Image ids to score, one a line.")
unrelated_option = click.option(
    "--unrelated", metavar="FILE", help="UNRELATED_CAPTIONS of the release: captions to leave out."
)


def _protocol_names(_ctx: Any, _param: Any, incomplete: str) -> list[str]:
    return [name for name in PROTOCOLS if name.startswith(incomplete)]


@main.command()
@click.argument("ground_truth")
@click.argument("predictions", nargs=-1, required=True)
@split_option
@unrelated_option
@click.option(
    "--protocol",
    "names",
    multiple=True,
    default=["flickr30k"],
    metavar="NAME",
    shell_complete=_protocol_names,
    help="A protocol, see `phraseloc protocols`; may be repeated. [default: flickr30k]",
)
@click.option(
    "--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Override a protocol's field."
)
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "json", "csv", "markdown", "latex"]),
    default="table",
    show_default=True,
)
@click.option(
    "--per-phrase", metavar="FILE", help="Write every phrase's result (.csv .tsv .jsonl .parquet)."
)
@click.option(
    "--extra",
    type=click.Choice(["error", "count"]),
    default="error",
    show_default=True,
    help="What a row of an unknown image or phrase is.",
)
@click.option("--samples", type=click.IntRange(1), default=10_000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--confidence", type=click.FloatRange(0, 1, True, True), default=0.95, show_default=True
)
@space_options
def score(
    ground_truth: str,
    predictions: tuple[str, ...],
    split: str | None,
    unrelated: str | None,
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
    r"""Score PREDICTIONS against GROUND_TRUTH.

    GROUND_TRUTH is the Flickr30k Entities release (folder, zip or tar), or a JSON, JSON Lines, TSV
    or Parquet file; PREDICTIONS are such files, or - for standard input.

    \b
    Example:
      phraseloc score annotations.zip mine.json --split test.txt --protocol flickr30k
    """
    protocols = [_protocol(name, settings) for name in names]
    if per_phrase is not None:
        from phraseloc.formats.per_phrase import check_suffix

        check_suffix(Path(per_phrase))
    from phraseloc.formats import load_ground_truth
    from phraseloc.report import render_scores
    from phraseloc.scoring import score as score_predictions

    truth = load_ground_truth(ground_truth, split=split, unrelated=unrelated)
    alignments = [_aligned(truth, path, extra, reading) for path in predictions]
    scores = [
        score_predictions(
            truth,
            alignment.predictions,
            protocol,
            alignment=alignment,
            samples=samples,
            seed=seed,
            confidence=confidence,
        )
        for alignment in alignments
        for protocol in protocols
    ]
    if per_phrase is not None:
        from phraseloc.formats.per_phrase import write_per_phrase

        write_per_phrase(truth, scores, Path(per_phrase))
    click.echo(render_scores(scores, style))


def _protocol(name: str, settings: tuple[str, ...]) -> Protocol:
    return find_protocol(name).override(**parse_overrides(settings))


def _aligned(truth: Any, path: str, extra: str, reading: dict[str, Any]) -> Any:
    """Read predictions and lay them onto ground truth; all problems of the file come together."""
    from phraseloc.alignment import align
    from phraseloc.errors import Problems
    from phraseloc.formats import read_predictions
    from phraseloc.formats.source import name_of

    problems = Problems(name_of(path))
    predictions = read_predictions(path, problems, **reading)
    if not problems or predictions.keys.complete:
        alignment = align(truth, predictions, extra=extra, problems=problems)
    problems.raise_if_any()
    return alignment


@main.command()
@click.argument("file")
@click.option("--ground-truth", metavar="FILE", help="Check the predictions' keys against it.")
@split_option
@space_options
def validate(file: str, ground_truth: str | None, split: str | None, **reading: Any) -> None:
    r"""Check a prediction FILE, or with its keys against a ground truth; name all that is wrong.

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
    truth = load_ground_truth(ground_truth, split=split)
    alignment = _aligned(truth, file, "error", reading)
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
        sys.exit(INCOMPLETE)


@main.command()
@click.argument("name", required=False, shell_complete=_protocol_names)
def protocols(name: str | None) -> None:
    r"""List the protocols, or show every choice of the one called NAME.

    \b
    Example:
      phraseloc protocols maf-released
    """
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


@main.command()
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--split", metavar="FILE", help="Image ids to keep, one a line (ground truth).")
@click.option(
    "--ground-truth", "is_truth", is_flag=True, help="IN is ground truth, not predictions."
)
@space_options
def convert(source: str, target: Path, split: str | None, is_truth: bool, **reading: Any) -> None:
    r"""Convert IN to the format that OUT's suffix names: .json .jsonl .tsv .parquet (.gz, .zst).

    Boxes are written as the reference scorer has them: xywh, inclusive, origin 1. A release is
    always ground truth.

    \b
    Example:
      phraseloc convert mine.parquet mine.json
      phraseloc convert annotations.zip test.json --split test.txt
    """
    from phraseloc.formats import (
        load_ground_truth,
        load_predictions,
        save_ground_truth,
        save_predictions,
    )
    from phraseloc.formats.archive import is_archive

    if is_truth or split or is_archive(Path(source)):
        degenerate = reading.pop("degenerate")
        assert degenerate
        save_ground_truth(load_ground_truth(source, split=split, **reading), target)
    else:
        save_predictions(load_predictions(source, **reading), target)
    click.echo(f"wrote {target}", err=True)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    r"""Print the completion script of a SHELL.

    \b
    Example:
      eval "$(phraseloc completion bash)"
    """
    from click.shell_completion import get_completion_class

    source = get_completion_class(shell)
    assert source is not None
    click.echo(source(main, {}, "phraseloc", "_PHRASELOC_COMPLETE").source())
