from itertools import pairwise

import numpy as np
import pytest

from phraseloc import Strings
from phraseloc.columns import offsets_of, owner_of, spread, take_items, take_ragged


def test_strings_are_codes_into_distinct_values():
    column = Strings.of(["b", "a", "b", "c"])
    assert column.values == ["b", "a", "c"]
    assert column.codes.tolist() == [0, 1, 0, 2]
    assert column.to_list() == ["b", "a", "b", "c"]
    assert (len(column), column[3]) == (4, "c")


def test_no_strings():
    column = Strings.of([])
    assert (len(column), column.values, column.to_list()) == (0, [], [])
    assert column.codes_in(["a"]).tolist() == []


def test_taking_rows_drops_values_without_use():
    column = Strings.of(["b", "a", "b", "c"])
    assert column.take(np.array([3, 0])).to_list() == ["c", "b"]
    assert sorted(column.take(np.array([3, 0])).values) == ["b", "c"]
    assert column.take(np.array([False, True, False, False])).values == ["a"]


def test_ranks_sort_as_strings_do():
    rows = ["10", "9", "", "ß", "a", "10"]
    ranks = Strings.of(rows).ranks
    assert [rows[i] for i in np.argsort(ranks, kind="stable")] == sorted(rows)
    assert ranks[0] == ranks[5]


def test_codes_in_another_list():
    column = Strings.of(["b", "a", "x"])
    assert column.codes_in(["a", "b", "c"]).tolist() == [1, 0, -1]
    assert column.codes_in(["b", "a", "x"]).tolist() == [0, 1, 2]
    assert column.codes_in([]).tolist() == [-1, -1, -1]


def test_offsets_are_sums_of_lengths():
    assert offsets_of([2, 0, 3]).tolist() == [0, 2, 2, 5]
    assert offsets_of([]).tolist() == [0]


def test_ragged_rows_are_taken_in_any_order_and_more_than_once():
    places, offsets = take_ragged(np.array([0, 2, 2, 5]), np.array([2, 1, 0, 2]))
    assert places.tolist() == [2, 3, 4, 0, 1, 2, 3, 4]
    assert offsets.tolist() == [0, 3, 3, 5, 8]


def test_no_ragged_rows():
    places, offsets = take_ragged(np.array([0, 2]), np.zeros(0, np.int64))
    assert (places.tolist(), offsets.tolist()) == ([], [0])


@pytest.mark.parametrize("rows", [[0, 1, 2, 3], [1, 2], [2], [3, 0], [0, 2, 3], [1, 1, 3], []])
def test_items_of_rows_are_those_of_lists(rows):
    lists = [[5, 6], [], [7], [8, 9, 10]]
    offsets = offsets_of([len(items) for items in lists])
    values = np.array([item for items in lists for item in items])
    found, taken = take_items(values, offsets, np.array(rows, np.int64))
    expected = [lists[row] for row in rows]
    assert [found[low:high].tolist() for low, high in pairwise(taken.tolist())] == expected
    assert taken[0] == 0


@pytest.mark.parametrize("counts", [[1, 1, 1], [2, 0, 1], [0, 3, 0]])
def test_each_item_gets_the_value_of_its_row(counts):
    offsets = offsets_of(counts)
    values = np.arange(6.0).reshape(3, 2)
    owners = [owner_of(offsets, item) for item in range(sum(counts))]
    assert owners == [row for row, count in enumerate(counts) for _ in range(count)]
    assert spread(values, offsets).tolist() == values[owners].tolist()
