"""Columns: strings as codes into distinct values, ragged rows as offsets into a flat array."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
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

    values: Sequence[str]
    codes: IntArray

    @classmethod
    def of(cls, rows: Sequence[str]) -> Strings:
        """Encode a list of strings; values stand in the order of first appearance."""
        values = list(dict.fromkeys(rows))
        places = dict(zip(values, range(len(values)), strict=True))
        return cls(values, np.fromiter(map(places.__getitem__, rows), np.int64, len(rows)))

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> str:
        return self.values[int(self.codes[row])]

    def to_list(self) -> list[str]:
        """Give the rows as a list of strings."""
        values = self.values
        return [values[code] for code in self.codes.tolist()]

    def take(self, rows: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Strings:
        """Select rows by index or mask; the values that no row uses any more are dropped."""
        used, codes = np.unique(self.codes[rows], return_inverse=True)
        return Strings([self.values[code] for code in used.tolist()], codes.astype(np.int64))

    def ranks(self) -> IntArray:
        """Give each row's place among the sorted values, so that rows sort as their strings do."""
        by_name = sorted(range(len(self.values)), key=self.values.__getitem__)
        ranks = np.empty(len(by_name), np.int64)
        ranks[by_name] = np.arange(len(by_name))
        return ranks[self.codes]

    def codes_in(self, values: Sequence[str]) -> IntArray:
        """Give each row's index in another list of distinct values, -1 where it has none."""
        if values is self.values or list(values) == list(self.values):
            return self.codes
        places = {value: place for place, value in enumerate(values)}
        table = np.array([places.get(value, -1) for value in self.values], dtype=np.int64)
        return table[self.codes] if len(table) else self.codes


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
