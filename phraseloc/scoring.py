"""The score: one overlap a phrase, and every figure a reduction of that column.

`score` lays predictions onto ground truth, prepares boxes as the protocol says, computes the
overlaps once and reduces them: accuracy with its interval, categories, thresholds, recall at k.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from phraseloc._version import __version__
from phraseloc.alignment import Alignment, align
from phraseloc.columns import BoolArray, FloatArray, IntArray, offsets_of, take_ragged
from phraseloc.data import GroundTruth, Predictions
from phraseloc.errors import InputError, OptionError, Problems
from phraseloc.geometry import areas, best_overlaps, ragged_union
from phraseloc.protocol import Protocol, find_protocol
from phraseloc.statistics import CONFIDENCE, SAMPLES, SEED, Interval, bootstrap_ratios

THRESHOLDS = tuple(step / 20 for step in range(5, 20))
"""0.25, 0.30 … 0.95: the overlaps at which accuracy is given beside the protocol's own."""

SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, np.inf)}
"""Areas of the union box in square pixels, as COCO names them (Lin et al., ECCV 2014)."""

_NOWHERE = -1e9
"""Where boxes without area go, so that they overlap nothing under any measure."""

NUMBA_PAIRS = 2_000_000
"""From this many pairs of boxes on, Numba's import pays for itself."""


@dataclass(frozen=True)
class Accuracy:
    """How many phrases are right, of how many; as a fraction, and NaN of none.

    Examples
    --------
    >>> Accuracy(3185, 14481)
    Accuracy(3185/14481 = 21.99%)
    """

    correct: int
    total: int

    @property
    def value(self) -> float:
        """The share of phrases that are right, 0 to 1."""
        return self.correct / self.total if self.total else float("nan")

    def __repr__(self) -> str:
        return f"Accuracy({self.correct}/{self.total} = {100 * self.value:.2f}%)"


@dataclass(frozen=True)
class Coverage:
    """What the predictions cover: phrases with a box, and rows that are out of the ordinary."""

    predicted: int
    missing: int
    duplicate: int
    extra: int
    respanned: int
    degenerate: int


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


@dataclass(frozen=True, eq=False)
class Scores:
    """The score of one set of predictions under one protocol.

    ``mean`` and ``median`` are of the protocol's overlap, first predictions, missing ones at its
    lowest. ``recall`` and ``upper_bound`` are empty where no phrase has several candidates.
    """

    name: str
    protocol: Protocol
    accuracy: Accuracy
    interval: Interval
    mean: float
    median: float
    thresholds: Mapping[float, Accuracy]
    categories: Mapping[str, Accuracy]
    category_intervals: Mapping[str, Interval]
    sizes: Mapping[str, Accuracy]
    boxes: Mapping[str, Accuracy]
    recall: Mapping[int, Accuracy]
    upper_bound: Accuracy | None
    coverage: Coverage
    signature: str
    ground_truth: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    outcomes: Outcomes | None = field(default=None, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Give everything but the outcomes as plain containers, as ``--format json`` prints it."""
        overlap = self.protocol.overlap
        averages = (
            {}
            if overlap == "point"
            else {
                f"mean_{overlap}": self.mean,
                f"median_{overlap}": self.median,
            }
        )
        return {
            "predictions": self.name,
            "protocol": {"name": self.protocol.name, **self.protocol.choices()},
            "accuracy": _plain(self.accuracy),
            "interval": vars(self.interval),
            **averages,
            "thresholds": {f"{t:.2f}": _plain(a) for t, a in self.thresholds.items()},
            "categories": {
                name: {**_plain(a), "interval": vars(self.category_intervals[name])}
                for name, a in self.categories.items()
            },
            "sizes": {name: _plain(a) for name, a in self.sizes.items()},
            "boxes": {name: _plain(a) for name, a in self.boxes.items()},
            "recall": {str(k): _plain(a) for k, a in self.recall.items()},
            "upper_bound": _plain(self.upper_bound) if self.upper_bound else None,
            "coverage": vars(self.coverage),
            "ground_truth": dict(self.ground_truth),
            "signature": self.signature,
            "notes": list(self.notes),
            "version": __version__,
        }


def score(
    ground_truth: GroundTruth | str | Path,
    predictions: Predictions | str | Path,
    protocol: str | Protocol = "flickr30k",
    *,
    samples: int = SAMPLES,
    seed: int = SEED,
    confidence: float = CONFIDENCE,
    alignment: Alignment | None = None,
    name: str | None = None,
    engine: str = "auto",
) -> Scores:
    """Score predictions against ground truth.

    Parameters
    ----------
    ground_truth, predictions : data, or the files to read them from
    protocol : a name of `phraseloc.protocol.PROTOCOLS`, or a protocol
    samples, seed, confidence : of the bootstrap over images
    alignment : predictions as laid onto the ground truth before, for a further protocol
    name : what tables call the predictions; by default their file
    engine : ``numpy``, ``numba``, or ``auto`` by size; the bits are the same

    Raises
    ------
    InputError
        if a file cannot be used, or predictions do not fit the ground truth or the protocol
    OptionError
        if the protocol is unknown, or asks for what the ground truth does not have

    Examples
    --------
    >>> import numpy as np, phraseloc
    >>> keys = phraseloc.PhraseKeys(phraseloc.Strings.of(["1", "1"]))
    >>> truth = phraseloc.GroundTruth(
    ...     keys, np.array([0, 1, 2]), np.array([[0.0, 0, 10, 10], [0, 0, 50, 50]]))
    >>> guesses = phraseloc.single_boxes(keys, np.array([[0.0, 0, 10, 9], [0, 0, 9, 9]]))
    >>> phraseloc.score(truth, guesses).accuracy
    Accuracy(1/2 = 50.00%)
    """
    from phraseloc.formats import load_ground_truth, load_predictions

    if not isinstance(ground_truth, GroundTruth):
        ground_truth = load_ground_truth(ground_truth)
    if not isinstance(predictions, Predictions):
        predictions = load_predictions(predictions)
    protocol = find_protocol(protocol)
    if alignment is None:
        alignment = align(ground_truth, predictions)
    outcomes = find_outcomes(ground_truth, alignment, protocol, engine=engine)
    bootstrap = (samples, seed, confidence)
    scores = _reduce(ground_truth, alignment, protocol, outcomes, bootstrap)
    return scores if name is None else replace(scores, name=name)


def find_outcomes(
    ground_truth: GroundTruth, alignment: Alignment, protocol: Protocol, *, engine: str = "auto"
) -> Outcomes:
    """Compute the overlap of every phrase that the protocol counts, once."""
    predictions = alignment.predictions
    if predictions.points and protocol.overlap != "point":
        raise InputError(
            predictions.source,
            f"found points, but protocol {protocol.name} scores boxes; expected protocol pointing",
        )
    phrase = np.flatnonzero(_counted(ground_truth, alignment, protocol))
    if not len(phrase):
        raise OptionError(f"protocol {protocol.name} leaves no phrase to score")
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
    correct = _passes(overlap[:, 0], protocol, protocol.threshold) & (prediction >= 0)
    return Outcomes(phrase, prediction, overlap, correct)


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
    places, offsets = take_ragged(starts, np.where(rows < 0, len(starts) - 2, rows))
    boxes = predictions.boxes[places]
    flat = np.any(boxes[:, 2:] <= boxes[:, :2], axis=1) & (not predictions.points)
    written, wanted = predictions.space.corner_shift, ground_truth.space.corner_shift
    if protocol.truncate:
        boxes = _shifted(np.trunc(_shifted(boxes, *written)), -written[0], -written[1])
    if protocol.frame == "written" and not predictions.points:
        boxes = _shifted(boxes, written[0] - wanted[0], written[1] - wanted[1])
    boxes = _shifted(boxes, 0, _corner_shift(ground_truth, protocol))
    return np.where(flat[:, None], _NOWHERE, boxes), offsets


def _prepared_targets(
    ground_truth: GroundTruth, phrase: IntArray, protocol: Protocol
) -> tuple[FloatArray, IntArray]:
    """Give the target boxes of each phrase, as the protocol's arithmetic takes them."""
    places, offsets = take_ragged(ground_truth.offsets, phrase)
    boxes = ground_truth.boxes[places]
    if protocol.skip_zero_corner:
        kept = ~(boxes[:, :2] + ground_truth.space.origin == 0).all(axis=1)
        counts = np.add.reduceat(kept, offsets[:-1]) if len(kept) else kept
        boxes, offsets = boxes[kept], offsets_of(counts)
    if protocol.target == "union" and len(boxes) != len(phrase):
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
    by_key[ground_truth.keys.order()] = np.arange(len(ground_truth))
    order = np.lexsort((by_key[phrase], group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    first = order[starts]
    absent = np.minimum.reduceat(prediction[order], starts) < 0
    worst = np.minimum.reduceat(overlap[order], starts)
    return phrase[first], np.where(absent, -1, prediction[first]), worst


def _passes(overlap: FloatArray, protocol: Protocol, threshold: float) -> BoolArray:
    if protocol.overlap == "point":
        return overlap > 0
    return overlap > threshold if protocol.operator == ">" else overlap >= threshold


def _reduce(
    ground_truth: GroundTruth,
    alignment: Alignment,
    protocol: Protocol,
    outcomes: Outcomes,
    bootstrap: tuple[int, int, float],
) -> Scores:
    """Make every figure of the outcome column."""
    correct, phrase = outcomes.correct, outcomes.phrase
    first = outcomes.overlap[:, 0]
    predicted = outcomes.prediction >= 0

    def count(overlap: FloatArray, threshold: float) -> Accuracy:
        return _count(_passes(overlap, protocol, threshold) & predicted)

    accuracy, categories, intervals = _with_intervals(ground_truth, outcomes, bootstrap)
    ranked = alignment.predictions.ranked
    area = areas(ground_truth.union_boxes)[phrase]
    several = np.diff(ground_truth.offsets)[phrase] > 1
    names = [ground_truth.categories[c] for c in categories]
    unions = protocol.target == "union"
    digest = ground_truth.union_digest if unions else ground_truth.digest
    samples, seed, confidence = bootstrap
    return Scores(
        name=alignment.predictions.source,
        protocol=protocol,
        accuracy=accuracy,
        interval=intervals[0],
        mean=math.fsum(first.tolist()) / len(first),
        median=float(np.median(first)),
        thresholds={t: count(first, t) for t in THRESHOLDS} if protocol.overlap != "point" else {},
        categories=dict(zip(names, categories.values(), strict=True)),
        category_intervals=dict(zip(names, intervals[1:], strict=True)),
        sizes={
            n: _count(correct[(low <= area) & (area < high)]) for n, (low, high) in SIZES.items()
        },
        boxes={"single": _count(correct[~several]), "multi": _count(correct[several])},
        recall={
            k: count(outcomes.overlap[:, column], protocol.threshold)
            for column, k in enumerate(protocol.ranks)
        }
        if ranked
        else {},
        upper_bound=count(outcomes.overlap[:, -1], protocol.threshold) if ranked else None,
        coverage=Coverage(
            len(alignment.rows) - alignment.missing,
            alignment.missing,
            alignment.duplicate,
            alignment.extra,
            alignment.respanned,
            alignment.predictions.degenerate,
        ),
        signature="|".join(
            [
                "phraseloc",
                protocol.signature,
                f"n:{accuracy.total}",
                f"gt:{digest[:12]}",
                f"ci:images-{samples}-seed{seed}-{confidence:g}",
                f"version:{__version__}",
            ]
        ),
        ground_truth={
            "source": ground_truth.source,
            "sha256": digest,
            "phrases": len(ground_truth),
            "captions": ground_truth.captions,
            "images": len(ground_truth.keys.image.values),
            "multi_box": int((np.diff(ground_truth.offsets) > 1).sum()),
            "left_out": dict(ground_truth.left_out_reasons),
        },
        notes=_notes(ground_truth, protocol),
        outcomes=outcomes,
    )


def _with_intervals(
    ground_truth: GroundTruth, outcomes: Outcomes, bootstrap: tuple[int, int, float]
) -> tuple[Accuracy, dict[int, Accuracy], list[Interval]]:
    """Count right and all phrases, of each image, overall and by category; resample the images.

    A phrase of several categories counts in each of them.
    """
    names = ground_truth.keys.image.values
    image = ground_truth.keys.image.codes[outcomes.phrase]
    places, offsets = take_ragged(ground_truth.category_offsets, outcomes.phrase)
    row = np.repeat(np.arange(len(image)), np.diff(offsets))
    group = np.concatenate(
        [np.zeros(len(image), np.int64), ground_truth.category_codes[places] + 1]
    )
    row = np.concatenate([np.arange(len(image)), row])
    shape = (1 + len(ground_truth.categories), len(names))
    cell = group * len(names) + image[row]
    total = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape)
    right = np.bincount(cell[outcomes.correct[row]], minlength=shape[0] * shape[1]).reshape(shape)
    kept = [0, *(np.flatnonzero(total[1:].any(axis=1)) + 1).tolist()]
    samples, seed, confidence = bootstrap
    intervals = bootstrap_ratios(
        names, right[kept].T, total[kept].T, samples=samples, seed=seed, confidence=confidence
    )
    counts = {g - 1: Accuracy(int(right[g].sum()), int(total[g].sum())) for g in kept}
    return counts.pop(-1), counts, intervals


def _notes(ground_truth: GroundTruth, protocol: Protocol) -> tuple[str, ...]:
    if protocol.target != "union" and ground_truth.unions_only:
        note = f"{ground_truth.source} holds one box a phrase; where an entity has several, "
        return (note + f"{protocol.name} needs them all, as the official release has them",)
    return ()


def _count(right: BoolArray) -> Accuracy:
    return Accuracy(int(right.sum()), len(right))


def _plain(accuracy: Accuracy) -> dict[str, Any]:
    value = accuracy.value if accuracy.total else None
    return {"correct": accuracy.correct, "total": accuracy.total, "value": value}
