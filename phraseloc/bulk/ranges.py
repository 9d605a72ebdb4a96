"""A file at an address, read in ranges of bytes, each of which is one question to the driver.

DuckDB reads a place in two calls, to seek and to read, and does so in several threads at once with
one file. Each thread must find the place that it sought; files of drivers have one place for all.
"""

from __future__ import annotations

from functools import partial
from threading import Lock, get_ident
from typing import Any

from phraseloc.bulk.addresses import answered, driver_of, size_of
from phraseloc.errors import InputError

_LEAST, _MOST = 2**16, 2**23
"""How many bytes are fetched ahead of small reads: ever more while they go on, or skip a bit."""

_SMALL = 2**20


class RangedFile:
    """A file of S bytes; what fails is an `InputError`, and is noted.

    Parameters
    ----------
    address : where it is
    failures : where errors are noted, as DuckDB passes them on as text
    """

    def __init__(self, address: str, failures: list[InputError] | None = None) -> None:
        self._address = address
        self._answered = partial(answered, address, failures)
        with self._answered():
            self._driver, self._path = driver_of(address)
            self.size = size_of(address)
        self._lock = Lock()
        self._place = 0
        self._sought: dict[int, int] = {}
        self._window = (0, b"")
        self._ahead = _LEAST

    def seek(self, place: int, whence: int = 0) -> int:
        """Go to a place, where this thread reads next."""
        with self._lock:
            self._place = (0, self._place, self.size)[whence] + place
            self._sought[get_ident()] = self._place
            return self._place

    def tell(self) -> int:
        """Give the place that was read or sought last."""
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Read from where this thread sought, or go on where any of them ended."""
        with self._lock:
            begin = self._sought.pop(get_ident(), None)
            if begin is None:  # threads take turns with one stream: no place is a thread's own
                begin = self._place
                self._sought.clear()
            end = self.size if size < 0 else min(begin + size, self.size)
            self._place = max(begin, end)
        return self._read(begin, end) if begin < end else b""

    def _read(self, begin: int, end: int) -> bytes:
        if end - begin >= _SMALL:
            return self._fetch(begin, end)
        low, data = self._window
        high = low + len(data)
        if not low <= begin <= end <= high:
            near = low <= begin <= high + self._ahead
            self._ahead = min(4 * self._ahead, _MOST) if near else _LEAST
            low, data = begin, self._fetch(begin, min(max(begin + self._ahead, end), self.size))
            self._window = (low, data)
        return data[begin - low : end - low]

    def _fetch(self, begin: int, end: int) -> bytes:
        with self._answered():
            data = bytes(self._driver.cat_file(self._path, start=begin, end=end))
            if len(data) != end - begin:  # a web server may answer with all of the file
                raise InputError(
                    self._address,
                    f"found {len(data):,} bytes where {end - begin:,} were asked for; expected a "
                    "server that gives parts of a file",
                )
            return data

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it has places."""
        return True

    def close(self) -> None:
        """Forget what was fetched; there is nothing to close."""
        self._window = (0, b"")

    def __enter__(self) -> RangedFile:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
