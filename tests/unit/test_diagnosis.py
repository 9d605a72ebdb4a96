"""The class of a wrong phrase, case by case: boxes are edges whose overlaps are counted by hand.

The first phrase of a case has the target, 100 x 100 pixels, and is predicted; the others are what
lies around it, each predicted exactly.
"""

from typing import NamedTuple

import numpy as np
import pytest

from phraseloc import (
    BoxSpace,
    GroundTruth,
    OptionError,
    PhraseKeys,
    Predictions,
    Proposals,
    Protocol,
    Strings,
    align,
    score,
)
from phraseloc.columns import offsets_of
from phraseloc.diagnosis import CLASSES, diagnose
from phraseloc.report.diagnosis import MEANING, worst_rows

EDGES = BoxSpace("xyxy", "continuous", 0)
TARGET = (100, 100, 200, 200)
HALF = (100, 100, 200, 150)
NEAR = (100, 100, 200, 140)  # 0.4 of the target
PART = (100, 100, 200, 120)  # 0.2
FAR = (500, 500, 600, 600)
FURTHER = (800, 800, 900, 900)
LEFT, RIGHT = (100, 100, 140, 200), (160, 100, 200, 200)  # two of 40 x 100, of the target's union
CORNER, OTHER = (100, 100, 110, 110), (190, 190, 200, 200)  # two of 10 x 10, likewise


class Phrase(NamedTuple):
    """A phrase: its caption, its entity, and the entity's boxes."""

    caption: str
    entity: str
    boxes: list

    @property
    def union(self):
        left, top, right, bottom = zip(*self.boxes, strict=True)
        return min(left), min(top), max(right), max(bottom)


def phrase(*boxes, caption="1#0", entity="1"):
    return Phrase(caption, entity, list(boxes))


def truth_of(phrases, **keys):
    image, sentence = zip(*(p.caption.split("#") for p in phrases), strict=True)
    columns = {
        "sentence": np.array(sentence, int),
        "first_word": np.arange(len(phrases)),
        "entity": Strings.of([p.entity for p in phrases]),
        **keys,
    }
    return GroundTruth(
        PhraseKeys(Strings.of(image), **columns),
        offsets_of([len(p.boxes) for p in phrases]),
        np.array([box for p in phrases for box in p.boxes], np.float64),
        space=EDGES,
    )


def guesses_of(truth, candidates):
    boxes = np.array([box for row in candidates for box in row], np.float64).reshape(-1, 4)
    return Predictions(truth.keys, offsets_of([len(row) for row in candidates]), boxes, space=EDGES)


def objects_of(image="1", *boxes):
    return Proposals(
        [image],
        np.array([0, len(boxes)]),
        np.array(boxes, np.float64).reshape(-1, 4),
        Strings.of(["thing"] * len(boxes)),
        space=EDGES,
    )


def diagnosed(truth, candidates, protocol="flickr30k", objects=None):
    laid = align(truth, guesses_of(truth, candidates))
    scores = score(truth, laid.predictions, protocol, alignment=laid, samples=1)
    return diagnose(truth, scores, laid, objects)


def first_class(phrases, guess, *, protocol="flickr30k", objects=None, **keys):
    """Give the class of the first phrase; the other phrases are right."""
    exact = [[p.union] for p in phrases[1:]]
    truth = truth_of(phrases, **keys)
    found = diagnosed(truth, [[] if guess is None else [guess], *exact], protocol, objects)
    assert (found.codes[1:] == -1).all()
    return "right" if found.codes[0] < 0 else CLASSES[found.codes[0]]


ONE = phrase(TARGET)
CASES = {
    "no prediction": ("missing", [ONE], None),
    "half of the target is enough": ("right", [ONE], HALF),
    "two fifths of the target": ("near miss", [ONE], NEAR),
    "a quarter of the target": ("near miss", [ONE], (100, 100, 200, 125)),
    "less than a quarter of it": ("part or whole", [ONE], (100, 100, 200, 124)),
    "the whole image": ("part or whole", [ONE], (0, 0, 1000, 1000)),
    "nine rows of ten inside": ("part or whole", [ONE], (100, 191, 200, 201)),
    "18 columns of 20 inside": ("part or whole", [ONE], (182, 100, 202, 130)),
    "nine tenths of the target inside": ("part or whole", [ONE], (100, 110, 700, 210)),
    "143 rows of 160 inside": ("background", [ONE], (100, 164.25, 110, 204.25)),
    "eight rows of nine inside": ("background", [ONE], (100, 192, 200, 201)),
    "side by side": ("background", [ONE], (200, 100, 300, 200)),
    "elsewhere": ("background", [ONE], FAR),
    "another entity of the caption": ("same caption", [ONE, phrase(FAR, entity="2")], FAR),
    "half of another entity": (
        "same caption",
        [ONE, phrase(FAR, entity="2")],
        (500, 500, 600, 550),
    ),
    "less than half of another entity": (
        "background",
        [ONE, phrase(FAR, entity="2")],
        (500, 500, 600, 549),
    ),
    "another entity of another caption": (
        "same image",
        [ONE, phrase(FAR, caption="1#1", entity="2")],
        FAR,
    ),
    "another entity of both captions": (
        "same caption",
        [ONE, phrase(FAR, caption="1#1", entity="2"), phrase(FAR, entity="2")],
        FAR,
    ),
    "two other entities, one a caption": (
        "same caption",
        [ONE, phrase(FAR, caption="1#1", entity="2"), phrase(FAR, entity="3")],
        FAR,
    ),
    "another entity of another image": (
        "background",
        [ONE, phrase(FAR, caption="2#0", entity="2")],
        FAR,
    ),
    "the same entity in another caption": (
        "background",
        [ONE, phrase(FAR, caption="1#1", entity="1")],
        FAR,
    ),
    "the same entity again in the caption": (
        "background",
        [ONE, phrase(FAR, entity="1")],
        FAR,
    ),
    "the union of another entity's boxes": (
        "same caption",
        [ONE, phrase((500, 500, 510, 510), (590, 590, 600, 600), entity="2")],
        FAR,
    ),
    "one box of another entity": (
        "background",
        [ONE, phrase((500, 500, 510, 510), (590, 590, 600, 600), entity="2")],
        (500, 500, 510, 510),
    ),
    "one of two boxes": ("one of a group", [phrase(CORNER, OTHER)], OTHER),
    "half of one of two boxes": ("one of a group", [phrase(CORNER, OTHER)], (190, 190, 200, 195)),
    "less than half of one of two": (
        "part or whole",
        [phrase(CORNER, OTHER)],
        (190, 190, 200, 194),
    ),
    "the union of two boxes": ("right", [phrase(CORNER, OTHER)], TARGET),
    "one of two boxes, far from none": ("one of a group", [phrase(LEFT, RIGHT)], LEFT),
    "one of two boxes, and another entity's": (
        "one of a group",
        [phrase(CORNER, OTHER), phrase(OTHER, entity="2")],
        OTHER,
    ),
    "a near miss, and another entity's": (
        "near miss",
        [ONE, phrase(NEAR, entity="2")],
        NEAR,
    ),
    "a part, and another entity's": (
        "same caption",
        [ONE, phrase(PART, entity="2")],
        PART,
    ),
    "a part, and another entity's of the image": (
        "same image",
        [ONE, phrase(PART, caption="1#1", entity="2")],
        PART,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_class_of_a_case(name):
    expected, phrases, guess = CASES[name]
    assert first_class(phrases, guess) == expected


def test_every_class_has_a_case_and_a_meaning():
    without_objects = {expected for expected, _, _ in CASES.values()}
    assert without_objects == {*CLASSES, "right"} - {"no proposal"}
    assert tuple(MEANING) == CLASSES


GROUP = phrase(LEFT, RIGHT)


@pytest.mark.parametrize(
    ("phrases", "guess", "objects", "expected"),
    [
        ([ONE], FAR, [NEAR, FURTHER], "no proposal"),
        ([ONE], FAR, [FURTHER, HALF], "background"),
        ([ONE], FAR, [], "no proposal"),
        ([ONE], NEAR, [NEAR], "no proposal"),
        ([ONE], NEAR, [NEAR, TARGET], "near miss"),
        ([GROUP], LEFT, [LEFT, RIGHT], "no proposal"),
        ([GROUP], LEFT, [LEFT, TARGET], "one of a group"),
        ([ONE, phrase(FAR, entity="2")], FAR, [FAR], "no proposal"),
        ([ONE], None, [FAR], "missing"),
        ([ONE], HALF, [FAR], "right"),
    ],
)
def test_what_the_detector_missed(phrases, guess, objects, expected):
    assert first_class(phrases, guess, objects=objects_of("1", *objects)) == expected


def test_objects_of_another_image_are_none():
    assert first_class([ONE], NEAR, objects=objects_of("2", TARGET)) == "no proposal"


@pytest.mark.parametrize(
    ("protocol", "phrases", "guess", "expected"),
    [
        (Protocol("mine", threshold=0.7), [ONE], HALF, "near miss"),
        (Protocol("mine", threshold=0.2), [ONE], (100, 100, 200, 119), "part or whole"),
        ("strict", [ONE], HALF, "near miss"),
        ("strict", [ONE, phrase(FAR, entity="2")], (500, 500, 600, 550), "background"),
        ("any-box", [GROUP], LEFT, "right"),
        ("any-box", [GROUP], (100, 100, 140, 140), "near miss"),
        ("any-box", [phrase(CORNER, OTHER)], (190, 190, 200, 192), "part or whole"),
        (Protocol("mine", target="each"), [GROUP], LEFT, "one of a group"),
        (Protocol("mine", target="each"), [GROUP], TARGET, "near miss"),
    ],
)
def test_the_protocol_says_what_is_right(protocol, phrases, guess, expected):
    assert first_class(phrases, guess, protocol=protocol) == expected


def test_the_protocol_says_which_object_is_right():
    objects = objects_of("1", HALF)
    assert first_class([ONE], FAR, objects=objects) == "background"
    assert first_class([ONE], FAR, objects=objects, protocol="strict") == "no proposal"


def test_a_phrase_that_does_not_count_has_no_class():
    truth = truth_of([ONE, phrase(FAR, entity="2")])
    found = diagnosed(truth, [[], [FURTHER]], Protocol("mine", missing="skip"))
    assert found.outcomes.phrase.tolist() == [1]
    assert dict(found.counts)["background"] == 1
    assert sum(found.counts.values()) == 1


def test_an_entity_has_the_class_of_its_phrase_that_is_farthest_off():
    """The first mention is right, the second is elsewhere, the third is a near miss."""
    truth = truth_of([ONE, ONE, ONE, phrase(FAR, entity="2")])
    rows = [[TARGET], [FURTHER], [NEAR], [FAR]]
    found = diagnosed(truth, rows, Protocol("mine", unit="entity"))
    assert found.codes.tolist() == [CLASSES.index("background"), -1]
    assert found.outcomes.phrase.tolist() == [1, 3]
    assert found.distance[0] == pytest.approx(2 * 10_000 / 800**2 - 1)  # two boxes in their hull
    found = diagnosed(truth, [*rows[:2], [], *rows[3:]], Protocol("mine", unit="entity"))
    assert found.codes.tolist() == [CLASSES.index("missing"), -1]
    assert found.outcomes.phrase.tolist() == [2, 3]


def test_of_an_entitys_phrases_that_are_equally_far_off_the_first_in_the_text_counts():
    truth = truth_of([ONE, ONE, phrase(FAR, entity="2")])
    turned = truth.take(np.array([2, 1, 0]))
    laid = align(turned, guesses_of(truth, [[FAR], [FURTHER], [FAR]]))
    unit = Protocol("mine", unit="entity")
    scores = score(turned, laid.predictions, unit, alignment=laid, samples=1)
    found = diagnose(turned, scores, laid)
    assert found.counts["same caption"] == 1
    assert found.outcomes.phrase[found.codes >= 0].tolist() == [2]


def test_without_sentences_others_are_of_the_image():
    phrases = [ONE, phrase(FAR, entity="2")]
    assert first_class(phrases, FAR, sentence=None) == "same image"


def test_without_entities_phrases_of_one_union_box_are_of_one_entity():
    assert first_class([ONE, phrase(FAR, entity="1")], FAR, entity=None) == "same caption"
    each, phrases = Protocol("mine", target="each"), [phrase(CORNER, OTHER), phrase(TARGET)]
    named = Strings.of(["1", "2"])
    assert first_class(phrases, TARGET, protocol=each, entity=named) == "same caption"
    assert first_class(phrases, TARGET, protocol=each, entity=None) == "part or whole"


def test_only_the_first_of_ranked_boxes_counts():
    truth = truth_of([ONE, phrase(FAR, entity="2"), phrase(FURTHER, entity="3")])
    found = diagnosed(truth, [[FAR, TARGET], [FURTHER, NEAR, FAR], [FURTHER, FAR]])
    assert found.counts["same caption"] == 2
    assert found.mended(*found.counts).value == 1
    assert found.scores.upper_bound.value == 1


@pytest.mark.parametrize("flat", [(110, 110, 110, 190), (190, 190, 110, 110)])
def test_a_box_without_area_is_in_nothing(flat):
    phrases = [phrase(TARGET), phrase((100, 100, 120, 200), entity="2")]
    assert first_class(phrases, flat) == "background"


def test_counts_name_what_could_be_told():
    truth = truth_of([ONE])
    told = {name for name in CLASSES if name not in ("missing", "no proposal")}
    assert set(diagnosed(truth, [[TARGET]]).counts) == told
    assert set(diagnosed(truth, [[]]).counts) == told | {"missing"}
    found = diagnosed(truth, [[TARGET]], objects=objects_of("1", TARGET))
    assert set(found.counts) == told | {"no proposal"}


def test_mending_adds_a_class_to_what_is_right():
    others = [phrase(FAR, entity="2"), phrase(FURTHER, entity="3")]
    found = diagnosed(truth_of([ONE, *others, *others]), [[NEAR], [FAR], [FAR], [NEAR], [FURTHER]])
    assert dict(found.counts) == {
        "one of a group": 0,
        "near miss": 1,
        "same caption": 1,
        "same image": 0,
        "part or whole": 0,
        "background": 1,
    }
    assert found.mended().correct == found.scores.accuracy.correct == 2
    assert found.mended("near miss").correct == 3
    assert found.mended("near miss", "background").correct == 4
    assert found.mended(*found.counts).value == 1


def test_the_worst_have_the_lowest_overlap_and_of_equals_the_lowest_giou():
    """Overlap 0 at a small and at a great distance, a part, the right box, none, a near miss."""
    truth = truth_of([phrase(TARGET, entity=str(n)) for n in range(6)])
    found = diagnosed(truth, [[(210, 100, 310, 200)], [FAR], [PART], [TARGET], [], [NEAR]])
    assert found.worst(10).tolist() == [1, 0, 2, 5]
    assert found.worst(2).tolist() == [1, 0]
    assert found.worst(0).tolist() == []
    assert [row["overlap"] for row in worst_rows(truth, found, 4)] == [0, 0, 0.2, 0.4]
    assert found.distance[0] == pytest.approx(2 * 10_000 / (210 * 100) - 1)
    assert np.isnan(found.distance[[3, 4]]).all()


@pytest.mark.parametrize("protocol", ["pointing", "refcoco-giou"])
def test_overlaps_that_are_no_iou_are_refused(protocol):
    measure = {"pointing": "point", "refcoco-giou": "giou"}[protocol]
    message = f"a diagnosis compares boxes by IoU; protocol {protocol} has {measure}"
    with pytest.raises(OptionError, match=message):
        diagnosed(truth_of([ONE]), [[TARGET]], protocol)
