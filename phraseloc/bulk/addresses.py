"""Addresses: shards elsewhere, as ``s3://bucket/run-7/*.parquet``, found by fsspec.

What a scheme needs is a driver, a package of its own (s3fs, gcsfs, adlfs) that users install. It
finds credentials where it always does, in the variables and files of its environment. Whatever a
driver raises becomes an `InputError` that names the address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from glob import has_magic
from itertools import takewhile
from typing import Any, cast

from phraseloc.errors import InputError, MissingExtra


def is_address(name: str) -> bool:
    """Tell whether a name is an address; a single letter is a drive.

    Examples
    --------
    >>> [is_address(name) for name in ("s3://bucket/mine.json", "mine.json", "C://mine.json")]
    [True, False, False]
    """
    return re.match(r"[A-Za-z][\w+.:-]+://", name) is not None


def find_files(address: str) -> list[str]:
    """Find the files of an address: the one that it names, those that match it or of its folder.

    Raises
    ------
    InputError
        if there is none, or the driver says no
    """
    with answered(address):
        driver, path = driver_of(address)
        try:
            found = driver.info(path)
        except FileNotFoundError:
            if not has_magic(path):
                raise
            files = [one for one in driver.glob(path, detail=True).values() if _is_file(one)]
            if not files:
                driver.ls(_fixed(path))  # some drivers keep silent in a pattern about what is wrong
                raise InputError(address, "no file matches") from None
        else:
            if _is_file(found) and not address.endswith("/"):
                return [address]
            files = [one for one in driver.ls(path, detail=True) if _is_file(one)]
        return sorted(_address_of(driver, address, path, one["name"]) for one in files)


def _is_file(found: dict[str, Any]) -> bool:
    return bool(found["type"] == "file")


def _fixed(pattern: str) -> str:
    """Give the folder of a pattern below which it has any magic."""
    parts = pattern.split("/")
    return "/".join(parts[: next(place for place, part in enumerate(parts) if has_magic(part))])


def _address_of(driver: Any, asked: str, path: str, found: str) -> str:
    """Write what a driver found as what was asked for is written, with its host and account."""
    asked, path = asked.rstrip("/"), path.rstrip("/")
    ends = zip(reversed(asked), reversed(path), strict=False)
    same = len(list(takewhile(lambda letters: letters[0] == letters[1], ends)))
    head, cut = asked[: len(asked) - same], len(path) - same
    address = head + found[cut:]
    if found[:cut] == path[:cut] and is_address(address):
        return address
    return str(driver.unstrip_protocol(found))


def size_of(address: str) -> int:
    """Give how many bytes a file has.

    Raises
    ------
    InputError
        if the driver does not say
    """
    with answered(address):
        driver, path = driver_of(address)
        size = driver.size(path)
        if size is None:
            raise InputError(address, "found no size, expected a file that can be read in parts")
        return int(size)


@contextmanager
def answered(address: str, failures: list[InputError] | None = None) -> Iterator[None]:
    """Turn whatever a driver raises into an error that names the address, and note it.

    Raises
    ------
    InputError
        with what the driver said
    """
    try:
        yield
    except MissingExtra:
        raise
    except Exception as error:  # errors of drivers have no common base
        failure = error if isinstance(error, InputError) else _failure(address, error)
        if failures is not None:
            failures.append(failure)
        raise failure from None


def _failure(address: str, error: Exception) -> InputError:
    words = str(getattr(error, "strerror", None) or error)
    cause = str(error.__cause__ or "")
    said = " ".join((words if cause in words else f"{words} ({cause})").split())
    found = (reason for kind, reason in _REASONS.items() if isinstance(error, kind))
    reason = next(found, f"cannot be read: {type(error).__name__}")
    return InputError(address, f"{reason}: {said}" if said else reason)


_REASONS = {
    FileNotFoundError: "no such file, folder or bucket",
    PermissionError: "access refused",
    ImportError: "its driver is not installed",
}


def reached(connection: Any, file: str) -> AbstractContextManager[Any]:
    """Give a connection of DuckDB that reads a file: as it is, or at its address by a bridge."""
    if not is_address(file):
        return nullcontext(connection)
    from phraseloc.bulk.bridge import bridged

    return bridged(connection, file)


def driver_of(address: str) -> tuple[Any, str]:
    """Give the driver of an address, and what it calls the file there.

    Raises
    ------
    InputError
        if it is no address
    MissingExtra
        if fsspec is not installed
    """
    try:
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]
        from fsspec.registry import get_filesystem_class  # type: ignore[import-untyped]
    except ImportError:
        raise MissingExtra("fsspec", "scale", "reading addresses") from None
    if "::" in address:
        raise InputError(address, 'found "::", expected one address, as s3://bucket/mine.parquet')
    scheme = address.partition("://")[0]
    try:
        get_filesystem_class(scheme)
    except ValueError:
        message = f"found scheme {scheme}, expected one that fsspec knows, as s3, gs or abfs"
        raise InputError(address, message) from None
    return cast("tuple[Any, str]", url_to_fs(address))
