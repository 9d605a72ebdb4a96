"""A step of MAF as its released code computes it: everything padded, an embedding for every word.

Written from what that code does: 100 objects, 32 phrases and 12 words each, padded by word 0 that
takes part like any other; every caption's phrases against every image's objects in one tensor; Adam
on all parameters, those of a table of 400,002 words among them.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

PHRASES, WORDS = 32, 12


class PaddedModel(nn.Module):
    """The released model: embeddings, and projections of phrases and features."""

    def __init__(self, table: int, size: int, features: int) -> None:
        super().__init__()
        self.words = nn.Embedding(table, size)
        self.large, self.small = nn.Linear(size, size), nn.Linear(size, size)
        self.feature = nn.Linear(features, size)

    def forward(self, words: Tensor, labels: Tensor, features: Tensor, counts: Tensor) -> Any:
        """Give the loss of phrases (B, 32, 12) and objects (B, 100)."""
        queries = self.words(words)
        objects = self.words(labels) + self.feature(features)
        products = torch.einsum("bqwd,bkd->bqwk", queries, objects) * objects.shape[-1] ** -0.5
        weights = products.softmax(-1).max(dim=-1).values.softmax(-1)
        phrases = torch.einsum("bqw,bqwd->bqd", weights, queries)
        phrases = self.large(phrases) + 1e-5 * self.small(phrases)
        scores = torch.einsum("akd,bqd->baqk", objects, phrases)
        logits = scores.max(dim=-1).values.sum(dim=-1) / counts[:, None]
        return functional.cross_entropy(logits, torch.arange(len(logits)))
