"""Large tables of text: lines to the columns of records.

DuckDB reads lines and Arrow splits them. DuckDB's own reader of CSV passes over blank lines, after
which no row has its number, and drops the rest of a file at a quote that is not closed, without a
word; so lines, cells and quotes are counted here. What is wrong with a line is told by the reader
of small files, which looks at the file again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from phraseloc.bulk.contents import beginning
from phraseloc.bulk.lines import first_problem
from phraseloc.columns import IntArray
from phraseloc.errors import InputError, Problems
from phraseloc.formats import find_reader
from phraseloc.formats.records import LARGEST, Record
from phraseloc.formats.source import check_text, lines_of
from phraseloc.formats.table import (
    JOINT,
    MOST,
    SIDES,
    WHOLES,
    Head,
    read_head,
    read_rows,
    read_table,
)
from phraseloc.formats.tsv import HEADER, read_header, read_lines, read_tsv

LINES = (
    "columns={'line': 'VARCHAR'}, delim='\x1f', quote='', escape='', new_line='\\n', "
    "header=false, auto_detect=false, parallel=false"
)
"""How DuckDB reads lines as they stand."""

_BEGINNING = 65_536
"""Within how many bytes the names of columns stand."""

_REFERENCE = ("image", "phrase", "x", "y", "w", "h")
"""The columns of the reference scorer's TSV, of which points have the first four."""


def find_head(file: str, expected: str) -> Head:
    """Find what stands before the rows of a file.

    Parameters
    ----------
    expected : what it should hold, predictions or ground truth

    Raises
    ------
    InputError
        if it is no table of text
    """
    data = beginning(file, _BEGINNING)
    reader = find_reader(data, file, expected)
    lines = check_text(b"\n".join(data.split(b"\n", 3)[:3]), file).split("\n")
    if reader is read_table:
        return read_head(lines, file)
    if reader is read_tsv:
        return _reference_head(lines, file)
    raise InputError(file, "found JSON or Parquet, expected CSV or TSV as its name says")


def _reference_head(lines: list[str], source: str) -> Head:
    header, before = {}, 0
    if lines[0].startswith(HEADER):
        header, before = read_header(lines[0], source), 1
    columns = lines[before].count("\t") + 1 if len(lines) > before else 0
    names = _REFERENCE[:4] if columns == 4 else _REFERENCE
    return Head(names, "\t", False, header, before)


def fields_of(head: Head) -> list[str]:
    """Give the fields of records that a table has, but for texts that are no keys."""
    known = ("image", *WHOLES, "entity", *SIDES, "categories")
    box = "box" if len(head.box) == 4 else "point"
    return [box, *(name for name in known if name in head.names)]


def split_lines(batch: Any, head: Head, *, texts: bool) -> Any:
    """Split a batch of lines, each with its line end, into columns of records.

    Parameters
    ----------
    texts : whether phrases are asked for, too

    Raises
    ------
    ValueError
        if a line is not sound
    """
    import pyarrow

    table = _cells(batch, head, [*fields_of(head)[1:], *["phrase"] * texts])
    columns = {name: table.column(name).combine_chunks() for name in table.column_names}
    if columns["image"].null_count or any(columns[name].null_count for name in head.box):
        raise ValueError("an empty cell")
    fields: dict[str, Any] = {}
    for name, column in columns.items():
        if name in WHOLES:
            column = column.cast(pyarrow.int64())
            _check(column, 0, MOST)
        elif name in SIDES:
            _check(column, -LARGEST, LARGEST)
        elif name == "categories":
            column = _listed(column)
        if name not in head.box:
            fields[name] = column
    sides = np.stack([columns[name].to_numpy() for name in head.box], axis=1)
    places = np.arange(len(table) + 1, dtype=np.int32) * sides.shape[1]
    name = "box" if sides.shape[1] == 4 else "point"
    fields[name] = pyarrow.ListArray.from_arrays(places, sides.ravel())
    return pyarrow.RecordBatch.from_pydict(fields)


def _cells(batch: Any, head: Head, wanted: list[str]) -> Any:
    """Split lines at their delimiters, and read what is wanted of them."""
    import pyarrow
    from pyarrow import csv

    from phraseloc.kernels.quotes import has_loose_quotes

    lines = batch.column(0)
    _, offsets, data = lines.buffers()
    ends = np.frombuffer(offsets, np.int32)[lines.offset : lines.offset + len(lines) + 1]
    text = data.slice(int(ends[0]), int(ends[-1] - ends[0]))
    if lines.null_count:
        raise ValueError("a blank line")
    if head.quoted and has_loose_quotes(np.frombuffer(text, np.uint8), head.delimiter):
        raise ValueError("a quote that is not closed")
    numbers = {*WHOLES, *SIDES, *head.box}
    wanted = [*(name for name in wanted if name in head.names), *head.box]
    types = {n: pyarrow.float64() if n in numbers else pyarrow.string() for n in wanted}
    table = csv.read_csv(
        pyarrow.BufferReader(text),
        csv.ReadOptions(
            use_threads=False,
            block_size=max(text.size, 1),
            column_names=[n if n in types else f"#{i}" for i, n in enumerate(head.names)],
        ),
        csv.ParseOptions(
            delimiter=head.delimiter,
            quote_char='"' if head.quoted else False,
            ignore_empty_lines=False,
        ),
        csv.ConvertOptions(
            check_utf8=False,
            column_types=types,
            include_columns=list(types),
            null_values=[""],
            strings_can_be_null=head.quoted,
            quoted_strings_can_be_null=True,
        ),
    )
    if len(table) != len(lines):
        raise ValueError("a line that is not a row")
    return table


def _check(column: Any, low: float, high: float) -> None:
    """Refuse numbers that are not in a range; absent ones are."""
    numbers = column.drop_null().to_numpy()
    if not ((numbers >= low) & (numbers <= high)).all():
        raise ValueError("a number out of range")


def _listed(column: Any) -> Any:
    """Split categories; an empty cell has none."""
    import pyarrow
    from pyarrow import compute

    lists = compute.split_pattern(column, JOINT)
    return pyarrow.ListArray.from_arrays(lists.offsets, lists.values)


def find_problem(file: str, head: Head) -> InputError | None:
    """Read a file again by the reader of small files; None where every line is sound."""

    def read(chunk: bytes, first: int, problems: Problems) -> None:
        lines = lines_of(chunk, file, first)
        skipped = head.lines if first == 1 else 0
        lines, first = lines[skipped:], first + skipped
        if head.quoted:
            records, rows = read_rows(lines, head, first, problems)
        else:
            records, rows = read_lines(lines, first, problems)
        _note_boxless(records, np.array(rows, np.int64), head, problems)

    return first_problem(file, read)


def _note_boxless(records: list[Record], rows: IntArray, head: Head, problems: Problems) -> None:
    """Note rows without a box or a point, as the other rows have it."""
    points = len(head.box) == 2
    given = [record.point if points else record.box for record in records]
    problems.add_rows(
        'a record without "point" among points'
        if points
        else 'a record with neither "box" nor "boxes"',
        rows[[box is None for box in given]],
        lambda row: f"line {row}",
    )
