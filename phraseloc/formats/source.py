"""The border: bytes of files, decompressed by what they are, and the rules that text must keep."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from os import stat_result
from pathlib import Path
from typing import IO, Any

from phraseloc.errors import InputError, OptionError

STDIN = "-"


def name_of(path: str | Path) -> str:
    """Name a file in messages and tables."""
    return "standard input" if str(path) == STDIN else Path(path).name or str(Path(path).resolve())


def names_of(paths: Sequence[str], names: Sequence[str] | None = None) -> list[str]:
    """Name files in tables where their names are told apart; else by their paths.

    Parameters
    ----------
    names : what they are called; by default as `name_of` has it
    """
    found = [name_of(path) for path in paths] if names is None else list(names)
    return found if len(set(found)) == len(found) else list(paths)


def read_bytes(path: str | Path) -> bytes:
    """Read a whole file, or standard input as ``-``; gzip, zstd, bzip2 and xz are decompressed.

    Raises
    ------
    InputError
        if the file is not there, cannot be read, is empty or breaks off
    """
    if str(path) == STDIN:
        raw = sys.stdin.buffer.read()
    else:
        try:
            raw = Path(path).read_bytes()
        except OSError as error:
            raise InputError(str(path), reason_of(error)) from None
    try:
        data: bytes = decompressed(io.BytesIO(raw)).read()
    except Exception as error:  # the decompressors' errors have no common base
        raise InputError(name_of(path), f"cannot be decompressed: {error}") from None
    if not data:
        raise InputError(name_of(path), "the file is empty (0 bytes)")
    return data


def decompressed(file: IO[bytes]) -> Any:
    """Give a file that reads as the decompressed content of another, found by its first bytes."""
    start = file.read(6)
    file.seek(0)
    if start.startswith(b"\x28\xb5\x2f\xfd"):
        return io.BytesIO(_unzstd(file.read()))
    for magic, module in _COMPRESSED.items():
        if start.startswith(magic):
            return import_module(module).open(file)
    return file


_COMPRESSED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\x00": "lzma"}


def is_archive(path: Path) -> bool:
    """Tell whether a path is a folder, a zip or a tar archive, by its content."""
    if path.is_dir() or is_zip(path):
        return True
    with path.open("rb") as raw:
        try:
            return bool(decompressed(raw).read(262)[257:] == b"ustar")
        except Exception:  # whatever it is, it is no archive
            return False


def is_zip(path: Path) -> bool:
    """Tell whether a file begins as a zip archive does."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def stat_of(path: str | Path) -> stat_result:
    """Give the size and the times of a file or folder.

    Raises
    ------
    InputError
        if it is not there
    """
    try:
        return Path(path).stat()
    except OSError as error:
        raise InputError(str(path), reason_of(error)) from None


def reason_of(error: OSError) -> str:
    """Say why a file cannot be opened, without its name."""
    return (error.strerror or str(error)).lower()


def foreign_kind(start: bytes) -> str | None:
    """Name what a file is by its first bytes, where it is something else than data of this field.

    Examples
    --------
    >>> foreign_kind(b"<!DOCTYPE html>")
    'HTML or XML'
    """
    start = start if start[:5].lower() != b"<html" else b"<html"
    return next((name for magic, name in _FOREIGN.items() if start.startswith(magic)), None)


_FOREIGN = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"%PDF": "a PDF",
    b"\x89HDF": "an HDF5 file",
    b"\x80\x02": "a pickle",
    b"\x80\x03": "a pickle",
    b"\x80\x04": "a pickle",
    b"\x80\x05": "a pickle",
    b"\x93NUMPY": "a NumPy array",
    b"PK\x03\x04": "a zip archive that is damaged, or no release",
    b"<?xml": "XML",
    b"<!": "HTML or XML",
    b"<html": "HTML",
}


def _unzstd(data: bytes) -> bytes:
    import zstandard

    frames = []
    while data:
        frame = zstandard.ZstdDecompressor().decompressobj()
        frames.append(frame.decompress(data))
        if not frame.eof:
            raise EOFError("the compressed data break off")
        data = frame.unused_data
    return b"".join(frames)


def check_text(data: bytes, source: str, first: int = 1) -> str:
    """Decode text: UTF-8, without a byte order mark, with LF line ends.

    Parameters
    ----------
    first : the number of its first line

    Raises
    ------
    InputError
        if it is not; the message names the first line that is not, and the way to mend it
    """
    if first == 1 and data.startswith(b"\xef\xbb\xbf"):
        raise InputError(
            source, "found a UTF-8 byte order mark, expected none; save it as plain UTF-8"
        )
    if b"\r" in data:
        line = data.count(b"\n", 0, data.index(b"\r")) + first
        raise InputError(
            source, f"line {line}: found a CR line end, expected LF; convert the file (dos2unix)"
        )
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + first
        raise InputError(
            source, f"line {line}: found byte 0x{data[error.start]:02x}, expected UTF-8 text"
        ) from None


def lines_of(data: bytes, source: str, first: int = 1) -> list[str]:
    """Split text into lines, the first of which has a number; the last line end is optional."""
    text = check_text(data, source, first)
    return text.removesuffix("\n").split("\n")


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside ``path`` that takes its place when the block ends well.

    Raises
    ------
    InputError
        if it cannot be written; nothing is left behind then
    """
    import os
    import tempfile

    temporary = None
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent or ".")
        with os.fdopen(descriptor, "wb") as file:
            yield file
        Path(temporary).chmod(0o666 & ~_umask())
        Path(temporary).replace(path)
        temporary = None
    except OSError as error:
        raise InputError(str(path), f"cannot be written: {reason_of(error)}") from None
    finally:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)


def _umask() -> int:
    import os

    mask = os.umask(0)
    os.umask(mask)
    return mask


def suffix_of(path: Path, known: Sequence[str]) -> str:
    """Give the suffix that names a file's format, that of its compression aside.

    Raises
    ------
    OptionError
        if it is not among the known ones
    """
    stem = path.with_suffix("") if path.suffix in (".gz", ".zst") else path
    if stem.suffix not in known:
        raise OptionError(f"{path}: found suffix {stem.suffix!r}, expected {', '.join(known)}")
    return stem.suffix


def compressed(data: bytes, path: Path) -> bytes:
    """Compress by the file's suffix: ``.gz`` and ``.zst``."""
    if path.suffix == ".gz":
        import gzip

        return gzip.compress(data, mtime=0)
    if path.suffix == ".zst":
        import zstandard

        return zstandard.ZstdCompressor().compress(data)
    return data
