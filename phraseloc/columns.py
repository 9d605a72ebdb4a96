"""Columns: strings as codes into distinct values, ragged rows as offsets into a flat array."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import repeat
from typing import TypeVar

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Number = TypeVar("Number", bound=np.generic)


class Strings:
    """A column of strings: row ``i`` is ``values[codes[i]]``.

    Parameters
    ----------
    values : the distinct strings
    codes : (N,) int64, rows as indices into `values`

    Examples
    --------
    >>> column = Strings.of(["a man", "a dog", "a man"])
    >>> column.values, column.codes.tolist(), column[2]
    (['a man', 'a dog'], [0, 1, 0], 'a man')
    """

    def __init__(self, values: Sequence[str], codes: IntArray) -> None:
        self._rows: list[str] | None = None
        self._encoded: tuple[Sequence[str], IntArray] | None = (values, codes)

    @classmethod
    def of(cls, rows: Sequence[str]) -> Strings:
        """Take a list of strings; it is encoded, in the order of first appearance, when asked."""
        column = cls.__new__(cls)
        column._rows, column._encoded = list(rows), None
        return column

    @property
    def values(self) -> Sequence[str]:
        """The distinct strings."""
        return self._encode()[0]

    @property
    def codes(self) -> IntArray:
        """The rows as indices into the distinct strings."""
        return self._encode()[1]

    def _encode(self) -> tuple[Sequence[str], IntArray]:
        if self._encoded is None:
            values = list(dict.fromkeys(self.to_list()))
            self._encoded = values, self._places(values)
        return self._encoded

    def __len__(self) -> int:
        return len(self.codes if self._rows is None else self._rows)

    def __getitem__(self, row: int) -> str:
        return self.values[int(self.codes[row])] if self._rows is None else self._rows[row]

    def to_list(self) -> list[str]:
        """Give the rows as a list of strings."""
        if self._rows is None:
            values = self.values
            self._rows = [values[code] for code in self.codes.tolist()]
        return self._rows

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Strings:
        """Select rows by index or mask; the values that no row uses any more are dropped."""
        used, codes = np.unique(self.codes[rows], return_inverse=True)
        return Strings([self.values[code] for code in used.tolist()], codes.astype(np.int64))

    @cached_property
    def ranks(self) -> IntArray:
        """Each row's place among the sorted values, so that rows sort as their strings do."""
        by_name = sorted(range(len(self.values)), key=self.values.__getitem__)
        ranks = np.empty(len(by_name), np.int64)
        ranks[by_name] = np.arange(len(by_name))
        return ranks[self.codes]

    def codes_in(self, values: Sequence[str]) -> IntArray:
        """Give each row's index in another list of distinct values, -1 where it has none."""
        if self._encoded is None:
            return self._places(values)
        if values is self.values or list(values) == list(self.values):
            return self.codes
        return Strings.of(self.values)._places(values)[self.codes] if len(self) else self.codes

    def _places(self, values: Sequence[str]) -> IntArray:
        """Look every row up in a list of distinct values."""
        places = dict(zip(values, range(len(values)), strict=True))
        rows = self.to_list()
        return np.fromiter(map(places.get, rows, repeat(-1)), np.int64, len(rows))


def offsets_of(lengths: Sequence[int] | IntArray) -> IntArray:
    """Turn the lengths (N,) of ragged rows into their offsets (N + 1,), the first of which is 0."""
    offsets = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def take_ragged(offsets: IntArray, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Select ragged rows: the places of their items in the flat array, and their new offsets.

    Examples
    --------
    >>> places, offsets = take_ragged(np.array([0, 2, 3, 5]), np.array([2, 0]))
    >>> places.tolist(), offsets.tolist()
    ([3, 4, 0, 1], [0, 2, 4])
    """
    starts = offsets[rows]
    taken = offsets_of(offsets[rows + 1] - starts)
    places = np.arange(taken[-1]) + np.repeat(starts - taken[:-1], np.diff(taken))
    return places, taken


def take_items(
    values: npt.NDArray[Number], offsets: IntArray, rows: IntArray
) -> tuple[npt.NDArray[Number], IntArray]:
    """Select ragged rows: their items, and their new offsets. Rows that stand together are a view.

    Examples
    --------
    >>> values, offsets = np.array([5, 6, 7, 8, 9]), np.array([0, 2, 3, 5])
    >>> [part.tolist() for part in take_items(values, offsets, np.array([2, 0]))]
    [[8, 9, 5, 6], [0, 2, 4]]
    """
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (rows[1:] > rows[:-1]).all():
        kept = offsets[rows[0] : rows[-1] + 2]
        return values[kept[0] : kept[-1]], kept - kept[0]
    places, taken = take_ragged(offsets, rows)
    return values[places], taken


def spread(values: npt.NDArray[Number], offsets: IntArray) -> npt.NDArray[Number]:
    """Give each item of ragged rows the value of its row (N, ...)."""
    counts = np.diff(offsets)
    return values if (counts == 1).all() else np.repeat(values, counts, axis=0)


def owner_of(offsets: IntArray, item: int) -> int:
    """Give the row that an item of ragged rows belongs to."""
    return int(np.searchsorted(offsets, item, "right")) - 1
