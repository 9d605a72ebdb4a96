"""Pairing rows without complete keys: they must be the ground truth's, in its order.

That is checked as far as both sides have the columns, as `phraseloc.alignment` does of small files:
image, sentence, entity and text. Rows that one side has beyond the other's end are paired with
none, so that both are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from phraseloc.alignment import MISPLACED, same_words
from phraseloc.bulk.boxes import given
from phraseloc.bulk.columns import Columns, key_parts, text_bytes
from phraseloc.bulk.pairs import NotInOrder, Pair, pair_in_order
from phraseloc.columns import BoolArray
from phraseloc.errors import Problems
from phraseloc.kernels.keys import Keys, hash_texts


def by_order(
    truth: Iterator[Columns],
    predictions: Sequence[Iterator[Columns]],
    ordered: Sequence[bool],
    misplaced: Sequence[Problems],
    *,
    whole: bool,
) -> Iterator[tuple[Pair, ...]]:
    """Pair blocks of the ground truth with those of each method's predictions, row by row.

    Parameters
    ----------
    ordered : whether the rows of each method are found by their place; the others have keys
    misplaced : collects the rows of each method that are not the ground truth's
    whole : whether all rows are gone through, so that no side may have more than another

    Raises
    ------
    NotInOrder
        if keys differ, or where rows that are not the whole end on one side before another
    """
    for one, *others in _equal_parts((truth, *predictions), whole):
        yield tuple(
            _pair(one, two, problems) if by_place else pair_in_order(one, two)
            for two, by_place, problems in zip(others, ordered, misplaced, strict=True)
        )


def _equal_parts(sources: Sequence[Iterator[Columns]], whole: bool) -> Iterator[list[Columns]]:
    """Cut the blocks of all files so that their parts have as many rows, or none at the end."""
    left: list[Columns | None] = [None] * len(sources)
    ends: list[Columns | None] = [None] * len(sources)
    while True:
        for side, block in enumerate(left):
            if block is None or not len(block):
                left[side] = next(filter(len, sources[side]), None)
        blocks = [block for block in left if block is not None]
        if not blocks:
            return
        if len(blocks) < len(sources) and not whole:
            raise NotInOrder
        count = min(map(len, blocks))
        parts = []
        for side, block in enumerate(left):
            if block is not None:
                parts.append(block.part(0, count))
                left[side], ends[side] = block.part(count, len(block)), block.part(0, 0)
            else:  # no row, of the columns that the side had, if it had any
                end = ends[side]
                parts.append(blocks[0].without_rows() if end is None else end)
        yield parts


def _pair(truth: Columns, predictions: Columns, problems: Problems) -> Pair:
    """Pair rows of the same place, and note those that are not the ground truth's."""
    if len(truth) != len(predictions):  # the rest of one side; that it is one is told at the end
        return Pair(truth, predictions, np.full(len(truth), -1))
    differs, respanned = _differences(truth, predictions)
    problems.add_rows(
        MISPLACED,
        np.flatnonzero(differs),
        lambda row: (
            f"{predictions.where(row)}: found {predictions.describe(row)}, "
            f"expected {truth.describe(row)}"
        ),
    )
    found = ~differs & (np.diff(predictions.offsets) > 0)
    rows = np.where(found, np.arange(len(truth)), -1)
    return Pair(truth, predictions, rows, respanned=respanned)


def _differences(truth: Columns, predictions: Columns) -> tuple[BoolArray, int]:
    """Tell which rows (N,) differ, and how many of the others mark a word more or less."""
    differs: BoolArray = truth.image != predictions.image
    (_, *ours), (_, *theirs) = (_parts(side.table) for side in (truth, predictions))
    for one, two in ((ours[0], theirs[0]), (ours[2], theirs[2])):  # sentences, entities
        if one is not None and two is not None:
            differs |= one != two
    respanned = 0
    expected, found = (_texts(side.table) for side in (truth, predictions))
    if expected is not None and found is not None:
        for row in np.flatnonzero(~differs & (expected[1] != found[1])).tolist():
            same = same_words(found[0][row].as_py(), expected[0][row].as_py())
            respanned += same
            differs[row] |= not same
    return differs, respanned


def _parts(table: Any) -> tuple[Any, ...]:
    return key_parts(table, str, Problems(""))  # what is wrong was told when they were read


def _texts(table: Any) -> tuple[Any, Keys] | None:
    """Give phrases, absent ones as nothing, and their hashes; None where no row has one."""
    if not given(table, "phrase"):
        return None
    column = table.column("phrase").fill_null("")
    return column, hash_texts(*text_bytes(column))


def has_keys(table: Any) -> bool:
    """Tell whether an Arrow batch of rows has complete keys, or what is no key at all."""
    if not given(table, "image"):
        return True
    return all(part is not None for part in _parts(table))
