"""A file opened once: its first bytes tell the format, then it is read whole or line by line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from phraseloc.errors import InputError
from phraseloc.formats.source import STDIN, decompressed, name_of, read_bytes, reason_of

START = 4096
"""How many bytes tell the format."""


@contextmanager
def opened(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a file, or standard input as ``-``, as its decompressed content.

    Files of gzip, bzip2 and xz stream; those of zstd are decompressed in memory.

    Raises
    ------
    InputError
        if the file is not there or cannot be read
    """
    if str(path) == STDIN:
        yield io.BytesIO(read_bytes(path))
        return
    with ExitStack() as files:
        try:
            raw = files.enter_context(Path(path).open("rb"))
        except OSError as error:
            raise InputError(str(path), reason_of(error)) from None
        with _reading(name_of(path)):
            file: IO[bytes] = decompressed(raw)
        yield file


def start_of(file: IO[bytes], source: str) -> bytes:
    """Give the first bytes of a file, which is left at its beginning.

    Raises
    ------
    InputError
        if the file is empty
    """
    with _reading(source):
        start = file.read(START)
        file.seek(0)
    if not start:
        raise InputError(source, "the file is empty (0 bytes)")
    return start


def content_of(file: IO[bytes], source: str) -> bytes:
    """Read all of a file."""
    with _reading(source):
        return file.read()


def lines_from(file: IO[bytes], source: str) -> Iterator[bytes]:
    """Yield the lines of a file with their ends, one in memory at a time."""
    while True:
        with _reading(source):
            line = file.readline()
        if not line:
            return
        yield line


@contextmanager
def _reading(source: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the decompressors' errors have no common base
        raise InputError(source, f"cannot be decompressed: {error}") from None
