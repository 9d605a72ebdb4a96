"""Pairing: which rows of the predictions belong to which phrases, block by block.

Where both sides are in one order, which is what a method that goes through the ground truth writes,
blocks are compared as they come. Else both are divided into buckets of images on disk, and each
bucket is joined by its keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from phraseloc.bulk.columns import Columns
from phraseloc.columns import FloatArray, IntArray
from phraseloc.errors import Problems
from phraseloc.kernels.keys import Keys

_MIXER = np.uint64(0x9E3779B97F4A7C15)


class NotInOrder(Exception):  # noqa: N818 - it says what is so, and is no error
    """The rows of both sides are not those of the same phrases in the same order."""


@dataclass(frozen=True, eq=False)
class Pair:
    """N phrases and the rows of the predictions that belong to them.

    Parameters
    ----------
    truth, predictions : a block of each
    rows : (N,) int64, the row of each phrase's prediction, -1 where there is none
    duplicate, extra : how many rows repeat another, and belong to no phrase
    """

    truth: Columns
    predictions: Columns
    rows: IntArray
    duplicate: int = 0
    extra: int = 0


def in_order(
    truth: Iterator[Columns], predictions: Sequence[Iterator[Columns]]
) -> Iterator[tuple[Pair, ...]]:
    """Pair blocks of the ground truth with those of each method's predictions, row by row.

    Raises
    ------
    NotInOrder
        at the first block whose keys differ, or where one file ends before another
    """
    for one, *others in _equal_parts((truth, *predictions)):
        yield tuple(_pair_in_order(one, two) for two in others)


def _pair_in_order(truth: Columns, predictions: Columns) -> Pair:
    same = np.array_equal(truth.image, predictions.image)
    if not (same and np.array_equal(truth.phrase, predictions.phrase)):
        raise NotInOrder
    counts = np.diff(predictions.offsets)
    rows = np.arange(len(truth))
    return Pair(truth, predictions, rows if counts.all() else np.where(counts > 0, rows, -1))


def _equal_parts(sources: Sequence[Iterator[Columns]]) -> Iterator[list[Columns]]:
    """Cut the blocks of all files so that their parts have as many rows."""
    left: list[Columns | None] = [None] * len(sources)
    while True:
        for side, block in enumerate(left):
            if block is None or not len(block):
                left[side] = next(filter(len, sources[side]), None)
        blocks = [block for block in left if block is not None]
        if not blocks:
            return
        if len(blocks) < len(sources):
            raise NotInOrder
        count = min(map(len, blocks))
        yield [block.part(0, count) for block in blocks]
        left = [block.part(count, len(block)) for block in blocks]


def by_key(truth: Columns, predictions: Columns, extra: str, problems: Problems) -> Pair:
    """Pair all rows of the images of a bucket, in any order, and note what does not fit.

    Parameters
    ----------
    extra : what a row of an unknown image or phrase is, ``error`` or ``count``
    """
    phrase = _find(predictions, truth)
    duplicate = _check_duplicates(predictions, phrase, problems)
    unknown = phrase < 0
    if extra == "error" and unknown.any():
        _note_unknown(truth, predictions, np.flatnonzero(unknown), problems)
    rows = np.full(len(truth), -1, np.int64)
    backwards = np.flatnonzero(~unknown)[::-1]
    rows[phrase[backwards]] = backwards
    empty = np.append(np.diff(predictions.offsets) == 0, True)[rows]
    return Pair(truth, predictions, np.where(empty, -1, rows), duplicate, int(unknown.sum()))


def check_unique(truth: Columns, problems: Problems) -> None:
    """Note phrases that stand twice in a block of the ground truth."""
    joint = np.sort(_joint(truth))
    if not (joint[1:] == joint[:-1]).any():
        return
    order = np.lexsort((truth.phrase, truth.image))
    image, phrase = truth.image[order], truth.phrase[order]
    again = order[1:][(image[1:] == image[:-1]) & (phrase[1:] == phrase[:-1])]
    problems.add_rows("a phrase that stands twice in the ground truth", again, truth.describe)


def _find(predictions: Columns, truth: Columns) -> IntArray:
    """Give the phrase of each row, -1 where there is none."""
    if not len(truth):
        return np.full(len(predictions), -1)
    wanted, found = _joint(truth), _joint(predictions)
    order = np.argsort(wanted, kind="stable")
    place = np.minimum(np.searchsorted(wanted[order], found), len(wanted) - 1)
    phrase = order[place]
    same = truth.image[phrase] == predictions.image
    same &= truth.phrase[phrase] == predictions.phrase
    return np.where(same, phrase, -1)


def _joint(columns: Columns) -> Keys:
    keys: Keys = columns.image * _MIXER + columns.phrase
    return keys


def _check_duplicates(predictions: Columns, phrase: IntArray, problems: Problems) -> int:
    """Count rows that repeat one before; those with other boxes are a problem."""
    order = np.argsort(phrase, kind="stable")
    ordered = phrase[order]
    again = np.flatnonzero((ordered[1:] == ordered[:-1]) & (ordered[1:] >= 0)) + 1
    differing = []
    for place in again.tolist():
        row, before = int(order[place]), int(order[place - 1])
        if not np.array_equal(_ranked(predictions, row), _ranked(predictions, before)):
            differing.append((row, before))
    problems.add_rows(
        "a phrase with two different predictions",
        differing,
        lambda pair: (
            f"{predictions.where(pair[0])}: {predictions.describe(pair[0])}, "
            f"first in {predictions.where(pair[1])}"
        ),
    )
    return len(again)


def _ranked(columns: Columns, row: int) -> FloatArray:
    """Give the boxes of a row, best first."""
    found = slice(columns.offsets[row], columns.offsets[row + 1])
    boxes: FloatArray = columns.boxes[found]
    return (
        boxes
        if columns.scores is None
        else boxes[np.argsort(-columns.scores[found], kind="stable")]
    )


def _note_unknown(truth: Columns, predictions: Columns, rows: IntArray, problems: Problems) -> None:
    in_image = np.isin(predictions.image[rows], truth.image)
    hint = "extra rows are left out and counted on request (--extra count)"
    for known, kind in ((False, "an image"), (True, "a phrase")):
        problems.add_rows(
            f"{kind} that the ground truth does not have; {hint}",
            rows[in_image == known],
            lambda row: f"{predictions.where(row)}: found {predictions.describe(row)}",
        )
