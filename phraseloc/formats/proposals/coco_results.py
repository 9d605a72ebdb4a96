"""COCO results: an array of objects, in any order of images.

``[{"image_id": 42, "category_id": 18, "bbox": [x, y, w, h], "score": 0.9}, ...]``; boxes are
continuous, with origin 0. Fields of no use here, such as ``segmentation``, are passed over.
https://cocodataset.org/#format-results
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from phraseloc.columns import Strings
from phraseloc.errors import Problems
from phraseloc.formats.proposals.assemble import Detections, in_order
from phraseloc.formats.proposals.checked_json import fits, parse, shown
from phraseloc.formats.proposals.vocabulary import Vocabulary
from phraseloc.formats.records import Box
from phraseloc.formats.source import check_text
from phraseloc.space import BoxSpace

SPACE = BoxSpace("xywh", "continuous", 0)


class Result(msgspec.Struct, gc=False):
    """An object; its score may be unknown."""

    image_id: int | str
    category_id: int
    bbox: Box
    score: float | None = None


_RESULTS = msgspec.json.Decoder(list[Result])

_KINDS: Mapping[str, tuple[Any, str]] = {
    "image_id": (int | str, "a whole number or a string"),
    "category_id": (int, "a whole number"),
    "bbox": (Box, "4 numbers"),
    "score": (float | None, "a number"),
}


def read_results(
    data: bytes, source: str, vocabulary: Vocabulary, problems: Problems
) -> Detections:
    """Read the objects of all images; what is wrong with one is noted in ``problems``.

    Raises
    ------
    InputError
        if the text is not a JSON array
    """
    text = check_text(data, source)
    rows = None
    try:
        results = _RESULTS.decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        results, rows = _checked(parse(text, source)[0], problems)
        if not problems:
            problems.add("a file that cannot be read", str(error))

    def where(place: int) -> str:
        return f"result {(place if rows is None else rows[place]) + 1}"

    names = [str(result.image_id) for result in results]
    images = list(dict.fromkeys(names))
    ids = [result.category_id for result in results]
    found = Detections(
        images,
        np.zeros(0, np.int64),
        np.array([result.bbox for result in results], np.float64).reshape(-1, 4),
        vocabulary.labels(ids, where, problems),
        scores=np.array([result.score for result in results], np.float64),
    )
    return in_order(found, Strings.of(names).codes_in(images))


def _checked(objects: list[Any], problems: Problems) -> tuple[list[Result], list[int]]:
    """Check plain objects field by field, note every problem, and keep the sound ones."""
    results, rows = [], []
    for row, item in enumerate(objects):
        wrong = _wrong(item)
        for kind, found in wrong:
            problems.add(kind, f"result {row + 1}: found {found}")
        if not wrong:
            known = {name: item[name] for name in _KINDS if name in item}
            results.append(msgspec.convert(known, Result))
            rows.append(row)
    return results, rows


def _wrong(item: Any) -> list[tuple[str, str]]:
    """List what is wrong with a result: the kind of problem, and what was found."""
    if not isinstance(item, dict):
        return [("a result that is not an object", shown(item))]
    lacking = [name for name in _KINDS if name not in item and name != "score"]
    return [(f'a result without "{name}"', shown(item)) for name in lacking] + [
        (f'"{name}" is not {expected}', shown(item[name]))
        for name, (kind, expected) in _KINDS.items()
        if name in item and not fits(item[name], kind)
    ]
