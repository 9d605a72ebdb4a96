"""Groups of phrases by what they are like: category, length, head noun, box, objects, words.

A group says nothing of a method, so that two methods are compared, or errors counted, within it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from phraseloc.columns import IntArray, take_items
from phraseloc.data import GroundTruth
from phraseloc.geometry import areas
from phraseloc.proposals import Proposals
from phraseloc.scoring import SIZES
from phraseloc.vectors import WordVectors
from phraseloc.words import WordPolicy

HEADS = 20
"""How many of the most frequent head nouns make a group of their own."""

LONGEST = 5
"""Phrases of so many words and more are one group."""

OBJECTS = (0, 1, 10, 20, 50, 100)
"""Where the groups of images by their number of objects begin."""

_ENDS = frozenset(
    (
        *("of", "in", "on", "at", "with", "from", "to", "by", "for", "near", "under", "over"),
        *("behind", "beside", "between", "during", "through", "while", "that", "who", "which"),
        *("wearing", "holding", "sitting", "standing"),
    )
)
"""Words after the head of a noun phrase."""

_ARTICLES = frozenset(("a", "an", "the"))
"""Words that are no head, so that of "a sitting man" it is the man."""


@dataclass(frozen=True, eq=False)
class Grouping:
    """Groups of N rows: ragged, as a row may be in several groups or in none.

    Parameters
    ----------
    title : what the rows are told apart by
    names : of the groups
    offsets, codes : (N + 1,) and flat int64, each row's groups as indices of the names
    """

    title: str
    names: Sequence[str]
    offsets: IntArray
    codes: IntArray

    def count(self, classes: IntArray, number: int) -> IntArray:
        """Count rows by group and class (N,), (groups, number); class -1 counts nowhere."""
        group, kind = self.codes, np.repeat(classes, np.diff(self.offsets))
        cell = (group * number + kind)[kind >= 0]
        counts = np.bincount(cell, minlength=len(self.names) * number)
        return counts.reshape(len(self.names), number)


def groupings(
    ground_truth: GroundTruth,
    phrase: IntArray,
    proposals: Proposals | None = None,
    vectors: WordVectors | None = None,
    policy: WordPolicy | None = None,
) -> Iterator[Grouping]:
    """Group phrases, given as rows (N,) of the ground truth, in every way that the data admit."""
    if len(ground_truth.categories):
        codes, offsets = take_items(
            ground_truth.category_codes, ground_truth.category_offsets, phrase
        )
        yield Grouping("category", ground_truth.categories, offsets, codes)
    texts = ground_truth.keys.phrase
    if texts is not None:
        by_text = texts.codes[phrase]
        yield _lengths(texts.values, by_text)
        yield _heads(texts.values, by_text)
    area = areas(ground_truth.union_boxes)[phrase]
    ends = [high for _, high in SIZES.values()]
    yield _single("size of the union box", list(SIZES), np.searchsorted(ends, area, "right"))
    several = (np.diff(ground_truth.offsets)[phrase] > 1).astype(np.int64)
    yield _single("boxes of the entity", ["one", "several"], several)
    if proposals is not None:
        yield _objects(ground_truth, phrase, proposals)
    if vectors is not None and texts is not None:
        known = _known_words(texts.values, set(vectors.words), policy or WordPolicy())
        yield _single("words with a vector", ["none", "some", "all"], known[texts.codes[phrase]])


def head_noun(phrase: str) -> str:
    """Give the head of a noun phrase: its last word, before any preposition or clause.

    Examples
    --------
    >>> head_noun("a man in a red shirt"), head_noun("Several climbers"), head_noun("")
    ('man', 'climbers', '')
    """
    words = WordPolicy().words(phrase)
    ends = (
        place
        for place, word in enumerate(words)
        if place and word in _ENDS and words[place - 1] not in _ARTICLES
    )
    end = next(ends, len(words))
    return words[end - 1] if words else ""


def _single(title: str, names: Sequence[str], codes: IntArray) -> Grouping:
    return Grouping(title, names, np.arange(len(codes) + 1), codes)


def _lengths(texts: Sequence[str], by_text: IntArray) -> Grouping:
    words = np.array([min(max(len(text.split()), 1), LONGEST) for text in texts])
    names = [str(length) for length in range(1, LONGEST)] + [f"{LONGEST} and more"]
    return _single("words of the phrase", names, words[by_text] - 1)


def _heads(texts: Sequence[str], by_text: IntArray) -> Grouping:
    heads = [head_noun(text) for text in texts]
    uses = np.bincount(by_text, minlength=len(heads)).tolist()
    counts: Counter[str] = Counter()
    for head, count in zip(heads, uses, strict=True):
        counts[head] += count
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    names = [head for head, count in ranked if head and count][:HEADS]
    place = {name: code for code, name in enumerate(names)}
    codes = np.array([place.get(head, len(names)) for head in heads])
    return _single("head noun", [*names, "(others)"], codes[by_text])


def _objects(ground_truth: GroundTruth, phrase: IntArray, proposals: Proposals) -> Grouping:
    counts = np.append(np.diff(proposals.offsets), 0)
    rows = proposals.rows_of(ground_truth.keys.image.values)[ground_truth.keys.image.codes[phrase]]
    spans = [(low, high - 1) for low, high in pairwise(OBJECTS)]
    names = [str(low) if low == high else f"{low} to {high}" for low, high in spans]
    codes = np.searchsorted(OBJECTS, counts[rows], "right") - 1
    return _single("objects of the image", [*names, f"{OBJECTS[-1]} and more"], codes)


def _known_words(texts: Sequence[str], known: set[str], policy: WordPolicy) -> IntArray:
    """Tell of each text whether none, some or all of its words are known: 0, 1 or 2."""

    def share(text: str, has: Callable[[str], bool]) -> int:
        found = [has(word) for word in policy.known_words(text, has)]
        return 2 if found and all(found) else int(any(found))

    return np.array([share(text, known.__contains__) for text in texts])
