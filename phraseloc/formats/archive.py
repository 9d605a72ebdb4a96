"""Files of a folder, a zip or a tar archive, read in place: nothing is unpacked."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from phraseloc.errors import InputError, Problems
from phraseloc.formats.source import name_of

MEMBER_LIMIT = 16 * 2**20
"""The largest file that is read from an archive, in bytes: annotations have a few kilobytes."""

Wanted = Callable[[str], bool]


def read_members(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of the files that are wanted, in the order they stand in.

    Raises
    ------
    InputError
        if the archive is damaged, has a name that leaves it (``../``, ``/``), or a file that is
        too large to be an annotation
    """
    source = name_of(path)
    unsafe = Problems(source)
    try:
        if path.is_dir():
            yield from _folder(path, wanted)
        elif zipfile.is_zipfile(path):
            yield from _zip(path, wanted, unsafe)
        else:
            yield from _tar(path, wanted, unsafe)
    except (
        tarfile.TarError,
        zipfile.BadZipFile,
        EOFError,
        RuntimeError,
        ValueError,
        OSError,
    ) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(source, f"the archive cannot be read: {error}") from None
    except Exception as error:  # the decompressors' own errors have no common base
        if type(error).__name__ not in ("LZMAError", "ZstdError", "error"):
            raise
        raise InputError(source, f"the archive cannot be decompressed: {error}") from None
    unsafe.raise_if_any()


def is_archive(path: Path) -> bool:
    """Tell whether a path is a folder, a zip or a tar archive, by its content."""
    if path.is_dir():
        return True
    if not path.is_file():
        return False
    if zipfile.is_zipfile(path):
        return True
    try:
        with _opened(path) as file:
            return bool(file.read(262)[257:262] == b"ustar")
    except Exception:
        return False


def _folder(path: Path, wanted: Wanted) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path.rglob("*")):
        name = file.relative_to(path).as_posix()
        if wanted(name) and file.is_file():
            yield name, file.read_bytes()


def _zip(path: Path, wanted: Wanted, unsafe: Problems) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            _check_name(member.filename, unsafe)
            if wanted(member.filename):
                _check_size(member.filename, member.file_size, path)
                yield member.filename, archive.read(member)


def _tar(path: Path, wanted: Wanted, unsafe: Problems) -> Iterator[tuple[str, bytes]]:
    with _opened(path) as file, tarfile.open(fileobj=file, mode="r|") as archive:
        for member in archive:
            _check_name(member.name, unsafe)
            archive.members = []  # type: ignore[attr-defined]
            if wanted(member.name) and member.isreg():
                _check_size(member.name, member.size, path)
                content = archive.extractfile(member)
                assert content is not None
                yield member.name, content.read()


def _check_name(name: str, unsafe: Problems) -> None:
    if name.startswith("/") or ".." in PurePosixPath(name).parts:
        unsafe.add("a name that leads out of the archive", f"found {name!r}")


def _check_size(name: str, size: int, path: Path) -> None:
    if size > MEMBER_LIMIT:
        raise InputError(
            name_of(path), f"{name}: found {size:,} bytes, expected at most {MEMBER_LIMIT:,}"
        )


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file and decompress it as it is read."""
    with path.open("rb") as raw:
        start = raw.read(6)
        raw.seek(0)
        if start.startswith(b"\x28\xb5\x2f\xfd"):
            import zstandard

            with zstandard.ZstdDecompressor().stream_reader(raw) as file:
                yield file
        elif start.startswith(b"\x1f\x8b"):
            import gzip

            with gzip.GzipFile(fileobj=raw) as file:
                yield file
        elif start.startswith(b"BZh"):
            import bz2

            with bz2.BZ2File(raw) as file:
                yield file
        elif start.startswith(b"\xfd7zXZ\x00"):
            import lzma

            with lzma.LZMAFile(raw) as file:
                yield file
        else:
            yield raw
