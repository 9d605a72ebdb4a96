"""Word vectors as word2vec writes them in binary: a word, a space and d float32, after a header."""

from __future__ import annotations

from typing import IO

import numpy as np

from phraseloc.errors import InputError
from phraseloc.formats.vectors.found import Found
from phraseloc.formats.vectors.text import read_header

_BLOCK = 2**20
"""Larger than any vector: 262,144 numbers."""

_LONGEST = 2**16
"""A word of more bytes is none: the file is something else."""


def read_binary(file: IO[bytes], source: str, wanted: frozenset[str]) -> Found:
    """Scan a binary file for the vectors of the wanted words; the first of a word's counts.

    Raises
    ------
    InputError
        if the file breaks off or goes on after its last vector, or a word is not UTF-8
    """
    count, dimension = read_header(file.readline(), source)
    width = 4 * dimension
    block, start = b"", 0
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
        name = block[start:space].lstrip(b"\n")
        start = space + 1 + width
        try:
            word = name.decode()
        except UnicodeDecodeError:
            raise InputError(
                source, f"vector {turn + 1}: found a word that is not UTF-8, {name[:40]!r}"
            ) from None
        if word in wanted:
            vectors.setdefault(word, block[space + 1 : start])
    if (block[start:] + file.read(_LONGEST)).strip():
        raise InputError(source, f"found more than the {count:,} vectors that line 1 counts")
    matrix = np.frombuffer(b"".join(vectors.values()), "<f4").reshape(-1, dimension)
    return Found(list(vectors), matrix.astype(np.float32))
