"""The phrases of the report's page: strings once each, numbers as base64 of typed arrays.

The page's script reads them back (`templates/page.js`); a phrase with one method takes some
fifteen bytes.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from phraseloc.columns import IntArray, Strings, take_ragged

if TYPE_CHECKING:
    from phraseloc.data import GroundTruth
    from phraseloc.report.page import Method

FINE = 10_000
"""Overlaps are kept as whole numbers of so many parts."""


def phrase_data(truth: GroundTruth, methods: Sequence[Method], phrase: IntArray) -> str:
    """Give phrases that every method was scored on as JSON that is safe in a page.

    Parameters
    ----------
    phrase : (N,) int64, rows of the ground truth
    """
    keys = truth.keys
    places, offsets = take_ragged(truth.offsets, phrase)
    kinds, kind_offsets = take_ragged(truth.category_offsets, phrase)
    facts: dict[str, Any] = {
        "rows": len(phrase),
        "image": _strings(keys.image, phrase),
        "sentence": None if keys.sentence is None else _packed(keys.sentence[phrase], np.int32),
        "word": None if keys.first_word is None else _packed(keys.first_word[phrase], np.int32),
        "entity": None if keys.entity is None else _strings(keys.entity, phrase),
        "phrase": None if keys.phrase is None else _strings(keys.phrase, phrase),
        "caption": None if truth.sentences is None else _strings(truth.sentences, phrase),
        "categories": list(truth.categories),
        "kinds": _packed(truth.category_codes[kinds], np.int32),
        "kindStarts": _packed(kind_offsets, np.int32),
        "boxes": _packed(truth.boxes[places], np.float32),
        "boxStarts": _packed(offsets, np.int32),
        "sizes": _packed(truth.image_sizes[keys.image.codes[phrase]], np.float32),
        "methods": [_method(method, phrase) for method in methods],
    }
    return _safe(msgspec.json.encode(facts).decode())


def _method(method: Method, phrase: IntArray) -> dict[str, Any]:
    outcomes, predictions = method.outcomes, method.alignment.predictions
    rows = np.argsort(outcomes.phrase)[np.searchsorted(np.sort(outcomes.phrase), phrase)]
    row = outcomes.prediction[rows]
    first = predictions.first_boxes(row, np.nan)
    codes = None if method.diagnosis is None else method.diagnosis.codes[rows]
    return {
        "name": method.scores.name,
        "points": predictions.points,
        "right": _packed(outcomes.correct[rows], np.uint8),
        "overlap": _packed(np.round(outcomes.overlap[rows, 0] * FINE), np.int16),
        "class": None if codes is None else _packed(codes, np.int8),
        "box": _packed(first, np.float32),
    }


def _strings(column: Strings, phrase: IntArray) -> dict[str, Any]:
    kept = column.take(phrase)
    return {"values": list(kept.values), "codes": _packed(kept.codes, np.int32)}


def _packed(numbers: Any, kind: Any) -> str:
    little = np.ascontiguousarray(numbers, np.dtype(kind).newbyteorder("<"))
    return b64encode(little.tobytes()).decode()


def _safe(text: str) -> str:
    """Escape what could end a script element or a line of it; JSON means the same."""
    for mark in "<>&\u2028\u2029":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    return text
