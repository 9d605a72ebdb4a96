"""The arithmetic of each protocol, on boxes of few pixels whose overlaps are counted by hand."""

from fractions import Fraction

import pytest

from phraseloc import PROTOCOLS, BoxSpace, Protocol, score

FIRST, SECOND = (1, 1, 10, 10), (11, 1, 20, 10)
"""Two squares of 10 x 10 pixels, side by side: their union has 20 x 10."""

ZERO_BASED = BoxSpace("xyxy", "inclusive", 0)
EDGES = BoxSpace("xyxy", "continuous", 0)


@pytest.fixture
def outcome(make_truth, make_predictions):
    """Give overlap and verdict of one phrase with one prediction."""

    def find(protocol, targets, guess, *, space=None, truth_space=None):
        truth = make_truth([targets], space=truth_space)
        guesses = make_predictions(truth, [[guess]], space=space)
        outcomes = score(truth, guesses, protocol, samples=10).outcomes
        return outcomes.overlap[0, 0], bool(outcomes.correct[0])

    return find


@pytest.mark.parametrize(
    ("name", "overlap", "right"),
    [
        ("flickr30k", Fraction(100, 200), True),
        ("strict", Fraction(100, 200), False),
        ("any-box", Fraction(1), True),
        ("merged", Fraction(9 * 9, 19 * 9), False),
        ("maf-released", Fraction(100, 200), True),
        ("pointing", Fraction(1), True),
        ("refcoco", Fraction(100, 200), True),
        ("refcoco-giou", Fraction(100, 200), True),
    ],
)
def test_one_of_two_boxes(name, overlap, right, outcome):
    assert outcome(name, [FIRST, SECOND], FIRST) == (float(overlap), right)


def test_every_preset_is_computed_by_hand():
    rows = test_one_of_two_boxes.pytestmark[0].args[1]
    assert {name for name, *_ in rows} == set(PROTOCOLS)


@pytest.mark.parametrize(
    ("target", "overlap"),
    [("union", Fraction(50, 250)), ("any", Fraction(50, 100)), ("each", Fraction(0))],
)
def test_targets_of_three_boxes(target, overlap, outcome):
    third = (21, 1, 25, 10)
    mine = Protocol("mine", target=target)
    assert outcome(mine, [third, FIRST, SECOND], (1, 1, 5, 10))[0] == float(overlap)


def test_each_box_must_be_reached(make_truth, make_predictions):
    truth = make_truth([[FIRST, SECOND]])
    guesses = make_predictions(truth, [[FIRST, (11, 1, 20, 5)]])
    overlap = score(truth, guesses, Protocol("mine", target="each"), samples=10).outcomes.overlap
    assert overlap.tolist() == [[0, 0.5, 0.5, 0.5]]


@pytest.mark.parametrize(
    ("corners", "overlap"),
    [
        ("declared", Fraction(5, 10)),
        ("inclusive", Fraction(5, 10)),
        ("exclusive", Fraction(4, 9)),
    ],
)
def test_corners_of_inclusive_files(corners, overlap, outcome):
    mine = Protocol("mine", corners=corners)
    shape = [(1, 1, 10, 10)], (1, 1, 5, 10)
    assert outcome(mine, *shape)[0] == pytest.approx(float(overlap), abs=1e-15)


@pytest.mark.parametrize(
    ("corners", "overlap"),
    [
        ("declared", Fraction(5, 10)),
        ("inclusive", Fraction(6, 11)),
        ("exclusive", Fraction(5, 10)),
    ],
)
def test_corners_of_continuous_files(corners, overlap, outcome):
    mine = Protocol("mine", corners=corners)
    shape = [(0, 0, 10, 10)], (0, 0, 5, 10)
    found = outcome(mine, *shape, space=EDGES, truth_space=EDGES)
    assert found[0] == pytest.approx(float(overlap), abs=1e-15)


def test_one_pixel_has_no_area_with_exclusive_corners(outcome):
    mine = Protocol("mine", corners="exclusive")
    assert outcome(mine, [(3, 3, 3, 3)], (3, 3, 3, 3)) == (0.0, False)


@pytest.mark.parametrize(
    ("frame", "overlap"), [("declared", Fraction(81, 119)), ("written", Fraction(1))]
)
def test_frames_of_files_with_different_origins(frame, overlap, outcome):
    mine = Protocol("mine", frame=frame)
    assert outcome(mine, [FIRST], FIRST, space=ZERO_BASED)[0] == float(overlap)


@pytest.mark.parametrize(
    "space", [BoxSpace("xyxy", c, o) for c in ("inclusive", "continuous") for o in (0, 1)]
)
def test_the_written_frame_compares_corner_numbers(space, outcome):
    assert outcome(Protocol("mine", frame="written"), [FIRST], FIRST, space=space)[0] == 1


@pytest.mark.parametrize(
    ("name", "overlap", "right"),
    [("maf-released", Fraction(100, 200), True), ("flickr30k", Fraction(910, 2090), False)],
)
def test_predictions_lose_their_fraction(name, overlap, right, outcome):
    found = outcome(name, [FIRST, SECOND], (1.9, 1.9, 10.9, 10.9))
    assert found == (pytest.approx(float(overlap), abs=1e-12), right)


def test_the_fraction_is_lost_in_written_numbers(outcome):
    mine = Protocol("mine", truncate=True)
    assert outcome(mine, [FIRST], (0.5, 0.5, 9.5, 9.5), space=ZERO_BASED)[0] == 1


@pytest.mark.parametrize(
    ("name", "overlap"), [("maf-released", Fraction(1)), ("flickr30k", Fraction(100, 900))]
)
def test_target_boxes_in_the_zero_corner_do_not_count(name, overlap, outcome):
    targets = [(0, 0, 9, 9), (20, 20, 29, 29)]
    found = outcome(name, targets, targets[1], space=ZERO_BASED, truth_space=ZERO_BASED)
    assert found[0] == float(overlap)


def test_a_box_at_one_side_is_not_in_the_zero_corner(outcome):
    targets = [(0, 5, 9, 9)]
    found = outcome("maf-released", targets, targets[0], space=ZERO_BASED, truth_space=ZERO_BASED)
    assert found == (1.0, True)


def test_a_phrase_of_zero_corners_alone_is_wrong(outcome):
    targets = [(0, 0, 9, 9)]
    found = outcome("maf-released", targets, targets[0], space=ZERO_BASED, truth_space=ZERO_BASED)
    assert found == (0.0, False)


@pytest.mark.parametrize(
    ("point", "right"),
    [
        ((0, 0), True),
        ((10, 10), True),
        ((10.001, 5), False),
        ((5, 10.001), False),
        ((15, 5), False),
        ((20, 10), True),
    ],
)
def test_points_on_an_edge_are_inside(point, right, outcome):
    targets = [(1, 1, 10, 10), (21, 1, 30, 10)]
    assert outcome("pointing", targets, point, space=EDGES) == (float(right), right)


def test_a_box_points_with_its_centre(outcome):
    targets = [(1, 1, 10, 10), (21, 1, 30, 10)]
    assert outcome("pointing", targets, (1, 1, 30, 10)) == (0.0, False)
    assert outcome("pointing", targets, (1, 1, 11, 10)) == (1.0, True)


@pytest.mark.parametrize(
    ("guess", "overlap", "right"),
    [
        ((0, 0, 2, 1), Fraction(1, 2), True),
        ((1, 0, 3, 2), Fraction(1, 3), False),
        ((2, 2, 4, 4), Fraction(-1, 2), False),
        ((1, 1, 3, 3), Fraction(1, 7) - Fraction(2, 9), False),
        ((0, 0, 2, 2), Fraction(1), True),
    ],
)
def test_generalized_iou(guess, overlap, right, outcome):
    found = outcome("refcoco-giou", [(0, 0, 2, 2)], guess, space=EDGES, truth_space=EDGES)
    assert found == (pytest.approx(float(overlap), abs=1e-15), right)


def test_boxes_are_joined_though_another_phrase_lost_its_only_one(make_truth, make_predictions):
    """As many boxes are left as there are phrases; a phrase's two are one target all the same."""
    space = BoxSpace("xyxy", "inclusive", 0)
    groups = [[[0, 0, 9, 9]], [[20, 20, 29, 29], [40, 40, 49, 49]]]
    truth = make_truth(groups, space=space)
    guesses = make_predictions(truth, [[[0, 0, 9, 9]], [[20, 20, 29, 29]]], space=space)
    found = score(truth, guesses, "maf-released").outcomes
    assert found.overlap[:, 0].tolist() == [0, 100 / 900]
