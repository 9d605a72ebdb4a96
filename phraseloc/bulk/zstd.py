"""Whether a zstd file is whole: DuckDB takes one that breaks off between two blocks for complete.

Frames and their blocks are gone through by their headers, as RFC 8878 (section 3.1) lays them out;
nothing is unpacked.
"""

from __future__ import annotations

from typing import IO

_SKIPPABLE = 0x184D2A50
"""The number that a frame begins with whose content is no data, but for its last four bits."""

_HEADER = 18
"""How many bytes a frame's header has, at most."""


def is_whole(stream: IO[bytes], size: int) -> bool:
    """Tell whether the last frame of a file ends at its size; else is left to who unpacks it."""
    import zstandard

    place = 0
    try:
        while place < size:
            place = _end_of_frame(stream, place)
    except EOFError:
        return False
    except zstandard.ZstdError:
        return True
    return place == size


def _end_of_frame(stream: IO[bytes], place: int) -> int:
    """Give where a frame ends that begins at a place."""
    import zstandard

    stream.seek(place)
    head = stream.read(_HEADER)
    magic = int.from_bytes(head[:4], "little")
    if magic & ~0xF == _SKIPPABLE:
        return place + 8 + int.from_bytes(head[4:8], "little")
    try:
        checksum = 4 * zstandard.get_frame_parameters(head).has_checksum
        place += zstandard.frame_header_size(head)
    except zstandard.ZstdError:
        if len(head) < _HEADER:
            raise EOFError from None
        raise
    last = False
    while not last:
        stream.seek(place)
        block = int.from_bytes(_exactly(stream, 3), "little")
        last, kind, length = bool(block & 1), block >> 1 & 3, block >> 3
        place += 3 + (1 if kind == 1 else length)  # of a byte that repeats, there is one
    return place + checksum


def _exactly(stream: IO[bytes], count: int) -> bytes:
    found = stream.read(count)
    if len(found) < count:
        raise EOFError
    return found
