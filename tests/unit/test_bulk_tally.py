"""Tallies: sums without rounding, medians to a bin, and counts that add up in any order."""

import math
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from operator import add

import numpy as np
import pytest

from phraseloc import statistics
from phraseloc.bulk import tally as tallies
from phraseloc.bulk.tally import BINS, LIMBS, Tally, limbs_of, median_of
from phraseloc.errors import Problems
from phraseloc.statistics import UNITS, pooled, unit_of


def whole(limbs):
    return sum(Fraction(limb, 2 ** (30 * place)) for place, limb in enumerate(limbs, 1))


@pytest.mark.parametrize("low", [0.0, -1.0])
@pytest.mark.parametrize("seed", range(5))
def test_overlaps_are_summed_exactly(low, seed):
    values = np.random.default_rng(seed).uniform(low, 1, size=5000)
    values[::7] = np.round(values[::7], 2)
    values[::11] = low
    assert whole(limbs_of(values)) == sum(map(Fraction, values.tolist()))
    assert float(whole(limbs_of(values))) == math.fsum(values.tolist())


def test_limbs_of_parts_add_up():
    values = np.random.default_rng(9).random(1000)
    parts = [limbs_of(part) for part in np.array_split(values, 13)]
    assert tuple(map(sum, zip(*parts, strict=True))) == limbs_of(values)


def test_so_many_ones_are_summed_that_doubles_would_round():
    odd = np.full(1001, 1 - 2.0**-30)
    assert limbs_of(odd)[0] == 1001 * (2**30 - 1)
    assert limbs_of(np.zeros(0)) == (0,) * LIMBS


def test_the_mean_is_rounded_as_that_of_a_small_file():
    """The sum is rounded, then the quotient: twice, as `math.fsum` and a division do."""
    random = np.random.default_rng(4)
    twice = 0
    for count in range(3, 200):
        values = random.random(count)
        found = replace(Tally(), counts={"phrases": count}, limbs=limbs_of(values)).mean
        assert found == math.fsum(values.tolist()) / count
        twice += found != float(sum(map(Fraction, values.tolist())) / count)
    assert twice


@pytest.mark.parametrize("low", [0.0, -1.0])
@pytest.mark.parametrize("count", [1, 2, 3, 10, 999, 1000])
def test_the_median_is_right_to_half_a_bin(low, count):
    values = np.random.default_rng(count).uniform(low, 1, size=count)
    bins = np.bincount(((values - low) * (BINS / (1 - low))).astype(int), minlength=BINS + 1)
    assert abs(median_of(bins, low) - np.median(values)) <= (1 - low) / BINS / 2 + 1e-12


def test_the_ends_of_the_bins_are_exact():
    for low in (0.0, -1.0):
        for place, value in ((0, low), (BINS, 1.0)):
            bins = np.zeros(BINS + 1, np.int64)
            bins[place] = 3
            assert median_of(bins, low) == value


def drawn(seed, images=30, names=("a", "b", "c")):
    random = np.random.default_rng(seed)
    kinds = tuple(name for name in names if random.integers(2))
    chosen = tuple(f"image {i}" for i in np.unique(random.integers(images, size=8)).tolist())
    counts = random.integers(5, size=(1 + len(kinds), len(chosen), 2))
    units = np.zeros((1 + len(kinds), UNITS, 2), np.int64)
    for place, image in enumerate(chosen):
        units[:, unit_of(image)] += counts[:, place]
    return Tally(
        kinds,
        units,
        chosen,
        counts,
        {"phrases": 3, f"only {seed % 3}": seed},
        limbs_of(random.random(3)),
        np.bincount(random.integers(BINS + 1, size=3), minlength=BINS + 1),
        tuple(random.integers(2**63, size=2).tolist()),
    )


def facts(tally):
    units, counts, names = tally.resampled()
    return (
        list(units),
        counts.tolist(),
        names,
        sorted(tally.counts.items()),
        (tally.limbs, tally.bins.tolist(), tally.digest),
    )


def test_tallies_add_up_in_any_order_and_grouping():
    parts = [drawn(seed) for seed in range(9)]
    expected = facts(reduce(add, parts))
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(9)
        mixed = [parts[i] for i in order.tolist()]
        halves = reduce(add, mixed[:4]), reduce(add, mixed[4:])
        assert facts(reduce(add, mixed)) == expected
        assert facts(halves[0] + (halves[1] + Tally())) == expected


def test_counts_are_those_of_every_part_by_name():
    one, two = drawn(1), drawn(2)
    total = one + two
    images, counts, names = total.resampled()
    for row, name in enumerate([None, *names]):
        for place, image in enumerate(images):
            expected = np.zeros(2, int)
            for part in (one, two):
                if image in part.images and (name is None or name in part.names):
                    kind = 0 if name is None else 1 + part.names.index(name)
                    expected += part.by_image[kind, part.images.index(image)]
            assert counts[row, place].tolist() == expected.tolist()


def test_of_too_many_images_the_groups_are_kept(monkeypatch):
    monkeypatch.setattr(tallies, "UNITS", 12)
    parts = [drawn(seed, images=99) for seed in range(6)]
    total = reduce(add, parts)
    assert total.images is None
    units, counts, names = total.resampled()
    assert units == statistics.UNIT_NAMES
    assert counts[0].sum() == sum(part.by_image[0].sum() for part in parts)
    assert facts(reduce(add, parts[::-1])) == facts(total)
    again = replace(parts[0], images=None) + parts[1]
    assert again.images is None
    assert names == tuple(sorted({name for part in parts for name in part.names}))


def test_groups_are_pooled_as_those_of_tallies():
    images = [f"image {i}" for i in range(UNITS + 5)]
    counts = np.random.default_rng(3).integers(9, size=(len(images), 2))
    names, sums = pooled(images, counts)
    expected = np.zeros((UNITS, 2), int)
    for image, row in zip(images, counts, strict=True):
        expected[unit_of(image)] += row
    assert names == statistics.UNIT_NAMES
    assert sums.tolist() == expected.tolist()
    assert len(set(names)) == UNITS


def test_as_many_images_as_groups_stay_as_they_are():
    images = [f"image {i}" for i in range(UNITS)]
    counts = np.ones((UNITS, 1), int)
    assert pooled(images, counts) == (images, counts)


def test_problems_of_parts_are_told_as_those_of_the_whole():
    rows = [("a", 7), ("b", 1), ("a", 8), ("c", 2), ("b", 13)]
    whole, first, second = (Problems("p.json") for _ in range(3))
    for turn, (kind, count) in enumerate(rows):
        for problems in (whole, first if turn < 3 else second):
            problems.add_rows(kind, list(range(count)), lambda row, turn=turn: f"{turn}: {row}")
    assert list((first + second).lines()) == list(whole.lines())
    assert list((first + Problems("p.json")).lines()) == list(first.lines())
    assert not Problems("p.json") + Problems("p.json")
    assert (first + second).source == "p.json"


def test_adding_problems_leaves_them_as_they_were():
    one, two = Problems("p"), Problems("p")
    one.add("a", "1")
    two.add("a", "2")
    both = one + two
    both.add("a", "3")
    assert list(one.lines()) == ["a (1)", "  1"]
    assert list(two.lines()) == ["a (1)", "  2"]
    assert list(both.lines()) == ["a (3)", "  1", "  2", "  3"]
