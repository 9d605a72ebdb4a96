"""The model and its loss, written from the equations of the paper (see `phraseloc.maf`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from phraseloc.maf.batches import Batch, Texts


@dataclass(frozen=True, eq=False)
class Images:
    """What captions are compared with: objects (B, K, d), where there are any, and image numbers.

    ``first`` is the place of the first caption's own image.
    """

    objects: Tensor
    mask: Tensor
    numbers: Tensor
    first: int = 0


Gather = Callable[[Images], Images]
"""Adds the images of other processes."""


@dataclass(frozen=True, eq=False)
class Step:
    """What a batch gives: its loss, and how many of its captions found their own image."""

    loss: Tensor
    found: Tensor


class Model(nn.Module):
    """MAF over a vocabulary of V words in d dimensions.

    Parameters
    ----------
    vectors : (V, d) float32, the embeddings before training
    features : F, how many numbers a region feature has; 0 without W_f
    labelled : whether objects have label embeddings
    attributes : whether there is W_t
    attention : whether words are weighed by attention; else all alike
    bias : whether W_p has a bias, as the released code's
    """

    def __init__(
        self,
        vectors: Tensor,
        features: int,
        *,
        labelled: bool = True,
        attributes: bool = False,
        attention: bool = True,
        bias: bool = False,
    ) -> None:
        super().__init__()
        size = vectors.shape[1]
        self.labelled, self.attention = labelled, attention
        self.words = nn.Embedding(len(vectors), size, _weight=vectors.clone())
        self.phrase = nn.Linear(size, size, bias=bias)
        self.feature = nn.Linear(features, size, bias=False) if features else None
        self.attribute = nn.Linear(size, size, bias=False) if attributes else None

    def embed_objects(self, batch: Batch, labels: Texts, attributes: Texts) -> Tensor:
        """Give v_m (B, K, d) of Eq. 1, zero where there is no object."""
        parts = []
        if self.labelled:
            parts.append(_rows(self._texts(labels), batch.labels))
        if self.feature is not None:
            assert batch.features is not None
            parts.append(self.feature(batch.features.to(self.feature.weight.dtype)))
        if self.attribute is not None:
            parts.append(self.attribute(_rows(self._texts(attributes), batch.attributes)))
        rows = sum(parts[1:], parts[0])
        count, most = batch.mask.shape
        places = rows.new_zeros(count * most, rows.shape[1])
        return places.index_copy(0, batch.object_place, rows).view(count, most, -1)

    def embed_phrases(self, batch: Batch, objects: Tensor) -> Tensor:
        """Give e_n (Q, d) of Eq. 2 and 3, each phrase looking at its own caption's image."""
        words = self.words(batch.words)
        count = len(batch.phrase_caption)
        weights = words.new_ones(len(words))
        if self.attention:
            weights = self._attention(batch, words, objects).float().exp()
        total = weights.new_zeros(count).index_add(0, batch.word_phrase, weights)
        shares = weights / total[batch.word_phrase]
        phrases = words.new_zeros(count, words.shape[1])
        phrases = phrases.index_add(0, batch.word_phrase, shares[:, None] * words)
        embedded: Tensor = self.phrase(phrases)
        return embedded

    def _attention(self, batch: Batch, words: Tensor, objects: Tensor) -> Tensor:
        """Give alpha_k (T,) of Eq. 2."""
        size = words.shape[1]
        padded = words.new_zeros(len(objects) * batch.longest, size)
        padded = padded.index_copy(0, batch.word_place, words).view(len(objects), -1, size)
        products = padded @ objects.transpose(1, 2) * size**-0.5
        products = products.masked_fill(~batch.mask[:, None], -torch.inf)
        alpha: Tensor = products.softmax(-1).amax(-1).view(-1)[batch.word_place]
        return alpha

    def scores(self, batch: Batch, labels: Texts, attributes: Texts) -> Tensor:
        """Give e_n . v_m (Q, K) of Eq. 6 with the own image's objects, minus infinity for none."""
        objects = self.embed_objects(batch, labels, attributes)
        phrases = self.embed_phrases(batch, objects)
        own = batch.phrase_caption
        products = (objects[own] @ phrases[:, :, None])[:, :, 0]
        return products.masked_fill(~batch.mask[own], -torch.inf)

    def forward(
        self, batch: Batch, labels: Texts, attributes: Texts, gather: Gather | None = None
    ) -> Step:
        """Give the loss of Eq. 4 and 5; ``gather`` adds the images of other processes.

        An image counts once, as its first caption has it, though it has several in the batch.
        """
        objects = self.embed_objects(batch, labels, attributes)
        phrases = self.embed_phrases(batch, objects)
        images = Images(objects, batch.mask, batch.images)
        if gather is not None:
            images = gather(images)
        found = similarity(phrases, images.objects, images.mask, batch.phrase_caption)
        places = torch.arange(len(images.numbers), device=found.device)
        same = images.numbers[:, None] == images.numbers
        once = places.where(same, len(places)).amin(1)
        found = found.masked_fill(once != places, -torch.inf)
        own = once[images.first : images.first + len(found)]
        return Step(functional.cross_entropy(found, own), (found.argmax(1) == own).sum())

    def _texts(self, texts: Texts) -> Tensor:
        found: Tensor = functional.embedding_bag(
            texts.words,
            self.words.weight,
            texts.offsets,
            mode="sum",
            per_sample_weights=texts.weights,
            include_last_offset=True,
        )
        return found


def similarity(phrases: Tensor, objects: Tensor, mask: Tensor, phrase_caption: Tensor) -> Tensor:
    """Give sim(I, S) (captions, images) of Eq. 5, of phrases (Q, d) and objects (images, K, d)."""
    counts = torch.bincount(phrase_caption)
    images, most, size = objects.shape
    products = (phrases @ objects.reshape(-1, size).T).view(-1, images, most)
    best = products.masked_fill(~mask, -torch.inf).amax(-1).float()
    total = best.new_zeros(len(counts), images).index_add(0, phrase_caption, best)
    return total / counts[:, None]


def _rows(table: Tensor, rows: Tensor) -> Tensor:
    """Take rows of a table, zeros for -1."""
    return functional.embedding(rows.clamp(min=0), table) * (rows >= 0)[:, None]
