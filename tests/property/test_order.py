"""The order of rows is no part of a score, and neither are rows that say the same again."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloc import (
    PROTOCOLS,
    GroundTruth,
    OptionError,
    PhraseKeys,
    Predictions,
    Protocol,
    Strings,
    align,
    score,
)
from phraseloc.columns import offsets_of, take_ragged

CATEGORIES = ["people", "animals", "scene"]
CHOICES = [
    *PROTOCOLS.values(),
    Protocol("entities", unit="entity"),
    Protocol("each", target="each"),
    Protocol("skip", missing="skip"),
    Protocol("large", min_area_share=0.01),
]


@st.composite
def scored_data(draw):
    """Ground truth of some images, and ranked predictions of most of its phrases, in order."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    count = draw(st.integers(2, 40))
    rows = {
        (str(random.integers(6)), int(random.integers(3)), int(random.integers(9)), entity)
        for entity in map(str, random.integers(0, 5, size=count))
    }
    image, sentence, first_word, entity = zip(*sorted(rows), strict=True)
    keys = PhraseKeys(
        Strings.of(image), np.array(sentence), np.array(first_word), Strings.of(entity)
    )
    offsets = offsets_of(random.integers(1, 4, size=len(rows)))
    kinds = offsets_of(random.integers(0, 3, size=len(rows)))
    truth = GroundTruth(
        keys,
        offsets,
        boxes_of(random, offsets[-1]),
        categories=CATEGORIES,
        category_offsets=kinds,
        category_codes=random.integers(0, 3, size=kinds[-1]),
        sizes=np.full((len(keys.image.values), 2), 100.0),
    )
    places = random.integers(0, 4, size=len(rows))
    candidates = offsets_of(np.where(places == 3, 0, places + 1))
    guesses = Predictions(keys, candidates, boxes_of(random, candidates[-1]))
    return truth, guesses, random


def boxes_of(random, count):
    corners = random.integers(0, 60, size=(count, 2))
    sides = random.integers(1, 40, size=(count, 2))
    return np.concatenate([corners, corners + sides], axis=1).astype(np.float64)


def take(guesses, rows):
    places, offsets = take_ragged(guesses.offsets, rows)
    return replace(
        guesses, keys=guesses.keys.take(rows), offsets=offsets, boxes=guesses.boxes[places]
    )


def figures(truth, guesses, protocol, **options):
    """Every figure of a score; where nothing is left to score, the message that says so."""
    try:
        report = score(truth, guesses, protocol, samples=30, **options).to_dict()
    except OptionError as error:
        return {"message": str(error)}
    report["coverage"] = dict(report["coverage"])
    report["categories"] = dict(sorted(report["categories"].items()))
    return report


@pytest.mark.parametrize("protocol", CHOICES, ids=lambda protocol: protocol.name)
@given(drawn=scored_data())
def test_the_order_of_predictions_moves_nothing(protocol, drawn):
    truth, guesses, random = drawn
    shuffled = take(guesses, random.permutation(len(guesses)))
    assert repr(figures(truth, shuffled, protocol)) == repr(figures(truth, guesses, protocol))


@pytest.mark.parametrize("protocol", CHOICES, ids=lambda protocol: protocol.name)
@given(drawn=scored_data())
def test_the_order_of_the_ground_truth_moves_nothing(protocol, drawn):
    truth, guesses, random = drawn
    shuffled = truth.take(random.permutation(len(truth)))
    assert repr(figures(shuffled, guesses, protocol)) == repr(figures(truth, guesses, protocol))


@given(drawn=scored_data())
def test_rows_that_stand_again_are_only_counted(drawn):
    truth, guesses, random = drawn
    again = random.integers(0, len(guesses), size=5)
    rows = random.permutation(np.concatenate([np.arange(len(guesses)), again]))
    once = figures(truth, guesses, PROTOCOLS["flickr30k"])
    more = figures(truth, take(guesses, rows), PROTOCOLS["flickr30k"])
    assert more["coverage"].pop("duplicate") == 5
    assert once["coverage"].pop("duplicate") == 0
    assert repr(more) == repr(once)


@given(drawn=scored_data())
def test_rows_that_no_phrase_has_are_only_counted(drawn):
    truth, guesses, random = drawn
    images = truth.keys.image.codes
    known = np.flatnonzero(images == random.choice(images))
    some = truth.take(known)
    alignment = align(some, guesses, extra="count")
    more = figures(some, guesses, "flickr30k", alignment=alignment)
    once = figures(some, take(guesses, known), "flickr30k")
    assert more["coverage"]["extra"] == len(truth) - len(some)
    for name in ("accuracy", "interval", "mean_iou", "categories", "thresholds", "sizes"):
        assert repr(more[name]) == repr(once[name])
