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

__all__ = ["load_vectors"]


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
    wanted = frozenset(words)
    if source is None:
        return _vectors(arrays.read_default(wanted), arrays.DEFAULT, arrays.DEFAULT)
    text, _, member = str(source).partition("#")
    path = Path(text)
    name = _name_of(member or path.name)
    try:
        start = _start_of(path)
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


def _name_of(file: str) -> str:
    """Give what tables call the vectors: the file's name without what tells its format."""
    for suffix in (".gz", ".zst", ".zip", ".txt", ".vec", ".bin", ".kv", ".npy"):
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
    from phraseloc.formats.vectors.text import is_header, read_text

    with _opened(path, member) as file:
        start = _peeked(file)
        kind = foreign_kind(start.lstrip())
        head, _, rest = start.partition(b"\n")
        binary = is_header(head) and not _is_text(rest)
        if kind or (not binary and not (head and _is_text(start))):
            raise InputError(
                path.name,
                f"found {kind or 'a file of no known format'}, expected word vectors: GloVe or "
                "word2vec, gensim's .kv, or .npy with its words",
            )
        return (read_binary if binary else read_text)(file, path.name, wanted)


def _peeked(file: Any) -> bytes:
    start: bytes = file.peek(4096)[:4096]
    return start


def _is_text(data: bytes) -> bool:
    """Tell whether the beginning of a file is text: words in UTF-8, without control characters."""
    if any(byte < 32 and byte not in b"\t\n\r" for byte in data):
        return False
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start > len(data) - 4  # a character that the beginning cuts
    return True


@contextmanager
def _opened(path: Path, member: str) -> Iterator[IO[bytes]]:
    """Open a file, decompressed; errors of the decompressors become InputErrors."""
    import io
    import zipfile
    import zlib

    try:
        with path.open("rb") as raw:
            if is_zip(path):
                archive = zipfile.ZipFile(raw)
                with archive, archive.open(_member_of(archive, path, member)) as file:
                    yield io.BufferedReader(file)  # type: ignore[type-var]
            elif member:
                raise OptionError(f"{path.name} is no zip archive: expected no #{member}")
            else:
                yield io.BufferedReader(decompressed(raw))
    except (EOFError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
        raise InputError(path.name, f"cannot be decompressed: {error}") from None


def _member_of(archive: Any, path: Path, member: str) -> str:
    """Find the text of an archive that was named, or its only one."""
    texts = [name for name in archive.namelist() if not name.endswith("/")]
    if member in texts or (not member and len(texts) == 1):
        return member or str(texts[0])
    listed = ", ".join(f"{path.name}#{name}" for name in texts) or "none"
    raise OptionError(
        f"{path.name}: found {f'no {member}' if member else 'no single text'}; expected one of "
        f"{listed}"
    )
