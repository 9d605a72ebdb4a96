"""Explanations on the real test split: flips make the difference, and reasons sum to flips."""

import numpy as np
import pytest

from phraseloc import align, score, single_boxes
from phraseloc.explanation import RIGHT, WRONG, explain
from tests.golden import real_make

pytestmark = pytest.mark.real

PAIRS = [("flickr30k", "maf-released"), ("flickr30k", "any-box"), ("any-box", "pointing")]


def jittered(truth):
    """Predict every union box with its edges moved by about an eighth of its size, in its image."""
    random = np.random.default_rng(7)
    boxes = truth.union_boxes
    moved = boxes + np.tile(boxes[:, 2:] - boxes[:, :2], 2) * random.normal(0, 0.125, boxes.shape)
    moved = np.clip(moved, 0, np.tile(truth.image_sizes[truth.keys.image.codes], 2) - 1)
    moved[:, 2:] = np.maximum(moved[:, 2:], moved[:, :2] + 1)
    return single_boxes(truth.keys, moved)


PREDICTIONS = {"jittered": jittered, **real_make.PREDICTIONS}


@pytest.fixture(scope="session")
def alignments(official):
    return {name: align(official, make(official)) for name, make in PREDICTIONS.items()}


@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.parametrize("kind", PREDICTIONS)
def test_flips_make_the_difference_and_reasons_the_flips(kind, first, second, official, alignments):
    alignment = alignments[kind]
    found = explain(official, alignment, first, second)
    one, two = (
        score(official, alignment.predictions, name, alignment=alignment, samples=1)
        for name in (first, second)
    )
    assert (found.first.accuracy, found.second.accuracy) == (one.accuracy, two.accuracy)
    before, after = (found.states == RIGHT).sum(axis=0).tolist()
    assert after - before == two.accuracy.correct - one.accuracy.correct
    assert set(found.states.ravel().tolist()) <= {RIGHT, WRONG}
    changed = np.flatnonzero(one.outcomes.correct != two.outcomes.correct)
    assert np.array_equal(found.phrase, changed)
    assert np.array_equal(found.overlaps[:, 0], one.outcomes.overlap[changed, 0])
    assert np.array_equal(found.overlaps[:, 1], two.outcomes.overlap[changed, 0])
    counts = found.by_reason()
    assert sum(ways.total() for ways in counts.values()) == len(changed)
    for difference in found.differences:
        assert difference.alone >= counts[difference.field,].total()


@pytest.mark.parametrize(("first", "second"), PAIRS)
@pytest.mark.parametrize("kind", PREDICTIONS)
def test_the_other_way_round_the_same_phrases_flip(kind, first, second, official, alignments):
    there = explain(official, alignments[kind], first, second)
    back = explain(official, alignments[kind], second, first)
    assert np.array_equal(there.phrase, back.phrase)
    assert np.array_equal(there.states, back.states[:, ::-1])


def test_why_the_whole_image_loses_798_phrases_to_any_box(official, alignments):
    """3,185 are right by union boxes, 2,387 by any box without + 1; nothing is gained."""
    found = explain(official, alignments["whole image"], "flickr30k", "any-box")
    assert (found.first.accuracy.correct, found.second.accuracy.correct) == (3185, 2387)
    assert found.by_reason() == {
        ("target",): {("right", "wrong"): 791},
        ("corners",): {("right", "wrong"): 7},
        ("frame",): {},
    }
    several = np.diff(official.offsets)[found.phrase] > 1
    assert several[found.suffices[:, 0]].all()


def test_the_released_script_flips_fractions_alone(official, alignments):
    found = explain(official, alignments["jittered"], "flickr30k", "maf-released")
    flips = {reason: ways for reason, ways in found.by_reason().items() if ways}
    assert list(flips) == [("truncate",)]
    assert len(flips["truncate",]) == 2
    whole = explain(official, alignments["whole image"], "flickr30k", "maf-released")
    assert not len(whole.phrase)


def test_the_file_of_unions_is_noted(reference):
    alignment = align(reference, single_boxes(reference.keys, reference.union_boxes))
    found = explain(reference, alignment, "flickr30k", "any-box")
    [note] = found.notes
    assert "any-box needs them all" in note
