"""Alignment: which row of the predictions belongs to which phrase of the ground truth.

By key where the predictions have complete keys, in any order; else row by row, checked as far as
the file allows. What does not fit is an error that names the rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phraseloc.columns import BoolArray, FloatArray, IntArray, Strings, owner_of, spread
from phraseloc.data import GroundTruth, PhraseKeys, Predictions
from phraseloc.errors import Problems
from phraseloc.geometry import OVERSHOOT, far_outside

Parts = tuple[Any, ...]

IN_ORDER = (
    "rows without complete keys (image, sentence, first word, entity) must be the ground truth's "
    "rows in its order"
)
MISPLACED = "a row that is not the ground truth's row of the same place"


@dataclass(frozen=True, eq=False)
class Alignment:
    """Predictions on ground truth.

    Parameters
    ----------
    rows : (N,) int64, each phrase's row of the predictions, -1 where it has none
    predictions : the predictions, in pixels
    duplicate : how many rows repeat another with the same boxes
    extra : how many rows belong to no phrase with a box
    respanned : how many rows mark the phrase with a word more or less than the ground truth
    """

    rows: IntArray
    predictions: Predictions
    duplicate: int = 0
    extra: int = 0
    respanned: int = 0

    @property
    def missing(self) -> int:
        """How many phrases have no prediction."""
        return int((self.rows < 0).sum())


def align(
    ground_truth: GroundTruth,
    predictions: Predictions,
    *,
    extra: str = "error",
    problems: Problems | None = None,
) -> Alignment:
    """Lay predictions onto ground truth.

    Parameters
    ----------
    extra : what a row of an unknown image or phrase is, ``error`` or ``count``; rows of phrases
        that the ground truth knows to have no box are always counted
    problems : a collector that is to raise; by default this function raises

    Raises
    ------
    InputError
        with all rows that name an unknown image or phrase, contradict another row or lie far
        outside their image
    """
    noted = Problems(predictions.source) if problems is None else problems
    if predictions.keys.complete and ground_truth.keys.complete:
        alignment = _by_key(ground_truth, predictions, extra, noted)
    else:
        alignment = _by_order(ground_truth, predictions, noted)
    predictions = _in_pixels(ground_truth, predictions, noted)
    if problems is None:
        noted.raise_if_any()
    rows = alignment.rows
    counts = np.append(np.diff(predictions.offsets), 0)
    return replace(alignment, rows=np.where(counts[rows] > 0, rows, -1), predictions=predictions)


def _by_key(
    ground_truth: GroundTruth, predictions: Predictions, extra: str, problems: Problems
) -> Alignment:
    truth, keys = ground_truth.keys.parts, predictions.keys.parts
    wanted, found = _joint_codes(truth, keys)
    if np.array_equal(wanted, found):
        return Alignment(np.arange(len(found)), predictions)
    phrase = _find(found, wanted)
    respanned = _respanned(truth, keys, phrase)
    phrase = np.where(phrase < 0, respanned, phrase)
    unknown = phrase < 0
    duplicate = _check_duplicates(predictions, phrase, problems)
    if extra == "error":
        wrong = np.flatnonzero(unknown & ~_is_left_out(ground_truth, predictions.keys))
        _note_unknown(ground_truth, predictions, wrong, problems)
    rows = np.full(len(wanted), -1, dtype=np.int64)
    backwards = np.flatnonzero(~unknown)[::-1]
    rows[phrase[backwards]] = backwards
    return Alignment(
        rows,
        predictions,
        duplicate=duplicate,
        extra=int(unknown.sum()),
        respanned=int((respanned >= 0).sum()),
    )


def _respanned(truth: Parts, keys: Parts, phrase: IntArray) -> IntArray:
    """Find phrases that begin a word earlier or later than their row says, -1 elsewhere.

    Releases of the annotations mark some phrases with a word more or less: "on one hand" and "one
    hand". Image, sentence and entity still name them where the caption has the entity once.
    """
    out = np.full(len(phrase), -1, dtype=np.int64)
    if (phrase >= 0).all():
        return out
    image, sentence, first_word, entity = truth
    wanted, found = _joint_codes((image, sentence, entity), (keys[0], keys[1], keys[3]))
    _, group, counts = np.unique(wanted, return_inverse=True, return_counts=True)
    open_phrase = counts[group] == 1
    open_phrase[phrase[phrase >= 0]] = False
    open_row = (phrase < 0) & (found >= 0)
    places = np.flatnonzero(open_phrase)
    match = _find(found[open_row], wanted[places])
    out[open_row] = np.where(match >= 0, places[match], -1) if len(places) else -1
    return np.where(np.abs(first_word[out] - keys[2]) == 1, out, -1)


def _find(found: IntArray, wanted: IntArray) -> IntArray:
    """Give the place of each number among distinct ones, -1 where it is not among them."""
    if not len(wanted):
        return np.full(len(found), -1, dtype=np.int64)
    order = np.argsort(wanted)
    place = np.minimum(np.searchsorted(wanted[order], found), len(wanted) - 1)
    return np.where(wanted[order[place]] == found, order[place], -1)


def _joint_codes(wanted: Parts, found: Parts) -> tuple[IntArray, IntArray]:
    """Give each key of both a number, equal where the keys are; -1 where a part is unknown."""
    codes = np.zeros(len(wanted[0]), np.int64)
    other = np.zeros(len(found[0]), np.int64)
    absent = np.zeros(len(found[0]), bool)
    width = 1
    for part, other_part in zip(wanted, found, strict=True):
        if isinstance(part, Strings):
            ours, theirs = part.codes, other_part.codes_in(part.values)
        else:
            ours, theirs = part, other_part
        size = int(ours.max(initial=0)) + 1
        if width * size > 2**62:
            joint, both = np.unique(np.concatenate([codes, other]), return_inverse=True)
            codes, other, width = both[: len(codes)], both[len(codes) :], len(joint)
        absent |= (theirs < 0) | (theirs >= size)
        codes = codes * size + ours
        other = other * size + np.where(absent, 0, theirs)
        width *= size
    return codes, np.where(absent, -1, other)


def _is_left_out(ground_truth: GroundTruth, keys: PhraseKeys) -> BoolArray:
    if ground_truth.left_out is None:
        return np.zeros(len(keys), bool)
    known, found = _joint_codes(ground_truth.left_out.parts, keys.parts)
    return np.isin(found, known)


def _check_duplicates(predictions: Predictions, phrase: IntArray, problems: Problems) -> int:
    """Count rows that repeat one before; those with other boxes are a problem."""
    order = np.argsort(phrase, kind="stable")
    ordered = phrase[order]
    again = np.flatnonzero((ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0)) + 1
    offsets, boxes = predictions.offsets, predictions.boxes
    differing = []
    for place in again.tolist():
        row, before = order[place], order[place - 1]
        ours = boxes[offsets[row] : offsets[row + 1]]
        if not np.array_equal(ours, boxes[offsets[before] : offsets[before + 1]]):
            differing.append((row, before))
    problems.add_rows(
        "a phrase with two different predictions",
        differing,
        lambda pair: (
            f"{predictions.where(pair[0])}: {predictions.keys.describe(pair[0])}, "
            f"first in {predictions.where(pair[1])}"
        ),
    )
    return len(again)


def _note_unknown(
    ground_truth: GroundTruth,
    predictions: Predictions,
    rows: IntArray,
    problems: Problems,
) -> None:
    import difflib

    image = predictions.keys.image.codes_in(ground_truth.keys.image.values)

    def nearest_image(row: int) -> str:
        name = predictions.keys.image[row]
        near = difflib.get_close_matches(name, ground_truth.keys.image.values, n=1, cutoff=0.5)
        return f"{predictions.where(row)}: found {name!r}" + (
            f", nearest {near[0]!r}" if near else ""
        )

    def nearest_phrase(row: int) -> str:
        found = predictions.keys.describe(row)
        same_image = np.flatnonzero(ground_truth.keys.image.codes == image[row])
        names = [ground_truth.keys.describe(phrase) for phrase in same_image.tolist()]
        near = difflib.get_close_matches(found, names, n=1, cutoff=0.0)
        return f"{predictions.where(row)}: found {found}, nearest {near[0]}"

    in_image = image[rows] >= 0
    hint = "extra rows are left out and counted on request (--extra count)"
    problems.add_rows(
        f"an image that the ground truth does not have; {hint}", rows[~in_image], nearest_image
    )
    problems.add_rows(
        f"a phrase that the ground truth does not have; {hint}", rows[in_image], nearest_phrase
    )


def _by_order(ground_truth: GroundTruth, predictions: Predictions, problems: Problems) -> Alignment:
    """Check predictions without complete keys against the ground truth, row by row."""
    keys, truth = predictions.keys, ground_truth.keys
    nowhere = Alignment(np.full(len(truth), -1, dtype=np.int64), predictions)
    if len(keys) != len(truth):
        problems.add(
            IN_ORDER,
            f"found {len(keys):,} rows, expected {len(truth):,}",
        )
        return nowhere
    differs = keys.image.codes_in(truth.image.values) != truth.image.codes
    if keys.sentence is not None and truth.sentence is not None:
        differs |= keys.sentence != truth.sentence
    if keys.entity is not None and truth.entity is not None:
        differs |= keys.entity.codes_in(truth.entity.values) != truth.entity.codes
    respanned = np.zeros(len(truth), bool)
    if keys.phrase is not None and truth.phrase is not None:
        for row in np.flatnonzero(
            keys.phrase.codes_in(truth.phrase.values) != truth.phrase.codes
        ).tolist():
            respanned[row] = same_words(keys.phrase[row], truth.phrase[row])
            differs[row] |= not respanned[row]
    problems.add_rows(
        MISPLACED,
        np.flatnonzero(differs),
        lambda row: (
            f"{predictions.where(row)}: found {keys.describe(row)}, expected {truth.describe(row)}"
        ),
    )
    if differs.any():
        return nowhere
    return Alignment(np.arange(len(keys)), predictions, respanned=int(respanned.sum()))


def same_words(found: str, expected: str) -> bool:
    """Tell whether two texts are one phrase: the words of one end those of the other."""
    words = [re.findall(r"\w+", text.lower()) for text in (found, expected)]
    short, long = sorted(words, key=len)
    return bool(short) and long[-len(short) :] == short


def _in_pixels(
    ground_truth: GroundTruth, predictions: Predictions, problems: Problems
) -> Predictions:
    image = predictions.keys.image.codes_in(ground_truth.keys.image.values)
    sizes = np.where(image[:, None] >= 0, ground_truth.image_sizes[image], np.nan)
    return in_pixels(
        predictions,
        sizes,
        image >= 0,
        problems,
        lambda row: f"{predictions.where(row)}: image {predictions.keys.image[row]}",
    )


def in_pixels(
    predictions: Predictions,
    sizes: FloatArray,
    known: BoolArray,
    problems: Problems,
    describe: Callable[[int], str],
) -> Predictions:
    """Scale relative boxes by their image's size, and check that boxes lie about their image.

    Parameters
    ----------
    sizes : (N, 2) float64, width and height of each row's image, NaN where unknown
    known : (N,) bool, the rows whose image the ground truth has
    describe : names a row and its image
    """
    boxes, offsets = predictions.boxes, predictions.offsets
    if not len(boxes):
        return predictions
    of_boxes = spread(sizes, offsets)
    if predictions.space.relative:
        problems.add_rows(
            f"boxes in units {predictions.space.units} need the images' sizes, which the ground "
            "truth does not have (the official release has)",
            np.flatnonzero(known & np.isnan(sizes[:, 0])),
            describe,
        )
        boxes = boxes * np.tile(of_boxes, 2)
    outside = far_outside(boxes, of_boxes)
    problems.add_rows(
        f"a box that leaves its image by more than {OVERSHOOT:.0%} of its side; are "
        "--layout, --origin and --units as the file means them?",
        np.flatnonzero(outside),
        lambda box: (
            f"{predictions.where(owner_of(offsets, box))}: found x {boxes[box, 0]:g} to "
            f"{boxes[box, 2]:g}, y {boxes[box, 1]:g} to {boxes[box, 3]:g} in an image of "
            + ("{:g} x {:g}".format(*of_boxes[box]) if of_boxes[box, 0] > 0 else "unknown size")
        ),
    )
    return replace(predictions, boxes=boxes)
