"""Batches: captions with their images, ragged, as tensors.

Nothing is padded but what a product needs: objects to the most that an image of the batch has,
words to the longest caption.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from phraseloc.columns import IntArray, take_ragged
from phraseloc.maf.inputs import Bags, Inputs


@dataclass(frozen=True, eq=False)
class Texts:
    """Labels or attributes as weighted sums of words, see `Bags`."""

    offsets: Tensor
    words: Tensor
    weights: Tensor

    @classmethod
    def of(cls, bags: Bags, device: torch.device) -> Texts:
        """Move bags to a device."""
        arrays = (bags.offsets, bags.words, bags.weights.astype(np.float32))
        return cls(*(torch.from_numpy(array).to(device) for array in arrays))


@dataclass(frozen=True, eq=False)
class Batch:
    """B captions of Q phrases and T words, with an image each, and M objects in all.

    Parameters
    ----------
    words : (T,) rows of the vocabulary
    word_phrase, word_place : (T,) each word's phrase, and its place among the words of all captions
        padded to the longest one
    phrase_caption : (Q,) each phrase's caption
    labels, attributes : (M,) -1 where an object has none
    object_place : (M,) each object's place among those of all images padded to the most
    images : (B,) numbers of the captions' images
    mask : (B, K) where there is an object
    longest : the most words of a caption
    features : (M, F), None where they are not used
    """

    words: Tensor
    word_phrase: Tensor
    word_place: Tensor
    phrase_caption: Tensor
    labels: Tensor
    attributes: Tensor
    object_place: Tensor
    images: Tensor
    mask: Tensor
    longest: int
    features: Tensor | None

    def to(self, device: torch.device) -> Batch:
        """Move the batch to a device."""
        tensors: dict[str, Any] = {
            field.name: value.to(device, non_blocking=True)
            for field in fields(self)
            if isinstance(value := getattr(self, field.name), Tensor)
        }
        return replace(self, **tensors)


def make_batch(inputs: Inputs, captions: IntArray) -> Batch:
    """Gather captions (B,) and their images."""
    phrases, spans = take_ragged(inputs.captions, captions)
    words, ends = take_ragged(inputs.offsets, inputs.phrases[phrases])
    phrase_caption = np.repeat(np.arange(len(captions)), np.diff(spans))
    word_phrase = np.repeat(np.arange(len(phrases)), np.diff(ends))
    word_caption = phrase_caption[word_phrase]
    word_place, longest = _padded(word_caption, ends[spans])
    rows, starts = take_ragged(inputs.objects, inputs.images[captions])
    owner = np.repeat(np.arange(len(captions)), np.diff(starts))
    object_place, most = _padded(owner, starts)
    mask = np.zeros(len(captions) * most, bool)
    mask[object_place] = True
    regions = inputs.regions
    return Batch(
        torch.from_numpy(inputs.words[words]),
        torch.from_numpy(word_phrase),
        torch.from_numpy(word_place),
        torch.from_numpy(phrase_caption),
        torch.from_numpy(inputs.labels[rows]),
        torch.from_numpy(inputs.attributes[rows]),
        torch.from_numpy(object_place),
        torch.from_numpy(inputs.images[captions]),
        torch.from_numpy(mask.reshape(len(captions), most)),
        longest,
        None if regions is None else torch.from_numpy(regions.take(inputs.region_rows[rows])),
    )


def _padded(owner: IntArray, starts: IntArray) -> tuple[IntArray, int]:
    """Give the places of ragged items where all rows are padded to the longest, and its length."""
    longest = int(np.diff(starts).max())
    return owner * longest + np.arange(len(owner)) - starts[owner], longest


def batches_of(
    inputs: Inputs, order: Iterable[IntArray], device: torch.device
) -> Iterator[tuple[IntArray, Batch]]:
    """Yield batches of captions on a device; the next one is gathered while one is worked on."""
    with ThreadPoolExecutor(1) as reader:
        waiting: list[tuple[IntArray, Future[Batch]]] = []
        for captions in order:
            waiting.append((captions, reader.submit(make_batch, inputs, captions)))
            if len(waiting) > 1:
                ready, batch = waiting.pop(0)
                yield ready, batch.result().to(device)
        for ready, batch in waiting:
            yield ready, batch.result().to(device)
