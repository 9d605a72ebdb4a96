"""What is written is read again: the same keys, and the same boxes to the last bit."""

import itertools
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloc import (
    BoxSpace,
    PhraseKeys,
    Predictions,
    Strings,
    load_predictions,
    save_predictions,
)
from phraseloc.columns import offsets_of

QUARTERS = st.integers(-4_000, 40_000).map(lambda quarters: quarters / 4)
SIDES = st.integers(1, 40_000).map(lambda quarters: quarters / 4)
BOXES = st.tuples(QUARTERS, QUARTERS, SIDES, SIDES).map(
    lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]
)
WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=12)
SPACES = st.sampled_from(
    [
        BoxSpace(*choices)
        for choices in itertools.product(("xywh", "xyxy"), ("inclusive", "continuous"), (0, 1))
    ]
)


LAST = ("last", 0, 0, "0", "last")
"""A row with a box of some size, so that a file never looks like one of fractions."""


@st.composite
def predictions(draw, ranked):
    key = st.tuples(WORDS, st.integers(0, 9), st.integers(0, 30), WORDS, WORDS)
    rows = [*draw(st.lists(key, max_size=8)), LAST]
    image, sentence, first_word, entity, phrase = zip(*rows, strict=True)
    counts = st.lists(BOXES, min_size=0 if ranked else 1, max_size=4 if ranked else 1)
    candidates = [*(draw(counts) for _ in rows[1:]), [[0, 0, 9, 9]] * (2 if ranked else 1)]
    boxes = np.array(list(itertools.chain.from_iterable(candidates)), np.float64)
    scores = np.arange(len(boxes))[::-1] / 8 if ranked and draw(st.booleans()) else None
    keys = PhraseKeys(
        Strings.of(image),
        np.array(sentence),
        np.array(first_word),
        Strings.of(entity),
        Strings.of(phrase),
    )
    offsets = offsets_of([len(row) for row in candidates])
    return Predictions(keys, offsets, boxes, scores=scores, space=draw(SPACES))


def written_and_read(before, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        save_predictions(before, path)
        return load_predictions(path)


def assert_same(before, after, columns):
    assert after.boxes.tolist() == before.boxes.tolist()
    assert after.offsets.tolist() == before.offsets.tolist()
    for name in columns:
        ours, theirs = getattr(before.keys, name), getattr(after.keys, name)
        pair = [list(c.to_list()) if isinstance(c, Strings) else c.tolist() for c in (ours, theirs)]
        assert pair[0] == pair[1]


@pytest.mark.parametrize(
    "suffix", [".json", ".jsonl.gz", ".parquet", ".csv", ".csv.gz", ".tsv", ".tsv.zst"]
)
@given(before=predictions(ranked=False))
def test_one_box_a_phrase(suffix, before):
    columns = ("image", "sentence", "phrase")
    if ".tsv" not in suffix:
        columns += ("first_word", "entity")
    assert_same(before, written_and_read(before, suffix), columns)


@pytest.mark.parametrize("suffix", [".json.zst", ".jsonl", ".parquet"])
@given(before=predictions(ranked=True))
def test_ranked_boxes(suffix, before):
    after = written_and_read(before, suffix)
    assert_same(before, after, ("image", "sentence", "first_word", "entity", "phrase"))
    assert (after.scores is None) == (before.scores is None)
    if before.scores is not None:
        assert after.scores.tolist() == before.scores.tolist()


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet", ".csv", ".tsv"])
@given(points=st.lists(st.tuples(QUARTERS, QUARTERS), min_size=1, max_size=9), space=SPACES)
def test_points(suffix, points, space):
    keys = PhraseKeys(Strings.of(["10"] * len(points)))
    offsets = np.arange(len(points) + 1)
    before = Predictions(keys, offsets, np.tile(points, 2), points=True, space=space)
    after = written_and_read(before, suffix)
    assert after.points
    assert after.boxes.tolist() == before.boxes.tolist()


@given(boxes=st.lists(BOXES, min_size=1), space=SPACES)
def test_spaces_are_exact_on_quarter_pixels(boxes, space):
    boxes = np.array(boxes)
    assert space.read(space.write(boxes)).tolist() == boxes.tolist()
