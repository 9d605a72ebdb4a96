"""Counting kernels: each equals the same count in plain loops."""

import math
from fractions import Fraction

import numpy as np
import pytest

from phraseloc.kernels.counting import (
    count_above,
    count_bins,
    count_by_unit,
    count_several,
    count_sizes,
    sum_limbs,
)


@pytest.fixture(params=range(4))
def random(request):
    return np.random.default_rng(request.param)


def test_phrases_are_counted_by_unit_and_category(random):
    unit = random.integers(0, 5, 40)
    kinds = [random.choice(3, random.integers(0, 3), replace=False).tolist() for _ in unit]
    offsets = np.cumsum([0, *map(len, kinds)])
    codes = np.array([code for row in kinds for code in row], np.int64)
    phrase = np.flatnonzero(random.random(40) < 0.7)
    correct = random.random(len(phrase)) < 0.5
    expected = np.zeros((4, 5, 2), int)
    for place, right in zip(phrase.tolist(), correct.tolist(), strict=True):
        for group in (0, *(1 + code for code in kinds[place])):
            expected[group, unit[place]] += (1, right)
    found = count_by_unit(unit, phrase, correct, (offsets, codes), (4, 5))
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("strict", [True, False])
def test_overlaps_at_a_threshold_pass_unless_it_is_strict(strict, random):
    overlap = random.integers(0, 11, 200) / 10
    predicted = random.random(200) < 0.8
    thresholds = np.array([0.0, 0.3, 0.5, 1.0])
    expected = [
        sum(
            there and (value > least if strict else value >= least)
            for value, there in zip(overlap.tolist(), predicted.tolist(), strict=True)
        )
        for least in thresholds.tolist()
    ]
    assert count_above(overlap, predicted, thresholds, strict=strict).tolist() == expected


def test_an_area_at_an_end_is_of_the_next_size():
    boxes = np.array([[0, 0, 32, 32], [5, 5, 36, 37], [0, 0, 96, 96], [1, 1, 2, 2.0]])
    ends = np.array([1024, 9216, np.inf])
    correct = np.array([True, False, True])
    assert count_sizes(boxes, np.array([0, 1, 2]), correct, ends).tolist() == [
        [1, 0],
        [1, 1],
        [1, 1],
    ]


def test_phrases_of_one_box_and_of_several_are_told_apart():
    offsets, phrase = np.array([0, 1, 3, 4, 8]), np.array([0, 1, 3])
    assert count_several(offsets, phrase, np.array([1, 0, 1], bool)).tolist() == [[1, 1], [2, 1]]


@pytest.mark.parametrize("low", [0.0, -1.0])
def test_bins_hold_their_lower_end_and_the_last_one_alone(low, random):
    edges = low + (1 - low) * np.arange(9) / 8
    values = np.concatenate([edges, random.uniform(low, 1, 100)])
    expected = [0] * 9
    for value in values.tolist():
        expected[math.floor((value - low) * 8 / (1 - low))] += 1
    assert count_bins(values, low, 8).tolist() == expected
    assert count_bins(np.array([low - 1, 2.0, np.nan]), low, 8).sum() == 3  # never out of place


def test_limbs_hold_the_exact_sum(random):
    values = random.uniform(-1, 1, 300)
    limbs = sum_limbs(values, 4, 30).tolist()
    assert sum(Fraction(limb, 2 ** (30 * place)) for place, limb in enumerate(limbs, 1)) == sum(
        map(Fraction, values.tolist())
    )
