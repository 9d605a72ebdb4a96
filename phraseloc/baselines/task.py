"""The task that every baseline gets, and the choice that it gives back.

A *pair* is a phrase with one object of its image. Pairs are flat, phrase after phrase; within a
phrase the largest object comes first, so that the first of equals is the largest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from phraseloc.columns import BoolArray, FloatArray, IntArray, Strings, take_ragged
from phraseloc.data import GroundTruth, PhraseKeys, single_boxes
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
        rows = self.objects.rows_of(self.keys.image.values)
        some = np.append(np.diff(self.objects.offsets) > 0, False)
        return np.where(some[rows], rows, -1)[self.keys.image.codes]

    @cached_property
    def _pairs(self) -> tuple[IntArray, IntArray]:
        ends = self.objects.offsets
        return take_ragged(np.append(ends, ends[-1]), np.where(self.images < 0, -1, self.images))

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
    def sizes(self) -> FloatArray:
        """Width and height (N, 2) of each phrase's image.

        Raises
        ------
        OptionError
            if neither ground truth nor proposals know an image's size
        """
        sizes = self.truth.image_sizes
        if self.proposals is not None:
            rows = self.objects.rows_of(self.keys.image.values)
            given = np.append(self.objects.image_sizes, [[np.nan, np.nan]], axis=0)[rows]
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
        keys = PhraseKeys(Strings(self.keys.image.values, self.keys.image.codes[phrase]))
        objects = single_boxes(keys, self.boxes, self.objects.space)
        return pair_outcomes(self.truth, phrase, objects, self.protocol)

    def best(self, scores: FloatArray) -> IntArray:
        """Give each phrase's pair of the highest score (pairs,), -1 where none is above minus inf.

        Of equals, it is that of the largest object.
        """
        from phraseloc.kernels.selection import ragged_argmax

        return ragged_argmax(scores, self.starts)

    def choose(self, best: IntArray) -> Choice:
        """Choose the box of one pair (N,) a phrase; -1 is no opinion."""
        boxes = np.append(self.objects.boxes, np.zeros((1, 4)), axis=0)
        place = np.append(self.pairs, len(boxes) - 1)
        return Choice(boxes[place[best]], best >= 0)


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
