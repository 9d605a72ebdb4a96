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
from phraseloc.report import FORMATS, render_scores
from phraseloc.space import CHOICES

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


def options(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Join options that several commands share into one decorator; help lists them in order."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def _parse_space(_ctx: Any, _param: Any, text: str | None) -> dict[str, Any]:
    """Parse ``layout=xywh,corners=continuous,origin=0`` into declared fields."""
    fields = dict(item.partition("=")[::2] for item in text.split(",")) if text else {}
    unknown = set(fields) - set(CHOICES)
    if unknown:
        found = ", ".join(sorted(unknown))
        raise click.BadParameter(f"found {found}; expected {', '.join(CHOICES)}")
    return {k: int(v) if k == "origin" and v.isdecimal() else v for k, v in fields.items()}


def _parse_origin(_ctx: Any, _param: Any, text: str | None) -> int | None:
    return None if text is None else int(text)


truth_options = options(
    click.option("--split", metavar="FILE", help="Image ids to keep, one a line."),
    click.option(
        "--unrelated", metavar="FILE", help="UNRELATED_CAPTIONS of the release, to leave out."
    ),
    click.option(
        "--truth-boxes",
        metavar="FIELD=VALUE,...",
        callback=_parse_space,
        help="What the ground truth's boxes mean, as layout=xywh,corners=continuous,origin=0.",
    ),
)
space_options = options(
    click.option("--layout", type=click.Choice(CHOICES["layout"]), help="[default: xywh]"),
    click.option(
        "--corners",
        type=click.Choice(CHOICES["corners"]),
        help="Does the right and bottom pixel belong to the box? [default: inclusive]",
    ),
    click.option(
        "--origin",
        type=click.Choice([str(origin) for origin in CHOICES["origin"]]),
        callback=_parse_origin,
        help="The coordinate of the first pixel. [default: 1]",
    ),
    click.option(
        "--units",
        type=click.Choice(CHOICES["units"]),
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
extra_option = click.option(
    "--extra",
    type=click.Choice(["error", "count"]),
    default="error",
    show_default=True,
    help="What a row of an unknown image or phrase is.",
)
bootstrap_options = options(
    click.option("--samples", type=click.IntRange(1), default=10_000, show_default=True),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True),
    click.option(
        "--confidence", type=click.FloatRange(0, 1, True, True), default=0.95, show_default=True
    ),
)


def _protocol_names(_ctx: Any, _param: Any, incomplete: str) -> list[str]:
    return [name for name in PROTOCOLS if name.startswith(incomplete)]


@main.command()
@click.argument("ground_truth")
@click.argument("predictions", nargs=-1, required=True)
@truth_options
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
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
)
@click.option(
    "--per-phrase", metavar="FILE", help="Write every phrase's result (.csv .tsv .jsonl .parquet)."
)
@extra_option
@bootstrap_options
@space_options
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

    GROUND_TRUTH is the Flickr30k Entities release (folder, zip or tar), or a JSON, JSON Lines, TSV
    or Parquet file; PREDICTIONS are such files, or - for standard input.

    \b
    Example:
      phraseloc score annotations.zip mine.json --split test.txt --protocol flickr30k
    """
    protocols = [_protocol(name, settings) for name in names]
    if per_phrase is not None:
        from phraseloc.formats.per_phrase import SUFFIXES
        from phraseloc.formats.source import suffix_of

        suffix_of(Path(per_phrase), SUFFIXES)
    from phraseloc.formats import load_ground_truth
    from phraseloc.scoring import score as score_predictions

    truth = load_ground_truth(ground_truth, split=split, unrelated=unrelated, **truth_boxes)
    alignments = [_aligned(truth, path, extra, reading) for path in predictions]
    sources = [alignment.predictions.source for alignment in alignments]
    labels = sources if len(set(sources)) == len(sources) else predictions
    scores = [
        score_predictions(
            truth,
            alignment.predictions,
            protocol,
            alignment=alignment,
            name=label,
            samples=samples,
            seed=seed,
            confidence=confidence,
        )
        for alignment, label in zip(alignments, labels, strict=True)
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
    alignment = _aligned(truth, file, extra, reading)
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
    """List the protocols, or show every choice of the one called NAME.

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
    """Convert IN to the format that OUT's suffix names: .json .jsonl .tsv .parquet (.gz, .zst).

    Boxes are written as the reference scorer has them: xywh, inclusive, origin 1. A release is
    always ground truth.

    \b
    Example:
      phraseloc convert mine.parquet mine.json
      phraseloc convert annotations.zip test.json --split test.txt
    """
    from phraseloc.formats import load_ground_truth, load_predictions
    from phraseloc.formats.source import is_archive
    from phraseloc.formats.write import save_ground_truth, save_predictions

    if is_truth or split or (Path(source).exists() and is_archive(Path(source))):
        degenerate = reading.pop("degenerate")
        assert degenerate
        save_ground_truth(load_ground_truth(source, split=split, **reading), target)
    else:
        save_predictions(load_predictions(source, **reading), target)
    click.echo(f"wrote {target}", err=True)


@main.command()
@click.argument("name", type=click.Choice(["flickr30k-entities", "phraseloceval"]))
@click.option(
    "--output",
    "-o",
    default=".",
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
)
@click.option("--host", hidden=True, help="Another host with the same files.")
def fetch(name: str, output: Path, host: str | None) -> None:
    """Download the originals called NAME from where their authors publish them.

    \b
    flickr30k-entities  annotations.zip, train.txt, val.txt, test.txt, UNRELATED_CAPTIONS
    phraseloceval       flickr30k_annotation_test.json, the reference scorer's ground truth

    \b
    Example:
      phraseloc fetch flickr30k-entities -o data
    """
    from phraseloc import download

    for place in download.fetch(name, output, host or download.HOST):
        click.echo(place)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print the completion script of a SHELL.

    \b
    Example:
      eval "$(phraseloc completion bash)"
    """
    from click.shell_completion import get_completion_class

    source = get_completion_class(shell)
    assert source is not None
    click.echo(source(main, {}, "phraseloc", "_PHRASELOC_COMPLETE").source())
