"""The protocol flickr30k gives what the reference scorer's formulas give, on real ground truth.

A thousand random prediction files, each of the phrases of a few images, and some of all 14,481.
What is promised depends on the boxes. On whole and quarter pixels every sum is exact, and IoUs are
equal to the last bit. On hundredths ``x + w - 1`` is rounded, and otherwise than ``x - 1 + w``:
IoUs are equal to the last bit to the formula on pixel edges, and to the scorer's own within
`ROUNDING`, so that a phrase can differ only where its IoU in exact arithmetic is 0.5.
"""

from fractions import Fraction
from random import Random

import numpy as np
import pytest

from phraseloc import load_ground_truth, load_predictions, score
from tests.parity import drawing, oracle

pytestmark = pytest.mark.real

BLOCKS, FILES, IMAGES = 10, 50, 20

ROUNDING = 1e-12
"""Corners below 1,000 are rounded by at most 2^-44, and boxes have sides of at least one pixel."""


def at_least_half(overlap):
    return overlap >= 0.5


def check(scores, phrases, overlaps):
    """Compare what phraseloc says of each phrase, of all and of each category."""
    assert scores.outcomes.overlap[:, 0].tolist() == overlaps
    assert scores.outcomes.correct.tolist() == [at_least_half(overlap) for overlap in overlaps]
    assert (scores.accuracy.correct, scores.accuracy.total) == oracle.tally(overlaps, at_least_half)
    categories = [phrase.categories for phrase in phrases]
    assert {name: (a.correct, a.total) for name, a in scores.categories.items()} == (
        oracle.tally_by_category(overlaps, categories, at_least_half)
    )
    assert scores.mean == pytest.approx(sum(overlaps) / len(overlaps), abs=1e-12)


def few_images(random, official, phrases, rows_of_image):
    """Give the ground truth and the phrases of some images."""
    rows = [row for image in random.sample(rows_of_image, IMAGES) for row in image]
    return official.take(np.array(rows)), [phrases[row] for row in rows]


def test_both_readers_find_the_same_phrases(official, phrases):
    image, sentence, first_word, entity = official.keys.parts
    columns = [image.to_list(), sentence.tolist(), first_word.tolist(), entity.to_list()]
    keys = [(p.image, p.sentence, p.first_word, p.entity) for p in phrases]
    assert list(zip(*columns, strict=True)) == keys
    assert official.keys.phrase.to_list() == [p.text for p in phrases]
    assert official.space.write(official.boxes).tolist() == [
        list(box) for phrase in phrases for box in phrase.boxes
    ]
    assert np.diff(official.offsets).tolist() == [len(phrase.boxes) for phrase in phrases]
    sizes = official.image_sizes[official.keys.image.codes]
    assert sizes.tolist() == [list(phrase.size) for phrase in phrases]


@pytest.mark.parametrize("block", range(BLOCKS))
@pytest.mark.parametrize("grid", ["whole", "quarter"])
def test_a_thousand_files_of_exact_boxes(grid, block, official, phrases, rows_of_image, tmp_path):
    random = Random(f"{grid} {block}")
    for number in range(FILES):
        some, chosen = few_images(random, official, phrases, rows_of_image)
        boxes = [[drawing.draw_box(random, p, drawing.GRIDS[grid])] for p in chosen]
        if number % 2:
            path = drawing.write_lines(tmp_path / "predictions.tsv", chosen, boxes)
        else:
            pairs = list(zip(chosen, boxes, strict=True))
            random.shuffle(pairs)
            path = drawing.write_json(tmp_path / "predictions.json", *zip(*pairs, strict=True))
        overlaps = [
            oracle.reference_iou(box, phrase.union_xywh)
            for phrase, [box] in zip(chosen, boxes, strict=True)
        ]
        check(score(some, load_predictions(path), samples=1), chosen, overlaps)


@pytest.mark.parametrize("source", ["release", "reference JSON"])
@pytest.mark.parametrize("grid", ["whole", "quarter"])
@pytest.mark.parametrize("seed", range(2))
def test_files_of_the_whole_split(grid, source, seed, data, official, phrases, tmp_path):
    random = Random(seed)
    boxes = [[drawing.draw_box(random, p, drawing.GRIDS[grid])] for p in phrases]
    path = drawing.write_json(tmp_path / "predictions.json", phrases, boxes)
    truth = official
    if source == "reference JSON":
        truth = load_ground_truth(data / "phraseloceval/flickr30k_annotation_test.json")
    overlaps = [
        oracle.reference_iou(box, phrase.union_xywh)
        for phrase, [box] in zip(phrases, boxes, strict=True)
    ]
    check(score(truth, load_predictions(path), samples=1), phrases, overlaps)


@pytest.mark.parametrize("grid", ["whole", "quarter"])
def test_upper_bound_over_ranked_candidates(grid, official, phrases, rows_of_image, tmp_path):
    random = Random(grid)
    for _ in range(FILES):
        some, chosen = few_images(random, official, phrases, rows_of_image)
        boxes = [
            [
                drawing.draw_box(random, p, drawing.GRIDS[grid])
                for _ in range(random.choice((1, 12)))
            ]
            for p in chosen
        ]
        path = drawing.write_json(tmp_path / "predictions.json", chosen, boxes)
        scores = score(some, load_predictions(path), samples=1)
        overlaps = {
            k: [
                oracle.best(candidates, [phrase.union_xywh], oracle.reference_iou, k)
                for phrase, candidates in zip(chosen, boxes, strict=True)
            ]
            for k in (1, 5, 10, 12)
        }
        check(scores, chosen, overlaps[1])
        assert scores.outcomes.overlap.T.tolist() == list(overlaps.values())
        figures = [*scores.recall.values(), scores.upper_bound]
        assert [(a.correct, a.total) for a in figures] == [
            oracle.tally(column, at_least_half) for column in overlaps.values()
        ]


@pytest.mark.parametrize("seed", range(5))
def test_boxes_of_hundredths(seed, official, phrases, tmp_path):
    random = Random(f"hundredth {seed}")
    boxes = [[drawing.draw_box(random, p, drawing.GRIDS["hundredth"])] for p in phrases]
    path = drawing.write_json(tmp_path / "predictions.json", phrases, boxes)
    scores = score(official, load_predictions(path), samples=1)
    pairs = [(box, p.union_xywh) for p, [box] in zip(phrases, boxes, strict=True)]
    theirs = np.array([oracle.reference_iou(*pair) for pair in pairs])
    on_edges = [oracle.edge_iou(*map(oracle.edges, pair)) for pair in pairs]
    check(scores, phrases, on_edges)
    ours = scores.outcomes.overlap[:, 0]
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=ROUNDING)
    assert scores.accuracy.correct == oracle.tally(theirs, at_least_half)[0]


@pytest.mark.parametrize("seed", range(2))
def test_boxes_of_hundredths_against_exact_arithmetic(
    seed, official, phrases, rows_of_image, tmp_path
):
    """In fractions nothing is rounded: floats come within `ROUNDING`, and 0.5 is told apart."""
    random = Random(f"exact {seed}")
    rows = [row for image in random.sample(rows_of_image, 40) for row in image]
    chosen = [phrases[row] for row in rows]
    boxes = [[drawing.draw_box(random, p, drawing.GRIDS["hundredth"])] for p in chosen]
    path = drawing.write_json(tmp_path / "predictions.json", chosen, boxes)
    scores = score(official.take(np.array(rows)), load_predictions(path), samples=1)
    exact = [
        oracle.reference_iou([Fraction(str(number)) for number in box], phrase.union_xywh)
        for phrase, [box] in zip(chosen, boxes, strict=True)
    ]
    assert Fraction(1, 2) in exact
    np.testing.assert_allclose(
        scores.outcomes.overlap[:, 0], list(map(float, exact)), atol=ROUNDING
    )
    assert scores.outcomes.correct.tolist() == [at_least_half(overlap) for overlap in exact]


def test_a_tie_of_hundredths_may_fall_on_either_side():
    """One half of a target, moved by hundredths: neither order of the sums always finds 0.5."""
    target = (1, 1, 100, 100)
    halves = [(number / 100, 1, 50, 100) for number in range(100, 5000)]
    theirs = [oracle.reference_iou(half, target) for half in halves]
    ours = [oracle.edge_iou(oracle.edges(half), oracle.edges(target)) for half in halves]
    np.testing.assert_allclose([theirs, ours], 0.5, rtol=0, atol=ROUNDING)
    missed = [oracle.tally(overlaps, lambda o: o < 0.5)[0] for overlaps in (theirs, ours)]
    assert missed == [664, 644]
