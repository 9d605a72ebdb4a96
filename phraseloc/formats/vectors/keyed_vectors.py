"""Word vectors as gensim keeps them: ``NAME.kv``, a pickle, with large arrays beside it.

gensim itself would run the pickle; here it is read with stand-ins for the few things that such a
file needs, and anything else in it is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from phraseloc.errors import InputError
from phraseloc.formats.plain_pickle import WHOLE_NUMBERS, read_plain_pickle
from phraseloc.formats.source import read_bytes
from phraseloc.formats.vectors.arrays import check_matrix, open_matrix, select
from phraseloc.formats.vectors.found import Found


class _KeyedVectors:
    """A stand-in for gensim's object: its attributes."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Vocab:
    """A stand-in for what gensim 3 knows of a word, of no use here."""

    def __setstate__(self, state: Any) -> None:
        pass


class _Dtype:
    def __init__(self, kind: str, *_: object) -> None:
        self.name = kind

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.name = f"{state[1]}{self.name}"


class _Array:
    """A stand-in for an array, which is made of its bytes."""

    values: Any = None

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, columns_first, data = state
        if not isinstance(data, bytes):
            return  # an array of objects, of no use here
        flat = np.frombuffer(data, dtype.name)
        self.values = flat.reshape(shape[::-1]).T if columns_first else flat.reshape(shape)


def _from_buffer(data: bytes, dtype: _Dtype, shape: tuple[int, ...], order: str) -> _Array:
    array = _Array()
    array.__setstate__((1, shape, dtype, order == "F", bytes(data)))
    return array


_ADMITTED: Mapping[str, Callable[..., Any]] = {
    "gensim.models.keyedvectors.KeyedVectors": _KeyedVectors,
    "gensim.models.keyedvectors.Word2VecKeyedVectors": _KeyedVectors,
    "gensim.models.keyedvectors.CompatVocab": _Vocab,
    "gensim.models.keyedvectors.Vocab": _Vocab,
    "__builtin__.frozenset": frozenset,
    "builtins.frozenset": frozenset,
    "_codecs.encode": WHOLE_NUMBERS["_codecs.encode"],
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
    "numpy.core.multiarray._reconstruct": lambda *_: _Array(),
    "numpy._core.multiarray._reconstruct": lambda *_: _Array(),
    "numpy.core.numeric._frombuffer": _from_buffer,
    "numpy._core.numeric._frombuffer": _from_buffer,
}


def read_gensim(path: Path, wanted: frozenset[str]) -> Found:
    """Read gensim's KeyedVectors, of gensim 4 or 3.

    Raises
    ------
    InputError
        if the file is something else, or would import anything else
    """
    held = read_plain_pickle(read_bytes(path), path.name, _ADMITTED)
    state = getattr(held, "state", None)
    if not isinstance(state, dict):
        raise InputError(
            path.name, f"found a pickle of {type(held).__name__}, expected gensim's KeyedVectors"
        )
    words = state.get("index_to_key", state.get("index2word"))
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise InputError(path.name, "found no list of words, expected gensim's KeyedVectors")
    if "vectors" in state:
        matrix = check_matrix(getattr(state["vectors"], "values", None), path.name)
    else:
        matrix = open_matrix(path.with_name(f"{path.name}.vectors.npy"))
    if len(words) != len(matrix):
        raise InputError(path.name, f"found {len(words):,} words and {len(matrix):,} vectors")
    return select(words, matrix, wanted)
