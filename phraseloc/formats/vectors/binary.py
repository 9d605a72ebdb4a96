"""Word vectors as word2vec writes them in binary: a word, a space and d float32, after a header."""

from __future__ import annotations

from typing import IO

import numpy as np

from phraseloc.errors import InputError
from phraseloc.formats.vectors.found import Found

_BLOCK = 2**24
_LONGEST = 2**16
"""A word of more bytes is none: the file is something else."""


def read_binary(file: IO[bytes], source: str, wanted: frozenset[str]) -> Found:
    """Scan a binary file for the vectors of the wanted words; the first of a word's counts.

    Raises
    ------
    InputError
        if the file breaks off, or is no such file
    """
    count, dimension = map(int, file.readline().split())
    heads = {word.encode() for word in wanted}
    width = 4 * dimension
    block, start = file.read(_BLOCK), 0
    vectors: dict[str, bytes] = {}
    for turn in range(count):
        space = block.find(b" ", start)
        if space < 0 or space + 1 + width > len(block):
            block, start = block[start:] + file.read(_BLOCK), 0
            space = block.find(b" ", start)
            if space < 0 or space > _LONGEST or space + 1 + width > len(block):
                raise InputError(
                    source, f"the file breaks off: found {turn:,} of {count:,} vectors"
                )
        word = block[start:space].lstrip(b"\n")
        start = space + 1 + width
        if word in heads:
            vectors.setdefault(word.decode(), block[space + 1 : start])
    matrix = np.frombuffer(b"".join(vectors.values()), "<f4").reshape(-1, dimension)
    return Found(list(vectors), matrix.astype(np.float32))
