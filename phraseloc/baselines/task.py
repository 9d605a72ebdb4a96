"""The task that every baseline gets, and the choice that it gives back.

A *pair* is a phrase with one object of its image. Pairs are flat, phrase after phrase; within a
phrase the largest object comes first, so that the first of equals is the largest. Methods that look
at labels alone score phrases with the distinct labels of their images instead: `Task.labelled`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from phraseloc.columns import BoolArray, FloatArray, IntArray, Strings, take_ragged
from phraseloc.data import GroundTruth, PhraseKeys
from phraseloc.errors import InputError, OptionError
from phraseloc.outcomes import pair_outcomes
from phraseloc.proposals import Proposals
from phraseloc.protocol import Protocol, find_protocol
from phraseloc.similarity import TextFeatures, text_features
from phraseloc.vectors import WordVectors
from phraseloc.words import WordPolicy


@dataclass(frozen=True, eq=False)
class Choice:
    """The box of each of N phrases.

    Parameters
    ----------
    boxes : (N, 4) float64, continuous pixels
    decided : (N,) bool, the phrases that the method has an opinion about; other boxes mean nothing
    """

    boxes: FloatArray
    decided: BoolArray


@dataclass(frozen=True, eq=False)
class Labelled:
    """Phrases with the distinct labels of their images, that of the largest object first.

    Parameters
    ----------
    starts : (N + 1,) int64, phrase i has the labels starts[i] to before starts[i + 1]
    labels : flat int64, the labels, as indices of ``objects.labels.values``
    counts : flat int64, how many objects of the image have the label
    largest : flat int64, the largest of them
    """

    starts: IntArray
    labels: IntArray
    counts: IntArray
    largest: IntArray


@dataclass(frozen=True, eq=False)
class Task:
    """All that a baseline may look at: N phrases, the objects of their images, word vectors.

    Parameters
    ----------
    truth : the phrases; none but the oracle looks at their boxes
    proposals : the objects, None for methods that need none
    vectors : of the words of phrases and labels, None for methods that need none
    policy : how texts become words
    seed : of random draws
    protocol : how the oracle tells right from wrong
    """

    truth: GroundTruth
    proposals: Proposals | None = None
    vectors: WordVectors | None = None
    policy: WordPolicy = field(default_factory=WordPolicy)
    seed: int = 0
    protocol: Protocol = field(default_factory=lambda: find_protocol("flickr30k"))

    def __len__(self) -> int:
        return len(self.truth)

    def take(self, rows: IntArray) -> Task:
        """Select phrases by index, among the same objects."""
        return replace(self, truth=self.truth.take(rows))

    @property
    def keys(self) -> PhraseKeys:
        """The phrases' keys."""
        return self.truth.keys

    @property
    def phrases(self) -> Strings:
        """The phrases' texts."""
        if self.keys.phrase is None:
            raise OptionError(f"{self.truth.source} has no texts of phrases, which methods compare")
        return self.keys.phrase

    @cached_property
    def objects(self) -> Proposals:
        """The objects in their canonical order: images by name, the largest first, each once."""
        if self.proposals is None:
            raise OptionError("a method that chooses among proposals needs --proposals")
        return self.proposals.canonical

    @cached_property
    def images(self) -> IntArray:
        """The image (N,) of each phrase among those of the objects, -1 where it has no objects."""
        some = np.append(np.diff(self.objects.offsets) > 0, False)
        return np.where(some[self.homes], self.homes, -1)[self.keys.image.codes]

    @cached_property
    def homes(self) -> IntArray:
        """The place of each of ``keys.image.values`` among the images of the objects, or -1."""
        return self.objects.rows_of(self.keys.image.values)

    @cached_property
    def _pairs(self) -> tuple[IntArray, IntArray]:
        return self._of_images(self.objects.offsets)

    def _of_images(self, offsets: IntArray) -> tuple[IntArray, IntArray]:
        """Give each phrase what its image has of ragged rows, an image a row."""
        rows = np.where(self.images < 0, len(offsets) - 1, self.images)
        return take_ragged(np.append(offsets, offsets[-1]), rows)

    @property
    def pairs(self) -> IntArray:
        """The object of each pair, flat."""
        return self._pairs[0]

    @property
    def starts(self) -> IntArray:
        """Where each phrase's pairs start, (N + 1,)."""
        return self._pairs[1]

    @cached_property
    def boxes(self) -> FloatArray:
        """The box (pairs, 4) of each pair."""
        return self.objects.boxes[self.pairs]

    @cached_property
    def labels(self) -> IntArray:
        """The label of each pair, as an index of ``objects.labels.values``."""
        return self.objects.labels.codes[self.pairs]

    @cached_property
    def labelled(self) -> Labelled:
        """The distinct labels of each phrase's image."""
        objects = self.objects
        kinds = objects.owners * len(objects.labels.values) + objects.labels.codes
        _, largest, counts = np.unique(kinds, return_index=True, return_counts=True)
        order = np.argsort(largest)
        largest, counts = largest[order], counts[order]
        offsets = np.searchsorted(largest, objects.offsets)
        places, starts = self._of_images(offsets)
        largest = largest[places]
        return Labelled(starts, objects.labels.codes[largest], counts[places], largest)

    @cached_property
    def sizes(self) -> FloatArray:
        """Width and height (N, 2) of each phrase's image.

        Raises
        ------
        OptionError
            if neither ground truth nor proposals know an image's size
        """
        sizes = self.truth.image_sizes
        if self.proposals is not None:
            given = np.append(self.objects.image_sizes, [[np.nan, np.nan]], axis=0)[self.homes]
            sizes = np.where(np.isfinite(sizes), sizes, given)
        unknown = np.flatnonzero(~np.isfinite(sizes).all(axis=1))
        if len(unknown):
            raise OptionError(
                f"the size of {len(unknown):,} images is unknown, of {self.truth.source} image "
                f"{self.keys.image.values[unknown[0]]} first; expected width and height in the "
                "ground truth or the proposals"
            )
        return sizes[self.keys.image.codes]

    @cached_property
    def text(self) -> TextFeatures:
        """The words of the phrases and the vectors of the labels."""
        if self.vectors is None:
            raise OptionError("a method that compares words needs word vectors")
        return text_features(self.phrases, self.objects.labels.values, self.vectors, self.policy)

    @cached_property
    def outcomes(self) -> tuple[FloatArray, BoolArray]:
        """The overlap (pairs,) of each pair under the protocol, and whether it is right."""
        phrase = np.repeat(np.arange(len(self)), np.diff(self.starts))
        objects = self.objects
        return pair_outcomes(
            self.truth,
            phrase,
            objects.boxes,
            self.pairs,
            objects.space,
            self.protocol,
            engine="numba",
        )

    def best(self, scores: FloatArray) -> IntArray:
        """Give the object (N,) of each phrase's highest score (pairs,), -1 where there is none.

        Of equals, it is the largest object; minus infinity is never chosen.
        """
        return _best(scores, self.starts, self.pairs)

    def best_labelled(self, scores: FloatArray) -> IntArray:
        """Give the largest object (N,) of each phrase's best label, of scores as in `labelled`."""
        return _best(scores, self.labelled.starts, self.labelled.largest)

    def choose(self, best: IntArray) -> Choice:
        """Choose the box of one object (N,) a phrase; -1 is no opinion."""
        boxes = np.append(self.objects.boxes, np.zeros((1, 4)), axis=0)
        return Choice(boxes[best], best >= 0)


def _best(scores: FloatArray, starts: IntArray, objects: IntArray) -> IntArray:
    from phraseloc.kernels.selection import ragged_argmax

    return np.append(objects, -1)[ragged_argmax(scores, starts)]


def of_images(proposals: Proposals, truth: GroundTruth) -> Proposals:
    """Keep the objects of the ground truth's images.

    Raises
    ------
    InputError
        if none of its images has objects
    """
    rows = proposals.rows_of(truth.keys.image.values)
    kept = proposals.take(rows[rows >= 0])
    if not len(kept):
        raise InputError(
            proposals.source,
            f"no image of {truth.source} has proposals here; found images "
            f"{', '.join(proposals.images[:3])}, expected {truth.keys.image.values[0]} and others",
        )
    return kept


def wanted_words(truth: GroundTruth, proposals: Proposals, policy: WordPolicy) -> set[str]:
    """Give the words of phrases and labels that vectors might be wanted for."""
    phrases = truth.keys.phrase.values if truth.keys.phrase is not None else []
    names = [name for label in proposals.labels.values for name in policy.names(label)]
    return policy.candidates([*phrases, *names])
