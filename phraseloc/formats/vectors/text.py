"""Word vectors as text: a word and its numbers a line, as GloVe and word2vec write them.

The file is scanned: of each line, the word is looked at and its spaces are counted, but numbers
are read of wanted words alone. word2vec begins with a line of two counts. Some words have spaces in
them (". . ." of GloVe 840B): a line's word is what stands before its last d fields. Blank lines
count for nothing, and lines may end as on Windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

import numpy as np
import numpy.typing as npt

from phraseloc.errors import InputError
from phraseloc.formats.vectors.found import Found

_BLOCK = 2**16
"""So small that a block stays in the processor's cache while it is looked at twice."""


def read_text(file: IO[bytes], source: str, wanted: frozenset[str]) -> Found:
    """Scan a text for the vectors of the wanted words; the first of a word's lines counts.

    Raises
    ------
    InputError
        if a line has not as many numbers as line 1 says, a word is not UTF-8, a wanted word's
        numbers are none, or word2vec's count of words is not that of the lines
    """
    first = file.readline()
    count, before, dimension = None, 0, len(first.split()) - 1
    if is_header(first):
        count, dimension = read_header(first, source)
        first, before = file.readline(), 1
    _parsed(first, before + 1, dimension, source)
    heads = {word.partition(" ")[0] for word in wanted}
    vectors: dict[str, npt.NDArray[np.float32]] = {}
    number = blank = 0
    for number, line in _lines_of(file, first, before, heads, source):
        if line.strip():
            word, numbers = _parsed(line, number, dimension, source)
            if word in wanted:
                vectors.setdefault(word, numbers)
        else:
            blank += 1
    if count not in (None, number - before - blank):
        raise InputError(
            source,
            f"line 1: found a count of {count:,} words, but {number - before - blank:,} lines "
            "after it",
        )
    return Found(list(vectors), np.array([*vectors.values()], np.float32).reshape(-1, dimension))


def _lines_of(
    file: IO[bytes], first: bytes, number: int, heads: set[str], source: str
) -> Iterator[tuple[int, bytes]]:
    """Yield the lines to look at, with their numbers; the last of them is empty.

    They are those that begin with certain words, or have not as many spaces as the first.
    """
    usual, block = first.count(b" "), first
    try:
        while block:
            block = block if block.endswith(b"\n") else block + b"\n"
            spaces = np.frombuffer(block, np.uint8) == ord(" ")
            start = 0
            while end := block.find(b"\n", start) + 1:
                number += 1
                if (
                    block[start : block.find(b" ", start, end)].decode() in heads
                    or np.count_nonzero(spaces[start:end]) != usual
                ):
                    yield number, block[start:end]
                start = end
            block = file.read(_BLOCK) + file.readline()
    except UnicodeDecodeError as error:
        raise _not_text(error, number, source) from None
    yield number + 1, b""


def _not_text(error: UnicodeDecodeError, number: int, source: str) -> InputError:
    shown = error.object[:40]
    return InputError(source, f"line {number}: found a word that is not UTF-8, {shown!r}")


def is_header(line: bytes) -> bool:
    """Tell whether a line is word2vec's first: how many words, of what dimension."""
    fields = line.split()
    return len(fields) == 2 and all(field.isdigit() and len(field) < 19 for field in fields)


def read_header(line: bytes, source: str) -> tuple[int, int]:
    """Give how many words word2vec's first line counts, and their dimension."""
    count, dimension = map(int, line.split())
    if not (count and dimension):
        raise InputError(
            source, f"line 1: found a header of {count:,} words of {dimension:,} numbers"
        )
    return count, dimension


def is_number(field: bytes) -> bool:
    """Tell whether a field of a line is a number."""
    try:
        float(field)
    except ValueError:
        return False
    return True


def _parsed(
    line: bytes, number: int, dimension: int, source: str
) -> tuple[str, npt.NDArray[np.float32]]:
    """Split a line into its word and its numbers."""
    fields = line.rstrip().split(b" ")
    found = len(fields) - 1
    split = found + 1 - dimension
    extra = fields[1:split]
    if dimension < 1 or split < 1 or (extra and all(map(is_number, extra))):
        expected = f"{dimension} by line 1" if dimension > 0 else "a word and its numbers"
        tabs = ", split by tabs; expected spaces" if b"\t" in line else f", expected {expected}"
        raise InputError(source, f"line {number}: found {found} numbers{tabs}")
    try:
        word = b" ".join(fields[:split]).decode()
        values = list(map(float, fields[split:]))
    except UnicodeDecodeError as error:
        raise _not_text(error, number, source) from None
    except ValueError:
        wrong = next(field for field in fields[split:] if not is_number(field))
        shown = wrong[:40].decode(errors="replace")
        raise InputError(source, f"line {number}: found {shown!r}, expected a number") from None
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is named so
        numbers = np.array(values).astype(np.float32)
    if not np.isfinite(numbers).all():
        raise InputError(source, f"line {number}: found a number that is not finite in {word!r}")
    return word, numbers
