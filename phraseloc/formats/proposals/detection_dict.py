"""MAF's detections: ``{split}_detection_dict.json`` as released, an object of images.

``{"<image>": {"bboxes": [[x1, y1, x2, y2], ...], "classes": [...], "attrs": [...]}}``, and with
them ``scores``, ``width`` and ``height`` where a detector gave them; null is an unknown score.
Corners count from 0, and the last pixel is inside. Wang et al., MAF, EMNLP 2020.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, repeat
from typing import Any

import msgspec
import numpy as np

from phraseloc.columns import FloatArray, IntArray, Strings
from phraseloc.errors import Problems
from phraseloc.formats.proposals.assemble import Detections
from phraseloc.formats.proposals.checked_json import fits, parse, shown
from phraseloc.formats.records import Box
from phraseloc.formats.source import check_text


class Detected(msgspec.Struct, gc=False):
    """The objects of an image; fields of no use here are passed over."""

    bboxes: list[Box]
    classes: list[str]
    attrs: list[str] | None = None
    scores: list[float | None] | None = None
    width: float | None = None
    height: float | None = None


_IMAGES = msgspec.json.Decoder(dict[str, Detected])

_KINDS: Mapping[str, tuple[Any, str]] = {
    "bboxes": (list[Any], "a list of boxes"),
    "classes": (list[str], "a list of strings"),
    "attrs": (list[str] | None, "a list of strings"),
    "scores": (list[float | None] | None, "a list of numbers"),
    "width": (float | None, "a number"),
    "height": (float | None, "a number"),
}


def read_detections(data: bytes, source: str, problems: Problems) -> Detections:
    """Read the objects of all images; what is wrong with one is noted in ``problems``.

    Raises
    ------
    InputError
        if the text is not JSON
    """
    text = check_text(data, source)
    try:
        images = _IMAGES.decode(data)
        # a name that stands twice leaves one image less, and its boxes stand in the text still
        if data.count(b'"bboxes"') != len(images):
            _note_repeated(parse(text, source)[1], problems)
    except (msgspec.DecodeError, RecursionError) as error:
        objects, repeated = parse(text, source)
        _note_repeated(repeated, problems)
        images = _checked(objects, problems)
        if not problems:
            problems.add("a file that cannot be read", str(error))
    _note_counts(images, problems)
    return _columns(images)


def _columns(images: Mapping[str, Detected]) -> Detections:
    found = list(images.values())
    counts = np.array([len(image.bboxes) for image in found], np.int64)
    total = int(counts.sum())
    numbers = chain.from_iterable(chain.from_iterable(image.bboxes for image in found))
    return Detections(
        list(images),
        counts,
        np.fromiter(numbers, np.float64, 4 * total).reshape(-1, 4),
        Strings.of(list(chain.from_iterable(image.classes for image in found))),
        None if all(image.attrs is None for image in found) else _attributes(found, counts),
        None if all(image.scores is None for image in found) else _scores(found, counts),
        np.array([(image.width, image.height) for image in found], np.float64).reshape(-1, 2),
    )


def _attributes(found: list[Detected], counts: IntArray) -> Strings:
    """Give all attributes; those of an image without any are empty."""
    given = (
        repeat("", count) if image.attrs is None else image.attrs
        for image, count in zip(found, counts.tolist(), strict=True)
    )
    return Strings.of(list(chain.from_iterable(given)))


def _scores(found: list[Detected], counts: IntArray) -> FloatArray:
    """Give all scores; those of an image without any are NaN."""
    given: Iterator[Any] = (
        repeat(None, count) if image.scores is None else image.scores
        for image, count in zip(found, counts.tolist(), strict=True)
    )
    return np.array(list(chain.from_iterable(given)), np.float64)


def _note_counts(images: Mapping[str, Detected], problems: Problems) -> None:
    """Note images whose labels, attributes or scores are not one a box."""
    for name in ("classes", "attrs", "scores"):
        wrong = [
            (image, len(values), len(found.bboxes))
            for image, found in images.items()
            if (values := getattr(found, name)) is not None and len(values) != len(found.bboxes)
        ]
        problems.add_rows(
            f'"{name}" that are not one a box',
            wrong,
            lambda row, name=name: (  # type: ignore[misc]
                f"image {row[0]}: found {row[1]} {name}, expected {row[2]}"
            ),
        )


def _note_repeated(images: list[str], problems: Problems) -> None:
    problems.add_rows("an image that stands twice", images, lambda image: f"image {image}")


def _checked(objects: Any, problems: Problems) -> dict[str, Detected]:
    """Check plain objects field by field, note every problem, and keep the sound images."""
    sound = {}
    for image, item in objects.items():
        wrong = list(_wrong(item))
        for kind, where, found in wrong:
            problems.add(kind, f"image {image}{where}: found {found}")
        if not wrong:
            known = {name: item[name] for name in _KINDS if name in item}
            sound[image] = msgspec.convert(known, Detected)
    return sound


def _wrong(item: Any) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with an image: the kind of problem, the place and what was found."""
    if not isinstance(item, dict):
        yield 'an image that is not an object of "bboxes" and "classes"', "", shown(item)
        return
    for name, (kind, expected) in _KINDS.items():
        if name not in item:
            if name in ("bboxes", "classes"):
                yield f'an image without "{name}"', "", shown(sorted(item))
        elif not fits(item[name], kind):
            yield f'"{name}" is not {expected}', "", shown(item[name])
        elif name == "bboxes":
            for number, box in enumerate(item[name], start=1):
                if not fits(box, Box):
                    yield "a box that is not 4 numbers", f" object {number}", shown(box)
