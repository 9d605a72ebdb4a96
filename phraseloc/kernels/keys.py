"""Keys of phrases as 64-bit numbers: the same everywhere, whatever file, process or version.

A text is hashed by FNV-1a (Fowler, Noll and Vo; 64 bits), whose state splitmix64 then mixes, as FNV
alone leaves high bits of short texts alike. An image and a phrase within it have 64 bits each, so
that of a billion phrases no two are likely to share both (10^18 pairs, 2^128 numbers).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit, uint64

from phraseloc.columns import FloatArray, IntArray

Keys = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.uint8]

NO_SENTENCE = -1
"""The sentence of an image without ``#sentence``."""


def hash_texts(data: Bytes, offsets: IntArray) -> Keys:
    """Hash texts, given as their bytes (UTF-8) one after another and their offsets (N + 1,).

    Examples
    --------
    >>> text = np.frombuffer(b"548548", np.uint8)
    >>> a, b = hash_texts(text, np.array([0, 3, 6])).tolist()
    >>> a == b, hex(a)
    (True, '0x8fe3113df387bf68')
    """
    keys = np.empty(len(offsets) - 1, np.uint64)
    _hash_texts(data, offsets, keys)
    return keys


def hash_captions(data: Bytes, offsets: IntArray) -> tuple[Keys, IntArray]:
    """Hash the images of captions such as ``1016887272#0``, and give their sentences.

    An image without ``#`` and a number has the sentence `NO_SENTENCE`.
    """
    keys = np.empty(len(offsets) - 1, np.uint64)
    sentences = np.empty(len(keys), np.int64)
    _hash_captions(data, offsets, keys, sentences)
    return keys, sentences


def join_keys(sentences: IntArray, first_words: IntArray, entities: Keys) -> Keys:
    """Give the key (N,) of each phrase within its image."""
    keys = np.empty(len(entities), np.uint64)
    _join_keys(sentences, first_words, entities, keys)
    return keys


def units_of_captions(
    data: Bytes, starts: IntArray, ends: IntArray, units: int, *, splits: bool = True
) -> IntArray:
    """Give the group (N,) of each caption's image, as `phraseloc.statistics.unit_of` does.

    Parameters
    ----------
    splits : whether captions are ``image#sentence``; else they are images as they stand
    """
    found = np.empty(len(starts), np.int64)
    _units_of_captions(data, starts, ends, _CRC, units, splits, found)
    return found


def digest_rows(
    images: Keys, phrases: Keys, boxes: FloatArray, offsets: IntArray
) -> tuple[int, int]:
    """Digest phrases with their boxes into two numbers of 64 bits, whatever their order.

    Each is the sum over the rows of a hash of all that a row holds, so that digests of parts add up
    to that of the whole, modulo 2^64.
    """
    bits = np.ascontiguousarray(boxes + 0.0).view(np.uint64).reshape(-1, 4)
    one, two = _digest_rows(images, phrases, bits, offsets)
    return int(one), int(two)


def _crc_table() -> npt.NDArray[np.uint32]:
    """Give the table of CRC-32 (ISO 3309), a byte at a time."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0xEDB88320), table >> 1)
    return table.astype(np.uint32)


_CRC = _crc_table()


@njit(cache=True, nogil=True)
def _mixed(state: Any) -> Any:
    state = (state ^ (state >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> uint64(27))) * uint64(0x94D049BB133111EB)
    return state ^ (state >> uint64(31))


@njit(cache=True, nogil=True)
def _hashed(data: Any, start: Any, stop: Any) -> Any:
    state = uint64(0xCBF29CE484222325)
    for place in range(start, stop):
        state = (state ^ uint64(data[place])) * uint64(0x100000001B3)
    return _mixed(state)


@njit(cache=True, nogil=True)
def _hash_texts(data: Any, offsets: Any, keys: Any) -> None:
    for row in range(len(keys)):
        keys[row] = _hashed(data, offsets[row], offsets[row + 1])


@njit(cache=True, nogil=True)
def _hash_captions(data: Any, offsets: Any, keys: Any, sentences: Any) -> None:
    for row in range(len(keys)):
        start, stop = offsets[row], offsets[row + 1]
        end, sentences[row] = _split(data, start, stop)
        keys[row] = _hashed(data, start, end)


@njit(cache=True, nogil=True)
def _split(data: Any, start: Any, stop: Any) -> Any:
    """Give where an image's id ends, and its sentence, -1 where none follows."""
    place, value, scale = stop - 1, 0, 1
    while place >= start and 48 <= data[place] <= 57 and scale < 10**18:
        value += (data[place] - 48) * scale
        scale *= 10
        place -= 1
    if scale > 1 and place > start and data[place] == 35:
        return place, value
    return stop, -1


@njit(cache=True, nogil=True)
def _units_of_captions(
    data: Any, starts: Any, ends: Any, table: Any, units: Any, splits: Any, found: Any
) -> None:
    for row in range(len(found)):
        start, end = starts[row], ends[row]
        if splits:
            end, _ = _split(data, start, end)
        state = np.uint32(0xFFFFFFFF)
        for place in range(start, end):
            state = table[(state ^ data[place]) & 0xFF] ^ (state >> 8)
        found[row] = np.uint32(state ^ np.uint32(0xFFFFFFFF)) % units


@njit(cache=True, nogil=True)
def _digest_rows(images: Any, phrases: Any, bits: Any, offsets: Any) -> Any:
    one, two = uint64(0), uint64(0)
    for row in range(len(images)):
        state = _mixed(images[row] ^ uint64(0xA0761D6478BD642F))
        state = _mixed(state ^ phrases[row])
        for box in range(offsets[row], offsets[row + 1]):
            for side in range(4):
                state = _mixed(state + bits[box, side])
        one += state
        two += _mixed(state ^ uint64(0xE7037ED1A0B428DB))
    return one, two


@njit(cache=True, nogil=True)
def _join_keys(sentences: Any, first_words: Any, entities: Any, keys: Any) -> None:
    for row in range(len(keys)):
        state = _mixed(uint64(sentences[row]) + uint64(0x9E3779B97F4A7C15))
        state = _mixed(state ^ (uint64(first_words[row]) + uint64(0x9E3779B97F4A7C15)))
        keys[row] = _mixed(state ^ entities[row])
