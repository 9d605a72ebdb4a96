"""The command ``draw``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from phraseloc.commands.options import (
    extra_option,
    protocol_of,
    protocol_options,
    space_options,
    truth_options,
)
from phraseloc.commands.reading import aligned


@click.command()
@click.argument("ground_truth")
@click.argument("predictions", nargs=-1, required=True)
@truth_options
@click.option(
    "--images",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the images are (<image>.jpg, .jpeg or .png). [default: blank canvases]",
)
@click.option(
    "--select",
    "choices",
    multiple=True,
    default=["wrong"],
    metavar="wrong|flipped|random|ID",
    help="Phrases that the first file has wrong; that files disagree on; any; or those of an "
    "image, image#sentence or image#sentence:entity; may be repeated. [default: wrong]",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    help="Draw lots for so many phrases. [default: 20, and all that IDs name]",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the lots.")
@protocol_options
@click.option(
    "--suffix", type=click.Choice(["png", "pdf", "svg"]), default="png", show_default=True
)
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    metavar="DIR",
    help="Where the pictures go.",
)
@extra_option
@space_options
def draw(
    ground_truth: str,
    predictions: tuple[str, ...],
    split: str | None,
    unrelated: str | None,
    truth_boxes: dict[str, Any],
    images: Path | None,
    choices: tuple[str, ...],
    limit: int | None,
    seed: int,
    name: str,
    settings: tuple[str, ...],
    suffix: str,
    output: Path,
    extra: str,
    **reading: Any,
) -> None:
    """Draw phrases of GROUND_TRUTH with their boxes, and those of PREDICTIONS.

    The ground truth is red, the first file blue, the second yellow; where an entity has several
    boxes, they are dashed, and the union box around them is solid.

    \b
    Example:
      phraseloc draw annotations.zip mine.json theirs.json --images flickr30k-images \\
          --split test.txt --select flipped -o pictures
    """
    protocol = protocol_of(name, settings)
    from phraseloc.formats import load_ground_truth
    from phraseloc.formats.images import find_images
    from phraseloc.formats.source import names_of
    from phraseloc.outcomes import find_outcomes
    from phraseloc.report.draw import write_pictures
    from phraseloc.report.pictures import pictures_of
    from phraseloc.selection import select

    truth = load_ground_truth(ground_truth, split=split, unrelated=unrelated, **truth_boxes)
    alignments = [aligned(truth, path, extra, reading) for path in predictions]
    names = names_of(predictions)
    outcomes = [find_outcomes(truth, alignment, protocol) for alignment in alignments]
    chosen = select(truth, outcomes, choices, limit=limit, seed=seed)
    pictures = pictures_of(truth, alignments, outcomes, names, protocol, chosen.phrases)
    sizes = {picture.image: picture.size for picture in pictures}
    files = find_images(images, sizes) if images is not None else {}
    for path in write_pictures(pictures, files, output, suffix):
        click.echo(path)
    if len(pictures) < chosen.found:
        click.echo(f"{len(pictures):,} of {chosen.found:,} phrases; --limit for more", err=True)
    elif not pictures:
        click.echo(f"no phrase of {', '.join(choices)}", err=True)
