"""The TSV of bottom-up attention: an image a line, arrays as base64 of little-endian numbers.

Two layouts exist. Six fields (Anderson et al., CVPR 2018; github.com/peteanderson80/
bottom-up-attention, ``tools/read_tsv.py``): image, width, height, number of boxes, boxes, features;
objects then have no labels, which are empty. Ten fields (LXMERT, Tan and Bansal, EMNLP 2019):
image, *height, width*, ids and confidences of objects and of attributes, number of boxes, boxes,
features; ids count from 0. Boxes are float32 ``x1, y1, x2, y2`` from 0, clipped to the last pixel.

A line's features (2,048 numbers a box, 20 GB in all for COCO) are measured, never decoded or kept.
Lines may end in CR LF, as Python's csv module writes them.
"""

from __future__ import annotations

import binascii
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from phraseloc.columns import Strings
from phraseloc.errors import OptionError, Problems
from phraseloc.formats.proposals.assemble import Detections
from phraseloc.formats.proposals.checked_json import shown
from phraseloc.formats.proposals.vocabulary import Vocabulary

LAYOUTS: Mapping[int, Sequence[str]] = {
    6: ("image_id", "image_w", "image_h", "num_boxes", "boxes", "features"),
    10: (
        "image_id", "image_h", "image_w", "objects_id", "objects_conf", "attrs_id", "attrs_conf",
        "num_boxes", "boxes", "features",
    ),
}  # fmt: skip
"""The fields of the layouts, by their number."""

_ARRAYS: Mapping[str, tuple[str, int]] = {
    "objects_id": ("<i8", 1),
    "objects_conf": ("<f4", 1),
    "attrs_id": ("<i8", 1),
    "attrs_conf": ("<f4", 1),
    "boxes": ("<f4", 4),
}
"""What an array is made of, and how many numbers a box has in it."""

_FLOAT = 4
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="


class _WrongLineError(Exception):
    """A line that cannot be used: the kind of problem, and what was found."""


@dataclass
class _Lines:
    """What was read so far."""

    fields: int = 0
    features: int | None = None
    images: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    sizes: list[tuple[float, float]] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    arrays: dict[str, list[Any]] = field(default_factory=dict)


def read_bottom_up(
    lines: Iterable[bytes],
    source: str,
    objects: Vocabulary | None,
    attributes: Vocabulary | None,
    problems: Problems,
) -> Detections:
    """Read an image a line; wrong lines are noted in ``problems``.

    Parameters
    ----------
    objects : the labels of the ids of the ten-field layout
    attributes : likewise; without them, objects have no attributes

    Raises
    ------
    OptionError
        if the file has ten fields and no ``objects`` are given
    """
    found = _Lines()
    for row, line in enumerate(lines, start=1):
        fields = line.rstrip(b"\r\n").split(b"\t")
        if not found.fields and len(fields) in LAYOUTS:
            found.fields = len(fields)
            if objects is None and "objects_id" in LAYOUTS[len(fields)]:
                raise OptionError(
                    f"{source}: its objects are ids (10 fields a line); give the file of their "
                    "labels, one a line, as objects (vg_objects_1600.txt of bottom-up attention)"
                )
        try:
            _read_line(fields, row, found)
        except _WrongLineError as error:
            kind, what = error.args
            problems.add(kind, f"line {row}: {what}")
    return _detections(found, objects, attributes, problems)


def _read_line(fields: list[bytes], row: int, found: _Lines) -> None:
    """Read one line, and keep it if it is sound."""
    if len(fields) != found.fields:
        expected = found.fields or " or ".join(map(str, LAYOUTS))
        raise _WrongLineError(
            f"a line without {expected} fields, split by tabs", f"found {len(fields)} fields"
        )
    named = dict(zip(LAYOUTS[found.fields], fields, strict=True))
    try:
        image = named["image_id"].decode()
    except UnicodeDecodeError:
        raise _WrongLineError(
            "an image that is not UTF-8 text", f"found {fields[0][:80]!r}"
        ) from None
    size = (_number(named, "image_w"), _number(named, "image_h"))
    count = _number(named, "num_boxes")
    if not (count.is_integer() and count >= 0):
        raise _WrongLineError("a number of boxes that is not whole", f"found {count:g}")
    arrays = {name: _array(named, name, int(count)) for name in _ARRAYS if name in named}
    width = _width(named["features"], int(count), found.features)
    found.features = width if found.features is None else found.features
    found.images.append(image)
    found.rows.append(row)
    found.sizes.append(size)
    found.counts.append(int(count))
    for name, array in arrays.items():
        found.arrays.setdefault(name, []).append(array)


def _number(named: Mapping[str, bytes], name: str) -> float:
    try:
        value = float(named[name])
    except ValueError:
        value = np.nan
    if not abs(value) < 2**31:
        raise _WrongLineError(
            f"{name} is not a number", f"found {shown(named[name].decode(errors='replace'))}"
        )
    return value


def _array(named: Mapping[str, bytes], name: str, count: int) -> Any:
    """Decode an array: (count,), or (count, 4) for boxes."""
    dtype, width = _ARRAYS[name]
    text = named[name]
    size = _size(text, name)
    expected = count * width * np.dtype(dtype).itemsize
    if size != expected:
        raise _WrongLineError(
            f"{name} that are not num_boxes rows",
            f"found {size:,} bytes, expected {expected:,} for {count} boxes",
        )
    return np.frombuffer(binascii.a2b_base64(text), dtype).reshape(count, width)


def _width(text: bytes, count: int, expected: int | None) -> int | None:
    """Give the numbers a box of the features, which all lines share; None where no box is."""
    size = _size(text, "features")
    if not count:
        width = None if not size else -1
    else:
        width = size // (_FLOAT * count) if size % (_FLOAT * count) == 0 else -1
    if width in (-1, 0) or (width is not None and expected is not None and width != expected):
        numbers = "N" if expected is None else f"{expected:,}"
        raise _WrongLineError(
            "features that are not num_boxes rows",
            f"found {size:,} bytes, expected {count} x {numbers} numbers of {_FLOAT} bytes",
        )
    return width


def _size(text: bytes, name: str) -> int:
    """Give how many bytes a base64 text holds, without decoding it."""
    body = text.rstrip(b"=")
    padding = len(text) - len(body)
    if len(text) % 4 or padding > 2 or text.translate(None, _BASE64) or b"=" in body:
        excerpt = shown(text[:40].decode(errors="replace"))
        raise _WrongLineError(
            f"{name} that are not base64", f"found {len(text):,} characters, {excerpt}"
        )
    return len(text) // 4 * 3 - padding


def _detections(
    found: _Lines, objects: Vocabulary | None, attributes: Vocabulary | None, problems: Problems
) -> Detections:
    owners = np.repeat(np.arange(len(found.rows)), found.counts)
    firsts = np.cumsum([0, *found.counts])

    def where(box: int) -> str:
        line = owners[box]
        return f"line {found.rows[line]} object {box - firsts[line] + 1}"

    def column(name: str) -> Any:
        return np.concatenate([np.zeros((0, _ARRAYS[name][1])), *found.arrays.get(name, [])])

    def labels(name: str, vocabulary: Vocabulary | None) -> Strings | None:
        if vocabulary is None or not found.arrays.get(name):
            return None
        return vocabulary.labels(np.concatenate(found.arrays[name])[:, 0].tolist(), where, problems)

    boxes = column("boxes")
    return Detections(
        found.images,
        np.array(found.counts, np.int64),
        boxes,
        labels("objects_id", objects) or Strings.of([""] * len(boxes)),
        labels("attrs_id", attributes),
        column("objects_conf")[:, 0] if "objects_conf" in found.arrays else None,
        np.array(found.sizes, np.float64).reshape(-1, 2),
    )
