"""Commands on files: ``convert``, ``proposals``, ``fetch``, ``completion``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from phraseloc.commands.options import proposal_options, space_options
from phraseloc.commands.program import main


@click.command()
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--split", metavar="FILE", help="Image ids to keep, one a line (ground truth).")
@click.option(
    "--ground-truth", "is_truth", is_flag=True, help="IN is ground truth, not predictions."
)
@space_options
def convert(source: str, target: Path, split: str | None, is_truth: bool, **reading: Any) -> None:
    """Convert IN to the format of OUT's suffix: .json .jsonl .csv .tsv .parquet (.gz, .zst).

    CSV has a line of names, and keys; TSV is the reference scorer's, which has none. Boxes are
    written as the reference scorer has them: xywh, inclusive, origin 1. A release is always ground
    truth.

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


@click.command()
@click.argument("files", nargs=-1, required=True)
@proposal_options
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the objects of all files as one (.parquet, or .json in MAF's layout).",
)
def proposals(
    files: tuple[str, ...],
    objects: str | None,
    attributes: str | None,
    proposal_boxes: dict[str, Any],
    output: Path | None,
) -> None:
    """Check and join proposal FILES, tell what they hold, and write them as one.

    MAF's features (.hdf5) among the files are checked against the boxes, row by row.

    \b
    Example:
      phraseloc proposals test_detection_dict.json test_features_compress.hdf5
      phraseloc proposals coco.json scenes.tsv -o objects.parquet
    """
    import numpy as np

    from phraseloc.formats.proposals import load_proposals
    from phraseloc.formats.proposals.write import save_proposals

    found = load_proposals(files, objects=objects, attributes=attributes, **proposal_boxes)
    counts = np.diff(found.offsets)
    click.echo(
        f"{found.source}: {len(found.images):,} images, {len(found):,} objects "
        f"({counts.min():,} to {counts.max():,} an image), "
        f"{len(found.labels.values):,} labels, sound"
    )
    click.echo("  boxes: " + ", ".join(f"{k} {v}" for k, v in vars(found.space).items()))
    if output is not None:
        save_proposals(found, output)
        click.echo(f"wrote {output}", err=True)


@click.command()
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


@click.command()
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
