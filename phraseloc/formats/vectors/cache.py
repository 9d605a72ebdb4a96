"""What was read of a file of vectors, kept: its words, and those that it does not have."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np

from phraseloc.errors import InputError
from phraseloc.formats.arrays import UNUSABLE, load_arrays, packed, store_arrays, unpacked
from phraseloc.formats.cache import cache_folder
from phraseloc.formats.vectors.arrays import select
from phraseloc.formats.vectors.found import Found

LAYOUT = 1
"""Raised whenever reading changes, so that an old file is never taken for a new one."""


def remembered(
    path: Path, member: str, wanted: frozenset[str], read: Callable[[frozenset[str]], Found]
) -> Found:
    """Give the vectors of words from the cache, or read them and keep them there.

    A file counts by its path, size and time of change. Where a word was never looked for, the file
    is read again for it and all that is known already.
    """
    folder = cache_folder()
    if folder is None:
        return read(wanted)
    facts = path.stat()
    identity = (LAYOUT, str(path.resolve()), member, facts.st_size, facts.st_mtime_ns)
    place = folder / f"vectors-{sha256(repr(identity).encode()).hexdigest()}.safetensors"
    words: list[str] = []
    absent: list[str] = []
    try:
        arrays, _ = load_arrays(place)
        words, absent = unpacked(arrays["words"]), unpacked(arrays["absent"])
        if wanted <= {*words, *absent}:
            return select(words, arrays["matrix"], wanted)
    except UNUSABLE:
        pass
    every = wanted.union(words, absent)
    found = read(every)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        store_arrays(
            {
                "matrix": np.ascontiguousarray(found.matrix),
                "words": packed(found.words),
                "absent": packed(sorted(every.difference(found.words))),
            },
            {"source": path.name},
            place,
        )
    except (OSError, InputError):
        pass
    return select(found.words, found.matrix, wanted)
