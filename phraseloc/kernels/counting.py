"""Counts of a block's outcomes, each in one pass over its rows: what tallies add up.

They are whole numbers, so that the twins in NumPy (`phraseloc.scoring`) give the same ones.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from phraseloc.columns import BoolArray, FloatArray, IntArray


def count_by_unit(
    unit: IntArray,
    phrase: IntArray,
    correct: BoolArray,
    categories: tuple[IntArray, IntArray],
    shape: tuple[int, int],
) -> IntArray:
    """Count all and right phrases as `phraseloc.scoring.counts_by_image` does, by any unit.

    Parameters
    ----------
    unit : (P,) int64, the unit of each phrase of the ground truth
    phrase, correct : (N,), the phrases that are counted, and whether they are right
    categories : offsets (P + 1,) and codes of each phrase's categories
    shape : 1 + the number of categories, and that of units

    Returns
    -------
    (*shape, 2) int64
    """
    counts = np.zeros((*shape, 2), np.int64)
    _count_by_unit(unit, phrase, correct, *categories, counts)
    return counts


def count_above(
    overlap: FloatArray, predicted: BoolArray, thresholds: FloatArray, *, strict: bool
) -> IntArray:
    """Count the overlaps (N,) of predicted rows that pass each threshold (T,).

    Parameters
    ----------
    strict : whether an overlap that equals the threshold fails
    """
    counts = np.zeros(len(thresholds), np.int64)
    _count_above(overlap, predicted, thresholds, strict, counts)
    return counts


def count_sizes(
    boxes: FloatArray, phrase: IntArray, correct: BoolArray, ends: FloatArray
) -> IntArray:
    """Count all and right phrases (S, 2) by the area of their box, up to before each end (S,)."""
    counts = np.zeros((len(ends), 2), np.int64)
    _count_sizes(boxes, phrase, correct, ends, counts)
    return counts


def count_several(offsets: IntArray, phrase: IntArray, correct: BoolArray) -> IntArray:
    """Count all and right phrases (2, 2) that have one box, and those that have several."""
    counts = np.zeros((2, 2), np.int64)
    _count_several(offsets, phrase, correct, counts)
    return counts


def count_bins(values: FloatArray, low: float, bins: int) -> IntArray:
    """Count values (N,) from ``low`` to 1 by bin, (bins + 1,); 1 itself is the last."""
    counts = np.zeros(bins + 1, np.int64)
    _count_bins(values, low, bins / (1.0 - low), counts)
    return counts


def sum_limbs(values: FloatArray, limbs: int, bits: int) -> IntArray:
    """Sum values (N,) from -1 to 1 without rounding, in limbs of so many bits."""
    sums = np.zeros(limbs, np.int64)
    _sum_limbs(values, 2.0**bits, sums)
    return sums


@njit(cache=True, nogil=True)
def _count_by_unit(unit, phrase, correct, offsets, codes, counts):
    for row in range(len(phrase)):
        place, right = phrase[row], int(correct[row])
        group = unit[place]
        counts[0, group, 0] += 1
        counts[0, group, 1] += right
        for item in range(offsets[place], offsets[place + 1]):
            counts[1 + codes[item], group, 0] += 1
            counts[1 + codes[item], group, 1] += right


@njit(cache=True, nogil=True)
def _count_above(overlap, predicted, thresholds, strict, counts):
    for row in range(len(overlap)):
        if predicted[row]:
            value = overlap[row]
            for step in range(len(thresholds)):
                passed = value > thresholds[step] if strict else value >= thresholds[step]
                counts[step] += passed


@njit(cache=True, nogil=True)
def _count_sizes(boxes, phrase, correct, ends, counts):
    for row in range(len(phrase)):
        x1, y1, x2, y2 = boxes[phrase[row]]
        area = (x2 - x1) * (y2 - y1)
        size = 0
        while area >= ends[size]:
            size += 1
        counts[size, 0] += 1
        counts[size, 1] += correct[row]


@njit(cache=True, nogil=True)
def _count_several(offsets, phrase, correct, counts):
    for row in range(len(phrase)):
        place = phrase[row]
        several = int(offsets[place + 1] - offsets[place] > 1)
        counts[several, 0] += 1
        counts[several, 1] += correct[row]


@njit(cache=True, nogil=True)
def _count_bins(values, low, scale, counts):
    for row in range(len(values)):
        counts[min(max(int((values[row] - low) * scale), 0), len(counts) - 1)] += 1


@njit(cache=True, nogil=True)
def _sum_limbs(values, scale, sums):
    for row in range(len(values)):
        value = values[row]
        for limb in range(len(sums)):
            value *= scale
            whole = np.floor(value)
            sums[limb] += int(whole)
            value -= whole
