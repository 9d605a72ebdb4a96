"""Overlaps and unions of boxes. Three layers: a pair of boxes, a loop over rows, a public function.

Rows are independent, so the number of threads cannot move a bit; the operations stand in the order
of `phraseloc.geometry`, and neither contraction nor reassociation is allowed (no ``fastmath``).
Where a row's boxes meet several targets, they are first turned into columns: four runs of one
coordinate each, which a processor computes with eight boxes at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numba import njit, prange

from phraseloc.columns import FloatArray, IntArray, offsets_of
from phraseloc.geometry import FLOOR

_IOU, _GIOU, _POINT = range(3)
_MEASURES = {"iou": _IOU, "giou": _GIOU, "point": _POINT}

_PARTS = 256
"""Into how many runs of rows the work is cut; each has one scratch of its widest row."""


def paired_iou(
    boxes: FloatArray, targets: FloatArray, *, out: FloatArray | None = None
) -> FloatArray:
    """Twin of `phraseloc.geometry.paired_iou`; ``out`` (N,) takes the result, if given.

    Of new memory, the operating system clears every page on first touch, which takes about as
    long as the overlaps themselves: an ``out`` that was used before spares it.
    """
    return _paired(boxes, targets, _IOU, out)


def paired_giou(
    boxes: FloatArray, targets: FloatArray, *, out: FloatArray | None = None
) -> FloatArray:
    """Twin of `phraseloc.geometry.paired_giou`; ``out`` (N,) takes the result, if given."""
    return _paired(boxes, targets, _GIOU, out)


def paired_point(
    boxes: FloatArray, targets: FloatArray, *, out: FloatArray | None = None
) -> FloatArray:
    """Twin of `phraseloc.geometry.paired_point`; ``out`` (N,) takes the result, if given."""
    return _paired(boxes, targets, _POINT, out)


def ragged_iou(
    boxes: FloatArray,
    offsets: IntArray,
    targets: FloatArray,
    target_offsets: IntArray,
    *,
    out: FloatArray | None = None,
) -> FloatArray:
    """Twin of `phraseloc.geometry.ragged_iou`; ``out`` takes the result, if given."""
    starts = offsets_of(np.diff(offsets) * np.diff(target_offsets))
    result = _output(out, int(starts[-1]))
    _ragged_iou(boxes, offsets, targets, target_offsets, starts, _parts(offsets), result)
    return result


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
    out = np.empty((len(offsets) - 1, len(cuts)))
    kind = (_MEASURES[overlap], FLOOR[overlap], every)
    _best_overlaps(boxes, offsets, targets, target_offsets, cuts, kind, _parts(offsets), out)
    return out


def _paired(
    boxes: FloatArray, targets: FloatArray, measure: int, out: FloatArray | None
) -> FloatArray:
    result = _output(out, len(boxes))
    _paired_rows(boxes, targets, measure, result)
    return result


def _output(out: FloatArray | None, size: int) -> FloatArray:
    """Give the array that takes a result of ``size`` numbers."""
    if out is None:
        return np.empty(size)
    if out.shape != (size,) or out.dtype != np.float64:
        raise ValueError(f"out is {out.dtype} {out.shape}; expected float64 {(size,)}")
    return out


def _parts(offsets: IntArray) -> IntArray:
    """Cut rows into runs of about as many boxes each: the first row of each run, and the end."""
    rows = len(offsets) - 1
    marks = np.linspace(offsets[0], offsets[-1], _PARTS + 1)[1:-1]
    inner = np.searchsorted(offsets[:-1], marks)
    return np.concatenate([[0], inner, [rows]])


@njit(cache=True, parallel=True, error_model="numpy")
def _paired_rows(boxes, targets, measure, out):
    for row in prange(len(out)):
        out[row] = _overlap(_row(boxes, row), _row(targets, row), measure)


@njit(cache=True, parallel=True, error_model="numpy")
def _ragged_iou(boxes, offsets, targets, target_offsets, starts, parts, out):
    for part in prange(len(parts) - 1):
        first, end = parts[part], parts[part + 1]
        columns = _scratch(offsets, first, end)
        for row in range(first, end):
            count = offsets[row + 1] - offsets[row]
            place = starts[row]
            _as_columns(boxes, offsets[row], count, columns)
            for target in range(target_offsets[row], target_offsets[row + 1]):
                _overlaps(columns, _row(targets, target), _IOU, out[place : place + count])
                place += count


@njit(cache=True, parallel=True)
def _ragged_union(boxes, offsets, out):
    for row in prange(len(out)):
        out[row] = boxes[offsets[row]]
        for box in range(offsets[row] + 1, offsets[row + 1]):
            for side in range(2):
                out[row, side] = min(out[row, side], boxes[box, side])
                out[row, side + 2] = max(out[row, side + 2], boxes[box, side + 2])


@njit(cache=True, parallel=True, error_model="numpy")
def _best_overlaps(boxes, offsets, targets, target_offsets, cuts, kind, parts, out):
    measure, floor, every = kind
    for part in prange(len(parts) - 1):
        first, end = parts[part], parts[part + 1]
        columns = _scratch(offsets, first, end)
        overlaps = np.empty(columns.shape[1])
        best = np.empty(len(cuts))
        for row in range(first, end):
            count = offsets[row + 1] - offsets[row]
            _as_columns(boxes, offsets[row], count, columns)
            targets_end = target_offsets[row + 1] if count else target_offsets[row]
            for column in range(len(cuts)):
                out[row, column] = floor
            for target in range(target_offsets[row], targets_end):
                _overlaps(columns, _row(targets, target), measure, overlaps[:count])
                _best_of_first(overlaps, count, cuts, floor, best)
                for column in range(len(cuts)):
                    if target == target_offsets[row]:
                        out[row, column] = best[column]
                    elif every:
                        out[row, column] = min(out[row, column], best[column])
                    else:
                        out[row, column] = max(out[row, column], best[column])


@njit(inline="always")
def _best_of_first(overlaps, count, cuts, floor, best):
    """Give the best of the first k of ``count`` overlaps, for each k of ``cuts``.

    The overlaps are used up.
    """
    seen, peak = 0, -np.inf
    for column in range(len(cuts)):
        end = min(count, cuts[column])
        if end > seen:
            peak = max(peak, _peak(overlaps, seen, end))
            seen = end
        best[column] = max(peak, floor) if seen < count else peak


@njit(inline="always")
def _peak(numbers, start, end):
    """Give the largest number from ``start`` to before ``end``: fold the upper half onto the lower.

    A running maximum waits for each comparison before the next; those of a fold are independent.
    A maximum is the same in any order.
    """
    lower = numbers[start:end]
    count = end - start
    while count > 1:
        half = count // 2
        upper = lower[count - half : count]
        for i in range(half):
            lower[i] = max(lower[i], upper[i])
        count -= half
    return lower[0]


@njit(inline="always")
def _scratch(offsets, first, end):
    """Give room for the columns of the widest row from ``first`` to before ``end``."""
    widest = 0
    for row in range(first, end):
        widest = max(widest, offsets[row + 1] - offsets[row])
    return np.empty((4, widest))


@njit(inline="always")
def _as_columns(boxes, start, count, columns):
    """Write ``count`` boxes into columns (4, count or more): a run of each coordinate."""
    for box in range(count):
        for side in range(4):
            columns[side, box] = boxes[start + box, side]


@njit(inline="always", error_model="numpy")
def _overlaps(columns, target, measure, out):
    """Give the overlap of each box, in columns, with one target."""
    if measure == _IOU:
        for box in range(len(out)):
            out[box] = _iou(_column(columns, box), target)
    elif measure == _GIOU:
        for box in range(len(out)):
            out[box] = _giou(_column(columns, box), target)
    else:
        for box in range(len(out)):
            out[box] = _point(_column(columns, box), target)


@njit(inline="always")
def _column(columns, box):
    return columns[0, box], columns[1, box], columns[2, box], columns[3, box]


@njit(inline="always")
def _row(boxes, row):
    return boxes[row, 0], boxes[row, 1], boxes[row, 2], boxes[row, 3]


@njit(inline="always")
def _overlap(box, target, measure):
    if measure == _IOU:
        return _iou(box, target)
    if measure == _GIOU:
        return _giou(box, target)
    return _point(box, target)


@njit(inline="always")
def _area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


@njit(inline="always")
def _intersection(box, target):
    width = min(box[2], target[2]) - max(box[0], target[0])
    height = min(box[3], target[3]) - max(box[1], target[1])
    return (width if width > 0.0 else 0.0) * (height if height > 0.0 else 0.0)


@njit(inline="always", error_model="numpy")
def _iou(box, target):
    intersection = _intersection(box, target)
    union = _area(box) + _area(target) - intersection
    return intersection / union if union > 0.0 else 0.0


@njit(inline="always", error_model="numpy")
def _giou(box, target):
    intersection = _intersection(box, target)
    union = _area(box) + _area(target) - intersection
    width = max(box[2], target[2]) - min(box[0], target[0])
    height = max(box[3], target[3]) - min(box[1], target[1])
    hull = width * height
    iou = intersection / union if union > 0.0 else 0.0
    return iou - ((hull - union) / hull if hull > 0.0 else 0.0)


@njit(inline="always")
def _point(box, target):
    x = (box[0] + box[2]) / 2
    y = (box[1] + box[3]) / 2
    inside = target[0] <= x <= target[2]
    return 1.0 if inside and target[1] <= y <= target[3] else 0.0
