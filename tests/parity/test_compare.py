"""Paired tests agree with SciPy, are right under no difference, and cover as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from phraseloc import score, single_boxes
from phraseloc.comparison import compare
from phraseloc.paired import holm, mcnemar, permutation
from phraseloc.statistics import bootstrap_ratios, random_bits

IMAGES = [str(n) for n in range(120)]


@given(st.integers(0, 400), st.integers(0, 400))
def test_mcnemar_is_the_binomial_test(wins, losses):
    expected = stats.binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    assert mcnemar(wins, losses) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_of_many_phrases():
    expected = stats.binomtest(4_000, 8_200).pvalue
    assert mcnemar(4_000, 4_200) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(300, 1_000) == pytest.approx(stats.binomtest(300, 1_300).pvalue, rel=1e-9)
    assert mcnemar(0, 20_000) == 0  # below the least float


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_its_definition(values):
    order = sorted(range(len(values)), key=values.__getitem__)
    expected, highest = [0.0] * len(values), 0.0
    for place, which in enumerate(order):
        highest = max(highest, (len(values) - place) * values[which])
        expected[which] = min(1.0, highest)
    assert holm(values) == pytest.approx(expected)


@pytest.mark.parametrize("shift", [0.0, 0.3, 0.6])
def test_the_permutation_is_scipys(shift):
    draw = np.random.default_rng(3)
    difference = np.rint(draw.normal(shift, 2, len(IMAGES))).astype(int)
    expected = stats.permutation_test(
        (difference, np.zeros_like(difference)),
        lambda x, y, axis: (x - y).sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=20_000,
        rng=np.random.default_rng(4),
    ).pvalue
    found = permutation(IMAGES, difference, 20_000, 0)
    assert found == pytest.approx(expected, abs=5 * np.sqrt(0.25 / 20_000))


def test_bits_are_fair_and_of_the_image_alone():
    bits = random_bits(IMAGES, 5_000, 7)
    assert bits.shape == (120, 5_000)
    assert abs(bits.mean() - 0.5) < 5 * np.sqrt(0.25 / bits.size)
    correlations = np.corrcoef(bits)
    assert np.abs(correlations - np.eye(120)).max() < 0.1
    np.testing.assert_array_equal(random_bits(IMAGES[5:9], 5_000, 7), bits[5:9])
    assert (random_bits(IMAGES, 5_000, 8) != bits).mean() > 0.4


def clustered(draw, images=60):
    """Two methods that are equally good, whose phrases of an image are right or wrong together."""
    phrases = draw.integers(5, 25, images)
    chance = draw.beta(0.4, 0.4, (2, images))
    return [draw.binomial(phrases, chance[method]) for method in (0, 1)], phrases


WORLDS = 800


@pytest.fixture(scope="module")
def simulated():
    """P-values, and how often intervals over images, and over phrases, hold the true difference."""
    draw = np.random.default_rng(11)
    ids = [str(n) for n in range(60)]
    values, images, phrases = [], 0, 0
    for _ in range(WORLDS):
        (one, two), counts = clustered(draw)
        difference, seed = two - one, int(draw.integers(2**31))
        values.append(permutation(ids, difference, 199, seed))
        [interval] = bootstrap_ratios(
            ids, difference[:, None], counts[:, None], samples=400, seed=seed
        )
        images += interval.low <= 0 <= interval.high
        shares = [method.sum() / counts.sum() for method in (one, two)]
        error = np.sqrt(sum(share * (1 - share) for share in shares) / counts.sum())
        phrases += abs(shares[1] - shares[0]) <= stats.norm.ppf(0.975) * error
    return np.array(values), images / WORLDS, phrases / WORLDS


def test_under_no_difference_p_values_are_uniform(simulated):
    values, _, _ = simulated
    assert stats.kstest(values, "uniform").pvalue > 0.01
    assert abs((values <= 0.05).mean() - 0.05) < 4 * np.sqrt(0.05 * 0.95 / WORLDS)


def test_intervals_over_images_cover_and_those_over_phrases_do_not(simulated):
    _, images, phrases = simulated
    assert abs(images - 0.95) < 4 * np.sqrt(0.95 * 0.05 / WORLDS)
    assert phrases < 0.7


@pytest.mark.real
def test_real_ground_truth(data):
    """Of two sets of predictions, the second has a tenth of the phrases of the first set right."""
    from phraseloc import load_ground_truth

    truth = load_ground_truth(data / "phraseloceval" / "flickr30k_annotation_test.json")
    draw = np.random.default_rng(2)
    right = draw.random((2, len(truth))) < 0.4
    right[1] = np.where(draw.random(len(truth)) < 0.9, right[0], right[1])
    boxes = [np.where(r[:, None], truth.union_boxes, truth.union_boxes + 4_000) for r in right]
    found = [single_boxes(truth.keys, b, truth.space, n) for b, n in zip(boxes, "ab", strict=True)]
    scores = [score(truth, predictions) for predictions in found]
    [comparison] = compare(truth, scores)
    change = comparison.change
    wins, losses = (right[1] & ~right[0]).sum(), (right[0] & ~right[1]).sum()
    assert (change.wins, change.losses) == (wins, losses)
    assert change.first.correct == right[0].sum()
    assert change.difference == pytest.approx(right[1].mean() - right[0].mean())
    assert comparison.mcnemar == pytest.approx(
        stats.binomtest(int(wins), int(wins + losses)).pvalue
    )
    codes, size = truth.keys.image.codes, len(truth.keys.image.values)
    differences = np.bincount(codes, right[1].astype(int) - right[0], size)
    counts = np.bincount(codes, minlength=size)
    samples = draw.integers(0, size, (4_000, size))
    ratios = differences[samples].sum(axis=1) / counts[samples].sum(axis=1)
    low, high = np.quantile(ratios, [0.025, 0.975])
    assert change.interval.low == pytest.approx(low, abs=0.1 * (high - low))
    assert change.interval.high == pytest.approx(high, abs=0.1 * (high - low))
    assert sum(c.wins for c in comparison.categories.values()) >= wins
