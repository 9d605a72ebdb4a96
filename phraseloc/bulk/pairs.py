"""Pairing: which rows of the predictions belong to which phrases, block by block.

Where both sides are in one order, which is what a method that goes through the ground truth writes,
blocks are merged as they come; it may have left phrases out. Else both are divided into buckets of
images on disk, and each bucket is joined by its keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from phraseloc.bulk.columns import Columns
from phraseloc.columns import FloatArray, IntArray
from phraseloc.errors import Problems
from phraseloc.kernels.keys import Keys

_FEW = 10
"""Of less than such a part of a block, more is read before it is paired: small pieces cost more."""

_FAR = 500_000
"""After so many phrases without a row, a method's next row is looked for in any order."""

_ALL = 2**62

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
    respanned : how many rows mark the phrase with a word more or less
    """

    truth: Columns
    predictions: Columns
    rows: IntArray
    duplicate: int = 0
    extra: int = 0
    respanned: int = 0


def in_order(
    truth: Iterator[Columns], predictions: Sequence[Iterator[Columns]]
) -> Iterator[tuple[Pair, ...]]:
    """Pair blocks of the ground truth with those of each method's predictions, as they come.

    Raises
    ------
    NotInOrder
        where a method has other phrases than the ground truth, or has them in another order
    """
    methods = [_Follower(blocks) for blocks in predictions]
    for block in truth:
        low = 0
        while low < len(block):
            high = min(len(block), *(low + method.ready() for method in methods))
            piece = block.part(low, high)
            yield tuple(method.pair(piece) for method in methods)
            low = high
    if any(method.ready() < _ALL for method in methods):
        raise NotInOrder


class _Follower:
    """A method's rows that are not paired yet; it may have left phrases out."""

    def __init__(self, blocks: Iterator[Columns]) -> None:
        self._blocks = filter(len, blocks)
        self._rows: Columns | None = None
        self._few = 1
        self._unmatched = 0

    def ready(self) -> int:
        """Give how many rows there are to pair, after reading on if few are left."""
        left = self._rows
        if left is None or len(left) < self._few:
            block = next(self._blocks, None)
            if block is not None:
                if left is not None and block.kind != left.kind:  # an error, which buckets tell
                    raise NotInOrder
                self._few = max(1, len(block) // _FEW)
                self._rows = left.joined(block) if left else block
        return len(self._rows) if self._rows else _ALL

    def pair(self, truth: Columns) -> Pair:
        """Pair phrases of the ground truth, of which there are no more than rows are ready."""
        left = self._rows if self._rows is not None else truth.without_rows()
        head = left.part(0, min(len(truth), len(left)))
        rows = np.arange(len(truth))
        if not _same_keys(truth, head):
            phrase = self._found(truth, head)
            head = head.part(0, len(phrase))
            rows = np.full(len(truth), -1)
            rows[phrase] = np.arange(len(phrase))
        self._rows = left.part(len(head), len(left))
        return _pair(truth, head, rows)

    def _found(self, truth: Columns, head: Columns) -> IntArray:
        """Give the phrases of the rows that come next; those of later phrases wait."""
        phrase = _find(head, truth)
        phrase = phrase[: np.count_nonzero(phrase >= 0)]
        self._unmatched = 0 if len(phrase) else self._unmatched + len(truth)
        if (np.diff(phrase, prepend=-1) <= 0).any() or (len(head) and self._unmatched > _FAR):
            raise NotInOrder
        return phrase


def pair_in_order(truth: Columns, predictions: Columns) -> Pair:
    """Pair blocks of equal keys, row by row.

    Raises
    ------
    NotInOrder
        if their keys differ
    """
    if not _same_keys(truth, predictions):
        raise NotInOrder
    return _pair(truth, predictions, np.arange(len(truth)))


def _pair(truth: Columns, predictions: Columns, rows: IntArray) -> Pair:
    """Pair phrases with their rows, of which those without a box are no prediction."""
    counts = np.append(np.diff(predictions.offsets), 0)
    return Pair(truth, predictions, rows if counts[:-1].all() else np.where(counts[rows], rows, -1))


def _same_keys(one: Columns, two: Columns) -> bool:
    return np.array_equal(one.image, two.image) and np.array_equal(one.phrase, two.phrase)


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
    wanted = wanted[order]
    places, out = np.searchsorted(wanted, found), np.full(len(found), -1)
    rows = np.arange(len(found))
    while len(rows):  # again where other keys have the same joint one
        rows = rows[places[rows] < len(wanted)]
        rows = rows[wanted[places[rows]] == found[rows]]
        phrase = order[places[rows]]
        same = truth.image[phrase] == predictions.image[rows]
        same &= truth.phrase[phrase] == predictions.phrase[rows]
        out[rows[same]] = phrase[same]
        rows = rows[~same]
        places[rows] += 1
    return out


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
