"""NumPy and Numba give the same bits, on one thread and on two."""

from contextlib import contextmanager

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloc import geometry, kernels
from phraseloc.columns import offsets_of

MEASURES = sorted(geometry.PAIRED)
THREADS = pytest.mark.parametrize("threads", [1, 2], ids=["one-thread", "two-threads"])


@contextmanager
def on_threads(count):
    before = numba.get_num_threads()
    numba.set_num_threads(min(count, before))
    try:
        yield
    finally:
        numba.set_num_threads(before)


def draw_boxes(random, count, grid, shortest):
    """Boxes of whole, quarter or any numbers, of which some may have no area, or be flipped."""
    corners = random.uniform(-50, 50, size=(count, 2))
    sides = random.uniform(shortest, 40, size=(count, 2))
    boxes = np.concatenate([corners, corners + sides], axis=1)
    return np.round(boxes * grid) / grid + 0.0 if grid else boxes  # no -0.0


@st.composite
def ragged(draw, shortest=-2):
    """Candidates and targets of up to sixty rows; rows may lack either."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    rows = draw(st.integers(0, 60))
    most, grid = draw(st.sampled_from([1, 3, 12])), draw(st.sampled_from([0, 1, 4]))
    least = draw(st.sampled_from([0, 1]))
    sides = []
    for high in (most, draw(st.sampled_from([1, 4]))):
        offsets = offsets_of(random.integers(least, high + 1, size=rows))
        sides += [draw_boxes(random, int(offsets[-1]), grid, shortest), offsets]
    return tuple(sides)


def assert_same_bits(found, expected):
    assert found.dtype == expected.dtype == np.float64
    assert found.shape == expected.shape
    assert found.tobytes() == expected.tobytes()


RANKS = st.lists(st.integers(2, 15), unique=True, max_size=4).map(lambda k: (1, *sorted(k)))


@THREADS
@pytest.mark.parametrize("overlap", MEASURES)
@pytest.mark.parametrize("every", [False, True], ids=["any", "every"])
@given(rows=ragged(), ranks=RANKS)
def test_best_overlaps(threads, overlap, every, rows, ranks):
    expected = geometry.best_overlaps(*rows, ranks, overlap=overlap, every=every)
    with on_threads(threads):
        found = kernels.best_overlaps(*rows, ranks, overlap=overlap, every=every)
    assert_same_bits(found, expected)


@THREADS
@pytest.mark.parametrize("overlap", MEASURES)
@given(rows=ragged())
def test_paired_overlaps(threads, overlap, rows):
    count = min(len(rows[0]), len(rows[2]))
    pair = rows[0][:count], rows[2][:count]
    with on_threads(threads):
        found = getattr(kernels, f"paired_{overlap}")(*pair)
    assert_same_bits(found, geometry.PAIRED[overlap](*pair))


@THREADS
@given(rows=ragged())
def test_all_pairs(threads, rows):
    with on_threads(threads):
        found = kernels.ragged_iou(*rows)
    assert_same_bits(found, geometry.ragged_iou(*rows))


@THREADS
@given(rows=ragged())
def test_unions(threads, rows):
    boxes, offsets, *_ = rows
    filled = np.append(offsets[:-1][np.diff(offsets) > 0], len(boxes))
    with on_threads(threads):
        found = kernels.ragged_union(boxes, filled)
    assert_same_bits(found, geometry.ragged_union(boxes, filled))


@pytest.mark.parametrize("overlap", MEASURES)
@pytest.mark.parametrize("every", [False, True], ids=["any", "every"])
@given(rows=ragged(shortest=0), ranks=RANKS)
def test_best_overlaps_by_the_book(overlap, every, rows, ranks):
    """The same, row by row as the docstring says it."""
    boxes, offsets, targets, target_offsets = rows
    found = geometry.best_overlaps(*rows, ranks, overlap=overlap, every=every)
    floor = geometry.FLOOR[overlap]
    for row in range(len(offsets) - 1):
        mine = boxes[offsets[row] : offsets[row + 1]]
        theirs = targets[target_offsets[row] : target_offsets[row + 1]]
        for column, k in enumerate((*ranks, len(mine))):
            by_target = [
                max([floor, *geometry.PAIRED[overlap](mine[:k], np.tile(t, (len(mine[:k]), 1)))])
                for t in theirs
            ]
            expected = (min if every else max)(by_target) if by_target else floor
            assert found[row, column] == expected
