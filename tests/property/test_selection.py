"""The selection kernels are what one line of NumPy says of each row, at any number of threads."""

import numba
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from phraseloc.columns import offsets_of
from phraseloc.kernels import selection

LOW = -np.inf


@st.composite
def rows(draw):
    """A matrix of words and labels, some labels without vector, and ragged rows of both."""
    words, labels, count = (draw(st.integers(1, 5)) for _ in range(3))
    number = st.integers(-4, 4).map(float)
    matrix = np.array([[draw(number) for _ in range(labels)] for _ in range(words)])
    matrix[:, [draw(st.booleans()) for _ in range(labels)]] = LOW
    ragged = [
        [draw(st.lists(st.integers(0, high - 1), max_size=5)) for _ in range(count)]
        for high in (words, labels)
    ]
    flat = [np.array([i for row in part for i in row], np.int64) for part in ragged]
    offsets, starts = (offsets_of([len(row) for row in part]) for part in ragged)
    return matrix, offsets, flat[0], starts, flat[1]


def by_row(matrix, offsets, words, starts, labels):
    for row in range(len(starts) - 1):
        yield matrix[words[offsets[row] : offsets[row + 1]]][
            :, labels[starts[row] : starts[row + 1]]
        ]


def threads(call):
    """Call with one thread and with all; both must give the same bits."""
    most = numba.get_num_threads()
    numba.set_num_threads(1)
    one = call()
    numba.set_num_threads(most)
    many = call()
    assert one.tobytes() == many.tobytes()
    return many


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 60), st.integers(0, 2**32))
def test_products_are_summed_from_first_to_last(words, labels, width, seed):
    random = np.random.default_rng(seed)
    left, right = random.normal(size=(words, width)), random.normal(size=(labels, width))
    expected = np.zeros((words, labels))
    for k in range(width):
        expected += left[:, k, None] * right[:, k]
    assert threads(lambda: selection.dot_products(left, right)).tobytes() == expected.tobytes()


@given(rows())
def test_best_word(arguments):
    expected = [part.max(axis=0, initial=LOW) for part in by_row(*arguments)]
    found = threads(lambda: selection.best_word_scores(*arguments))
    np.testing.assert_array_equal(found, np.concatenate(expected))


@given(rows())
def test_mean_word(arguments):
    expected = [
        part.mean(axis=0) if len(part) else np.full(part.shape[1], LOW)
        for part in by_row(*arguments)
    ]
    found = threads(lambda: selection.mean_word_scores(*arguments))
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=1e-14)


@given(rows(), st.integers(0, 2**32))
def test_attention(arguments, seed):
    matrix, offsets, words, starts, labels = arguments
    counts = np.random.default_rng(seed).integers(1, 4, len(labels))
    expected = []
    for row, part in enumerate(by_row(*arguments)):
        times = counts[starts[row] : starts[row + 1]]
        seen = part[:, np.isfinite(part).all(axis=0)]
        repeats = times[np.isfinite(part).all(axis=0)] if len(part) else times[:0]
        if not len(part) or not seen.shape[1]:
            expected.append(np.full(part.shape[1], LOW))
            continue
        objects = np.exp(0.5 * np.repeat(seen, repeats, axis=1))
        alpha = np.exp((objects / objects.sum(axis=1, keepdims=True)).max(axis=1))
        with np.errstate(invalid="ignore"):
            expected.append((alpha / alpha.sum()) @ part)
    images = np.tile(np.arange(len(starts) - 1), 2)  # each image has two phrases, which are alike
    offsets, starts = (np.append(o, o[1:] + o[-1]) for o in (offsets, starts))
    words, labels, counts = (np.tile(flat, 2) for flat in (words, labels, counts))
    rows = (offsets, words, starts, labels, counts, images)
    found = threads(lambda: selection.attended_scores(matrix, 0.5, *rows))
    expected = np.nan_to_num(np.concatenate(2 * expected), nan=LOW, neginf=LOW)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@given(st.lists(st.lists(st.sampled_from([LOW, -1.0, 0.0, 2.0]), max_size=6), min_size=1))
def test_argmax(lists):
    offsets = offsets_of([len(row) for row in lists])
    scores = np.array([score for row in lists for score in row])
    expected = [
        -1 if max(row, default=LOW) == LOW else start + int(np.argmax(row))
        for row, start in zip(lists, offsets.tolist(), strict=False)
    ]
    assert threads(lambda: selection.ragged_argmax(scores, offsets)).tolist() == expected


def test_no_pair_at_all():
    nothing = np.zeros(0, np.int64)
    offsets = np.zeros(3, np.int64)
    found = selection.best_word_scores(np.zeros((1, 1)), offsets, nothing, offsets, nothing)
    assert len(found) == 0
    assert selection.ragged_argmax(found, offsets).tolist() == [-1, -1]
