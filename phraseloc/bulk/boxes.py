"""Boxes, points and scores of a block of rows, as the file has them, of Arrow columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from phraseloc.columns import BoolArray, FloatArray, IntArray, offsets_of, owner_of
from phraseloc.errors import Problems
from phraseloc.formats.records import LARGEST, NOT_FINITE

Where = Callable[[int], str]


def given(table: Any, name: str) -> bool:
    """Tell whether any row has a value of a column."""
    return name in table.schema.names and table.column(name).null_count < len(table)


def absent(column: Any) -> BoolArray:
    """Tell which rows (N,) of an Arrow column have no value."""
    if not column.null_count:
        return np.zeros(len(column), bool)
    lacking: BoolArray = ~column.is_valid().to_numpy(zero_copy_only=False)
    return lacking


def ragged(column: Any) -> tuple[Any, IntArray]:
    """Give the items of an Arrow column of lists, and their offsets (N + 1,) from 0."""
    offsets = column.offsets.to_numpy().astype(np.int64)
    return column.values.slice(offsets[0], offsets[-1] - offsets[0]), offsets - offsets[0]


def read_boxes(
    table: Any, where: Where, problems: Problems
) -> tuple[FloatArray, IntArray, bool, bool]:
    """Give boxes, offsets, whether they are points, and whether there is one a row."""
    every = np.arange(len(table) + 1)
    if given(table, "point"):
        column = table.column("point")
        _refuse('a record without "point" among points', absent(column), where, problems)
        flat = _numbers(column, 2, '"point" is not 2 numbers', where, problems)
        return np.tile(flat, 2), every, True, True
    lacking = {n: absent(table.column(n)) for n in ("boxes", "box") if given(table, n)}
    none = np.logical_and.reduce([*lacking.values(), np.ones(len(table), bool)])
    _refuse('a record with neither "box" nor "boxes"', none, where, problems)
    if "boxes" not in lacking:
        flat = _numbers(table.column("box"), 4, '"box" is not 4 numbers', where, problems)
        return flat, every, False, True
    single = np.flatnonzero(lacking["boxes"])
    boxes, offsets = _several(table.column("boxes"), where, problems)
    if len(single):
        boxes, offsets = _with_single(table, single, boxes, offsets, where, problems)
    return boxes, offsets, False, False


def _refuse(kind: str, wrong: BoolArray, where: Where, problems: Problems) -> None:
    """Name rows without which a block cannot be read."""
    if wrong.any():
        problems.add_rows(kind, np.flatnonzero(wrong), where)
        problems.raise_if_any()


def _several(column: Any, where: Where, problems: Problems) -> tuple[FloatArray, IntArray]:
    """Give the boxes of rows that have lists of them, and their offsets."""
    inner, offsets = ragged(column)
    owner = np.repeat(np.arange(len(column)), np.diff(offsets))
    kind = '"boxes" is not a list of boxes of 4 numbers'
    return _numbers(inner, 4, kind, where, problems, column, owner), offsets


def _with_single(
    table: Any,
    rows: IntArray,
    boxes: FloatArray,
    offsets: IntArray,
    where: Where,
    problems: Problems,
) -> tuple[FloatArray, IntArray]:
    """Put the one box of some rows among the boxes of the others."""
    import pyarrow

    column = table.column("box")
    chosen = column.take(pyarrow.array(rows))
    single = _numbers(chosen, 4, '"box" is not 4 numbers', where, problems, column, rows)
    counts = np.diff(offsets)
    counts[rows] = 1
    joined = offsets_of(counts)
    out = np.empty((joined[-1], 4))
    is_single = np.zeros(len(out), bool)
    is_single[joined[rows]] = True
    out[is_single], out[~is_single] = single, boxes
    return out, joined


def _numbers(
    column: Any,
    count: int,
    kind: str,
    where: Where,
    problems: Problems,
    whole: Any = None,
    owner: IntArray | None = None,
) -> FloatArray:
    """Give lists of so many numbers each, (N, count); others are a problem.

    Parameters
    ----------
    whole, owner : the column that messages show, and the row of each list in it
    """
    values, offsets = ragged(column)
    lengths = np.diff(offsets)
    if (lengths != count).any() or values.null_count or column.null_count:
        wrong = lengths != count
        wrong[np.repeat(np.arange(len(lengths)), lengths)[absent(values)]] = True
        shown = column if whole is None else whole
        rows = np.flatnonzero(wrong) if owner is None else np.unique(owner[wrong])
        problems.add_rows(kind, rows, lambda row: f"{where(row)}: found {shown[int(row)].as_py()}")
        problems.raise_if_any()
    numbers: FloatArray = values.to_numpy().astype(np.float64, copy=False).reshape(-1, count)
    return numbers


def read_scores(
    table: Any, offsets: IntArray, where: Where, problems: Problems
) -> FloatArray | None:
    """Give the scores of all boxes, None where no row has them."""
    if not given(table, "scores"):
        return None
    column = table.column("scores")
    values, starts = ragged(column)
    counts, expected = np.diff(starts), np.diff(offsets)
    problems.add_rows(
        '"scores" are not one a box',
        np.flatnonzero(counts != expected),
        lambda row: f"{where(row)}: found {counts[row]} scores, {expected[row]} boxes",
    )
    problems.raise_if_any()
    scores: FloatArray = values.to_numpy().astype(np.float64, copy=False)
    owner = np.repeat(np.arange(len(expected)), expected)
    problems.add_rows(
        "a score that is not finite",
        owner[~np.isfinite(scores)],
        lambda row: f"{where(row)}: found {scores[offsets[row] : offsets[row + 1]].tolist()}",
    )
    return scores


def note_infinite(
    boxes: FloatArray, offsets: IntArray, where: Where, problems: Problems
) -> FloatArray:
    """Note boxes with a number that is no coordinate; ones take their place."""
    if not len(boxes) or (boxes.max() <= LARGEST and boxes.min() >= -LARGEST):
        return boxes
    wrong: BoolArray = np.any(~(np.abs(boxes) <= LARGEST), axis=1)
    problems.add_rows(
        NOT_FINITE,
        np.flatnonzero(wrong),
        lambda box: f"{where(owner_of(offsets, box))}: found {boxes[box].tolist()}",
    )
    return np.where(wrong[:, None], 1.0, boxes)
