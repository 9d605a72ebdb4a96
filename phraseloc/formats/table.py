"""Tables of text with a line of names, as spreadsheets and pandas have them: CSV and TSV.

The columns are the fields of records (`phraseloc.formats.records`), in any order: ``image``,
``sentence``, ``first_word`` or ``start``, ``entity``, ``phrase``, ``phraseId``, ``width``,
``height``, ``categories`` (joined by ``;``), ``caption``; others are passed over. A row has one
box, as ``x, y, w, h`` or ``x1, y1, x2, y2``, which declare the layout, or a point, as ``x, y``. An
empty cell holds nothing. Quotes are those of RFC 4180, but no cell holds a line end, so that rows
are lines. A line ``#phraseloc corners=continuous …`` may stand first.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from phraseloc.errors import InputError, Problems
from phraseloc.formats.records import LARGEST, Record, RecordFile, shown
from phraseloc.formats.source import lines_of
from phraseloc.formats.tsv import HEADER, NO_NUMBERS, header_line, number_of, read_header
from phraseloc.space import BoxSpace

TEXTS = ("image", "entity", "phrase", "caption")
WHOLES = ("sentence", "first_word", "start", "phraseId")
SIDES = ("width", "height")
BOXES: Mapping[tuple[str, ...], dict[str, str]] = {
    ("x", "y", "w", "h"): {"layout": "xywh"},
    ("x1", "y1", "x2", "y2"): {"layout": "xyxy"},
    ("x", "y"): {},
}
"""The columns of a box or a point, and what their names declare of it."""

JOINT = ";"
"""What joins the categories of a phrase."""

MOST = 2**53
"""Whole numbers beyond it are refused: a table's numbers are read as doubles."""


@dataclass(frozen=True)
class Head:
    """What stands before the rows of a table of text.

    Parameters
    ----------
    names : the names of its columns
    delimiter : what splits them
    quoted : whether cells may stand in quotes
    header : the space that it declares
    lines : how many lines come before the first row
    """

    names: tuple[str, ...]
    delimiter: str
    quoted: bool
    header: Mapping[str, Any]
    lines: int

    @property
    def box(self) -> tuple[str, ...]:
        """The columns of the box, or of the point."""
        return next(columns for columns in BOXES if set(columns) <= set(self.names))


def find_names(line: str) -> tuple[tuple[str, ...], str] | None:
    r"""Give the names of columns that a line holds, and what splits them; None where it is a row.

    Examples
    --------
    >>> find_names("image,entity,x,y,w,h")
    (('image', 'entity', 'x', 'y', 'w', 'h'), ',')
    >>> find_names("image\ta phrase\t1\t1\t40\t40") is None
    True
    """
    for delimiter in "\t,":
        with suppress(csv.Error):
            names = next(csv.reader([line], delimiter=delimiter, strict=True), [])
            if "image" in names and all(number_of(name) is None for name in names):
                return tuple(names), delimiter
    return None


def read_head(lines: Sequence[str], source: str) -> Head:
    """Read the header and the names of a table, of which these are the first lines.

    Raises
    ------
    InputError
        if they are no names, or name no box
    """
    header: dict[str, Any] = {}
    before = int(lines[0].startswith(HEADER))
    if before:
        header = read_header(lines[0], source)
    found = find_names(lines[before]) if before < len(lines) else None
    if found is None:
        raise InputError(source, f"line {before + 1}: found no names of columns")
    names, delimiter = found
    known = [name for name in names if name in _KNOWN]
    given = {name for columns in BOXES for name in columns if name in names}
    box = next((columns for columns in BOXES if set(columns) == given), None)
    if box is None or len(set(known)) < len(known):
        raise InputError(
            source,
            f'line {before + 1}: found columns {", ".join(names)}; expected "image" and others, '
            "each once, with the box as x, y, w, h or x1, y1, x2, y2, or the point as x, y",
        )
    for name, value in BOXES[box].items():
        if header.get(name, value) != value:
            raise InputError(
                source,
                f"its header declares {name} {header[name]!r}, but its columns are "
                + ", ".join(box),
            )
    return Head(names, delimiter, True, {**header, **BOXES[box]}, before + 1)


_KNOWN = {*TEXTS, *WHOLES, *SIDES, "categories", *(name for box in BOXES for name in box)}


def read_table(data: bytes, source: str, problems: Problems) -> RecordFile:
    """Read a record a row; wrong rows are noted in ``problems``."""
    lines = lines_of(data, source)
    head = read_head(lines, source)
    records, rows = read_rows(lines[head.lines :], head, head.lines + 1, problems)
    return RecordFile(records, np.array(rows, dtype=np.int64), "line", head.header)


def read_rows(
    lines: Sequence[str], head: Head, first: int, problems: Problems
) -> tuple[list[Record], list[int]]:
    """Read rows, the first of which has a number; give the sound ones and their numbers."""
    place = {name: place for place, name in enumerate(head.names)}
    cells = [(name, place[name], *_CELLS[name]) for name in _CELLS if name in place]
    sides = [place[name] for name in head.box]
    field = "box" if len(sides) == 4 else "point"
    records, rows = [], []
    for row, fields in _split(lines, head, first, problems):
        values: dict[str, Any] = {}
        wrong = []
        for name, column, read, kind in cells:
            text = fields[column]
            try:
                values[name] = read(text) if text or name in _NEEDED else None
            except ValueError:
                wrong.append((kind, text or fields))
        box = [fields[column] for column in sides]
        numbers = tuple(map(number_of, box))
        if None not in numbers:
            values[field] = numbers
        elif any(box):
            wrong.append((NO_NUMBERS, box))
        for kind, found in wrong:
            problems.add(kind, f"line {row}: found {shown(found)}")
        if not wrong:
            records.append(Record(**values))
            rows.append(row)
    return records, rows


def _image(text: str) -> str:
    if not text:
        raise ValueError
    return text


def _whole(text: str) -> int:
    number = number_of(text)
    if number is None or not (number.is_integer() and 0 <= number <= MOST):
        raise ValueError
    return int(number)


def _side(text: str) -> float:
    number = number_of(text)
    if number is None or not abs(number) <= LARGEST:
        raise ValueError
    return number


def _categories(text: str) -> list[str]:
    return text.split(JOINT) if text else []


_CELLS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "image": (_image, 'a record without "image"'),
    **{name: (str, "") for name in TEXTS if name != "image"},
    **{name: (_whole, f'"{name}" is not a whole number from 0') for name in WHOLES},
    **{name: (_side, f'"{name}" is not a finite number') for name in SIDES},
    "categories": (_categories, ""),
}
"""How a cell is read, and what is wrong where it cannot be."""

_NEEDED = ("image", "categories")
"""The cells that are read where they are empty, too."""


def _split(
    lines: Sequence[str], head: Head, first: int, problems: Problems
) -> Iterator[tuple[int, list[str]]]:
    """Split lines into as many cells as there are names; others are noted."""
    for row, line in enumerate(lines, start=first):
        try:
            fields = next(csv.reader([line], delimiter=head.delimiter, strict=True), [])
        except csv.Error:
            problems.add(
                "a line with a quote that is not closed, or with text after it",
                f"line {row}: found {shown(line)}",
            )
            continue
        if len(fields) == len(head.names):
            yield row, fields
            continue
        columns = "1 column" if len(fields) == 1 else f"{len(fields)} columns"
        problems.add(
            f"a line without the {len(head.names)} columns that the first one names",
            f"line {row}: found {columns if line else 'a blank line'}",
        )


def write_table(rows: Sequence[dict[str, Any]], space: BoxSpace, path: Path) -> str:
    """Write rows as CSV; what the columns do not tell of their space is declared above them.

    Raises
    ------
    InputError
        if a row has several boxes, or a text that no cell holds
    """
    given = dict.fromkeys(name for row in rows for name in row)
    layout = {"layout": space.layout}
    box = ("x", "y") if "point" in given else next(c for c in BOXES if BOXES[c] == layout)
    names = [name for name in given if name in _CELLS]
    told = {**vars(BoxSpace()), **BOXES[box]}
    header = {name: value for name, value in vars(space).items() if value != told[name]}
    sink = io.StringIO()
    sink.write(header_line(header) if header else "")
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow([*names, *box])
    for row in rows:
        numbers = row.get("box") or row.get("point")
        if numbers is None:
            raise InputError(
                str(path), "CSV holds one box a phrase; these are ranked: expected .jsonl"
            )
        writer.writerow([*(_cell(row.get(name), path) for name in names), *map(repr, numbers)])
    return sink.getvalue()


def _cell(value: Any, path: Path) -> str:
    if isinstance(value, list):
        if any(JOINT in text or not text for text in value):
            raise InputError(str(path), f"CSV joins categories by {JOINT}: it cannot hold {value}")
        value = JOINT.join(value)
    text = "" if value is None else str(value)
    if "\n" in text or "\r" in text:
        raise InputError(str(path), f"CSV cannot hold the line end in {text!r}")
    return text
