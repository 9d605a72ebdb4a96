"""Overlaps and unions of boxes. Three layers: a pair of boxes, a loop over rows, a public function.

Rows are independent, so the number of threads cannot move a bit; the operations stand in the order
of `phraseloc.geometry`, and neither contraction nor reassociation is allowed (no ``fastmath``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit, prange

from phraseloc.columns import FloatArray, IntArray, offsets_of
from phraseloc.geometry import FLOOR

_IOU, _GIOU, _POINT = range(3)
_MEASURES = {"iou": _IOU, "giou": _GIOU, "point": _POINT}


def paired_iou(boxes: FloatArray, targets: FloatArray) -> FloatArray:
    """Twin of `phraseloc.geometry.paired_iou`."""
    return _paired(boxes, targets, _IOU)


def paired_giou(boxes: FloatArray, targets: FloatArray) -> FloatArray:
    """Twin of `phraseloc.geometry.paired_giou`."""
    return _paired(boxes, targets, _GIOU)


def paired_point(boxes: FloatArray, targets: FloatArray) -> FloatArray:
    """Twin of `phraseloc.geometry.paired_point`."""
    return _paired(boxes, targets, _POINT)


def ragged_iou(
    boxes: FloatArray, offsets: IntArray, targets: FloatArray, target_offsets: IntArray
) -> FloatArray:
    """Twin of `phraseloc.geometry.ragged_iou`."""
    starts = offsets_of(np.diff(offsets) * np.diff(target_offsets))
    out = np.empty(starts[-1])
    _ragged_iou(boxes, offsets, targets, target_offsets, starts, out)
    return out


def ragged_union(boxes: FloatArray, offsets: IntArray) -> FloatArray:
    """Twin of `phraseloc.geometry.ragged_union`."""
    out = np.empty((len(offsets) - 1, 4))
    _ragged_union(boxes, offsets, out)
    return out


def best_overlaps(
    boxes: FloatArray,
    offsets: IntArray,
    targets: FloatArray,
    target_offsets: IntArray,
    ranks: Sequence[int],
    *,
    overlap: str = "iou",
    every: bool = False,
) -> FloatArray:
    """Twin of `phraseloc.geometry.best_overlaps`."""
    cuts = np.array([*ranks, np.iinfo(np.int64).max])
    out = np.full((len(offsets) - 1, len(cuts)), FLOOR[overlap])
    measure = _MEASURES[overlap]
    _best_overlaps(boxes, offsets, targets, target_offsets, cuts, measure, every, out)
    return out


def _paired(boxes: FloatArray, targets: FloatArray, measure: int) -> FloatArray:
    out = np.empty(len(boxes))
    _paired_rows(boxes, targets, measure, out)
    return out


@njit(cache=True, parallel=True)
def _paired_rows(boxes, targets, measure, out):  # type: ignore[no-untyped-def]
    for row in prange(len(out)):
        out[row] = _overlap(boxes, row, targets, row, measure)


@njit(cache=True, parallel=True)
def _ragged_iou(boxes, offsets, targets, target_offsets, starts, out):  # type: ignore[no-untyped-def]
    for row in prange(len(offsets) - 1):
        place = starts[row]
        for target in range(target_offsets[row], target_offsets[row + 1]):
            for box in range(offsets[row], offsets[row + 1]):
                out[place] = _iou(boxes, box, targets, target)
                place += 1


@njit(cache=True, parallel=True)
def _ragged_union(boxes, offsets, out):  # type: ignore[no-untyped-def]
    for row in prange(len(out)):
        out[row] = boxes[offsets[row]]
        for box in range(offsets[row] + 1, offsets[row + 1]):
            for side in range(2):
                out[row, side] = min(out[row, side], boxes[box, side])
                out[row, side + 2] = max(out[row, side + 2], boxes[box, side + 2])


@njit(cache=True, parallel=True)
def _best_overlaps(  # type: ignore[no-untyped-def]
    boxes, offsets, targets, target_offsets, cuts, measure, every, out
):
    for row in prange(len(out)):
        first = target_offsets[row]
        for column in range(len(cuts)):
            end = min(offsets[row + 1] - offsets[row], cuts[column]) + offsets[row]
            for target in range(first, target_offsets[row + 1]):
                best = out[row, column] if target == first else _floor(measure)
                for box in range(offsets[row], end):
                    best = max(best, _overlap(boxes, box, targets, target, measure))
                if target == first:
                    out[row, column] = best
                elif every:
                    out[row, column] = min(out[row, column], best)
                else:
                    out[row, column] = max(out[row, column], best)


@njit(inline="always")
def _floor(measure):  # type: ignore[no-untyped-def]
    return -1.0 if measure == _GIOU else 0.0


@njit(inline="always")
def _overlap(boxes, box, targets, target, measure):  # type: ignore[no-untyped-def]
    if measure == _IOU:
        return _iou(boxes, box, targets, target)
    if measure == _GIOU:
        return _giou(boxes, box, targets, target)
    return _point(boxes, box, targets, target)


@njit(inline="always")
def _area(boxes, box):  # type: ignore[no-untyped-def]
    return (boxes[box, 2] - boxes[box, 0]) * (boxes[box, 3] - boxes[box, 1])


@njit(inline="always")
def _intersection(boxes, box, targets, target):  # type: ignore[no-untyped-def]
    width = min(boxes[box, 2], targets[target, 2]) - max(boxes[box, 0], targets[target, 0])
    height = min(boxes[box, 3], targets[target, 3]) - max(boxes[box, 1], targets[target, 1])
    return max(width, 0.0) * max(height, 0.0)


@njit(inline="always")
def _iou(boxes, box, targets, target):  # type: ignore[no-untyped-def]
    intersection = _intersection(boxes, box, targets, target)
    union = _area(boxes, box) + _area(targets, target) - intersection
    return intersection / union if union > 0.0 else 0.0


@njit(inline="always")
def _giou(boxes, box, targets, target):  # type: ignore[no-untyped-def]
    intersection = _intersection(boxes, box, targets, target)
    union = _area(boxes, box) + _area(targets, target) - intersection
    width = max(boxes[box, 2], targets[target, 2]) - min(boxes[box, 0], targets[target, 0])
    height = max(boxes[box, 3], targets[target, 3]) - min(boxes[box, 1], targets[target, 1])
    hull = width * height
    iou = intersection / union if union > 0.0 else 0.0
    return iou - ((hull - union) / hull if hull > 0.0 else 0.0)


@njit(inline="always")
def _point(boxes, box, targets, target):  # type: ignore[no-untyped-def]
    x = (boxes[box, 0] + boxes[box, 2]) / 2
    y = (boxes[box, 1] + boxes[box, 3]) / 2
    inside = targets[target, 0] <= x <= targets[target, 2]
    return 1.0 if inside and targets[target, 1] <= y <= targets[target, 3] else 0.0
