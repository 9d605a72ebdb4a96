"""The gate keeps its word: noise seldom fails, the rule is the rule, and no file crashes it."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloc import GroundTruth, PhraseKeys, Strings, score, single_boxes
from phraseloc.errors import PhraselocError
from phraseloc.formats.results import entry_of, find_entry, load_results, write_results
from phraseloc.gate import judge, with_entry
from phraseloc.outcomes import Outcomes
from phraseloc.paired import mcnemar

IMAGES, PHRASES, KINDS = 50, 15, 5
WORLDS = 3_000
SIGNIFICANCE = 0.05


def ground_truth():
    """Every phrase of an image is of the same box; its place tells its category."""
    count = IMAGES * PHRASES
    keys = PhraseKeys(
        Strings.of([str(n // PHRASES) for n in range(count)]),
        np.zeros(count, np.int64),
        np.arange(count) % PHRASES,
        Strings.of([str(n % PHRASES) for n in range(count)]),
    )
    return GroundTruth(
        keys,
        np.arange(count + 1),
        np.tile([0.0, 0, 10, 10], (count, 1)),
        categories=[f"kind {k}" for k in range(KINDS)],
        category_offsets=np.arange(count + 1),
        category_codes=np.arange(count) % KINDS,
    )


TRUTH = ground_truth()
SCORES = score(TRUTH, single_boxes(TRUTH.keys, TRUTH.boxes), samples=1)


def entry(correct, name="mine"):
    """The entry of predictions of which these phrases are right."""
    outcomes = Outcomes(SCORES.outcomes.phrase, SCORES.outcomes.prediction, None, correct)
    kinds = np.arange(len(correct)) % KINDS

    def count(right):
        return replace(SCORES.accuracy, correct=int(right.sum()), total=len(right))

    scores = replace(
        SCORES,
        name=name,
        accuracy=count(correct),
        categories={n: count(correct[kinds == k]) for k, n in enumerate(TRUTH.categories)},
        outcomes=outcomes,
    )
    return entry_of(TRUTH, scores, key="", source=name)


def draw(random, shape):
    """Whether phrases are right under two methods of equal skill; those of an image are alike.

    An image is easy for either method or not, by a coin each; one phrase in ten goes its own way.
    """
    easy = random.random((*shape, IMAGES, 1)) < 0.6
    own = random.random((*shape, IMAGES, PHRASES))
    right = np.where(own < 0.1, own < 0.05, easy)
    return right.reshape(*shape, IMAGES * PHRASES)


def test_noise_fails_in_less_than_the_significance_of_worlds():
    """No tolerance: whatever falls by chance is the test's to judge, over all and by category.

    The share of alarms has a deviation of at most sqrt(0.05 * 0.95 / WORLDS) = 0.004. A test that
    takes phrases for independent finds a fall in more than a quarter of the same worlds.
    """
    random = np.random.default_rng(5)
    before, after = np.moveaxis(draw(random, (WORLDS, 2)), 1, 0)
    fell = after.sum(axis=1) < before.sum(axis=1)
    alarms, naive = 0, 0
    for n in range(WORLDS):
        limits = {"tolerance": 0, "significance": SIGNIFICANCE, "samples": 499, "seed": n}
        verdict = judge(TRUTH, entry(before[n]), entry(after[n]), "b.json", **limits)
        alarms += bool(verdict.failed)
        wins, losses = (int((a & ~b)[n].sum()) for a, b in ((after, before), (before, after)))
        naive += fell[n] and mcnemar(wins, losses) < SIGNIFICANCE
    assert fell.mean() > 0.45
    error = (SIGNIFICANCE * (1 - SIGNIFICANCE) / WORLDS) ** 0.5
    assert alarms / WORLDS < SIGNIFICANCE + 3 * error
    assert alarms / WORLDS > SIGNIFICANCE / 4, "a gate that never fails would pass this test"
    assert naive / WORLDS > 0.25


@given(
    seed=st.integers(0, 2**32),
    lost=st.integers(0, 40),
    won=st.integers(0, 40),
    tolerance=st.decimals(0, 6, places=2),
)
def test_without_marks_a_group_fails_where_it_falls_by_more_than_the_tolerance(
    seed, lost, won, tolerance
):
    random = np.random.default_rng(seed)
    before = random.random(len(TRUTH)) < 0.6
    after = before.copy()
    after[random.choice(np.flatnonzero(before), lost, replace=False)] = False
    after[random.choice(np.flatnonzero(~before), won, replace=False)] = True
    old = entry(before)
    unmarked = type(old)(**{**{f: getattr(old, f) for f in old.__struct_fields__}, "marks": None})
    verdict = judge(TRUTH, unmarked, entry(after), "b.json", tolerance=float(tolerance))
    for group, kind in zip(verdict.groups, [None, *range(KINDS)], strict=True):
        rows = range(len(TRUTH)) if kind is None else range(kind, len(TRUTH), KINDS)
        fewer = sum(int(before[row]) - int(after[row]) for row in rows)
        assert group.fall == Fraction(100 * fewer, len(rows))
        assert group.fails == (Decimal(100 * fewer) > tolerance * len(rows))
        assert group.p is None


@given(seed=st.integers(0, 2**32), share=st.floats(0, 0.5))
def test_marks_only_ever_acquit(seed, share):
    """What fails has fallen by more than the tolerance, with a p-value below the significance."""
    random = np.random.default_rng(seed)
    before, after = draw(random, (2,))
    after &= random.random(len(after)) >= share
    verdict = judge(TRUTH, entry(before), entry(after), "b.json", tolerance=0.5, samples=499)
    for group in verdict.groups:
        assert (group.p is None) == (group.fall <= 0)
        real = group.p is not None and group.p < verdict.significance
        assert group.fails == (group.fall > Fraction(1, 2) and real)
    assert set(verdict.failed) == {group for group in verdict.groups if group.fails}
    falls = [group.fall for group in verdict.failed if group.name is not None]
    assert falls == sorted(falls, reverse=True)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("gate") / "baseline.json"


@given(changes=st.lists(st.tuples(st.integers(0, 2**31), st.binary(max_size=3)), max_size=4))
def test_a_damaged_baseline_is_refused_or_judged_and_never_crashes(changes, place):
    right = np.arange(len(TRUTH)) % 3 > 0
    write_results(with_entry(None, None, entry(right)), place)
    data = bytearray(place.read_bytes())
    for position, content in changes:
        start = position % len(data)
        data[start : start + len(content)] = content
    place.write_bytes(data)
    try:
        found = find_entry(load_results(place), "mine", "b.json")
        verdict = judge(TRUTH, found, entry(right), "b.json", samples=199)
    except PhraselocError:
        return
    assert verdict.groups[0].after.correct == right.sum()
