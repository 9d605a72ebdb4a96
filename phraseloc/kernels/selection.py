"""Scores of labels, and the best of them: ragged rows of phrases against those of their images.

A *pair* is a phrase with one of the labels of its image; pairs are flat, phrase after phrase. Their
scores are gathered from a matrix of words and labels. Rows are independent, so the number of
threads cannot move a bit. Minus infinity marks what must not be chosen.
"""

from __future__ import annotations

import numpy as np
from numba import njit, prange

from phraseloc.columns import FloatArray, IntArray


def ragged_argmax(scores: FloatArray, offsets: IntArray) -> IntArray:
    """Give the place of each row's highest score, the first of equals; -1 where there is none.

    Examples
    --------
    >>> low = -np.inf
    >>> ragged_argmax(np.array([1.0, 3.0, 3.0, low]), np.array([0, 3, 3, 4])).tolist()
    [1, -1, -1]
    """
    best = np.empty(len(offsets) - 1, np.int64)
    _ragged_argmax(scores, offsets, best)
    return best


def dot_products(left: FloatArray, right: FloatArray) -> FloatArray:
    """Give the dot products (M, N) of rows (M, d) and rows (N, d), each summed from first to last.

    A BLAS sums in an order that depends on M, N and the machine; here a product has the same bits
    whatever stands beside it, so that images can be handled apart.

    Examples
    --------
    >>> dot_products(np.array([[1.0, 2.0]]), np.array([[3.0, 4.0], [0.5, 0.0]])).tolist()
    [[11.0, 0.5]]
    """
    products = np.zeros((len(left), len(right)))
    _dot_products(left, np.ascontiguousarray(right.T), products)
    return products


def best_word_scores(
    matrix: FloatArray, offsets: IntArray, words: IntArray, starts: IntArray, labels: IntArray
) -> FloatArray:
    """Give each pair the highest entry of the phrase's words with the label.

    Parameters
    ----------
    matrix : (W, L) float64
    offsets, words : (N + 1,) and flat int64, the phrases' words as rows of the matrix
    starts : (N + 1,) int64, phrase i has the pairs starts[i] to before starts[i + 1]
    labels : (pairs,) int64, the pairs' labels as columns of the matrix
    """
    scores = np.empty(len(labels))
    _best_word_scores(matrix, offsets, words, starts, labels, scores)
    return scores


def mean_word_scores(
    matrix: FloatArray, offsets: IntArray, words: IntArray, starts: IntArray, labels: IntArray
) -> FloatArray:
    """Give each pair the mean entry of the phrase's words with the label.

    Parameters are those of `best_word_scores`.
    """
    scores = np.empty(len(labels))
    _mean_word_scores(matrix, offsets, words, starts, labels, scores)
    return scores


def attended_scores(
    products: FloatArray,
    scale: float,
    offsets: IntArray,
    words: IntArray,
    starts: IntArray,
    labels: IntArray,
    counts: IntArray,
    images: IntArray,
    entries: FloatArray | None = None,
) -> FloatArray:
    """Give each pair its entry with the phrase's words, as attention to the objects weighs them.

    A word's weight grows with how much one object stands out for it: the highest of the softmax
    over objects of ``scale`` times the word's products, then a softmax over the phrase's words
    (Wang et al., MAF, EMNLP 2020, Eq. 2 and 3). The first is the same wherever a word recurs in an
    image, as it does in most captions, so it is computed once. ``counts`` (pairs,) says how many
    objects have each label, ``images`` (N,) which phrases share them, ``entries`` (W, L) what is
    weighed, by default the products; other parameters are those of `best_word_scores`.
    """
    phrases = np.repeat(np.arange(len(images)), np.diff(offsets))
    kinds = images[phrases] * len(products) + words
    _, first, same = np.unique(kinds, return_index=True, return_inverse=True)
    peaks = np.empty(len(first))
    _peak_attention(products, scale, phrases[first], words[first], starts, labels, counts, peaks)
    scores = np.empty(len(labels))
    entries = products if entries is None else entries
    _attended_scores(entries, peaks[same], offsets, words, starts, labels, scores)
    return scores


@njit(cache=True, parallel=True)
def _ragged_argmax(scores, offsets, best):
    for row in prange(len(best)):
        peak = -np.inf
        for i in range(offsets[row], offsets[row + 1]):
            peak = max(peak, scores[i])
        best[row] = -1
        if peak > -np.inf:
            place = offsets[row]
            while scores[place] < peak:
                place += 1
            best[row] = place


@njit(cache=True, parallel=True)
def _dot_products(left, columns, products):
    for row in prange(len(left)):
        for k in range(len(columns)):
            number = left[row, k]
            for i in range(columns.shape[1]):
                products[row, i] += number * columns[k, i]


@njit(cache=True, parallel=True)
def _best_word_scores(matrix, offsets, words, starts, labels, scores):
    for row in prange(len(starts) - 1):
        scores[starts[row] : starts[row + 1]] = -np.inf
        for word in words[offsets[row] : offsets[row + 1]]:
            for pair in range(starts[row], starts[row + 1]):
                scores[pair] = max(scores[pair], matrix[word, labels[pair]])


@njit(cache=True, parallel=True)
def _mean_word_scores(matrix, offsets, words, starts, labels, scores):
    for row in prange(len(starts) - 1):
        count = offsets[row + 1] - offsets[row]
        scores[starts[row] : starts[row + 1]] = 0.0 if count else -np.inf
        for word in words[offsets[row] : offsets[row + 1]]:
            for pair in range(starts[row], starts[row + 1]):
                scores[pair] += matrix[word, labels[pair]]
        for pair in range(starts[row], starts[row + 1]):
            scores[pair] /= max(count, 1)


@njit(cache=True, parallel=True, error_model="numpy")
def _peak_attention(products, scale, phrases, words, starts, labels, counts, peaks):
    """Give the highest of the softmax over objects: one over the sum of what falls short of it."""
    for i in prange(len(words)):
        word, start, end = words[i], starts[phrases[i]], starts[phrases[i] + 1]
        peak = -np.inf
        for label in labels[start:end]:
            peak = max(peak, products[word, label])
        total = 0.0
        if peak > -np.inf:
            for pair in range(start, end):
                total += counts[pair] * np.exp(scale * (products[word, labels[pair]] - peak))
        peaks[i] = 1.0 / total if total > 0.0 else 0.0


@njit(cache=True, parallel=True)
def _attended_scores(entries, peaks, offsets, words, starts, labels, scores):
    for row in prange(len(starts) - 1):
        start, end = starts[row], starts[row + 1]
        weights = peaks[offsets[row] : offsets[row + 1]].copy()
        _softmax(weights)
        scores[start:end] = 0.0 if len(weights) else -np.inf
        for k in range(len(weights)):
            word = words[offsets[row] + k]
            for pair in range(start, end):
                scores[pair] += weights[k] * entries[word, labels[pair]]


@njit(inline="always")
def _softmax(numbers):
    """Turn numbers into their softmax, in place."""
    if len(numbers):
        peak = numbers.max()
        total = 0.0
        for i in range(len(numbers)):
            numbers[i] = np.exp(numbers[i] - peak)
            total += numbers[i]
        for i in range(len(numbers)):
            numbers[i] /= total
