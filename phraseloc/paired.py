"""Paired tests: whether two methods differ on the same phrases by more than chance.

McNemar's test looks at the phrases that one method has right and the other wrong, as if they were
independent. They are not, as five captions share an image: the permutation test swaps the methods'
results for whole images, and is the one to trust.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from phraseloc.columns import FloatArray, IntArray
from phraseloc.statistics import pooled, random_bits

_BLOCK = 64
"""How many images' signs are drawn at once."""


def mcnemar(wins: int, losses: int) -> float:
    """Give the exact two-sided p-value of McNemar's test (McNemar, Psychometrika, 1947).

    Under no difference, each phrase that one method alone has right is either's with the same
    chance: the p-value is twice the smaller tail of the binomial distribution, at most 1.

    Examples
    --------
    >>> round(mcnemar(10, 2), 4), mcnemar(3, 3)
    (0.0386, 1.0)
    """
    count, fewer = wins + losses, min(wins, losses)
    ways = tail = 1
    for k in range(fewer):
        ways = ways * (count - k) // (k + 1)
        tail += ways
    return float(min(1.0, 2 * tail / 2**count))


def permutation(images: Sequence[str], difference: IntArray, samples: int, seed: int) -> float:
    """Give the two-sided p-value of swapping two methods' results for whole images at random.

    It is the share of draws, the one that was seen among them, whose difference is as large (Good,
    Permutation, Parametric and Bootstrap Tests of Hypotheses, 2005). Which images are swapped
    depends on seed and image ids alone.

    Parameters
    ----------
    images : the ids of M images
    difference : (M,) int64, how many phrases more the second method has right in each image
    samples, seed : the number of draws, and their seed

    Examples
    --------
    >>> ids = [str(i) for i in range(200)]
    >>> permutation(ids, np.ones(200, int), 999, 0)
    0.001
    >>> permutation(ids, np.zeros(200, int), 999, 0)
    1.0
    """
    return permutations(images, difference[:, None], samples, seed)[0]


def permutations(
    images: Sequence[str], differences: IntArray, samples: int, seed: int
) -> list[float]:
    """Give the p-value of `permutation` of each column of differences (M, P), on the same draws."""
    images, differences = pooled(images, differences)
    seen = np.abs(differences.sum(axis=0))
    moved = np.flatnonzero(differences.any(axis=1))
    sums = np.zeros((len(seen), samples), np.float64)
    for start in range(0, len(moved), _BLOCK):
        block = moved[start : start + _BLOCK]
        signs = 1.0 - 2.0 * random_bits([images[i] for i in block.tolist()], samples, seed)
        sums += differences[block].T.astype(np.float64) @ signs
    as_large = np.count_nonzero(np.abs(sums) >= seen[:, None], axis=1)
    return [float(count) for count in (1 + as_large) / (1 + samples)]


def holm(values: Sequence[float]) -> list[float]:
    """Adjust p-values of several tests, so that any false alarm is as rare as for one (Holm, 1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(values, kind="stable")
    left = len(order) - np.arange(len(order))
    raised: FloatArray = np.minimum(1, np.maximum.accumulate(np.array(values)[order] * left))
    adjusted = np.empty(len(order))
    adjusted[order] = raised
    return [float(value) for value in adjusted]
