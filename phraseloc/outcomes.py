"""Outcomes: the overlap of every phrase with its prediction, under a protocol, computed once.

Boxes are prepared as the protocol's arithmetic takes them (corners, frame, truncation, union), the
overlaps come from NumPy or, for large inputs, from Numba, and each is right or not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from phraseloc.alignment import Alignment
from phraseloc.columns import BoolArray, FloatArray, IntArray, offsets_of, take_items, take_ragged
from phraseloc.data import GroundTruth, Predictions
from phraseloc.errors import InputError, OptionError, Problems
from phraseloc.geometry import areas, best_overlaps, ragged_union
from phraseloc.protocol import Protocol
from phraseloc.space import BoxSpace

_NOWHERE = -1e9
"""Where boxes without area go, so that they overlap nothing under any measure."""

NUMBA_PAIRS = 2_000_000
"""From this many pairs of boxes on, Numba's import pays for itself."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """One row for each phrase (or entity) that was scored: what every figure is made of.

    Parameters
    ----------
    phrase : (N,) int64, the row of the ground truth; an entity's first phrase
    prediction : (N,) int64, the row of the predictions, -1 where there is none
    overlap : (N, len(ranks) + 1) float64, the best of the first k; the last column of all
    correct : (N,) bool, whether the first prediction is right
    """

    phrase: IntArray
    prediction: IntArray
    overlap: FloatArray
    correct: BoolArray


def find_outcomes(
    ground_truth: GroundTruth, alignment: Alignment, protocol: Protocol, *, engine: str = "auto"
) -> Outcomes:
    """Compute the overlap of every phrase that the protocol counts, once.

    Raises
    ------
    OptionError
        if it counts none
    """
    outcomes = outcomes_of_part(ground_truth, alignment, protocol, engine=engine)
    if not len(outcomes.phrase):
        raise OptionError(f"protocol {protocol.name} leaves no phrase to score")
    return outcomes


def outcomes_of_part(
    ground_truth: GroundTruth, alignment: Alignment, protocol: Protocol, *, engine: str = "auto"
) -> Outcomes:
    """Compute the overlaps of a part of a ground truth, of which a protocol may count none."""
    predictions = alignment.predictions
    if predictions.points and protocol.overlap != "point":
        raise InputError(
            predictions.source,
            f"found points, but protocol {protocol.name} scores boxes; expected protocol pointing",
        )
    phrase = np.flatnonzero(_counted(ground_truth, alignment, protocol))
    prediction = alignment.rows[phrase]
    boxes, offsets = _prepared_predictions(ground_truth, predictions, prediction, protocol)
    targets, target_offsets = _prepared_targets(ground_truth, phrase, protocol)
    find = _engine(engine, int((np.diff(offsets) * np.diff(target_offsets)).sum()))
    overlap = find(
        boxes,
        offsets,
        targets,
        target_offsets,
        protocol.ranks,
        overlap=protocol.overlap,
        every=protocol.target == "each",
    )
    if protocol.unit == "entity":
        phrase, prediction, overlap = _by_entity(ground_truth, phrase, prediction, overlap)
    correct = passes(overlap[:, 0], protocol, protocol.threshold) & (prediction >= 0)
    return Outcomes(phrase, prediction, overlap, correct)


def pair_outcomes(
    ground_truth: GroundTruth,
    phrase: IntArray,
    boxes: FloatArray,
    box: IntArray,
    space: BoxSpace,
    protocol: Protocol,
    *,
    engine: str = "auto",
) -> tuple[FloatArray, BoolArray]:
    """Score pairs of a phrase and a box, such as every object of each phrase's image.

    Parameters
    ----------
    phrase, box : (P,) int64, the pairs, as rows of the ground truth and of the boxes
    boxes : (B, 4) float64, continuous pixels
    space : the convention of the file that the boxes came from

    Returns
    -------
    overlap : (P,) float64
    correct : (P,) bool
    """
    prepared = _prepared_boxes(ground_truth, boxes, space, protocol)[box]
    targets, offsets = _prepared_targets(ground_truth, np.arange(len(ground_truth)), protocol)
    places, offsets = take_ragged(offsets, phrase)
    overlap = _engine(engine, len(places))(
        prepared,
        np.arange(len(phrase) + 1),
        targets[places],
        offsets,
        (1,),
        overlap=protocol.overlap,
        every=protocol.target == "each",
    )[:, 0]
    return overlap, passes(overlap, protocol, protocol.threshold)


def _counted(ground_truth: GroundTruth, alignment: Alignment, protocol: Protocol) -> BoolArray:
    """Tell which phrases the protocol counts."""
    absent = alignment.rows < 0
    if protocol.missing == "error":
        problems = Problems(alignment.predictions.source)
        problems.add_rows(
            "a phrase without prediction", np.flatnonzero(absent), ground_truth.keys.describe
        )
        problems.raise_if_any()
    counted = ~absent if protocol.missing == "skip" else np.ones(len(absent), bool)
    if protocol.min_area_share > 0:
        sizes = ground_truth.image_sizes[ground_truth.keys.image.codes]
        if np.isnan(sizes).any():
            raise OptionError(
                f"min_area_share needs the images' sizes, which {ground_truth.source} does not have"
            )
        share = areas(ground_truth.union_boxes) / (sizes[:, 0] * sizes[:, 1])
        counted &= share >= protocol.min_area_share
    return counted


def _prepared_predictions(
    ground_truth: GroundTruth, predictions: Predictions, rows: IntArray, protocol: Protocol
) -> tuple[FloatArray, IntArray]:
    """Give the candidates of each phrase, as the protocol's arithmetic takes them."""
    starts = np.append(predictions.offsets, predictions.offsets[-1])
    rows = np.where(rows < 0, len(starts) - 2, rows)
    boxes, offsets = take_items(predictions.boxes, starts, rows)
    if predictions.points:
        points = _truncated(boxes, predictions.space, protocol)
        return _shifted(points, 0, _corner_shift(ground_truth, protocol)), offsets
    return _prepared_boxes(ground_truth, boxes, predictions.space, protocol), offsets


def _prepared_boxes(
    ground_truth: GroundTruth, boxes: FloatArray, space: BoxSpace, protocol: Protocol
) -> FloatArray:
    """Give predicted boxes as the protocol's arithmetic takes them."""
    flat = (boxes[:, 2] <= boxes[:, 0]) | (boxes[:, 3] <= boxes[:, 1])
    written, wanted = space.corner_shift, ground_truth.space.corner_shift
    boxes = _truncated(boxes, space, protocol)
    if protocol.frame == "written":
        boxes = _shifted(boxes, written[0] - wanted[0], written[1] - wanted[1])
    boxes = _shifted(boxes, 0, _corner_shift(ground_truth, protocol))
    return np.where(flat[:, None], _NOWHERE, boxes) if flat.any() else boxes


def _truncated(boxes: FloatArray, space: BoxSpace, protocol: Protocol) -> FloatArray:
    """Cut the fractions of corners off, as the file has them, where the protocol says so."""
    if not protocol.truncate:
        return boxes
    low, high = space.corner_shift
    return _shifted(np.trunc(_shifted(boxes, low, high)), -low, -high)


def _prepared_targets(
    ground_truth: GroundTruth, phrase: IntArray, protocol: Protocol
) -> tuple[FloatArray, IntArray]:
    """Give the target boxes of each phrase, as the protocol's arithmetic takes them."""
    boxes, offsets = take_items(ground_truth.boxes, ground_truth.offsets, phrase)
    if protocol.skip_zero_corner:
        kept = ~(boxes[:, :2] + ground_truth.space.origin == 0).all(axis=1)
        counts = np.add.reduceat(kept, offsets[:-1]) if len(kept) else kept
        boxes, offsets = boxes[kept], offsets_of(counts)
    if protocol.target == "union" and (np.diff(offsets) > 1).any():
        some = np.diff(offsets) > 0
        boxes = ragged_union(boxes, np.append(offsets[:-1][some], len(boxes)))
        offsets = offsets_of(some.astype(np.int64))
    return _shifted(boxes, 0, _corner_shift(ground_truth, protocol)), offsets


def _corner_shift(ground_truth: GroundTruth, protocol: Protocol) -> int:
    """Give what the protocol's corners add to right and bottom edges."""
    plus_one = ground_truth.space.plus_one
    return {"declared": 0, "inclusive": 1 - plus_one, "exclusive": -plus_one}[protocol.corners]


def _shifted(boxes: FloatArray, low: int, high: int) -> FloatArray:
    return boxes + np.array([low, low, high, high], dtype=np.float64) if low or high else boxes


def _engine(engine: str, pairs: int) -> Any:
    if engine == "numpy" or (engine == "auto" and pairs < NUMBA_PAIRS):
        return best_overlaps
    if engine in ("auto", "numba"):
        from phraseloc import kernels

        return kernels.best_overlaps
    raise OptionError(f"engine is {engine!r}; expected auto, numpy or numba")


def _by_entity(
    ground_truth: GroundTruth, phrase: IntArray, prediction: IntArray, overlap: FloatArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """Make one row of the phrases that name an entity of an image: that of the worst of them."""
    entity = ground_truth.keys.entity
    if entity is None:
        raise OptionError(
            f"unit entity needs entity ids, which {ground_truth.source} does not have"
        )
    codes = ground_truth.keys.image.codes * len(entity.values) + entity.codes
    _, group = np.unique(codes[phrase], return_inverse=True)
    by_key = np.empty(len(ground_truth), np.int64)
    by_key[ground_truth.keys.order] = np.arange(len(ground_truth))
    order = np.lexsort((by_key[phrase], group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    first = order[starts]
    absent = np.minimum.reduceat(prediction[order], starts) < 0
    worst = np.minimum.reduceat(overlap[order], starts)
    return phrase[first], np.where(absent, -1, prediction[first]), worst


def passes(overlap: FloatArray, protocol: Protocol, threshold: float) -> BoolArray:
    """Tell which overlaps pass a threshold; inside is inside, whatever the threshold."""
    if protocol.overlap == "point":
        return overlap > 0
    return overlap > threshold if protocol.operator == ">" else overlap >= threshold
