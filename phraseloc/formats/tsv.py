"""The reference scorer's TSV: ``image, phrase, x, y, w, h`` a line, ``x, y`` alone for points.

An optional first line ``#phraseloc layout=xyxy corners=continuous origin=0 units=pixel`` declares
what the numbers mean. The file has no keys: its rows are the ground truth's, in its order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from phraseloc.errors import InputError, Problems
from phraseloc.formats.records import Record, RecordFile
from phraseloc.formats.source import lines_of

HEADER = "#phraseloc"
NO_NUMBERS = "a line with a box that is not of numbers"
_COLUMNS = "image, phrase, x, y, w, h (or image, phrase, x, y for points), split by tabs"


def read_tsv(data: bytes, source: str, problems: Problems) -> RecordFile:
    """Read a record a line; wrong lines are noted in ``problems``."""
    lines = lines_of(data, source)
    header: Mapping[str, Any] = {}
    first = 1
    if lines[0].startswith(HEADER):
        header, first = read_header(lines[0], source), 2
    records, rows = read_lines(lines[first - 1 :], first, problems)
    return RecordFile(records, np.array(rows, dtype=np.int64), "line", header)


def read_lines(
    lines: Sequence[str], first: int, problems: Problems
) -> tuple[list[Record], list[int]]:
    """Read lines, the first of which has a number; give the sound ones and their numbers."""
    records, rows = [], []
    for row, line in enumerate(lines, start=first):
        fields = line.split("\t")
        numbers = [number for text in fields[2:] if (number := number_of(text)) is not None]
        if len(numbers) < len(fields) - 2:
            problems.add(NO_NUMBERS, f"line {row}: found {fields[2:]}")
            continue
        if len(numbers) == 4:
            box = (numbers[0], numbers[1], numbers[2], numbers[3])
            records.append(Record(fields[0], fields[1], box))
        elif len(numbers) == 2:
            records.append(Record(fields[0], fields[1], point=(numbers[0], numbers[1])))
        else:
            problems.add(
                f"a line without the columns {_COLUMNS}", f"line {row}: found {len(fields)} columns"
            )
            continue
        rows.append(row)
    return records, rows


def number_of(text: str) -> float | None:
    """Read a number in plain ASCII; None where it is none.

    Examples
    --------
    >>> number_of("1.5"), number_of("1_000"), number_of("")
    (1.5, None, None)
    """
    if "_" in text or not text.isascii():  # which Python would take
        return None
    try:
        return float(text)
    except ValueError:
        return None


def read_header(line: str, source: str) -> dict[str, Any]:
    """Read what the first line of a table declares of its boxes."""
    fields: dict[str, Any] = {}
    for word in line.split()[1:]:
        name, equals, value = word.partition("=")
        if not equals:
            raise InputError(source, f"line 1: found {word!r} in the header, expected name=value")
        fields[name] = int(value) if name == "origin" and value.isdecimal() else value
    return fields


def header_line(header: Mapping[str, Any]) -> str:
    """Write the line that `read_header` reads."""
    return " ".join([HEADER, *(f"{name}={value}" for name, value in header.items())]) + "\n"
