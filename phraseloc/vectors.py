"""Word vectors: the words that were asked for and found, with one vector each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

import numpy as np
import numpy.typing as npt

from phraseloc.columns import IntArray
from phraseloc.errors import Problems


@dataclass(frozen=True, eq=False)
class WordVectors:
    """The vectors of W words.

    Parameters
    ----------
    words : the words, each once
    matrix : (W, d) float32
    name : what tables call them, such as glove.6B.300d
    source : the file's name, for messages

    Raises
    ------
    InputError
        if a word stands twice, a number is not finite, or there is not one vector a word

    Examples
    --------
    >>> vectors = WordVectors(["dog", "cat"], np.eye(2, dtype=np.float32))
    >>> vectors.dimension, vectors.rows(["cat", "cow"]).tolist()
    (2, [1, -1])
    """

    words: Sequence[str]
    matrix: npt.NDArray[np.float32]
    name: str = "vectors"
    source: str = field(default="vectors", repr=False)

    def __post_init__(self) -> None:
        problems = Problems(self.source)
        if self.matrix.ndim != 2 or len(self.matrix) != len(self.words):
            problems.add(
                "there is not one vector a word",
                f"found vectors {self.matrix.shape} of {len(self.words)} words",
            )
            problems.raise_if_any()  # the rows below are those of words
        repeated = [word for word, count in Counter(self.words).items() if count > 1]
        problems.add_rows("a word that stands twice", repeated, repr)
        wrong = ~np.isfinite(self.matrix).all(axis=1)
        problems.add_rows(
            "a vector with a number that is not finite",
            np.flatnonzero(wrong),
            lambda row: repr(self.words[row]),
        )
        problems.raise_if_any()

    def __len__(self) -> int:
        return len(self.words)

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return int(self.matrix.shape[1])

    @cached_property
    def _places(self) -> dict[str, int]:
        return {word: row for row, word in enumerate(self.words)}

    def rows(self, words: Sequence[str]) -> IntArray:
        """Look words up; -1 where one has no vector."""
        return np.array([self._places.get(word, -1) for word in words], np.int64)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of words and vectors, whatever their order."""
        order = sorted(range(len(self.words)), key=self.words.__getitem__)
        state = sha256("\0".join(self.words[row] for row in order).encode())
        state.update(np.ascontiguousarray(self.matrix[order]))
        return state.hexdigest()
