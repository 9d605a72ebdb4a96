"""Word vectors as text: a word and its numbers a line, as GloVe and word2vec write them.

The file is scanned: of a line, only the word is looked at, unless the word is wanted. word2vec
begins with a line of two counts. Some words have spaces in them (". . ." of GloVe 840B): a line's
word is what stands before its last d fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import IO

import numpy as np

from phraseloc.errors import InputError
from phraseloc.formats.vectors.found import Found


def read_text(file: IO[bytes], source: str, wanted: frozenset[str]) -> Found:
    """Scan a text for the vectors of the wanted words; the first of a word's lines counts.

    Raises
    ------
    InputError
        if a line that is looked at has not as many numbers as the first, or no finite numbers
    """
    lines = enumerate(file, 1)
    count, first = _header(lines, source)
    dimension = len(first[1].split()) - 1 if count is None else int(first[1].split()[1])
    heads = {word.encode().partition(b" ")[0] for word in wanted}
    vectors: dict[str, list[float]] = {}
    number = last = 0
    rest: Iterable[tuple[int, bytes]] = chain([first], lines) if count is None else lines
    line = b""
    for number, line in rest:
        if line[: line.find(b" ")] in heads:
            word, numbers = _parsed(line, number, dimension, source)
            if word in wanted:
                vectors.setdefault(word, numbers)
    last = number
    _parsed(line, last, dimension, source)
    if count is not None and last - 1 != count:
        raise InputError(
            source, f"line 1: found a count of {count:,} words, but {last - 1:,} lines after it"
        )
    matrix = np.array(list(vectors.values()), np.float64).reshape(-1, dimension)
    return Found(list(vectors), matrix.astype(np.float32))


def is_header(line: bytes) -> bool:
    """Tell whether a line is word2vec's first: how many words, of what dimension."""
    fields = line.split()
    return len(fields) == 2 and all(field.isdigit() for field in fields)


def _header(
    lines: Iterator[tuple[int, bytes]], source: str
) -> tuple[int | None, tuple[int, bytes]]:
    """Give word2vec's count of words, None where the first line is a vector, and that line."""
    first = next(lines)
    if is_header(first[1]):
        return int(first[1].split()[0]), first
    _parsed(first[1], 1, len(first[1].split()) - 1, source)
    return None, first


def _parsed(line: bytes, number: int, dimension: int, source: str) -> tuple[str, list[float]]:
    """Split a line into its word and its numbers."""
    fields = line.rstrip().split(b" ")
    found = len(fields) - 1
    extra = fields[1 : found + 1 - dimension]
    if found < dimension or found == 0 or (extra and all(map(_is_number, extra))):
        raise InputError(
            source, f"line {number}: found {found} numbers, expected {dimension} as before it"
        )
    try:
        word = b" ".join(fields[: found + 1 - dimension]).decode()
        numbers = list(map(float, fields[found + 1 - dimension :]))
    except UnicodeDecodeError:
        raise InputError(source, f"line {number}: found a word that is not UTF-8") from None
    except ValueError as error:
        raise InputError(source, f"line {number}: {error}") from None
    if not np.isfinite(numbers).all():
        raise InputError(source, f"line {number}: found a number that is not finite in {word!r}")
    return word, numbers


def _is_number(field: bytes) -> bool:
    try:
        float(field)
    except ValueError:
        return False
    return True
