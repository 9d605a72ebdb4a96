"""Classes are the errors, each once, whatever the protocol, the data's columns and their order."""

from collections import Counter
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloc import PROTOCOLS, OptionError, Protocol, align, score
from phraseloc.columns import take_ragged
from phraseloc.diagnosis import CLASSES, diagnose
from phraseloc.groups import groupings
from phraseloc.report import FORMATS
from phraseloc.report.diagnosis import class_rows, render_diagnosis
from tests.parity.slow_diagnosis import draw_world
from tests.parity.test_diagnosis import data_of, named, objects_of

PROTOCOLS_BY_IOU = [
    *(protocol for protocol in PROTOCOLS.values() if protocol.overlap == "iou"),
    Protocol("0.7", threshold=0.7),
    Protocol("none", threshold=0.0, operator=">"),
    Protocol("each", target="each"),
    Protocol("skip", missing="skip"),
    Protocol("large", min_area_share=0.05),
    Protocol("entities", unit="entity"),
    Protocol("entities at hand", unit="entity", missing="skip"),
]
by_protocol = pytest.mark.parametrize("protocol", PROTOCOLS_BY_IOU, ids=lambda p: p.name)
worlds = st.integers(0, 2**32).map(lambda seed: draw_world(Random(seed)))


def diagnosed(truth, guesses, protocol, objects):
    """Diagnose; None where the protocol leaves no phrase to score."""
    laid = align(truth, guesses)
    try:
        scores = score(truth, guesses, protocol, alignment=laid, samples=1)
    except OptionError as error:
        if "leaves no phrase to score" not in str(error):
            raise
        return None
    return diagnose(truth, scores, laid, objects)


def check(truth, found, objects):
    """The classes are the errors: overall, mended, by group and row by row."""
    outcomes, accuracy = found.outcomes, found.scores.accuracy
    np.testing.assert_array_equal(found.codes >= 0, ~outcomes.correct)
    assert sum(found.counts.values()) == accuracy.total - accuracy.correct
    mended = found.mended(*found.counts)
    assert (mended.correct, mended.total) == (accuracy.total, accuracy.total)
    assert found.mended() == accuracy
    absent = outcomes.prediction < 0
    np.testing.assert_array_equal(found.codes == CLASSES.index("missing"), absent)
    np.testing.assert_array_equal(np.isnan(found.distance), absent | outcomes.correct)
    whole = np.bincount(found.codes + 1, minlength=len(CLASSES) + 1).tolist()
    for group in groupings(truth, outcomes.phrase, objects):
        counts = group.count(found.codes + 1, len(CLASSES) + 1)
        assert counts.sum(axis=0).tolist() == whole, group.title
    rows = Counter(row["class"] for row in class_rows(truth, found))
    assert rows == Counter({**found.counts, "right": accuracy.correct})


@by_protocol
@given(world=worlds, with_objects=st.booleans())
def test_classes_sum_to_the_errors(protocol, world, with_objects):
    truth, guesses, objects = data_of(world)
    objects = objects if with_objects else None
    found = diagnosed(truth, guesses, protocol, objects)
    if found is not None:
        check(truth, found, objects)


WITHOUT = {
    "entities": {"entity": None},
    "sentences": {"sentence": None},
    "first words": {"first_word": None},
    "any of them": {"entity": None, "sentence": None, "first_word": None},
}


@pytest.mark.parametrize("absent", WITHOUT)
@given(world=worlds)
def test_ground_truth_without_some_columns(absent, world):
    truth, guesses, objects = data_of(world)
    bare = replace(truth, keys=replace(truth.keys, **WITHOUT[absent]))
    found = diagnosed(bare, guesses, "flickr30k", objects)
    check(bare, found, objects)
    if absent in ("sentences", "first words"):
        told = dict(diagnosed(truth, guesses, "flickr30k", objects).counts)
        if absent == "sentences":
            told["same image"] += told.pop("same caption")
            told["same caption"] = 0
        assert found.counts == told


@given(world=worlds)
def test_union_boxes_alone_have_no_groups(world):
    truth, guesses, objects = data_of(world)
    unions = replace(
        truth, offsets=np.arange(len(truth) + 1), boxes=truth.union_boxes, unions_only=True
    )
    found = diagnosed(unions, guesses, "flickr30k", objects)
    check(unions, found, objects)
    told = diagnosed(truth, guesses, "flickr30k", objects)
    assert found.counts["one of a group"] == 0
    group = told.codes == CLASSES.index("one of a group")
    np.testing.assert_array_equal(found.codes[~group], told.codes[~group])


@by_protocol
@given(world=worlds, seed=st.integers(0, 2**32))
def test_the_order_of_rows_and_objects_moves_no_class(protocol, world, seed):
    truth, guesses, objects = data_of(world)
    found = diagnosed(truth, guesses, protocol, objects)
    if found is None:
        return
    random = np.random.default_rng(seed)
    turned = truth.take(random.permutation(len(truth)))
    rows = random.permutation(len(guesses))
    places, offsets = take_ragged(guesses.offsets, rows)
    moved = replace(
        guesses, keys=guesses.keys.take(rows), offsets=offsets, boxes=guesses.boxes[places]
    )
    items = {
        image: [boxes[place] for place in random.permutation(len(boxes))]
        for image, boxes in world.objects.items()
    }
    images = random.permutation(list(items)).tolist()
    mixed = objects_of({image: items[image] for image in images})
    again = diagnosed(turned, moved, protocol, mixed)
    assert named(turned, again) == named(truth, found)
    assert again.counts == found.counts


@given(world=worlds)
def test_only_first_boxes_have_classes(world):
    truth, guesses, objects = data_of(world)
    starts = guesses.offsets[:-1]
    some = np.diff(guesses.offsets) > 0
    first = replace(
        guesses,
        offsets=np.concatenate([[0], np.cumsum(some)]),
        boxes=guesses.boxes[starts[some]],
    )
    for protocol in ("flickr30k", "any-box"):
        found = diagnosed(truth, guesses, protocol, objects)
        again = diagnosed(truth, first, protocol, objects)
        np.testing.assert_array_equal(again.codes, found.codes)


@given(world=worlds)
def test_the_worst_are_wrong_phrases_with_a_prediction_in_order(world):
    truth, guesses, _ = data_of(world)
    found = diagnosed(truth, guesses, "flickr30k", None)
    rows = found.worst(len(truth))
    overlap, distance = found.outcomes.overlap[rows, 0], found.distance[rows]
    expected = (found.codes >= 0) & (found.codes != CLASSES.index("missing"))
    assert sorted(rows.tolist()) == np.flatnonzero(expected).tolist()
    pairs = list(zip(overlap.tolist(), distance.tolist(), strict=True))
    assert pairs == sorted(pairs)
    assert found.worst(3).tolist() == rows[:3].tolist()


@pytest.mark.parametrize("style", FORMATS)
@given(world=worlds)
def test_every_diagnosis_is_shown(style, world):
    truth, guesses, objects = data_of(world)
    found = diagnosed(truth, guesses, "flickr30k", objects)
    groups = list(groupings(truth, found.outcomes.phrase, objects))
    shown = render_diagnosis(truth, found, groups, 5, style)
    assert "nan" not in shown.lower()
    assert "objects of the image" in shown
