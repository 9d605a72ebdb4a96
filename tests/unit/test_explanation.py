"""Explaining two protocols: the reason of every flip, by hand and by a plain loop.

Boxes are of few pixels, whose overlaps are counted by hand, corners first.
"""

import math
from collections import Counter
from random import Random

import numpy as np
import pytest

from phraseloc import BoxSpace, InputError, OptionError, Predictions, Protocol, align, score
from phraseloc.columns import offsets_of
from phraseloc.explanation import MEANING, STATES, explain, read_protocol

SQUARE, BESIDE = (1, 1, 10, 10), (11, 1, 20, 10)
"""Two squares of 10 x 10 pixels, side by side."""

WIDE = (11, 1, 30, 10)
"""20 x 10 pixels beside the square: their union has 30 x 10."""

BYSTANDER = (101, 101, 300, 300)
"""A box that is predicted exactly: right whatever the protocol."""

ZERO_BASED = BoxSpace("xyxy", "inclusive", 0)

# name: second protocol, target boxes, candidates, spaces, both states, the fields that suffice
CASES = {
    "the square alone is a third of the union": (
        ("any-box", [SQUARE, WIDE], [SQUARE], {}),
        ("wrong", "right", ["target"]),
    ),
    "half with + 1, 81 of 171 without": (
        ("merged", [(1, 1, 20, 10)], [SQUARE], {}),
        ("right", "wrong", ["corners"]),
    ),
    "the same numbers of files with two origins": (
        ("merged", [(1, 1, 3, 3)], [(1, 1, 3, 3)], {"space": ZERO_BASED}),
        ("wrong", "right", ["frame"]),
    ),
    "exactly half": (
        ("strict,corners=inclusive", [SQUARE, BESIDE], [SQUARE], {}),
        ("right", "wrong", ["operator"]),
    ),
    "half once fractions are cut off": (
        ("maf-released", [SQUARE, BESIDE], [(1.9, 1.9, 10.9, 10.9)], {}),
        ("wrong", "right", ["truncate"]),
    ),
    "one of two boxes is in the zero corner": (
        (
            "maf-released",
            [(0, 0, 9, 9), (20, 20, 29, 29)],
            [(20, 20, 29, 29)],
            {"space": ZERO_BASED, "truth_space": ZERO_BASED},
        ),
        ("wrong", "right", ["skip_zero_corner"]),
    ),
    "a ten thousandth of the image": (
        ("strict,min_area_share=0.001", [SQUARE], [SQUARE], {}),
        ("right", "not scored", ["min_area_share"]),
    ),
    "no prediction": (
        ("strict,missing=skip", [SQUARE], [], {}),
        ("wrong", "not scored", ["missing"]),
    ),
    "three fifths": (
        ("strict,threshold=0.7", [SQUARE], [(1, 1, 10, 6)], {}),
        ("right", "wrong", ["threshold"]),
    ),
    "IoU 6724 of 13276, in a hull of 13924": (
        ("refcoco-giou,operator=>", [(1, 1, 100, 100)], [(19, 19, 118, 118)], {}),
        ("right", "wrong", ["overlap"]),
    ),
    "exactly half, and less without + 1": (
        ("strict,corners=exclusive", [(1, 1, 20, 10)], [SQUARE], {}),
        ("right", "wrong", ["operator", "corners"]),
    ),
    "exactly the second threshold": (
        ("flickr30k,threshold=0.6,operator=>", [SQUARE], [(1, 1, 10, 6)], {}),
        ("right", "wrong", []),
    ),
}


@pytest.fixture
def one(make_truth, make_predictions):
    """Make ground truth of one phrase and a bystander, and lay candidates onto it."""

    def make(targets, candidates, *, space=None, truth_space=None):
        truth = make_truth([targets, [BYSTANDER]], space=truth_space, sizes=np.full((2, 2), 1000.0))
        return truth, align(truth, make_predictions(truth, [candidates, [BYSTANDER]], space=space))

    return make


def named(found):
    """The states of each flip, by name."""
    return [tuple(STATES[state] for state in states) for states in found.states.tolist()]


@pytest.mark.parametrize("name", CASES)
def test_the_reason_of_a_flip(name, one):
    (second, targets, candidates, spaces), (before, after, fields) = CASES[name]
    found = explain(*one(targets, candidates, **spaces), "flickr30k", second)
    assert found.phrase.tolist() == [0]
    assert named(found) == [(before, after)]
    assert found.reasons() == [tuple(fields)]
    assert found.by_reason()[tuple(fields)] == {(before, after): 1}
    assert sum(counts.total() for counts in found.by_reason().values()) == 1
    alone = {difference.field: difference.alone for difference in found.differences}
    assert len(alone) > 1
    assert alone == {field: int(field in fields) for field in alone}


@pytest.mark.parametrize("name", CASES)
def test_the_other_way_round_the_same_phrases_flip(name, one):
    (second, targets, candidates, spaces), (before, after, _) = CASES[name]
    found = explain(*one(targets, candidates, **spaces), second, "flickr30k")
    assert found.phrase.tolist() == [0]
    assert named(found) == [(after, before)]


def test_every_field_is_the_reason_of_a_case():
    found = {fields[0] for _, (_, _, fields) in CASES.values() if len(fields) == 1}
    assert found == set(MEANING) == set(Protocol("any").choices()) - {"ranks", "unit"}


def test_overlaps_under_both_protocols(one):
    found = explain(*one([SQUARE, WIDE], [SQUARE]), "flickr30k", "any-box")
    assert found.overlaps.tolist() == [[1 / 3, 1.0]]
    assert (found.first.accuracy.correct, found.second.accuracy.correct) == (1, 2)
    found = explain(*one([SQUARE], [SQUARE]), "flickr30k", "flickr30k,min_area_share=0.001")
    assert found.overlaps[0, 0] == 1
    assert math.isnan(found.overlaps[0, 1])
    assert (found.second.accuracy.correct, found.second.accuracy.total) == (1, 1)


def test_fields_that_cancel_flip_nothing_but_change_alone(one):
    found = explain(*one([SQUARE, BESIDE], [SQUARE]), "flickr30k", "strict,threshold=0.4")
    assert not len(found.phrase)
    assert {d.field: d.alone for d in found.differences} == {"operator": 1, "threshold": 0}
    assert found.by_reason() == {("threshold",): {}, ("operator",): {}}


def test_a_field_that_leaves_no_phrase_alone(make_truth, make_predictions):
    """A small phrase with a prediction, a large one without: each protocol leaves out another."""
    truth = make_truth([[SQUARE], [BYSTANDER]], sizes=np.full((2, 2), 1000.0))
    alignment = align(truth, make_predictions(truth, [[SQUARE], []]))
    found = explain(truth, alignment, "strict,missing=skip", "strict,min_area_share=0.001")
    assert named(found) == [("right", "not scored"), ("not scored", "wrong")]
    assert found.reasons() == [("min_area_share",), ("missing",)]
    assert {d.field: d.alone for d in found.differences} == {"missing": 1, "min_area_share": 1}


def test_a_field_that_cannot_be_tried_alone(one):
    found = explain(*one([SQUARE], [WIDE]), "refcoco-giou,threshold=-0.5", "flickr30k")
    assert named(found) == [("right", "wrong")]
    overlap, threshold = found.differences
    assert (overlap.field, overlap.alone) == ("overlap", None)
    assert overlap.obstacle == "threshold is -0.5; expected 0 to 1"
    assert (threshold.first, threshold.second, threshold.alone) == (-0.5, 0.5, 1)
    assert found.reasons() == [("threshold",)]


def test_ranks_flip_nothing_and_only_the_first_candidate_counts(make_truth, make_predictions):
    truth = make_truth([[SQUARE, BESIDE]])
    alignment = align(truth, make_predictions(truth, [[WIDE, SQUARE]]))
    found = explain(truth, alignment, "any-box", "any-box,ranks=1,2")
    assert found.differences == ()
    assert not len(found.phrase)
    assert (found.first.accuracy.correct, found.second.accuracy.correct) == (0, 0)
    assert found.suffices.shape == (0, 0)
    alignment = align(truth, make_predictions(truth, [[SQUARE, (1, 1, 20, 10)]]))
    assert explain(truth, alignment, "flickr30k", "strict").overlaps.tolist() == [[0.5, 0.5]]


def test_points_are_explained_and_do_not_fit_boxes(make_truth, make_predictions):
    truth = make_truth([[SQUARE, (21, 1, 30, 10)]])
    alignment = align(truth, make_predictions(truth, [[(15, 5)]]))
    found = explain(truth, alignment, "pointing", "pointing,target=union")
    assert found.reasons() == [("target",)]
    for pair in (("pointing", "flickr30k"), ("flickr30k", "pointing")):
        with pytest.raises(InputError, match="found points, but protocol flickr30k scores boxes"):
            explain(truth, alignment, *pair)


@pytest.mark.parametrize(
    "pair", [("strict,missing=error", "strict"), ("strict", "strict,missing=error")]
)
def test_a_missing_prediction_may_be_an_error(pair, one):
    with pytest.raises(InputError, match=r"a phrase without prediction \(1\)"):
        explain(*one([SQUARE], []), *pair)


@pytest.mark.parametrize(
    "pair", [("strict,unit=entity", "strict"), ("strict", "strict,unit=entity")]
)
def test_entities_are_refused(pair, one):
    with pytest.raises(OptionError, match=r"protocol strict\+ has unit entity, under which a phra"):
        explain(*one([SQUARE], [SQUARE]), *pair)


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("flickr30k", {}),
        ("flickr30k,operator=>", {"operator": ">"}),
        ("strict,operator=>=", {"operator": ">="}),
        ("flickr30k, threshold=0.7, truncate=yes", {"threshold": 0.7, "truncate": True}),
        ("any-box,ranks=1,3,missing=skip", {"ranks": (1, 3), "missing": "skip"}),
    ],
)
def test_a_protocol_with_overrides(text, changes):
    expected = read_protocol(text.partition(",")[0]).override(**changes)
    assert read_protocol(text) == expected
    assert read_protocol(expected) is expected


def drawn(make_truth, seed):
    """Phrases of few pixels, most of them predicted by about the numbers of one of their boxes."""
    random = Random(seed)

    def box():
        left, top = random.randint(0, 3), random.randint(0, 3)
        return [left, top, left + random.randint(0, 3), top + random.randint(0, 3)]

    def near(numbers):
        low = [n + random.choice([0, 0, 0.25, 0.5, 1]) for n in numbers[:2]]
        return low + [
            max(a, b - random.choice([0, 0, 1])) for a, b in zip(low, numbers[2:], strict=True)
        ]

    targets = [[box() for _ in range(random.randint(1, 3))] for _ in range(60)]
    truth = make_truth(targets, space=ZERO_BASED, sizes=np.full((60, 2), 10.0))
    counts = [random.choice([0, 1, 1, 1, 2]) for _ in targets]
    boxes = [
        near(random.choice(own)) for own, n in zip(targets, counts, strict=True) for _ in range(n)
    ]
    read = BoxSpace("xyxy", "inclusive", 1).read(boxes)
    return truth, align(truth, Predictions(truth.keys, offsets_of(counts), read))


PAIRS = [
    ("flickr30k", "maf-released"),
    ("flickr30k", "any-box"),
    ("pointing", "merged"),
    ("refcoco-giou,threshold=0.3", "strict,target=each,truncate=yes"),
    ("flickr30k,missing=skip", "any-box,min_area_share=0.1,threshold=0.4"),
    ("strict,min_area_share=0.05,frame=written", "maf-released,missing=skip,threshold=0.55"),
]


def states_by_score(truth, alignment, protocol):
    """What `score` makes of each phrase, by row."""
    outcomes = score(
        truth, alignment.predictions, protocol, alignment=alignment, samples=1
    ).outcomes
    states = dict.fromkeys(range(len(truth)), "not scored")
    for phrase, correct in zip(outcomes.phrase, outcomes.correct, strict=True):
        states[int(phrase)] = "right" if correct else "wrong"
    return states


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_reasons_are_those_of_a_plain_loop(first, second, make_truth):
    kinds = Counter()
    for seed in range(3):
        truth, alignment = drawn(make_truth, seed)
        found = explain(truth, alignment, first, second)
        a, b = read_protocol(first), read_protocol(second)
        before, after = (states_by_score(truth, alignment, protocol) for protocol in (a, b))
        flips = [phrase for phrase in before if before[phrase] != after[phrase]]
        reasons = {phrase: [] for phrase in flips}
        alone = {}
        for field, value in b.choices().items():
            if field == "ranks" or a.choices()[field] == value:
                continue
            hybrid = states_by_score(truth, alignment, a.override(**{field: value}))
            alone[field] = sum(hybrid[phrase] != before[phrase] for phrase in before)
            for phrase in flips:
                if hybrid[phrase] == after[phrase]:
                    reasons[phrase].append(field)
        assert found.phrase.tolist() == flips
        assert named(found) == [(before[phrase], after[phrase]) for phrase in flips]
        assert [set(reason) for reason in found.reasons()] == [set(r) for r in reasons.values()]
        assert {d.field: d.alone for d in found.differences} == alone
        assert sum(counts.total() for counts in found.by_reason().values()) == len(flips)
        sizes = [len(reason) or math.inf for reason in found.by_reason()]
        assert sizes == sorted(sizes)
        kinds.update(found.reasons())
    assert len(kinds) > 1
    assert kinds.total() > 10
