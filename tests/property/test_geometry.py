"""What holds of boxes whatever they are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from phraseloc.geometry import paired_giou, paired_iou, paired_point, ragged_union

COORDINATES = st.integers(-1_000, 1_000)
SIDES = st.integers(1, 1_000)
BOX = st.tuples(COORDINATES, COORDINATES, SIDES, SIDES).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
PAIRS = st.lists(st.tuples(BOX, BOX), min_size=1, max_size=20).map(
    lambda pairs: tuple(np.array(side, np.float64) for side in zip(*pairs, strict=True))
)
FLOATS = st.floats(-1e6, 1e6)
FLOAT_BOX = st.tuples(FLOATS, FLOATS, FLOATS, FLOATS).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)
FLOAT_PAIRS = st.lists(st.tuples(FLOAT_BOX, FLOAT_BOX), min_size=1).map(
    lambda pairs: tuple(np.array(side) for side in zip(*pairs, strict=True))
)


@given(FLOAT_PAIRS)
def test_overlaps_stay_in_their_range(pair):
    iou, giou = paired_iou(*pair), paired_giou(*pair)
    assert ((iou >= 0) & (iou <= 1 + 1e-12)).all()
    assert ((giou >= -1 - 1e-12) & (giou <= iou + 1e-12)).all()
    assert set(paired_point(*pair).tolist()) <= {0.0, 1.0}


@given(PAIRS)
def test_overlaps_are_symmetric(pair):
    for overlap in (paired_iou, paired_giou):
        assert overlap(*pair).tolist() == overlap(*pair[::-1]).tolist()


@given(PAIRS)
def test_a_box_overlaps_itself(pair):
    box = pair[0]
    assert (paired_iou(box, box) == 1).all()
    assert (paired_giou(box, box) == 1).all()
    assert (paired_point(box, box) == 1).all()


@given(PAIRS, COORDINATES, COORDINATES)
def test_moving_both_boxes_moves_nothing(pair, x, y):
    moved = [boxes + np.array([x, y, x, y]) for boxes in pair]
    for overlap in (paired_iou, paired_giou, paired_point):
        assert overlap(*moved).tolist() == overlap(*pair).tolist()


@given(PAIRS, st.sampled_from([0.25, 0.5, 2, 4, 1024]))
def test_scaling_by_a_power_of_two_moves_nothing(pair, scale):
    scaled = [boxes * scale for boxes in pair]
    for overlap in (paired_iou, paired_giou, paired_point):
        assert overlap(*scaled).tolist() == overlap(*pair).tolist()


@given(PAIRS)
def test_swapping_the_axes_moves_nothing(pair):
    turned = [boxes[:, [1, 0, 3, 2]] for boxes in pair]
    for overlap in (paired_iou, paired_giou, paired_point):
        assert overlap(*turned).tolist() == overlap(*pair).tolist()


@given(PAIRS)
def test_overlaps_are_those_of_pixels_counted(pair):
    box, target = (boxes[0].astype(int) for boxes in pair)

    def pixels(x1, y1, x2, y2):
        return range(x1, x2), range(y1, y2)

    sides = [
        len(range(max(ours.start, theirs.start), min(ours.stop, theirs.stop)))
        for ours, theirs in zip(pixels(*box), pixels(*target), strict=True)
    ]
    inside = sides[0] * sides[1]
    areas = [len(x) * len(y) for x, y in (pixels(*box), pixels(*target))]
    assert paired_iou(*pair)[0] == inside / (sum(areas) - inside)


@given(st.lists(st.lists(BOX, min_size=1, max_size=4), min_size=1))
def test_a_union_is_the_smallest_box_around(rows):
    offsets = np.cumsum([0, *map(len, rows)])
    unions = ragged_union(np.array([box for row in rows for box in row], np.float64), offsets)
    for union, row in zip(unions.tolist(), rows, strict=True):
        assert union[:2] == [min(box[side] for box in row) for side in (0, 1)]
        assert union[2:] == [max(box[side] for box in row) for side in (2, 3)]
