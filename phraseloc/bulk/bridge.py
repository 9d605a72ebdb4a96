"""The bridge from DuckDB to a driver of fsspec: DuckDB asks for bytes of an address, it answers.

A driver is not given to DuckDB as it is, which would look names up as patterns, ask for times that
not every driver tells (HTTP's does not), mix up the places that its threads read (`RangedFile`),
and tell a driver's errors as tracebacks.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from fsspec import AbstractFileSystem  # type: ignore[import-untyped]

from phraseloc.bulk.addresses import answered, size_of
from phraseloc.bulk.ranges import RangedFile
from phraseloc.errors import InputError


class Bridge(AbstractFileSystem):  # type: ignore[misc]
    """What DuckDB calls of a file system, for files whose addresses are known.

    Parameters
    ----------
    scheme : that of the addresses
    """

    cachable = False

    def __init__(self, scheme: str) -> None:
        super().__init__()
        self.protocol = scheme
        self.failures: list[InputError] = []

    def glob(self, path: str, **_: Any) -> list[str]:
        """Give the address itself, which is that of a file, whatever letters it has."""
        return [path]

    def open(self, path: str, *_: Any, **__: Any) -> RangedFile:
        """Open a file, to read it."""
        return RangedFile(path, self.failures)

    def size(self, path: str) -> int:
        """Give how many bytes a file has."""
        with answered(path, self.failures):
            return size_of(path)

    def modified(self, path: str) -> datetime:  # noqa: ARG002
        """Give one time for all; it matters to a connection that reads a file twice."""
        return datetime(2000, 1, 1, tzinfo=timezone.utc)


@contextmanager
def bridged(connection: Any, address: str) -> Iterator[Any]:
    """Give a connection of DuckDB that reads the scheme of an address.

    Raises
    ------
    InputError
        with what a driver said, instead of DuckDB's error
    """
    bridge = Bridge(address.partition("://")[0])
    connection.register_filesystem(bridge)
    try:
        yield connection
    except Exception:
        if bridge.failures:
            raise bridge.failures[0] from None
        raise
