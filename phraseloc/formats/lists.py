"""Lists beside a release: the images of a split, and captions that describe another image."""

from __future__ import annotations

from pathlib import Path

from phraseloc.errors import InputError, Problems
from phraseloc.formats.source import lines_of, name_of, read_bytes


def read_split(path: str | Path) -> list[str]:
    """Read a split list: an image id a line.

    Raises
    ------
    InputError
        if a line is empty, or an image stands twice
    """
    source = name_of(path)
    lines = lines_of(read_bytes(path), source)
    problems = Problems(source)
    first: dict[str, int] = {}
    for row, line in enumerate(lines, start=1):
        image = line.strip()
        if not image or "\t" in image or " " in image:
            problems.add("a line that is not an image id", f"line {row}: found {line[:60]!r}")
        elif image in first:
            problems.add(
                "an image that stands twice", f"line {row}: {image}, first in {first[image]}"
            )
        first.setdefault(image, row)
    problems.raise_if_any()
    return list(first)


def read_unrelated(path: str | Path) -> frozenset[tuple[str, int]]:
    """Read ``UNRELATED_CAPTIONS``: image and sentence number, from 1; ``#`` starts a comment."""
    source = name_of(path)
    captions = set()
    for row, line in enumerate(lines_of(read_bytes(path), source), start=1):
        if line.startswith("#"):
            continue
        image, _, number = line.partition(" ")
        if not number.strip().isdecimal() or int(number) < 1:
            raise InputError(source, f"line {row}: found {line!r}, expected an image and a number")
        captions.add((image, int(number) - 1))
    return frozenset(captions)
