"""Tables: shards that agree in their columns and in what their boxes mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import msgspec

from phraseloc.bulk import queries
from phraseloc.bulk.by_order import has_keys
from phraseloc.bulk.contents import beginning, is_array
from phraseloc.bulk.naming import called, naming
from phraseloc.bulk.queries import TYPES, describe, metadata_of, read_batches, unreadable
from phraseloc.bulk.shards import Shards
from phraseloc.bulk.text_tables import fields_of, find_head, split_lines
from phraseloc.errors import InputError
from phraseloc.formats.records import declared_space
from phraseloc.formats.table import Head
from phraseloc.space import BoxSpace

_NUMBERS = tuple(f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG"))
_NUMBERS = (*_NUMBERS, "INTEGER", "UINTEGER")
_FAMILIES = {"VARCHAR": ("VARCHAR",), "BIGINT": _NUMBERS, "DOUBLE": (*_NUMBERS, "FLOAT", "DOUBLE")}

_FEW = 1000
"""How many rows are looked at to know the others, and the fewest that a block has."""

_COPIES = 16
"""How often a row is in memory at once, about: in blocks that wait, and in what is made of one."""

_Found = tuple[dict[str, str], dict[str, Any]]


@dataclass(frozen=True)
class Table:
    """Shards that agree in their columns and in what their boxes mean.

    Parameters
    ----------
    shards : the files
    select : the columns, as SQL
    space : the convention of their boxes
    skip : how many header lines each file begins with
    row_name : what messages call a row: record or line
    kind : what the rows are: predictions or ground truth
    texts : whether phrases are read, too
    keyed : whether rows have complete keys, by which they are found
    width : about how many bytes a row has in Arrow
    """

    shards: Shards
    select: str
    space: BoxSpace
    skip: int
    row_name: str
    kind: str = "predictions"
    texts: bool = False
    keyed: bool = True
    width: int = 75

    def rows_within(self, memory: int) -> int:
        """Give how many rows a block may have, of those that are read ahead and being scored."""
        return min(queries.ROWS, max(_FEW, memory // (_COPIES * self.width)))

    @cached_property
    def row_counts(self) -> list[int] | None:
        """How many rows each shard has; None of JSON and text, which only reading tells."""
        return queries.count_rows(self.shards.files) if self.shards.format == "parquet" else None


def open_table(shards: Shards, declared: Mapping[str, Any], kind: str = "predictions") -> Table:
    """Look at the columns and headers of shards, which must agree.

    Parameters
    ----------
    kind : what their rows are: predictions or ground truth

    Raises
    ------
    InputError
        if a shard cannot be read, lacks a column, or differs from the first
    """
    first: _Found | None = None
    for file in shards.files:
        with naming(file, shards):
            found = _found(file, shards.format, kind)
        if first is None:
            first = found
        elif found != first:
            raise InputError(file, _difference(found, first, shards.files[0]))
    assert first is not None
    columns, header = first
    space = declared_space(header, declared, called(shards.files[0], shards))
    if shards.format == "text":
        return _looked_at(Table(shards, "line || chr(10)", space, 0, "line", kind))
    names = [name for name in TYPES if name in columns]
    parts = [f'"{name}"::{TYPES[name]} "{name}"' for name in names]
    lines = shards.format == "json" and not is_array(shards.files[0])
    skip = int(lines and bool(header))
    row_name = "line" if lines else "record"
    return _looked_at(Table(shards, ", ".join(parts), space, skip, row_name, kind))


def numbered_batches(
    table: Table, file: str, memory: int, low: int = 0, high: int | None = None, few: int = 0
) -> Iterator[tuple[int, Any]]:
    """Read the rows of a shard as Arrow batches, each with the number of its first row, from 1.

    Parameters
    ----------
    low, high : of Parquet, the first row, from 0, and the row before which to stop
    few : how many rows are enough, if any
    """
    form, skip, head = table.shards.format, table.skip, None
    if form == "text":
        head = find_head(file, table.kind)
        skip = head.lines
    number, limit = low + 1, skip + few if few else None
    for batch in read_batches(
        file,
        form,
        table.select,
        memory,
        texts=table.texts,
        low=low,
        high=high,
        limit=limit,
        rows=table.rows_within(memory),
    ):
        if number == 1 and skip:
            batch, number = batch.slice(skip), 1 + skip
        if len(batch):
            yield number, batch if head is None else _split(batch, head, file, table)
        number += len(batch)


def _split(lines: Any, head: Head, file: str, table: Table) -> Any:
    try:
        return split_lines(lines, head, texts=table.texts)
    except ValueError as error:
        raise unreadable(file, table.shards.format, error) from None


def _looked_at(table: Table) -> Table:
    """Look at the first rows: how wide they are, and whether the first has a complete key.

    All others have one then, too, or none has.
    """
    for file in table.shards.files:
        with suppress(InputError):  # which is told when all rows are read
            for _, batch in numbered_batches(table, file, 0, few=_FEW):
                width = max(1, batch.nbytes // len(batch))
                return replace(table, keyed=has_keys(batch.slice(0, 1)), width=width)
    return table


def _found(file: str, form: str, kind: str) -> _Found:
    """Give the columns of a file that records have, and what it declares of its boxes."""
    if form == "parquet":
        return _columns(file), metadata_of(file)
    if form == "json":
        return dict(TYPES), _header(file)
    head = find_head(file, kind)
    return {name: TYPES[name] for name in fields_of(head)}, dict(head.header)


def _columns(file: str) -> dict[str, str]:
    """Give the columns of a Parquet file that records have, with their types in SQL."""
    found = describe(file)
    if "image" not in found:
        raise InputError(file, f'found columns {list(found)}, expected "image" among them')
    columns = {name: TYPES[name] for name in found if name in TYPES}
    for name, expected in columns.items():
        kind = found[name]
        base, depth = expected.rstrip("[]"), expected.count("[]")
        known = kind.rstrip("[]") in _FAMILIES[base] and kind.count("[]") == depth
        if not known and kind.rstrip("[]").strip('"') != "NULL":  # a shard of empty lists alone
            raise InputError(file, f"found column {name} of type {kind}, expected {expected}")
    return columns


def _header(file: str) -> dict[str, Any]:
    """Give what a file of JSON Lines declares of its boxes, in its first line."""
    head = beginning(file)
    if not head.strip():
        raise InputError(file, "the file is empty")
    line = head.partition(b"\n")[0]
    try:
        declared = msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}
    found = declared.get("phraseloc")
    return found if isinstance(found, dict) and len(declared) == 1 else {}


def _difference(found: _Found, first: _Found, name: str) -> str:
    """Say in what a shard differs from the first."""
    for kind, here, there in zip(("column", "header field"), found, first, strict=True):
        for field in {**there, **here}:
            if here.get(field) != there.get(field):
                return (
                    f"found {kind} {field} {here.get(field, 'absent')}, expected "
                    f"{there.get(field, 'absent')} as in {name}"
                )
    raise AssertionError("shards that differ in nothing")
