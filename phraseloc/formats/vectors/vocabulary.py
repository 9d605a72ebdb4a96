"""All words of a vector file, in its order, without their vectors."""

from __future__ import annotations

from pathlib import Path

from phraseloc.errors import InputError, OptionError
from phraseloc.formats.vectors import arrays, split_source, text_file
from phraseloc.formats.vectors.text import is_header


def load_words(source: str | Path | None) -> list[str]:
    """Load the words of a text of vectors, of ``NAME.npy``, or of the default vectors (None).

    Raises
    ------
    InputError
        if the file cannot be used
    OptionError
        if it is in a binary format, whose order of words is not that of a text

    Examples
    --------
    >>> load_words(None)[:3]
    ['the', ',', '.']
    """
    if source is None:
        return arrays.default_words()
    path, member = split_source(source)
    if not path.is_file():
        raise InputError(str(path), "no such file")
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith(b"\x93NUMPY"):
        return arrays.npy_words(path)
    if start.startswith(b"\x80"):
        raise OptionError(f"{path.name}: expected vectors as text, as they were trained with")
    words = []
    with text_file(path, member) as file:
        for number, line in enumerate(file):
            if line.strip() and not (number == 0 and is_header(line)):
                words.append(line.partition(b" ")[0])
    try:
        return [word.decode() for word in words]
    except UnicodeDecodeError:
        raise InputError(path.name, "found words that are not UTF-8, expected a text") from None
