"""Word vectors, read for the words that are wanted alone, of every format in use.

==========================  =============  ==================================================
format                      module         found by
==========================  =============  ==================================================
GloVe and word2vec text     text           lines of a word and numbers (plain, gzip, zstd, zip)
word2vec binary             binary         a line of two counts, then what is no text
gensim's ``NAME.kv``        keyed_vectors  a pickle
``NAME.npy`` and its words  arrays         a NumPy array
==========================  =============  ==================================================

What was found in a scanned file is kept in the cache.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from phraseloc.errors import InputError, OptionError
from phraseloc.formats.source import decompressed, foreign_kind, is_zip, reason_of
from phraseloc.formats.vectors import arrays
from phraseloc.formats.vectors.cache import remembered
from phraseloc.formats.vectors.found import Found
from phraseloc.vectors import WordVectors

__all__ = ["load_vectors", "split_source", "text_file"]


def load_vectors(source: str | Path | None, words: Iterable[str]) -> WordVectors:
    """Load the vectors of words, as far as a file has them.

    Parameters
    ----------
    source : the file; ``FILE.zip#MEMBER`` names one of several texts of an archive; None is GloVe
        6B 50d, of the extra ``glove``
    words : the words that are wanted

    Raises
    ------
    InputError
        if the file cannot be used; the message names the line
    OptionError
        if an archive has several texts, and none is named
    MissingExtra
        if no file is named and the default is not installed

    Examples
    --------
    >>> load_vectors(None, ["dog", "zzxq"]).words
    ['dog']
    """
    wanted = frozenset(word for word in words if not _LONE_SURROGATE.search(word))
    if source is None:
        return _vectors(arrays.read_default(wanted), arrays.DEFAULT, arrays.DEFAULT)
    path, member = split_source(source)
    name = _name_of(member or path.name)
    try:
        start = _start_of(path)
        if member and not is_zip(path):
            raise OptionError(f"{path.name} is no zip archive: expected no #{member}")
        if start.startswith(b"\x93NUMPY"):
            found = arrays.read_npy(path, wanted)
        elif start.startswith(b"\x80"):
            from phraseloc.formats.vectors.keyed_vectors import read_gensim

            found = read_gensim(path, wanted)
        else:
            found = remembered(path, member, wanted, lambda more: _scanned(path, member, more))
    except OSError as error:
        raise InputError(str(path), reason_of(error)) from None
    return _vectors(found, name, path.name)


def _vectors(found: Found, name: str, source: str) -> WordVectors:
    return WordVectors(found.words, found.matrix, name, source)


def split_source(source: str | Path) -> tuple[Path, str]:
    """Split ``FILE.zip#MEMBER``; a file may have # in its name."""
    text, _, member = str(source).partition("#")
    return (Path(text), member) if not Path(source).exists() else (Path(source), "")


def _name_of(file: str) -> str:
    """Give what tables call the vectors: the file's name without what tells its format."""
    for suffix in (".gz", ".bz2", ".xz", ".zst", ".zip", ".txt", ".vec", ".bin", ".kv", ".npy"):
        file = file.removesuffix(suffix)
    return Path(file).name


def _start_of(path: Path) -> bytes:
    with path.open("rb") as file:
        start = file.read(64)
    if not start:
        raise InputError(path.name, "the file is empty (0 bytes)")
    return start


def _scanned(path: Path, member: str, wanted: frozenset[str]) -> Found:
    """Read the wanted words of a file that has to be read from its beginning."""
    from phraseloc.formats.vectors.binary import read_binary
    from phraseloc.formats.vectors.text import read_text

    source = f"{path.name}#{member}" if member else path.name
    with text_file(path, member) as file:
        start = _peeked(file)
        if not start:
            raise InputError(source, "the file is empty (0 bytes)")
        if start.startswith(b"\xef\xbb\xbf"):
            raise InputError(source, "found a UTF-8 byte order mark, expected none")
        binary = _is_binary(start)
        kind = foreign_kind(start.lstrip())
        if kind or (not binary and _CONTROLS.intersection(start)):
            raise InputError(
                source,
                f"found {kind or 'a file of no known format'}, expected word vectors: GloVe or "
                "word2vec, gensim's .kv, or .npy with its words",
            )
        return (read_binary if binary else read_text)(file, source, wanted)


_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
"""Half a character, as broken JSON can have; no file of UTF-8 does."""

_CONTROLS = frozenset(range(32)).difference(b"\t\n\r")
"""Characters that no text has."""


def _peeked(file: Any) -> bytes:
    start: bytes = file.peek(4096)[:4096]
    return start


def _is_binary(start: bytes) -> bool:
    """Tell whether a file is word2vec's binary: a header, and then no number and no plain text."""
    from phraseloc.formats.vectors.text import is_header, is_number

    head, _, rest = start.partition(b"\n")
    if not is_header(head) or (rest.isascii() and not _CONTROLS.intersection(rest)):
        return False
    fields = rest.partition(b" ")[2].split(maxsplit=1)
    return not (fields and is_number(fields[0]))


@contextmanager
def text_file(path: Path, member: str) -> Iterator[IO[bytes]]:
    """Open a file, decompressed; errors of the decompressors become InputErrors."""
    import gzip
    import io
    import lzma
    import zipfile
    import zlib

    import zstandard

    damaged = (
        *(EOFError, RuntimeError, gzip.BadGzipFile, lzma.LZMAError, zlib.error),
        *(zipfile.BadZipFile, zstandard.ZstdError),
    )
    try:
        with path.open("rb") as raw:
            if is_zip(path):
                archive = zipfile.ZipFile(raw)
                with archive, archive.open(_member_of(archive, path, member)) as file:
                    yield io.BufferedReader(file)  # type: ignore[type-var]
            else:
                yield io.BufferedReader(decompressed(raw))
    except damaged as error:
        raise InputError(path.name, f"cannot be decompressed: {error}") from None


def _member_of(archive: Any, path: Path, member: str) -> str:
    """Find the text of an archive that was named, or its only one."""
    files = [name for name in archive.namelist() if not name.endswith("/")]
    texts = files if member in files else [name for name in files if name.endswith(".txt")] or files
    if member in texts or (not member and len(texts) == 1):
        return member or str(texts[0])
    if not texts:
        raise InputError(path.name, "found no file in the archive, expected one text")
    listed = ", ".join(f"{path.name}#{name}" for name in texts)
    raise OptionError(
        f"{path.name}: found {f'no {member}' if member else 'no single text'}; expected one of "
        f"{listed}"
    )
