import math

import numpy as np
import pytest

from phraseloc import statistics
from phraseloc.statistics import bootstrap_ratios, poisson_weights

IDS = tuple(str(1000 + i) for i in range(300))


@pytest.fixture
def counts():
    random = np.random.default_rng(0)
    total = random.integers(1, 30, size=(len(IDS), 3))
    return random.integers(0, total + 1), total


def test_the_same_seed_gives_the_same_bits(counts):
    assert bootstrap_ratios(IDS, *counts, samples=200) == bootstrap_ratios(
        IDS, *counts, samples=200
    )


def test_another_seed_gives_another_interval(counts):
    first, second = (bootstrap_ratios(IDS, *counts, samples=200, seed=s) for s in (0, 1))
    assert first[0].low != second[0].low
    assert (first[0].seed, second[0].seed) == (0, 1)


def test_the_order_of_images_moves_no_bit(counts):
    order = np.random.default_rng(1).permutation(len(IDS))
    shuffled = bootstrap_ratios(
        [IDS[i] for i in order], counts[0][order], counts[1][order], samples=200
    )
    assert shuffled == bootstrap_ratios(IDS, *counts, samples=200)


def test_images_without_phrases_move_no_bit(counts):
    right, total = (np.vstack([c, np.zeros((9, 3), np.int64)]) for c in counts)
    more = bootstrap_ratios([*IDS, *map(str, range(9))], right, total, samples=200)
    assert more == bootstrap_ratios(IDS, *counts, samples=200)


def test_columns_do_not_depend_on_each_other(counts):
    together = bootstrap_ratios(IDS, *counts, samples=200)
    alone = [
        bootstrap_ratios(IDS, counts[0][:, [c]], counts[1][:, [c]], samples=200)[0]
        for c in range(3)
    ]
    assert together == alone


def test_weights_depend_on_seed_and_id_alone():
    weights = poisson_weights(IDS, 40, 0)
    assert weights.shape == (300, 40)
    assert (poisson_weights(IDS[::-1], 40, 0)[::-1] == weights).all()
    assert (poisson_weights(IDS[5:7], 40, 0) == weights[5:7]).all()
    assert (poisson_weights(IDS, 7, 0) == weights[:, :7]).all()
    assert (poisson_weights(IDS, 40, 1) != weights).any()


def test_weights_are_poisson_of_mean_one():
    weights = poisson_weights(IDS, 2_000, 0).astype(np.float64)
    assert (weights == np.trunc(weights)).all()
    assert weights.mean() == pytest.approx(1, abs=0.005)
    assert weights.var() == pytest.approx(1, abs=0.01)
    for k in range(5):
        assert (weights == k).mean() == pytest.approx(math.exp(-1) / math.factorial(k), abs=0.005)


def test_weights_of_images_and_samples_are_independent():
    weights = poisson_weights(IDS, 2_000, 0).astype(np.float64)
    between_images = np.corrcoef(weights)[np.triu_indices(300, 1)]
    between_samples = np.corrcoef(weights[:, :100].T)[np.triu_indices(100, 1)]
    assert abs(between_images.mean()) < 0.001
    assert between_images.std() == pytest.approx(1 / math.sqrt(2_000), rel=0.05)
    assert between_samples.std() == pytest.approx(1 / math.sqrt(300), rel=0.05)


def test_an_interval_has_the_width_of_theory():
    right = (np.arange(300) % 2)[:, None] * 10
    [interval] = bootstrap_ratios(IDS, right, np.full((300, 1), 10), samples=4_000)
    error = math.sqrt(0.25 / 300)
    assert interval.low == pytest.approx(0.5 - 1.96 * error, abs=0.005)
    assert interval.high == pytest.approx(0.5 + 1.96 * error, abs=0.005)


def test_more_confidence_is_wider(counts):
    narrow, wide = (
        bootstrap_ratios(IDS, *counts, samples=500, confidence=c)[0] for c in (0.5, 0.99)
    )
    assert wide.low < narrow.low < narrow.high < wide.high
    assert (narrow.confidence, narrow.samples) == (0.5, 500)


@pytest.mark.parametrize(("right", "end"), [(0, 0.0), (10, 1.0)])
def test_a_column_that_is_all_wrong_or_all_right(right, end):
    total = np.full((300, 1), 10)
    [interval] = bootstrap_ratios(IDS, np.full((300, 1), right), total, samples=100)
    assert (interval.low, interval.high) == (end, end)


def test_a_column_without_phrases_has_no_interval():
    nothing = np.zeros((300, 1), np.int64)
    [interval] = bootstrap_ratios(IDS, nothing, nothing, samples=100)
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)


def test_one_image_is_no_sample():
    [interval] = bootstrap_ratios(["a"], np.array([[3]]), np.array([[4]]), samples=100)
    assert (interval.low, interval.high) == (0.75, 0.75)


@pytest.mark.parametrize("large", [10, 10**6, 10**12])
def test_sums_are_exact_however_large(large):
    right = np.full((300, 1), large)
    right[::3] = 1
    total = np.full((300, 1), large)
    [interval] = bootstrap_ratios(IDS, right, total, samples=50)
    weights = poisson_weights(IDS, 50, 0).astype(np.int64).astype(object)
    ratios = [
        int(w @ right[:, 0].astype(object)) / int(w @ total[:, 0].astype(object)) for w in weights.T
    ]
    low, high = np.quantile(np.array(ratios, np.float64), [0.025, 0.975])
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-15)


@pytest.mark.parametrize("threads", [1, 2, 5, 37])
def test_the_number_of_threads_moves_no_bit(threads, monkeypatch):
    images = [f"image {i}" for i in range(300)]
    counts = np.arange(600).reshape(300, 2) % 17 + 1
    expected = bootstrap_ratios(images, counts // 2, counts, samples=500)
    monkeypatch.setattr(statistics, "_THREADS", threads)
    assert bootstrap_ratios(images, counts // 2, counts, samples=500) == expected
