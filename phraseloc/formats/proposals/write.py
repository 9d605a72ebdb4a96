"""Writing proposals: Parquet, or MAF's JSON, by suffix; whole or not at all.

Parquet keeps every bit of a box. MAF's JSON has no header, so that its boxes must be inclusive
corners from 0: a right or bottom edge is written less 1, which loses nothing from half a pixel on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from phraseloc.formats.source import compressed, replacing, suffix_of
from phraseloc.proposals import DETECTOR_SPACE, Proposals

SUFFIXES = (".json", ".parquet")


def save_proposals(proposals: Proposals, path: str | Path) -> None:
    """Write proposals to a file whose suffix names the format; ``.gz`` and ``.zst`` compress it.

    Raises
    ------
    OptionError
        if the suffix names no format
    InputError
        if the file cannot be written
    """
    place = Path(path)
    if suffix_of(place, SUFFIXES) == ".json":
        data = msgspec.json.encode(dict(_images(proposals)))
    else:
        from phraseloc.formats.proposals.parquet import write_proposal_table

        data = write_proposal_table(proposals)
    with replacing(place) as file:
        file.write(compressed(data, place))


def _images(proposals: Proposals) -> Iterator[tuple[str, dict[str, Any]]]:
    columns: dict[str, list[Any]] = {
        "bboxes": DETECTOR_SPACE.write(proposals.boxes).tolist(),
        "classes": proposals.labels.to_list(),
    }
    if proposals.attributes is not None:
        columns["attrs"] = proposals.attributes.to_list()
    if proposals.scores is not None:  # JSON has no NaN: an unknown score is null
        columns["scores"] = proposals.scores.tolist()
    bounds = proposals.offsets.tolist()
    sizes = proposals.image_sizes.tolist()
    for row, image in enumerate(proposals.images):
        low, high = bounds[row : row + 2]
        found: dict[str, Any] = {name: values[low:high] for name, values in columns.items()}
        width, height = map(_plain, sizes[row])
        if not math.isnan(width):
            found |= {"width": width, "height": height}
        yield image, found


def _plain(number: float) -> float | int:
    """Give a whole number as int, as detectors' files have it."""
    return int(number) if number.is_integer() else number
