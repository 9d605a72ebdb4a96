"""What no baseline may depend on: orders, scale, repetition; and what bounds them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from phraseloc import GroundTruth, PhraseKeys, Strings
from phraseloc.baselines import (
    FALLBACKS,
    Choice,
    Task,
    baselines,
    find_baseline,
    run_baseline,
)
from phraseloc.baselines.run import choice_with_chances
from phraseloc.baselines.sharded import choose_part, cut_images, joined, part_of
from phraseloc.columns import offsets_of
from phraseloc.proposals import Proposals
from phraseloc.vectors import WordVectors

NAMES = [name for baseline in baselines().values() for name in baseline.variants]
AMONG_OBJECTS = [name for name in NAMES if name != "whole-image" and not name.endswith(":union")]
LABELS = ["dog", "cat", "traffic light", "gray,grey", "zzxq", "t-shirt"]
WORDS = ["dog", "cat", "traffic", "light", "gray", "grey", "t", "shirt", "red"]
PHRASES = ["a dog", "the red cat", "traffic light", "dog's grey t-shirt", "qqq", "red", "cat , dog"]
SIDE = 64
UNSHRUNK = (Phase.explicit, Phase.generate)
"""For tests whose examples are small as they are, and take long."""
DRAWN = np.random.default_rng(1)
SPREAD = DRAWN.integers(-(2**20), 2**20, (3, 50)) * 2.0 ** DRAWN.integers(-9, 9, 50)
"""Makes vectors of a common length of a few whole numbers: they are exact, their products rounded.

Vectors of one direction have one cosine, but for the last bits of it.
"""


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
    along = st.tuples(st.integers(1, 7), st.sampled_from(np.eye(3).tolist()))
    numbers = along.map(lambda pair: np.multiply(*pair).tolist())
    numbers |= st.lists(st.integers(-3, 3), min_size=3, max_size=3)
    matrix = (np.array([draw(numbers) for _ in WORDS]) @ SPREAD).astype(np.float32)
    if draw(st.booleans()):  # images without objects are not in the file, nor are their sizes
        proposals = proposals.take(np.flatnonzero(np.diff(proposals.offsets)))
        truth = replace(truth, sizes=np.full((len(keys.image.values), 2), float(SIDE)))
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
    truth = task.truth
    sizes = None if truth.sizes is None else truth.sizes * scale
    truth = replace(truth, boxes=truth.boxes * scale, sizes=sizes)
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


@settings(max_examples=25, phases=UNSHRUNK)
@given(task=tasks())
def test_parts_of_the_images_choose_as_all_of_them(task):
    methods = [find_baseline(name) for name in NAMES]
    assert all(method.by_image for method in methods)
    expected = [choice_with_chances(method, task) for method in methods]
    for count in (1, 2, 37):
        parts = cut_images(task, count)
        chosen = [choose_part(part_of(task, rows), task.vectors, methods) for rows in parts]
        for method, whole, of_parts in zip(
            methods, expected, zip(*chosen, strict=True), strict=True
        ):
            assert bits_of(joined(parts, of_parts)) == bits_of(whole), (method.name, count)


def bits_of(chosen):
    """All bits of a choice that mean something."""
    decided = chosen.choice.decided
    chances = None if chosen.chances is None else chosen.chances.tobytes()
    return decided.tobytes(), chosen.choice.boxes[decided].tobytes(), chances


def test_only_a_method_that_draws_has_chances():
    assert [name for name in NAMES if find_baseline(name).chances] == ["random"]


@settings(max_examples=30)
@given(task=tasks(), count=st.integers(1, 40))
def test_parts_are_whole_images_and_each_phrase_once(task, count):
    parts = cut_images(task, count)
    assert sorted(row for rows in parts for row in rows.tolist()) == list(range(len(task)))
    assert all((np.diff(rows) > 0).all() for rows in parts)
    images = task.keys.image
    names = [{images[row] for row in rows.tolist()} for rows in parts]
    assert sum(map(len, names)) == len(set(images.to_list()))
    assert len(parts) <= count
    for rows, those in zip(parts, names, strict=True):
        part = part_of(task, rows)
        assert set(part.proposals.images) == those & set(task.proposals.images)
    if count == 1:
        assert len(parts) == 1


@settings(max_examples=20, phases=UNSHRUNK)
@given(task=tasks(), fallback=st.sampled_from(sorted(FALLBACKS)))
def test_a_fallback_chooses_what_it_chooses_alone(task, fallback):
    method = find_baseline("direct-match")
    choice = method.choose(task)
    run = run_baseline(method, task, fallback)
    instead = (
        FALLBACKS[fallback](task) if fallback != "none" else Choice(choice.boxes, task.images < -1)
    )
    rows = np.where(choice.decided[:, None], choice.boxes, instead.boxes)
    some = (task.images >= 0) & (choice.decided | instead.decided)
    assert run.undecided == ((task.images >= 0) & ~choice.decided).sum()
    assert (run.alignment.rows >= 0).tolist() == some.tolist()
    assert run.alignment.predictions.boxes.tolist() == rows[some].tolist()


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
    expected = find_baseline("random").chances(task).mean()
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
