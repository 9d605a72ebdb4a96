import numpy as np
import pytest

from phraseloc import geometry, kernels

UNIT = (0, 0, 1, 1)
PAIRS = {
    "same": (UNIT, UNIT, 1, 1, 1),
    "half": ((0, 0, 2, 1), UNIT, 0.5, 0.5, 1),
    "third": ((0, 0, 2, 2), (0, 1, 2, 3), 1 / 3, 1 / 3, 1),
    "touching": (UNIT, (1, 0, 2, 1), 0, 0, 0),
    "corner": (UNIT, (1, 1, 2, 2), 0, -0.5, 0),
    "apart": (UNIT, (3, 0, 4, 1), 0, -0.5, 0),
    "inside": ((0, 0, 4, 4), (0, 0, 1, 1), 1 / 16, 1 / 16, 0),
    "edge": ((0, 0, 2, 2), (1, 1, 3, 3), 1 / 7, 1 / 7 - 2 / 9, 1),
    "no-area": ((1, 1, 1, 1), (0, 0, 2, 2), 0, 0, 1),
    "neither-area": ((1, 1, 1, 1), (1, 1, 1, 1), 0, 0, 1),
}
"""Two boxes, their IoU and generalized IoU, and whether the first points into the second."""


def as_boxes(*rows):
    return np.array(rows, np.float64)


@pytest.mark.parametrize("module", [geometry, kernels], ids=["numpy", "numba"])
@pytest.mark.parametrize("name", PAIRS)
def test_overlaps_by_hand(module, name):
    box, target, iou, giou, point = PAIRS[name]
    pair = as_boxes(box), as_boxes(target)
    assert module.paired_iou(*pair)[0] == pytest.approx(iou, abs=1e-15)
    assert module.paired_giou(*pair)[0] == pytest.approx(giou, abs=1e-15)
    assert module.paired_point(*pair)[0] == point


def test_areas():
    assert geometry.areas(as_boxes((0, 0, 2, 3), (1, 1, 1, 9))).tolist() == [6, 0]


@pytest.mark.parametrize("module", [geometry, kernels], ids=["numpy", "numba"])
def test_unions_of_ragged_rows(module):
    boxes = as_boxes((0, 5, 1, 6), (2, 0, 3, 4), (9, 9, 10, 10), (4, 4, 5, 5), (3, 5, 4, 6))
    union = module.ragged_union(boxes, np.array([0, 2, 3, 5]))
    assert union.tolist() == [[0, 0, 3, 6], [9, 9, 10, 10], [3, 4, 5, 6]]


@pytest.mark.parametrize("module", [geometry, kernels], ids=["numpy", "numba"])
def test_all_pairs_of_a_row(module):
    boxes = as_boxes(UNIT, (0, 0, 2, 1), (0, 0, 1, 2))
    targets = as_boxes(UNIT, (1, 0, 2, 1), (0, 1, 1, 2))
    found = module.ragged_iou(boxes, np.array([0, 2, 2, 3]), targets, np.array([0, 2, 2, 3]))
    assert found.tolist() == [1, 0.5, 0, 0.5, 0.5]


@pytest.mark.parametrize("module", [geometry, kernels], ids=["numpy", "numba"])
@pytest.mark.parametrize(
    ("every", "expected"),
    [(False, [[0.5, 1, 1], [0, 0, 0], [0, 0, 0]]), (True, [[0, 0, 0.5], [0, 0, 0], [0, 0, 0]])],
)
def test_the_best_of_the_first_k(module, every, expected):
    boxes = as_boxes((0, 0, 2, 1), UNIT, (5, 0, 7, 1), UNIT)
    targets = as_boxes(UNIT, (5, 0, 6, 1), UNIT)
    offsets, target_offsets = np.array([0, 3, 3, 4]), np.array([0, 2, 3, 3])
    found = module.best_overlaps(boxes, offsets, targets, target_offsets, (1, 2), every=every)
    assert found.tolist() == expected


@pytest.mark.parametrize("module", [geometry, kernels], ids=["numpy", "numba"])
@pytest.mark.parametrize(("overlap", "floor"), geometry.FLOOR.items())
def test_rows_without_boxes_have_the_lowest_overlap(module, overlap, floor):
    nothing, offsets = np.zeros((0, 4)), np.zeros(3, np.int64)
    found = module.best_overlaps(nothing, offsets, nothing, offsets, (1,), overlap=overlap)
    assert found.tolist() == [[floor, floor]] * 2
