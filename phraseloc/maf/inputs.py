"""What MAF sees of a task: phrases and labels as rows of a vocabulary, objects, captions.

Only words that occur have a row. That changes nothing: a row that never has a gradient never moves
under Adam. A phrase without a known word, or of an image without an object that has a vector, is
*silent*: it is left out of its caption, and no object is chosen for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from phraseloc.baselines import Task
from phraseloc.columns import BoolArray, IntArray, offsets_of, take_ragged
from phraseloc.errors import InputError, OptionError
from phraseloc.maf.regions import Regions
from phraseloc.similarity import label_words
from phraseloc.words import WordPolicy


@dataclass(frozen=True, eq=False)
class Bags:
    """T texts as weighted sums of words: text i has those from offsets[i] to before offsets[i + 1].

    Parameters
    ----------
    offsets : (T + 1,) int64
    words : flat int64, rows of the vocabulary
    weights : flat float64
    """

    offsets: IntArray
    words: IntArray
    weights: np.ndarray[tuple[int, ...], np.dtype[np.float64]]

    @property
    def filled(self) -> BoolArray:
        """Which texts have a word at all, (T,)."""
        some: BoolArray = np.diff(self.offsets) > 0
        return some

    @classmethod
    def of(cls, texts: Sequence[str], rows: Mapping[str, int], policy: WordPolicy) -> Bags:
        """Make the bags of labels or attributes, as a `WordPolicy` says."""
        found = [label_words(text, rows.__contains__, policy) for text in texts]
        return cls(
            offsets_of([len(words) for words in found]),
            np.array([rows[word] for words in found for word, _ in words], np.int64),
            np.array([weight for words in found for _, weight in words]),
        )


@dataclass(frozen=True, eq=False)
class Inputs:
    """A task as MAF sees it: N phrases in C captions, of images with objects.

    Parameters
    ----------
    offsets, words : (N + 1,) and flat int64, the known words of each phrase, rows of the vocabulary
    captions : (C + 1,) int64, caption i has the phrases captions[i] to before captions[i + 1] of:
    phrases : flat int64, rows of the task, none of them silent
    images : (C,) int64, each caption's image
    objects : (I + 1,) int64, image i has the objects objects[i] to before objects[i + 1] of:
    shown : flat int64, the task's objects that have a vector, the largest of an image first
    labels, attributes : flat int64, the label and attribute of each object shown, -1 without
    label_bags, attribute_bags : the distinct labels and attributes
    regions : the features of the proposals, None where they are not used
    region_rows : flat int64, the proposal that each object shown is
    """

    offsets: IntArray
    words: IntArray
    captions: IntArray
    phrases: IntArray
    images: IntArray
    objects: IntArray
    shown: IntArray
    labels: IntArray
    attributes: IntArray
    label_bags: Bags
    attribute_bags: Bags
    regions: Regions | None
    region_rows: IntArray

    def __len__(self) -> int:
        return len(self.images)


def inputs_of(
    task: Task,
    vocabulary: Sequence[str],
    vfr: Sequence[str],
    regions: Regions | None = None,
) -> Inputs:
    """Lay a task out for MAF.

    Parameters
    ----------
    vocabulary : the words that have an embedding, each once
    vfr : the parts of an object's vector, of `phraseloc.maf.settings.PARTS`
    regions : the features of the task's proposals, needed where ``vfr`` has ``feature``

    Raises
    ------
    OptionError
        if the objects lack a part
    InputError
        if no phrase is left
    """
    objects, proposals = task.objects, task.proposals
    assert proposals is not None
    if "feature" in vfr and regions is None:
        raise OptionError("objects have features in this model: expected --features FILE")
    if "attribute" in vfr and objects.attributes is None:
        raise OptionError(f"vfr has attribute, but {objects.source} has no attributes")
    rows = {word: row for row, word in enumerate(vocabulary)}
    label_bags = Bags.of(objects.labels.values, rows, task.policy)
    labels = _codes(objects.labels.codes, label_bags, "label" in vfr)
    names = objects.attributes
    attribute_bags = Bags.of(names.values if names else (), rows, task.policy)
    attributes = (
        _codes(names.codes, attribute_bags, "attribute" in vfr)
        if names
        else np.full(len(labels), -1)
    )
    seen = (labels >= 0) | (attributes >= 0) | ("feature" in vfr)
    shown = np.flatnonzero(seen)
    starts = np.searchsorted(shown, objects.offsets)
    offsets, words = _phrase_words(task, rows)
    usable = (np.diff(offsets) > 0) & (np.append(np.diff(starts), 0)[task.images] > 0)
    if not usable.any():
        raise InputError(
            task.truth.source, "no phrase has both a known word and an image with objects"
        )
    captions, phrases = _captions(task, np.flatnonzero(usable))
    return Inputs(
        offsets,
        words,
        captions,
        phrases,
        task.images[phrases[captions[:-1]]],
        starts,
        shown,
        labels[shown],
        attributes[shown],
        label_bags,
        attribute_bags,
        regions if "feature" in vfr else None,
        proposals.canonical_rows[shown],
    )


def _codes(codes: IntArray, bags: Bags, used: bool) -> IntArray:
    """Give the objects' texts, -1 where a text has no known word or texts are not used."""
    return np.where(bags.filled[codes] & used, codes, -1)


def _phrase_words(task: Task, rows: Mapping[str, int]) -> tuple[IntArray, IntArray]:
    texts = [
        [rows[word] for word in task.policy.known_words(text, rows.__contains__) if word in rows]
        for text in task.phrases.values
    ]
    places, offsets = take_ragged(offsets_of([len(text) for text in texts]), task.phrases.codes)
    return offsets, np.array([row for text in texts for row in text], np.int64)[places]


def _captions(task: Task, rows: IntArray) -> tuple[IntArray, IntArray]:
    """Group rows by caption, captions in the order of the objects' images."""
    keys = task.keys
    sentence = np.zeros(len(keys), np.int64) if keys.sentence is None else keys.sentence
    captions = task.images * (1 + sentence.max(initial=0)) + sentence
    order = rows[np.argsort(captions[rows], kind="stable")]
    first = np.flatnonzero(np.diff(captions[order], prepend=-1))
    return np.append(first, len(order)), order
