"""The class of every phrase is that of plain loops, on random worlds of many phrases an image."""

from collections import Counter
from random import Random

import numpy as np
import pytest

from phraseloc import (
    PROTOCOLS,
    BoxSpace,
    GroundTruth,
    PhraseKeys,
    Predictions,
    Proposals,
    Strings,
    align,
    score,
)
from phraseloc.columns import offsets_of
from phraseloc.diagnosis import CLASSES, diagnose
from tests.parity.slow_diagnosis import (
    SIDE,
    Rules,
    classes_of,
    distance,
    draw_world,
    worst_of,
)

WORLDS = 80
FLICKR30K = PROTOCOLS["flickr30k"]
RULES = {
    "flickr30k": (FLICKR30K, Rules()),
    "strict": (PROTOCOLS["strict"], Rules(more=True)),
    "any-box": (PROTOCOLS["any-box"], Rules("any", written=True)),
    "merged": (PROTOCOLS["merged"], Rules(written=True)),
    "maf-released": (
        PROTOCOLS["maf-released"],
        Rules(written=True, plus=1, truncate=True, skip_zero=True),
    ),
    "each": (FLICKR30K.override(target="each"), Rules("each")),
    "0.7": (FLICKR30K.override(threshold=0.7), Rules(threshold=0.7)),
    "0.1": (FLICKR30K.override(threshold=0.1), Rules(threshold=0.1)),
    "skip": (FLICKR30K.override(missing="skip"), Rules(skip_missing=True)),
    "entity": (FLICKR30K.override(unit="entity"), Rules(by_entity=True)),
    "entity, skip": (
        FLICKR30K.override(unit="entity", missing="skip"),
        Rules(by_entity=True, skip_missing=True),
    ),
}


def data_of(world):
    """Make ground truth, predictions and objects of a world."""
    image, sentence, first_word, entity = zip(*(p.key for p in world.phrases), strict=True)
    keys = PhraseKeys(
        Strings.of(image), np.array(sentence), np.array(first_word), Strings.of(entity)
    )
    truth = GroundTruth(
        keys,
        offsets_of([len(p.boxes) for p in world.phrases]),
        flat([p.boxes for p in world.phrases]),
        sizes=np.full((len(keys.image.values), 2), float(SIDE)),
        space=BoxSpace("xyxy", "inclusive", world.truth_origin),
    )
    guesses = Predictions(
        keys,
        offsets_of([len(p.candidates) for p in world.phrases]),
        flat([p.candidates for p in world.phrases]),
        space=BoxSpace("xyxy", "inclusive", world.guess_origin),
    )
    return truth, guesses, objects_of(world.objects)


def objects_of(found):
    """Make proposals of each image's boxes; an image of no phrase is always there."""
    found = {"elsewhere": [(0, 0, SIDE, SIDE)], **found}
    return Proposals(
        list(found),
        offsets_of([len(boxes) for boxes in found.values()]),
        flat(list(found.values())),
        Strings.of(["thing"] * sum(map(len, found.values()))),
    )


def flat(rows):
    return np.array([box for row in rows for box in row], np.float64).reshape(-1, 4)


def named(truth, found):
    """Give the class of each phrase by key, of each entity by image and entity."""
    image, sentence, first_word, entity = truth.keys.parts
    names = [*CLASSES, "right"]
    keys = [
        (image[row], entity[row])
        if found.scores.protocol.unit == "entity"
        else (image[row], int(sentence[row]), int(first_word[row]), entity[row])
        for row in found.outcomes.phrase.tolist()
    ]
    return dict(zip(keys, (names[code] for code in found.codes.tolist()), strict=True))


def drawn(seed):
    return draw_world(Random(f"diagnosis {seed}"))


def diagnosed(world, protocol, with_objects=True):
    truth, guesses, objects = data_of(world)
    laid = align(truth, guesses)
    scores = score(truth, guesses, protocol, alignment=laid, samples=1)
    return truth, diagnose(truth, scores, laid, objects if with_objects else None)


@pytest.mark.parametrize("with_objects", [True, False])
@pytest.mark.parametrize("name", RULES)
def test_the_class_of_every_phrase(name, with_objects):
    protocol, rules = RULES[name]
    seen = Counter()
    for seed in range(WORLDS):
        world = drawn(seed)
        expected = classes_of(world, rules, with_objects)
        if not expected:
            continue
        truth, found = diagnosed(world, protocol, with_objects)
        assert named(truth, found) == expected, f"world {seed}"
        seen.update(expected.values())
    absent = {
        *(["missing"] if rules.skip_missing else []),
        *([] if with_objects else ["no proposal"]),
        *(["one of a group"] if rules.target == "any" else []),
        *(["near miss"] if rules.threshold < 0.25 else []),
    }
    assert {key for key in (*CLASSES, "right") if not seen[key]} == absent


def test_distances_are_generalized_ious_of_wrong_phrases():
    compared = 0
    for seed in range(20):
        world = drawn(seed)
        _, found = diagnosed(world, FLICKR30K)
        wrong = found.codes >= 0
        for row, phrase in enumerate(world.phrases):
            if wrong[row] and phrase.candidates:
                assert found.distance[row] == pytest.approx(distance(phrase), abs=1e-12)
                compared += 1
            else:
                assert np.isnan(found.distance[row])
    assert compared > 200


def test_an_entity_is_named_by_the_phrase_that_is_farthest_off():
    protocol, rules = RULES["entity"]
    several = 0
    for seed in range(40):
        world = drawn(seed)
        _, found = diagnosed(world, protocol)
        for row in np.flatnonzero(found.codes >= 0).tolist():
            phrase = world.phrases[found.outcomes.phrase[row]]
            mentions = [
                p for p in world.phrases if (p.image, p.entity) == (phrase.image, phrase.entity)
            ]
            assert phrase == worst_of(world, mentions, rules)
            assert (found.outcomes.prediction[row] >= 0) == bool(phrase.candidates)
            several += phrase != min(mentions, key=lambda p: p.key)
    assert several > 20
