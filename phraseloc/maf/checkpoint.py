"""Checkpoints of our own: a safetensors file with words, weights, and how they came to be.

It needs no vector file, and no torch to be read. One that was converted from a released checkpoint
also has what only the released code's arithmetic uses (`Padding`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from phraseloc._version import __version__
from phraseloc.errors import InputError
from phraseloc.formats.arrays import UNUSABLE, load_arrays, packed, store_arrays, unpacked
from phraseloc.formats.source import foreign_kind, reason_of
from phraseloc.maf.settings import Settings
from phraseloc.vectors import WordVectors
from phraseloc.words import WordPolicy

LAYOUT = 1
"""Raised when the meaning of a checkpoint changes, so that no old one is taken for a new one."""

SUFFIX = ".safetensors"

Matrix = npt.NDArray[np.float32]


class History(msgspec.Struct, frozen=True):
    """What an epoch gave: mean loss, share of captions that found their image, and accuracy.

    ``correct`` and ``total`` are of the validation phrases, None where there are none.
    """

    epoch: int
    loss: float | None
    retrieval: float | None
    correct: int | None = None
    total: int | None = None
    seconds: float = 0.0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """How a checkpoint came to be: settings, inputs with their digests, history.

    ``settings`` is None for a released checkpoint, which does not tell.
    """

    vfr: tuple[str, ...]
    tfr: str = "attention"
    vectors: str = ""
    policy: dict[str, str] = {}
    settings: Settings | None = None
    inputs: dict[str, Any] = {}
    history: Sequence[History] = ()
    version: str = __version__
    layout: int = LAYOUT


@dataclass(frozen=True, eq=False)
class Padding:
    """What the released code computes with, and no equation has.

    Parameters
    ----------
    rows : (2, d), the embeddings of PAD and UNK
    feature_bias : (d,) of W_f
    small, small_bias : (d, d) and (d,), a second projection of phrases, times 1e-5
    """

    rows: Matrix
    feature_bias: Matrix
    small: Matrix
    small_bias: Matrix


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Weights of MAF in d dimensions, and how they came to be.

    Parameters
    ----------
    words, vectors : V words and their embeddings, (V, d) float32
    phrase : (d, d), W_p; its bias (d,) is None in checkpoints of our own
    feature : (d, F), W_f, None without region features
    attribute : (d, d), W_t, None without attributes
    padding : of released checkpoints
    source : the file's name, for messages

    Raises
    ------
    InputError
        if shapes do not fit each other, or a number is not finite
    """

    words: Sequence[str]
    vectors: Matrix
    phrase: Matrix
    facts: Facts
    phrase_bias: Matrix | None = None
    feature: Matrix | None = None
    attribute: Matrix | None = None
    padding: Padding | None = None
    source: str = field(default="checkpoint", repr=False)

    def __post_init__(self) -> None:
        size = self.vectors.shape[-1]
        for part in ("feature", "attribute"):
            if (part in self.facts.vfr) != (getattr(self, part) is not None):
                raise InputError(
                    self.source,
                    f"found vfr {','.join(self.facts.vfr)}, expected a weight {part} just where "
                    "it has that part",
                )
        for name, array in self.arrays.items():
            expected = {
                "vectors": (len(self.words), size),
                "feature": (size, *array.shape[1:2]),
                "padding.rows": (2, size),
            }.get(name, (size, size) if array.ndim == 2 else (size,))
            if array.shape != expected:
                raise InputError(
                    self.source, f"found {name} of shape {array.shape}, expected {expected}"
                )
            if not np.isfinite(array).all():
                raise InputError(self.source, f"found a number in {name} that is not finite")

    @property
    def arrays(self) -> dict[str, Matrix]:
        """The weights that there are, by name."""
        found = {name: getattr(self, name) for name in _WEIGHTS}
        if self.padding is not None:
            found |= {f"padding.{name}": array for name, array in vars(self.padding).items()}
        return {name: array for name, array in found.items() if array is not None}

    @property
    def policy(self) -> WordPolicy:
        """How texts become words."""
        return WordPolicy(**self.facts.policy)

    @property
    def labels_alone(self) -> bool:
        """Whether an object's vector is its label's, so that objects of one label are alike."""
        rest = (self.feature, self.attribute)
        return "label" in self.facts.vfr and not any(w is not None and w.any() for w in rest)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of words, weights and what they mean."""
        meaning = [list(self.words), list(self.facts.vfr), self.facts.tfr, self.facts.policy]
        state = sha256(msgspec.json.encode(meaning, order="sorted"))
        for name, array in self.arrays.items():
            state.update(name.encode())
            state.update(np.ascontiguousarray(array))
        return state.hexdigest()

    def with_words(self, vectors: WordVectors) -> Checkpoint:
        """Add words that were not there when it was trained; those that were, stay as they are.

        Raises
        ------
        InputError
            if the vectors have another dimension
        """
        if vectors.dimension != self.vectors.shape[1]:
            raise InputError(
                vectors.source,
                f"found vectors of {vectors.dimension} numbers, expected {self.vectors.shape[1]} "
                f"as {self.source} has",
            )
        known = set(self.words)
        new = [row for row, word in enumerate(vectors.words) if word not in known]
        return replace(
            self,
            words=[*self.words, *(vectors.words[row] for row in new)],
            vectors=np.concatenate([self.vectors, vectors.matrix[new]]),
        )


def save_checkpoint(
    checkpoint: Checkpoint, path: Path, more: Mapping[str, npt.NDArray[Any]] | None = None
) -> None:
    """Write a checkpoint, whole or not at all; ``more`` arrays go along under their names."""
    arrays = {**checkpoint.arrays, "words": packed(checkpoint.words), **(more or {})}
    store_arrays(arrays, {"maf": msgspec.to_builtins(checkpoint.facts)}, path)


def check_file(path: Path) -> bytes:
    """Give the first bytes of a file that may be a checkpoint.

    Raises
    ------
    InputError
        if there is none, or it is something else
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise InputError(str(path), reason_of(error)) from None
    known = start.startswith((b"PK", b"\x80"))
    found = "an empty file" if not start else None if known else foreign_kind(start)
    if found:
        raise InputError(path.name, f"found {found}, expected a MAF checkpoint")
    return start


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of our own; its weights are mapped into memory.

    Raises
    ------
    InputError
        if it is no checkpoint, damaged, or of another layout
    """
    return read_checkpoint(path)[0]


def read_checkpoint(path: Path) -> tuple[Checkpoint, dict[str, npt.NDArray[Any]]]:
    """Read a checkpoint and the arrays that went along."""
    check_file(path)
    try:
        arrays, metadata = load_arrays(path)
        facts = msgspec.convert(metadata["maf"], Facts)
        words = unpacked(arrays.pop("words"))
    except UNUSABLE:
        raise InputError(
            path.name, "not a MAF checkpoint of this project, or it is damaged or cut off"
        ) from None
    if facts.layout != LAYOUT:
        raise InputError(path.name, f"found layout {facts.layout}, expected {LAYOUT}")
    parts = {name.partition(".")[2]: arrays.pop(name) for name in _PADDING if name in arrays}
    own = {name: arrays.pop(name) for name in _WEIGHTS if name in arrays}
    try:
        padding = Padding(**parts) if parts else None
        return Checkpoint(words, facts=facts, padding=padding, source=path.name, **own), arrays
    except TypeError as error:
        raise InputError(path.name, f"a weight is not there: {error}") from None


_WEIGHTS = ("vectors", "phrase", "phrase_bias", "feature", "attribute")
_PADDING = ("padding.rows", "padding.feature_bias", "padding.small", "padding.small_bias")
