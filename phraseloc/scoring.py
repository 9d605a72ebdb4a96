"""The score: one overlap a phrase, and every figure a reduction of that column.

`score` lays predictions onto ground truth, prepares boxes as the protocol says, computes the
overlaps once and reduces them: accuracy with its interval, categories, thresholds, recall at k.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from phraseloc._version import __version__
from phraseloc.alignment import Alignment, align
from phraseloc.columns import BoolArray, FloatArray, IntArray, take_ragged
from phraseloc.data import GroundTruth, Predictions
from phraseloc.geometry import areas
from phraseloc.outcomes import Outcomes, find_outcomes, passes
from phraseloc.protocol import Protocol, find_protocol
from phraseloc.statistics import CONFIDENCE, SAMPLES, SEED, Interval, bootstrap_ratios, percentile

THRESHOLDS = tuple(step / 20 for step in range(5, 20))
"""0.25, 0.30 … 0.95: the overlaps at which accuracy is given beside the protocol's own."""

SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, np.inf)}
"""Areas of the union box in square pixels, as COCO names them (Lin et al., ECCV 2014)."""


Bootstrap = tuple[int, int, float]
"""Samples, seed and confidence."""


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


def _reduce(
    ground_truth: GroundTruth,
    alignment: Alignment,
    protocol: Protocol,
    outcomes: Outcomes,
    bootstrap: Bootstrap,
) -> Scores:
    """Make every figure of the outcome column."""
    first = outcomes.overlap[:, 0]
    predicted = outcomes.prediction >= 0

    def count(overlap: FloatArray, threshold: float) -> Accuracy:
        return _count(passes(overlap, protocol, threshold) & predicted)

    def at_rank(column: int) -> Accuracy:
        return count(outcomes.overlap[:, column], protocol.threshold)

    ranked = alignment.predictions.ranked
    thresholds = THRESHOLDS if protocol.overlap != "point" else ()
    accuracy, categories, intervals = _with_intervals(ground_truth, outcomes, bootstrap)
    return Scores(
        name=alignment.predictions.source,
        protocol=protocol,
        accuracy=accuracy,
        interval=intervals[0],
        mean=math.fsum(first.tolist()) / len(first),
        median=percentile(np.sort(first), 0.5),
        thresholds={threshold: count(first, threshold) for threshold in thresholds},
        categories=categories,
        category_intervals=dict(zip(categories, intervals[1:], strict=True)),
        sizes=_by_size(ground_truth, outcomes),
        boxes=_by_boxes(ground_truth, outcomes),
        recall={k: at_rank(column) for column, k in enumerate(protocol.ranks) if ranked},
        upper_bound=at_rank(-1) if ranked else None,
        coverage=_coverage(alignment),
        signature=signature_of(ground_truth, protocol, accuracy.total, bootstrap),
        ground_truth=_facts(ground_truth, _target_digest(ground_truth, protocol)),
        notes=notes_of(ground_truth, alignment.predictions, protocol),
        outcomes=outcomes,
    )


def _by_size(ground_truth: GroundTruth, outcomes: Outcomes) -> dict[str, Accuracy]:
    area = areas(ground_truth.union_boxes)[outcomes.phrase]
    return {
        name: _count(outcomes.correct[(low <= area) & (area < high)])
        for name, (low, high) in SIZES.items()
    }


def _by_boxes(ground_truth: GroundTruth, outcomes: Outcomes) -> dict[str, Accuracy]:
    several = np.diff(ground_truth.offsets)[outcomes.phrase] > 1
    right = outcomes.correct
    return {"single": _count(right[~several]), "multi": _count(right[several])}


def _coverage(alignment: Alignment) -> Coverage:
    return Coverage(
        len(alignment.rows) - alignment.missing,
        alignment.missing,
        alignment.duplicate,
        alignment.extra,
        alignment.respanned,
        alignment.predictions.degenerate,
    )


def signature_of(
    ground_truth: GroundTruth, protocol: Protocol, total: int, bootstrap: Bootstrap | None = None
) -> str:
    """Say what a figure of so many phrases is made of; one without interval has no bootstrap."""
    return signed(protocol, total, _target_digest(ground_truth, protocol)[:12], bootstrap)


def signed(protocol: Protocol, total: int, digest: str, bootstrap: Bootstrap | None = None) -> str:
    """Join the parts of a signature."""
    parts = ["phraseloc", protocol.signature, f"n:{total}", f"gt:{digest}"]
    if bootstrap is not None:
        samples, seed, confidence = bootstrap
        parts.append(f"ci:images-{samples}-seed{seed}-{confidence:g}")
    return "|".join([*parts, f"version:{__version__}"])


def _target_digest(ground_truth: GroundTruth, protocol: Protocol) -> str:
    """Give the digest of the boxes that a protocol looks at."""
    return ground_truth.union_digest if protocol.target == "union" else ground_truth.digest


def _facts(ground_truth: GroundTruth, digest: str) -> dict[str, Any]:
    return {
        "source": ground_truth.source,
        "sha256": digest,
        "phrases": len(ground_truth),
        "captions": ground_truth.captions,
        "images": len(ground_truth.keys.image.values),
        "multi_box": int((np.diff(ground_truth.offsets) > 1).sum()),
        "left_out": dict(ground_truth.left_out_reasons),
    }


def _with_intervals(
    ground_truth: GroundTruth, outcomes: Outcomes, bootstrap: Bootstrap
) -> tuple[Accuracy, dict[str, Accuracy], list[Interval]]:
    """Count right and all phrases, overall and by category, and resample the images.

    A phrase of several categories counts in each of them.
    """
    images = ground_truth.keys.image.values
    total, right = counts_by_image(ground_truth, outcomes)
    kept = [0, *(np.flatnonzero(total[1:].any(axis=1)) + 1).tolist()]
    samples, seed, confidence = bootstrap
    intervals = bootstrap_ratios(
        images, right[kept].T, total[kept].T, samples=samples, seed=seed, confidence=confidence
    )
    sums = zip(right[kept].sum(axis=1).tolist(), total[kept].sum(axis=1).tolist(), strict=True)
    accuracy, *by_category = (Accuracy(*pair) for pair in sums)
    names = [ground_truth.categories[group - 1] for group in kept[1:]]
    return accuracy, dict(zip(names, by_category, strict=True)), intervals


def counts_by_image(ground_truth: GroundTruth, outcomes: Outcomes) -> tuple[IntArray, IntArray]:
    """Count all and right phrases of each image, (1 + categories, images); all in the first row."""
    image = ground_truth.keys.image
    units = len(image.values)
    shape = (1 + len(ground_truth.categories), units)
    every = np.arange(len(outcomes.phrase))
    places, offsets = take_ragged(ground_truth.category_offsets, outcomes.phrase)
    row = np.concatenate([every, np.repeat(every, np.diff(offsets))])
    group = np.concatenate([0 * every, ground_truth.category_codes[places] + 1])
    cell = group * units + image.codes[outcomes.phrase[row]]
    total = np.bincount(cell, minlength=shape[0] * units)
    right = np.bincount(cell[outcomes.correct[row]], minlength=shape[0] * units)
    return total.reshape(shape), right.reshape(shape)


def notes_of(
    ground_truth: GroundTruth, predictions: Predictions, protocol: Protocol
) -> tuple[str, ...]:
    """Say what may surprise in a figure."""
    return notes_on(
        ground_truth.source,
        ground_truth.unions_only,
        ground_truth.categories,
        predictions.source,
        predictions.labelled,
        protocol,
    )


def notes_on(
    truth: str,
    unions_only: bool,
    categories: Sequence[str],
    predictions: str,
    labelled: bool,
    protocol: Protocol,
) -> tuple[str, ...]:
    """Say what may surprise in a figure of files of these names, which hold this."""
    notes = []
    if protocol.target != "union" and unions_only:
        notes.append(
            f"{truth} holds one box a phrase; where an entity has several, {protocol.name} needs "
            "them all, as the official release has them"
        )
    if labelled and not len(categories):
        notes.append(
            f"{predictions} has categories, {truth} has none: is {truth} the ground truth?"
        )
    return tuple(notes)


def _count(right: BoolArray) -> Accuracy:
    return Accuracy(int(right.sum()), len(right))


def _plain(accuracy: Accuracy) -> dict[str, Any]:
    value = accuracy.value if accuracy.total else None
    return {"correct": accuracy.correct, "total": accuracy.total, "value": value}
