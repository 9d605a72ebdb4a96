import itertools

import numpy as np
import pytest

from phraseloc import BoxSpace, OptionError

PIXELS = [
    BoxSpace(layout, corners, origin)
    for layout, corners, origin in itertools.product(
        ("xywh", "xyxy"), ("inclusive", "continuous"), (0, 1)
    )
]
FRACTIONS = [
    BoxSpace(layout, "continuous", 0, units)
    for layout, units in itertools.product(("xywh", "xyxy"), ("0-1", "0-1000"))
]
HAND_COMPUTED = {
    ("xywh", "inclusive", 1): [1, 2, 10, 20],
    ("xywh", "inclusive", 0): [0, 1, 10, 20],
    ("xywh", "continuous", 1): [1, 2, 10, 20],
    ("xywh", "continuous", 0): [0, 1, 10, 20],
    ("xyxy", "inclusive", 1): [1, 2, 10, 21],
    ("xyxy", "inclusive", 0): [0, 1, 9, 20],
    ("xyxy", "continuous", 1): [1, 2, 11, 22],
    ("xyxy", "continuous", 0): [0, 1, 10, 21],
}
"""Ten columns from the first one on, twenty rows from the second one on."""


def test_the_default_is_the_reference_scorers():
    assert BoxSpace() == BoxSpace("xywh", "inclusive", 1, "pixel")


@pytest.mark.parametrize("space", PIXELS, ids=str)
def test_a_box_by_hand(space):
    written = HAND_COMPUTED[space.layout, space.corners, space.origin]
    assert space.read([written]).tolist() == [[0, 1, 10, 21]]
    assert space.write([[0, 1, 10, 21]]).tolist() == [written]


@pytest.mark.parametrize("space", PIXELS + FRACTIONS, ids=str)
def test_write_is_the_inverse_of_read(space):
    boxes = np.array([[0, 0, 1, 1], [3.25, 4.5, 30.75, 41], [-2, -1, 700, 800]])
    again = space.read(space.write(boxes))
    if space.relative:
        np.testing.assert_allclose(again, boxes, rtol=1e-15)
    else:
        assert again.tolist() == boxes.tolist()


@pytest.mark.parametrize("space", PIXELS + FRACTIONS, ids=str)
def test_points_go_and_come_back(space):
    points = np.array([[0.5, 0.5], [3.25, 4.5]])
    np.testing.assert_allclose(space.read_points(space.write_points(points)), points, rtol=1e-15)


@pytest.mark.parametrize(
    ("space", "point"),
    [
        (BoxSpace(), [0.5, 1.5]),
        (BoxSpace(origin=0), [1.5, 2.5]),
        (BoxSpace(corners="continuous"), [0, 1]),
        (BoxSpace(corners="continuous", origin=0), [1, 2]),
    ],
    ids=str,
)
def test_a_pixel_is_read_as_its_centre(space, point):
    assert space.read_points([[1, 2]]).tolist() == [point]


def test_fractions_are_scaled_but_not_shifted():
    per_mille = BoxSpace("xyxy", "continuous", 0, "0-1000")
    assert per_mille.read([[0, 250, 500, 1000]]).tolist() == [[0, 0.25, 0.5, 1]]


@pytest.mark.parametrize("space", PIXELS, ids=str)
def test_corner_shift_turns_edges_into_corner_numbers(space):
    low, high = space.corner_shift
    corners = BoxSpace("xyxy", space.corners, space.origin).write([[0, 1, 10, 21]])
    assert corners.tolist() == [[low, 1 + low, 10 + high, 21 + high]]


@pytest.mark.parametrize("space", [s for s in PIXELS + FRACTIONS if s.origin == 0], ids=str)
def test_zero_has_no_sign(space):
    assert not np.signbit(space.read([[-0.0, -0.0, 5, 5]])).any()


def test_reading_copies():
    boxes = np.array([[1.0, 1, 10, 10]])
    BoxSpace().read(boxes)
    BoxSpace().write(boxes)
    assert boxes.tolist() == [[1, 1, 10, 10]]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"layout": "yxyx"}, "layout is 'yxyx'; expected one of xywh, xyxy"),
        ({"corners": "open"}, "corners is 'open'"),
        ({"origin": 2}, "origin is 2; expected one of 0, 1"),
        ({"origin": True}, "origin is True"),
        ({"units": "percent"}, "units is 'percent'; expected one of pixel, 0-1, 0-1000"),
        ({"units": "0-1"}, "boxes in units 0-1 are continuous with origin 0; found corners"),
    ],
)
def test_values_that_no_space_has(fields, message):
    with pytest.raises(OptionError, match="^" + message):
        BoxSpace(**fields)


def test_declared_fields_join_the_defaults():
    assert BoxSpace.declared({"layout": "xyxy", "origin": None}) == BoxSpace("xyxy")
    assert BoxSpace.declared({"units": "0-1"}) == BoxSpace("xywh", "continuous", 0, "0-1")


def test_declared_fields_must_be_known():
    with pytest.raises(OptionError, match="unknown kind; expected layout, corners, origin, units"):
        BoxSpace.declared({"kind": "xyxy"})


def test_declared_fractions_must_not_contradict_themselves():
    with pytest.raises(OptionError, match="found corners 'continuous', origin 1"):
        BoxSpace.declared({"units": "0-1", "origin": 1})
