"""What is wrong with a large file of lines, told as the reader of small files tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import IO

from phraseloc.bulk.contents import opened
from phraseloc.errors import InputError, Problems
from phraseloc.formats.json_records import is_lines, read_json_lines

_CHUNK = 16_000_000
"""How many bytes are looked at together."""

Read = Callable[[bytes, int, Problems], object]
"""Reads whole lines, the first of which has a number, and notes what is wrong with them."""


def find_problem(file: str) -> InputError | None:
    """Read a file of JSON Lines again; None where every line is sound, or it is no such file."""

    def read(chunk: bytes, first: int, problems: Problems) -> None:
        read_json_lines(chunk, file, problems, first)

    return first_problem(file, read, is_lines)


def first_problem(
    file: str, read: Read, applies: Callable[[bytes], bool] = bool
) -> InputError | None:
    """Read a file again, a chunk of lines at a time; None where every line is sound.

    The error names the wrong lines of the first chunk that has any, by their numbers in the file.

    Parameters
    ----------
    applies : tells by the first chunk whether the file is one of such lines; else it is not read
    """
    import zlib

    import zstandard

    with opened(file) as stream:
        before = 0
        try:
            for chunk in _chunks(stream):
                if before == 0 and not applies(chunk):
                    return None
                problems = Problems(file)
                read(chunk, before + 1, problems)
                if problems:
                    return InputError(file, "\n".join(problems.lines()))
                before += chunk.count(b"\n")
        except InputError as error:
            return error
        except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
            return InputError(file, f"cannot be read: {error}")
    return None


def _chunks(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield whole lines, some megabytes at a time."""
    rest = b""
    while block := stream.read(_CHUNK):
        head, end, tail = block.rpartition(b"\n")
        if end:
            yield rest + head + end
            rest = tail
        else:
            rest += block
    if rest:
        yield rest
