"""Diagnosis: why each wrong phrase is wrong, and what mending each kind of error would give.

Every wrong phrase falls in the first of these classes that holds, so that they sum to the errors:

- *missing*: it has no prediction.
- *no proposal*: no object of its image would be right; the detector missed it (with proposals).
- *one of a group*: the prediction is one of the several boxes of the entity, not their union.
- *near miss*: the overlap is from 0.25 to the threshold.
- *same caption*, *same image*: the prediction is right for another entity, of the same caption or
  of another caption of the image.
- *part or whole*: of prediction and union box, at least 90% of the smaller lies in the larger.
- *background*: none of these.

Of an entity that counts once (``unit=entity``), the phrase that is farthest off is looked at.

The classes are those of TIDE (Bolya et al., ECCV 2020) in the terms of phrase localization, whose
errors Plummer et al. (Flickr30k Entities, IJCV 2017) describe. What is specific comes first: one of
a group is always a part of the union, and the box of another entity is often a part or the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from phraseloc.alignment import Alignment
from phraseloc.columns import BoolArray, FloatArray, IntArray, offsets_of, take_ragged
from phraseloc.data import GroundTruth
from phraseloc.errors import OptionError
from phraseloc.geometry import areas, paired_giou
from phraseloc.outcomes import Outcomes, find_outcomes, pair_outcomes
from phraseloc.proposals import Proposals
from phraseloc.protocol import Protocol
from phraseloc.scoring import Accuracy, Scores

CLASSES = (
    "missing",
    "no proposal",
    "one of a group",
    "near miss",
    "same caption",
    "same image",
    "part or whole",
    "background",
)

NEAR = 0.25
"""The overlap from which on an error is a near miss."""

INSIDE = 0.9
"""The share of the smaller box that must lie in the larger for a part or a whole."""


@dataclass(frozen=True, eq=False)
class Diagnosis:
    """The class of each phrase that was scored.

    Parameters
    ----------
    scores : what was diagnosed
    codes : (N,) int64, the class of each outcome as an index of `CLASSES`, -1 where it is right
    distance : (N,) float64, generalized IoU of first prediction and union box, NaN where missing
    with_proposals : whether the detector's misses could be told
    without_objects : how many wrong phrases are of images that the proposals do not have
    """

    scores: Scores
    codes: IntArray
    distance: FloatArray
    with_proposals: bool
    without_objects: int = 0

    @property
    def outcomes(self) -> Outcomes:
        """The outcomes that the classes are of, row by row."""
        assert self.scores.outcomes is not None
        return self.scores.outcomes

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """How many phrases are wrong in each class."""
        found = np.bincount(self.codes[self.codes >= 0], minlength=len(CLASSES)).tolist()
        return {
            name: count
            for name, count in zip(CLASSES, found, strict=True)
            if count or name not in ("missing", "no proposal") or self._told(name)
        }

    def _told(self, name: str) -> bool:
        return name == "no proposal" and self.with_proposals

    def mended(self, *names: str) -> Accuracy:
        """Give the accuracy if every phrase of these classes were right."""
        accuracy = self.scores.accuracy
        return Accuracy(accuracy.correct + sum(self.counts[n] for n in names), accuracy.total)

    def worst(self, count: int) -> IntArray:
        """Give the wrong outcomes with a prediction farthest from its target, the farthest first.

        They have the lowest overlap; of equals, that with the lowest generalized IoU comes first.
        """
        wrong = np.flatnonzero((self.codes >= 0) & ~np.isnan(self.distance))
        overlap = self.outcomes.overlap[wrong, 0]
        return wrong[np.lexsort((self.distance[wrong], overlap))[:count]]


def diagnose(
    ground_truth: GroundTruth,
    scores: Scores,
    alignment: Alignment,
    proposals: Proposals | None = None,
) -> Diagnosis:
    """Tell why each wrong phrase is wrong, as the module describes.

    Parameters
    ----------
    scores : of the aligned predictions, under a protocol whose overlap is the IoU
    alignment : the predictions on the ground truth
    proposals : the objects that the method chose among; without them no class is the detector's

    Raises
    ------
    OptionError
        if the protocol's overlap is not the IoU

    Examples
    --------
    >>> import phraseloc
    >>> keys = phraseloc.PhraseKeys(phraseloc.Strings.of(["1", "1"]))
    >>> truth = phraseloc.GroundTruth(
    ...     keys, np.array([0, 1, 2]), np.array([[0.0, 0, 9, 9], [50, 50, 90, 90]]))
    >>> guesses = phraseloc.single_boxes(keys, np.array([[50.0, 50, 90, 90], [50, 50, 70, 90]]))
    >>> laid = phraseloc.align(truth, guesses)
    >>> found = diagnose(truth, phraseloc.score(truth, guesses, alignment=laid), laid)
    >>> found.counts["same image"], found.mended("same image")
    (1, Accuracy(2/2 = 100.00%))
    """
    protocol = scores.protocol
    if protocol.overlap != "iou":
        raise OptionError(
            f"a diagnosis compares boxes by IoU; protocol {protocol.name} has {protocol.overlap}"
        )
    outcomes = scores.outcomes
    assert outcomes is not None
    if protocol.unit == "entity":
        outcomes = _by_worst_phrase(ground_truth, alignment, protocol, outcomes)
        scores = replace(scores, outcomes=outcomes)
    wrong = np.flatnonzero(~outcomes.correct)
    phrase, row = outcomes.phrase[wrong], outcomes.prediction[wrong]
    boxes = alignment.predictions.first_boxes(row, 0.0)
    world = _World(ground_truth, protocol, alignment, phrase, boxes)
    overlap = outcomes.overlap[wrong, 0]
    in_caption, in_image = world.another_entity()
    tests = (
        row < 0,
        np.zeros(len(wrong), bool) if proposals is None else ~world.reached_by(proposals),
        world.one_of_group(),
        overlap >= NEAR,
        in_caption,
        in_image,
        world.part_or_whole(),
        np.ones(len(wrong), bool),
    )
    codes = np.full(len(outcomes.phrase), -1, np.int64)
    codes[wrong] = np.argmax(tests, axis=0)
    distance = np.full(len(codes), np.nan)
    distance[wrong] = np.where(row < 0, np.nan, world.distance())
    without = 0 if proposals is None else int((world.rows_of(proposals) < 0).sum())
    return Diagnosis(scores, codes, distance, proposals is not None, without)


def _by_worst_phrase(
    ground_truth: GroundTruth, alignment: Alignment, protocol: Protocol, outcomes: Outcomes
) -> Outcomes:
    """Stand the phrase that makes it wrong, instead of the first, for each wrong entity."""
    keys = ground_truth.keys
    assert keys.entity is not None
    each = find_outcomes(ground_truth, alignment, protocol.override(unit="phrase"))
    by_key = np.argsort(keys.order)[each.phrase]
    entity = (keys.image.codes * len(keys.entity.values) + keys.entity.codes)[each.phrase]
    order = np.lexsort((by_key, each.overlap[:, 0], each.prediction >= 0, entity))
    worst = order[np.flatnonzero(np.diff(entity[order], prepend=-1))]
    right = outcomes.correct
    return replace(
        outcomes,
        phrase=np.where(right, outcomes.phrase, each.phrase[worst]),
        prediction=np.where(right, outcomes.prediction, each.prediction[worst]),
    )


@dataclass(frozen=True, eq=False)
class _World:
    """W wrong phrases with their first boxes, and what is around them."""

    truth: GroundTruth
    protocol: Protocol
    alignment: Alignment
    phrase: IntArray
    boxes: FloatArray

    def _right(self, phrase: IntArray, box: IntArray, protocol: Protocol) -> BoolArray:
        """Tell for pairs of a phrase and one of the boxes whether it is right."""
        space = self.alignment.predictions.space
        return pair_outcomes(self.truth, phrase, self.boxes, box, space, protocol)[1]

    def one_of_group(self) -> BoolArray:
        """Tell which boxes are right for one of their entity's several boxes alone."""
        several = np.flatnonzero(np.diff(self.truth.offsets)[self.phrase] > 1)
        found = np.zeros(len(self.phrase), bool)
        found[several] = self._right(
            self.phrase[several], several, self.protocol.override(target="any")
        )
        return found

    def another_entity(self) -> tuple[BoolArray, BoolArray]:
        """Tell which boxes are right for another entity, of the same caption and of the image."""
        images = self.truth.keys.image.codes
        by_image = np.argsort(images, kind="stable")
        starts = offsets_of(np.bincount(images, minlength=len(self.truth.keys.image.values)))
        places, offsets = take_ragged(starts, images[self.phrase])
        other, owner = by_image[places], np.repeat(np.arange(len(self.phrase)), np.diff(offsets))
        entity = self._entities()
        kept = entity[other] != entity[self.phrase][owner]
        other, owner = other[kept], owner[kept]
        right = self._right(other, owner, self.protocol)
        sentence = self.truth.keys.sentence
        same = np.zeros(len(other), bool)
        if sentence is not None:
            same = sentence[other] == sentence[self.phrase][owner]
        return self._any(owner[right & same]), self._any(owner[right & ~same])

    def _entities(self) -> IntArray:
        """Give each phrase's entity as a number; without ids, those of the same box are one."""
        entity = self.truth.keys.entity
        if entity is not None:
            return entity.codes
        return np.unique(self.truth.union_boxes, axis=0, return_inverse=True)[1].reshape(-1)

    def rows_of(self, proposals: Proposals) -> IntArray:
        """Give the row of each phrase's image among those of the proposals, -1 without one."""
        rows = proposals.rows_of(self.truth.keys.image.values)
        return rows[self.truth.keys.image.codes[self.phrase]]

    def reached_by(self, proposals: Proposals) -> BoolArray:
        """Tell for which phrases an object of their image would be right."""
        rows = self.rows_of(proposals)
        offsets = np.append(proposals.offsets, proposals.offsets[-1])
        places, starts = take_ragged(offsets, np.where(rows < 0, len(offsets) - 2, rows))
        owner = np.repeat(np.arange(len(rows)), np.diff(starts))
        _, right = pair_outcomes(
            self.truth,
            self.phrase[owner],
            proposals.boxes,
            places,
            proposals.space,
            self.protocol,
        )
        return self._any(owner[right])

    def part_or_whole(self) -> BoolArray:
        """Tell where most of the smaller of box and target lies in the larger."""
        targets = self._targets()
        low = np.maximum(self.boxes[:, :2], targets[:, :2])
        high = np.minimum(self.boxes[:, 2:], targets[:, 2:])
        shared: FloatArray = np.maximum(high - low, 0).prod(axis=1)
        smaller = np.minimum(areas(self.boxes), areas(targets))
        inside: BoolArray = shared >= INSIDE * smaller
        return inside & (shared > 0)

    def distance(self) -> FloatArray:
        """Give the generalized IoU of each box and its target."""
        return paired_giou(self.boxes, self._targets())

    def _targets(self) -> FloatArray:
        return self.truth.union_boxes[self.phrase]

    def _any(self, owners: IntArray) -> BoolArray:
        found = np.zeros(len(self.phrase), bool)
        found[owners] = True
        return found
