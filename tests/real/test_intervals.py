"""Intervals on real data agree with the plain bootstrap over images; phrases alone are too sure.

Five captions share an image and its boxes. The plain bootstrap draws as many images as there are,
with replacement (Efron and Tibshirani, An Introduction to the Bootstrap, 1993); the shipped one
gives each image a Poisson weight. Both are percentile intervals from `SAMPLES` samples, whose ends
have a Monte-Carlo error of sqrt(p (1 - p) / SAMPLES) / f(q): 0.027 standard errors at p = 2.5%
of a normal distribution, so that two of them differ with a deviation of 0.038 standard errors.
"""

import numpy as np
import pytest

from phraseloc import score
from tests.golden import real_make

pytestmark = pytest.mark.real

SAMPLES = 10_000
TOLERANCE = 4 * 0.038


@pytest.fixture(scope="module", params=real_make.PREDICTIONS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def scores(kind, official):
    return score(official, real_make.PREDICTIONS[kind](official), samples=SAMPLES)


def of_images(official, scores, category=None):
    """Count right and all phrases of each image, (images, 2)."""
    counted = np.ones(len(official), bool)
    if category is not None:
        code = official.categories.index(category)
        starts = official.category_offsets[:-1]
        counted = np.add.reduceat(official.category_codes == code, starts) > 0
    image = official.keys.image.codes[counted]
    images = len(official.keys.image.values)
    right = np.bincount(image[scores.outcomes.correct[counted]], minlength=images)
    return np.stack([right, np.bincount(image, minlength=images)], axis=1)


def plain_bootstrap(counts, seed):
    """Give the ends of the 95% interval and the standard error, over resampled images."""
    random = np.random.default_rng(seed)
    drawn = random.multinomial(len(counts), np.full(len(counts), 1 / len(counts)), size=SAMPLES)
    right, total = (drawn @ counts).T
    ratios = right[total > 0] / total[total > 0]
    return *np.quantile(ratios, [0.025, 0.975]), ratios.std()


@pytest.mark.parametrize("category", [None, "people", "clothing", "animals"])
def test_it_agrees_with_the_plain_bootstrap_over_images(category, official, scores):
    interval = scores.category_intervals[category] if category else scores.interval
    low, high, error = plain_bootstrap(of_images(official, scores, category), seed=1)
    assert interval.low == pytest.approx(low, abs=TOLERANCE * error)
    assert interval.high == pytest.approx(high, abs=TOLERANCE * error)


def test_phrases_drawn_one_by_one_give_a_narrower_interval(kind, official, scores):
    """Of phrases drawn so, the right ones are binomial: half as wide where phrases share a box.

    Random boxes are drawn for each phrase by itself, and are nearly independent.
    """
    n, share = len(official), scores.accuracy.value
    ratios = np.random.default_rng(2).binomial(n, share, size=SAMPLES) / n
    low, high = np.quantile(ratios, [0.025, 0.975])
    wider = (scores.interval.high - scores.interval.low) / (high - low)
    assert wider == pytest.approx(2.0 if kind == "whole image" else 1.0, abs=0.1)


def test_another_seed_moves_it_by_the_monte_carlo_error_alone(kind, official, scores):
    predictions = real_make.PREDICTIONS[kind](official)
    other = score(official, predictions, samples=SAMPLES, seed=99).interval
    _, _, error = plain_bootstrap(of_images(official, scores), seed=1)
    assert (other.low, other.high) != (scores.interval.low, scores.interval.high)
    assert other.low == pytest.approx(scores.interval.low, abs=TOLERANCE * error)
    assert other.high == pytest.approx(scores.interval.high, abs=TOLERANCE * error)
