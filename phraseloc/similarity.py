"""Similarity of words and labels: computed once between the distinct ones of a run, then gathered.

A phrase is a row of known words. A label has one vector: the mean over its names of the mean of
their words, as the `WordPolicy` says. A label without any known word has none; no method that
compares vectors ever chooses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from phraseloc.columns import BoolArray, FloatArray, IntArray, Strings, offsets_of, take_ragged
from phraseloc.vectors import WordVectors
from phraseloc.words import WordPolicy

UNKNOWN_SHOWN = 10
"""How many of the most frequent unknown words a report names."""


@dataclass(frozen=True)
class TextCoverage:
    """What the vectors know of a run's words, phrases and labels.

    ``words`` counts each occurrence in a phrase, ``unknown`` gives the most frequent ones without
    vector; ``silent`` phrases and labels have no known word at all.
    """

    words: int
    known_words: int
    distinct_words: int
    known_distinct_words: int
    phrases: int
    silent_phrases: int
    labels: int
    silent_labels: int
    unknown: Mapping[str, int]
    silent: Sequence[str]


@dataclass(frozen=True, eq=False)
class TextFeatures:
    """The words of N phrases and the vectors of L labels.

    Parameters
    ----------
    vectors : (W, d) float64, of the distinct words of the phrases
    offsets, words : (N + 1,) and flat int64, each phrase's words as rows of `vectors`
    labels : (L, d) float64, of the distinct labels
    known : (L,) bool, the labels that have a vector
    coverage : what the vectors know
    """

    vectors: FloatArray
    offsets: IntArray
    words: IntArray
    labels: FloatArray
    known: BoolArray
    coverage: TextCoverage

    @cached_property
    def products(self) -> FloatArray:
        """Dot products (W, L) of words and labels, minus infinity for labels without vector."""
        return self.dots(self.vectors)

    def dots(self, vectors: FloatArray) -> FloatArray:
        """Dot products (W, L) of any vectors (W, d) of the words with the labels."""
        from phraseloc.kernels.selection import dot_products

        found = dot_products(vectors, self.labels)
        found[:, ~self.known] = -np.inf
        return found

    @cached_property
    def projections(self) -> FloatArray:
        """Dot products (W, L) of words and labels of unit length.

        A phrase's cosine is their sum over its words, divided by what no label changes: the length
        of the words' sum.
        """
        return self.products * _over_length(self.labels)

    @cached_property
    def cosines(self) -> FloatArray:
        """Cosines (W, L) of words and labels; 0 with a zero vector."""
        return self.projections * _over_length(self.vectors)[:, None]


def text_features(
    phrases: Strings, labels: Sequence[str], vectors: WordVectors, policy: WordPolicy
) -> TextFeatures:
    """Find the vectors of the words of phrases and of labels.

    Examples
    --------
    >>> import numpy as np
    >>> vectors = WordVectors(["dog", "traffic", "light"], np.eye(3, dtype=np.float32))
    >>> found = text_features(
    ...     Strings.of(["a dog"]), ["traffic light", "cat"], vectors, WordPolicy())
    >>> found.words.tolist(), found.labels[0].tolist(), found.known.tolist()
    ([0], [0.0, 0.5, 0.5], [True, False])
    """
    rows = {word: row for row, word in enumerate(vectors.words)}
    matrix = vectors.matrix.astype(np.float64)
    by_text = [policy.known_words(text, rows.__contains__) for text in phrases.values]
    names = list(dict.fromkeys(word for words in by_text for word in words))
    known = [name for name in names if name in rows or policy.unknown == "zero"]
    place = {name: row for row, name in enumerate(known)}
    kept = [[place[word] for word in words if word in place] for words in by_text]
    spans, offsets = take_ragged(offsets_of([len(words) for words in kept]), phrases.codes)
    flat = np.array([row for words in kept for row in words], np.int64)
    of_labels = [_label_vector(label, rows, matrix, policy) for label in labels]
    zero = np.zeros(matrix.shape[1])
    return TextFeatures(
        np.array([matrix[rows[name]] if name in rows else zero for name in known]).reshape(
            -1, matrix.shape[1]
        ),
        offsets,
        flat[spans],
        np.array([zero if vector is None else vector for vector in of_labels]).reshape(
            -1, matrix.shape[1]
        ),
        np.array([vector is not None for vector in of_labels], bool),
        _coverage(phrases, by_text, labels, of_labels, rows.__contains__),
    )


def label_words(
    label: str, known: Callable[[str], bool], policy: WordPolicy
) -> list[tuple[str, float]]:
    """Give the known words of a label, if any, and their weights in its vector.

    Examples
    --------
    >>> label_words("traffic light,lamp", {"traffic", "light", "lamp"}.__contains__, WordPolicy())
    [('traffic', 0.25), ('light', 0.25), ('lamp', 0.5)]
    """
    names = []
    for name in policy.names(label):
        words = policy.known_words(name, known)
        if policy.compounds == "last":
            words = words[-1:]
        found = [word for word in words if known(word)]
        if found:
            names.append((found, len(words) if policy.unknown == "zero" else len(found)))
    return [(word, 1 / count / len(names)) for found, count in names for word in found]


def _label_vector(
    label: str, rows: Mapping[str, int], matrix: FloatArray, policy: WordPolicy
) -> FloatArray | None:
    """Give the vector of a label, None where none of its words is known."""
    words = label_words(label, rows.__contains__, policy)
    if not words:
        return None
    vector: FloatArray = np.sum([weight * matrix[rows[word]] for word, weight in words], axis=0)
    return vector


def _coverage(
    phrases: Strings,
    by_text: Sequence[Sequence[str]],
    labels: Sequence[str],
    of_labels: Sequence[FloatArray | None],
    known: Callable[[str], bool],
) -> TextCoverage:
    times = np.bincount(phrases.codes, minlength=len(by_text)).tolist()
    counts: Counter[str] = Counter()
    for words, count in zip(by_text, times, strict=True):
        for word in words:
            counts[word] += count
    unknown = Counter({word: count for word, count in counts.items() if not known(word)})
    silent = [not any(map(known, words)) for words in by_text]
    silent_labels = [
        label for label, vector in zip(labels, of_labels, strict=True) if vector is None
    ]
    return TextCoverage(
        words=counts.total(),
        known_words=counts.total() - unknown.total(),
        distinct_words=len(counts),
        known_distinct_words=len(counts) - len(unknown),
        phrases=len(phrases),
        silent_phrases=sum(count for count, mute in zip(times, silent, strict=True) if mute),
        labels=len(labels),
        silent_labels=len(silent_labels),
        unknown=dict(sorted(unknown.items(), key=lambda item: (-item[1], item[0]))[:UNKNOWN_SHOWN]),
        silent=silent_labels[:UNKNOWN_SHOWN],
    )


def _over_length(vectors: FloatArray) -> FloatArray:
    """Give one over the length of each vector, 1 of a zero vector."""
    length = np.sqrt((vectors * vectors).sum(axis=1))
    return 1 / np.where(length > 0, length, 1)
