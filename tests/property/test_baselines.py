"""What no baseline may depend on: orders, scale, repetition; and what bounds them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloc import GroundTruth, PhraseKeys, Strings
from phraseloc.baselines import Task, baselines, find_baseline
from phraseloc.columns import offsets_of
from phraseloc.proposals import Proposals
from phraseloc.vectors import WordVectors

NAMES = [name for baseline in baselines().values() for name in baseline.variants]
AMONG_OBJECTS = [name for name in NAMES if name != "whole-image" and not name.endswith(":union")]
LABELS = ["dog", "cat", "traffic light", "gray,grey", "zzxq", "t-shirt"]
WORDS = ["dog", "cat", "traffic", "light", "gray", "grey", "t", "shirt", "red"]
PHRASES = ["a dog", "the red cat", "traffic light", "dog's grey t-shirt", "qqq", "red", "cat , dog"]
SIDE = 64


@st.composite
def tasks(draw):
    """Up to 4 images of up to 6 objects, on whole pixels, with 1 to 8 phrases."""
    images = [f"i{n}" for n in range(draw(st.integers(1, 4)))]
    corner = st.integers(0, SIDE - 2)
    box = st.tuples(corner, corner, st.integers(1, SIDE), st.integers(1, SIDE)).map(
        lambda b: [b[0], b[1], min(b[0] + b[2], SIDE), min(b[1] + b[3], SIDE)]
    )
    several = st.lists(st.tuples(box, st.sampled_from(LABELS)), min_size=0, max_size=6)
    found = [draw(several) for _ in images]
    found[0] = found[0] or [([0, 0, 9, 9], "dog")]
    rows = draw(st.lists(st.tuples(st.sampled_from(images), st.sampled_from(PHRASES), box)))
    rows = rows or [(images[0], "a dog", [0, 0, 9, 9])]
    flat = [item for items in found for item in items]
    sizes = np.full((len(images), 2), float(SIDE))
    proposals = Proposals(
        images,
        offsets_of([len(items) for items in found]),
        np.array([b for b, _ in flat], float).reshape(-1, 4),
        Strings.of([label for _, label in flat]),
        sizes=sizes,
    )
    keys = PhraseKeys(
        Strings.of([image for image, _, _ in rows]),
        np.zeros(len(rows), np.int64),
        np.arange(len(rows)),
        Strings.of([str(row) for row in range(len(rows))]),
        Strings.of([phrase for _, phrase, _ in rows]),
    )
    truth = GroundTruth(keys, np.arange(len(rows) + 1), np.array([b for _, _, b in rows], float))
    numbers = st.lists(st.integers(-3, 3), min_size=3, max_size=3)
    matrix = np.array([draw(numbers) for _ in WORDS], np.float32)
    return Task(truth, proposals, WordVectors(WORDS, matrix), seed=draw(st.integers(0, 3)))


def boxes_by_key(task, name, scale=1.0):
    """The box of each phrase by its key, None where there is no opinion; unscaled."""
    choice = find_baseline(name).choose(task)
    keys = zip(task.keys.image.to_list(), task.keys.entity.to_list(), strict=True)
    boxes = (choice.boxes / scale).tolist()
    decided = choice.decided.tolist()
    return {
        key: box if right else None for key, box, right in zip(keys, boxes, decided, strict=True)
    }


def shuffled_proposals(task, draw):
    found = task.proposals
    order = draw.permutation(len(found))
    owners = found.owners[order]
    order = order[np.argsort(owners, kind="stable")]
    proposals = found._objects(order).take(draw.permutation(len(found.images)))
    return replace(task, proposals=proposals), 1.0


def shuffled_phrases(task, draw):
    return replace(task, truth=task.truth.take(draw.permutation(len(task)))), 1.0


def scaled(task, draw):
    scale = float(draw.choice([0.25, 2.0, 8.0]))
    found = task.proposals
    proposals = replace(found, boxes=found.boxes * scale, sizes=found.sizes * scale)
    truth = replace(task.truth, boxes=task.truth.boxes * scale)
    return replace(task, proposals=proposals, truth=truth), scale


def repeated(task, draw):
    found = task.proposals
    twice = draw.integers(len(found))
    order = np.sort(np.append(np.arange(len(found)), twice))
    counts = np.bincount(found.owners[order], minlength=len(found.images))
    return replace(task, proposals=replace(found._objects(order), offsets=offsets_of(counts))), 1.0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("change", [shuffled_proposals, shuffled_phrases, scaled, repeated])
@settings(max_examples=20)
@given(task=tasks(), seed=st.integers(0, 2**32))
def test_invariance(name, change, task, seed):
    changed, scale = change(task, np.random.default_rng(seed))
    assert boxes_by_key(changed, name, scale) == boxes_by_key(task, name)


@given(task=tasks())
def test_the_oracle_bounds_every_choice_of_an_object(task):
    def overlaps(name):
        choice = find_baseline(name).choose(task)
        target = task.truth.union_boxes
        low = np.maximum(choice.boxes[:, :2], target[:, :2])
        high = np.minimum(choice.boxes[:, 2:], target[:, 2:])
        shared = np.clip(high - low, 0, None).prod(axis=1)
        areas = [(b[:, 2:] - b[:, :2]).prod(axis=1) for b in (choice.boxes, target)]
        return np.where(choice.decided, shared / (sum(areas) - shared), 0)

    bound = overlaps("oracle")
    for name in AMONG_OBJECTS:
        assert (overlaps(name) <= bound).all(), name


def test_the_expectation_of_random_is_the_mean_of_many_draws():
    draw = np.random.default_rng(5)
    images = [str(n) for n in range(40)]
    low = draw.integers(0, 40, (400, 2))
    boxes = np.concatenate([low, low + draw.integers(8, 30, (400, 2))], axis=1).astype(float)
    proposals = Proposals(images, 10 * np.arange(41), boxes, Strings.of(["dog"] * 400))
    keys = PhraseKeys(
        Strings.of(images),
        np.zeros(40, np.int64),
        np.zeros(40, np.int64),
        Strings.of(images),
        Strings.of(["a dog"] * 40),
    )
    truth = GroundTruth(keys, np.arange(41), boxes[::10] + 1)
    task = Task(truth, proposals)
    expected = find_baseline("random").expected(task)
    _, right = task.outcomes
    shares = np.add.reduceat(right, task.starts[:-1]) / 10
    draws = 2_000
    got = []
    for seed in range(draws):
        seeded = replace(task, seed=seed)
        vars(seeded).update({k: v for k, v in vars(task).items() if k not in vars(seeded)})
        chosen = find_baseline("random").choose(seeded).boxes
        place = (task.boxes == np.repeat(chosen, 10, axis=0)).all(axis=1)
        got.append((place & right).sum() / 40)
    error = np.sqrt((shares * (1 - shares)).sum()) / 40 / np.sqrt(draws)
    assert expected == pytest.approx(shares.mean())
    assert abs(np.mean(got) - expected) < 5 * error
