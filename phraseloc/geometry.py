"""Box algebra in NumPy: the readable reference of the kernels, and the path of small inputs.

Boxes are continuous ``x1, y1, x2, y2``, float64. Ragged rows are flat arrays with offsets. Every
function here has a twin in `phraseloc.kernels` that gives the same bits: the operations and
their order are part of the definition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from phraseloc.columns import BoolArray, FloatArray, IntArray, take_ragged

FLOOR = {"iou": 0.0, "giou": -1.0, "point": 0.0}
"""The overlap of a phrase without prediction: the lowest that each measure can have."""

OVERSHOOT = 0.25
"""By which share of the image's side a predicted box may leave it before its space is in doubt."""


def areas(boxes: FloatArray) -> FloatArray:
    """Give the areas (N,) of boxes (N, 4), in square pixels."""
    product: FloatArray = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return product


def far_outside(boxes: FloatArray, sizes: FloatArray) -> BoolArray:
    """Tell which boxes (N, 4) leave their images, of width and height (N, 2), by `OVERSHOOT`."""
    outside = np.zeros(len(boxes), bool)
    for side in (0, 1):
        low, high, size = boxes[:, side], boxes[:, side + 2], sizes[:, side]
        slack = OVERSHOOT * size
        outside |= (low < -slack) | (high > size + slack) | (low >= size) | (high < 0)
    return outside


def paired_iou(boxes: FloatArray, targets: FloatArray) -> FloatArray:
    """Give the intersection over union (N,) of each box with the target of its row, both (N, 4).

    Examples
    --------
    >>> paired_iou(np.array([[0.0, 0, 2, 2]]), np.array([[0.0, 1, 2, 3]])).tolist()
    [0.3333333333333333]
    """
    intersection = _intersection(boxes, targets)
    union = areas(boxes) + areas(targets) - intersection
    return np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)


def paired_giou(boxes: FloatArray, targets: FloatArray) -> FloatArray:
    """Give the generalized IoU (N,), -1 to 1: IoU less the hull's share that neither box covers.

    Rezatofighi et al., Generalized Intersection over Union, CVPR 2019, Algorithm 1.

    Examples
    --------
    >>> paired_giou(np.array([[0.0, 0, 1, 1]]), np.array([[1.0, 1, 2, 2]])).tolist()
    [-0.5]
    """
    intersection = _intersection(boxes, targets)
    union = areas(boxes) + areas(targets) - intersection
    width = np.maximum(boxes[:, 2], targets[:, 2]) - np.minimum(boxes[:, 0], targets[:, 0])
    height = np.maximum(boxes[:, 3], targets[:, 3]) - np.minimum(boxes[:, 1], targets[:, 1])
    hull = width * height
    iou = np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)
    giou: FloatArray = iou - np.divide(hull - union, hull, out=np.zeros_like(hull), where=hull > 0)
    return giou


def paired_point(boxes: FloatArray, targets: FloatArray) -> FloatArray:
    """Give 1.0 where the centre of a box lies in its target, edges included, and 0.0 elsewhere.

    Examples
    --------
    >>> paired_point(np.array([[4.0, 4, 4, 4]]), np.array([[0.0, 0, 4, 8]])).tolist()
    [1.0]
    """
    x = (boxes[:, 0] + boxes[:, 2]) / 2
    y = (boxes[:, 1] + boxes[:, 3]) / 2
    inside = (targets[:, 0] <= x) & (x <= targets[:, 2])
    inside &= (targets[:, 1] <= y) & (y <= targets[:, 3])
    return inside.astype(np.float64)


PAIRED: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "iou": paired_iou,
    "giou": paired_giou,
    "point": paired_point,
}


def ragged_iou(
    boxes: FloatArray, offsets: IntArray, targets: FloatArray, target_offsets: IntArray
) -> FloatArray:
    """Give the IoU of every box of a row with every target of that row, flat: row, target, box."""
    _, box, target = _pairs(offsets, target_offsets)
    return paired_iou(boxes[box], targets[target])


def ragged_union(boxes: FloatArray, offsets: IntArray) -> FloatArray:
    """Give the smallest box (N, 4) around the boxes of each row; every row has at least one.

    Examples
    --------
    >>> ragged_union(np.array([[0.0, 0, 1, 1], [2.0, 0, 3, 4]]), np.array([0, 2])).tolist()
    [[0.0, 0.0, 3.0, 4.0]]
    """
    low = np.minimum.reduceat(boxes[:, :2], offsets[:-1])
    high = np.maximum.reduceat(boxes[:, 2:], offsets[:-1])
    return np.concatenate([low, high], axis=1)


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
    """Give the best overlap of each row's first k boxes with its targets, for each k.

    Parameters
    ----------
    boxes, offsets : candidates (B, 4), best first, and the rows' offsets (N + 1,)
    targets, target_offsets : targets (T, 4) and the rows' offsets (N + 1,)
    ranks : the k, rising
    overlap : a key of `PAIRED`
    every : a row counts by the target it fits worst, where False by the one it fits best

    Returns
    -------
    (N, len(ranks) + 1) float64; the last column is over all candidates. A row without a
    candidate or a target has the lowest overlap.
    """
    rows = len(offsets) - 1
    counts, target_counts = np.diff(offsets), np.diff(target_offsets)
    if (counts == 1).all() and (target_counts == 1).all():
        single = PAIRED[overlap](boxes, targets)
        return np.repeat(single[:, None], len(ranks) + 1, axis=1)
    out = np.full((rows, len(ranks) + 1), FLOOR[overlap])
    some = np.flatnonzero((counts > 0) & (target_counts > 0))
    if not len(some):
        return out
    candidate_places, offsets = take_ragged(offsets, some)
    target_places, target_offsets = take_ragged(target_offsets, some)
    rank, box, target = _pairs(offsets, target_offsets)
    pairs = PAIRED[overlap](boxes[candidate_places][box], targets[target_places][target])
    starts = np.flatnonzero(rank == 0)
    over_targets = np.minimum if every else np.maximum
    for column, k in enumerate((*ranks, None)):
        kept = pairs if k is None else np.where(rank < k, pairs, FLOOR[overlap])
        by_target = np.maximum.reduceat(kept, starts)
        out[some, column] = over_targets.reduceat(by_target, target_offsets[:-1])
    return out


def _intersection(boxes: FloatArray, targets: FloatArray) -> FloatArray:
    width = np.minimum(boxes[:, 2], targets[:, 2]) - np.maximum(boxes[:, 0], targets[:, 0])
    height = np.minimum(boxes[:, 3], targets[:, 3]) - np.maximum(boxes[:, 1], targets[:, 1])
    product: FloatArray = np.maximum(width, 0.0) * np.maximum(height, 0.0)
    return product


def _pairs(offsets: IntArray, target_offsets: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """List the pairs of every row, ordered by row, target, box: rank of the box, box, target."""
    counts, target_counts = np.diff(offsets), np.diff(target_offsets)
    per_target = np.repeat(counts, target_counts)
    target = np.repeat(np.arange(len(per_target)), per_target)
    starts = np.cumsum(per_target) - per_target
    rank = np.arange(len(target)) - starts[target]
    box = rank + np.repeat(np.repeat(offsets[:-1], target_counts), per_target)
    return rank, box, target + target_offsets[0]
