"""Contents of shards: their bytes, unpacked or as they are, and whether these break off.

DuckDB takes some files that break off for complete, so their ends are looked at here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

from phraseloc.bulk.addresses import is_address
from phraseloc.bulk.ranges import RangedFile
from phraseloc.errors import InputError
from phraseloc.formats.source import reason_of

_TAIL = 4096


@contextmanager
def opened(file: str) -> Iterator[IO[bytes]]:
    """Open a shard, to read what it holds unpacked; its suffix says how, as DuckDB has it."""
    import gzip

    import zstandard

    openers: dict[str, Any] = {".gz": gzip.open, ".zst": zstandard.open}
    unpacked = openers.get(Path(file).suffix, nullcontext)
    with opened_raw(file) as raw, unpacked(raw) as stream:
        yield stream


def opened_raw(file: str) -> AbstractContextManager[Any]:
    """Open a shard, to read its bytes as they are."""
    return RangedFile(file) if is_address(file) else Path(file).open("rb")


def beginning(file: str, size: int = 4096) -> bytes:
    """Give the first bytes of a shard, unpacked.

    Raises
    ------
    InputError
        if it cannot be read, or has none
    """
    import zlib

    import zstandard

    try:
        with opened(file) as stream:
            head: bytes = stream.read(size)
    except OSError as error:
        raise InputError(file, f"cannot be read: {reason_of(error)}") from None
    except (EOFError, zlib.error, zstandard.ZstdError) as error:
        raise InputError(file, f"cannot be read: {error}") from None
    if not head:
        check_unpacked(file)
        raise InputError(file, "the file is empty (0 bytes)")
    return head


def is_array(file: str) -> bool:
    """Tell whether a file of JSON is an array; else it has a record a line."""
    return beginning(file).lstrip()[:1] == b"["


def unseen(file: str) -> InputError | None:
    """Say why a file cannot be opened; None where it can."""
    try:
        with opened(file) as stream:
            stream.read(1)
    except OSError as error:
        return InputError(file, reason_of(error))
    except Exception:  # it is there: DuckDB, or the reader of its lines, says what is wrong in it
        return None
    return None


def check_unpacked(file: str) -> None:
    """Check that a zstd file is whole, before it is read.

    Raises
    ------
    InputError
        if it breaks off
    """
    from phraseloc.bulk.zstd import is_whole

    if file.endswith(".zst"):
        with opened_raw(file) as stream:
            size = stream.seek(0, 2)
            if not is_whole(stream, size):
                message = f"the compressed data break off: found {size:,} bytes, expected more"
                raise InputError(file, message)


def check_closed(file: str) -> None:
    """Check that an array is closed, after it was read; DuckDB reads one that ends at a comma.

    Raises
    ------
    InputError
        if it breaks off
    """
    if not file.endswith(".json") or not is_array(file):
        return
    with opened_raw(file) as stream:
        stream.seek(-min(stream.seek(0, 2), _TAIL), 2)
        end = stream.read().rstrip()
    if not end.endswith(b"]"):
        found = end[-20:].decode(errors="replace")
        raise InputError(file, f"the array breaks off: found {found!r} at its end, expected ]")
