"""Files of a folder, a zip or a tar archive, read in place: nothing is unpacked."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from phraseloc.errors import InputError, Problems
from phraseloc.formats.source import decompressed, is_zip, name_of

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
    if path.is_dir():
        read = _folder(path, wanted)
    elif is_zip(path):
        read = _zip(path, wanted, unsafe)
    else:
        read = _tar(path, wanted, unsafe)
    try:
        yield from read
    except InputError:
        raise
    except Exception as error:  # errors of archives and decompressors have no common base
        raise InputError(source, f"the archive cannot be read: {error}") from None
    unsafe.raise_if_any()


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
    with path.open("rb") as raw, tarfile.open(fileobj=decompressed(raw), mode="r|") as archive:
        for member in archive:
            _check_name(member.name, unsafe)
            archive.members = []  # type: ignore[attr-defined]  # tarfile would keep every one
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
