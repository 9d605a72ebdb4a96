"""Reading shards by DuckDB: a stream of blocks, with as much memory as it is given.

The columns are those of records (`phraseloc.formats.records`), cast to one type each; what cannot
be cast is an error that names the file. A thread of its own reads ahead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from glob import escape
from typing import Any

import msgspec
import numpy as np

from phraseloc.bulk.addresses import is_address, reached
from phraseloc.bulk.ahead import read_ahead
from phraseloc.bulk.by_order import has_keys, phrase_sql
from phraseloc.bulk.columns import Columns, Origin, columns_of
from phraseloc.bulk.naming import called, naming
from phraseloc.bulk.shards import Shards, opened, opened_raw
from phraseloc.bulk.text_tables import LINES, fields_of, find_head, split_lines
from phraseloc.bulk.text_tables import find_problem as problem_of_text
from phraseloc.bulk.zstd import check_whole
from phraseloc.errors import InputError, MissingExtra, Problems
from phraseloc.formats.records import declared_space
from phraseloc.formats.source import reason_of
from phraseloc.formats.table import Head
from phraseloc.space import BoxSpace

ROWS = 122_880
"""Rows of a block: a row group of DuckDB."""

_TYPES = {
    "image": "VARCHAR",
    "sentence": "BIGINT",
    "first_word": "BIGINT",
    "start": "BIGINT",
    "phraseId": "BIGINT",
    "entity": "VARCHAR",
    "box": "DOUBLE[]",
    "boxes": "DOUBLE[][]",
    "scores": "DOUBLE[]",
    "point": "DOUBLE[]",
    "categories": "VARCHAR[]",
    "width": "DOUBLE",
    "height": "DOUBLE",
}
_NUMBERS = tuple(f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG"))
_NUMBERS = (*_NUMBERS, "INTEGER", "UINTEGER")
_FAMILIES = {"VARCHAR": ("VARCHAR",), "BIGINT": _NUMBERS, "DOUBLE": (*_NUMBERS, "FLOAT", "DOUBLE")}


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
    """

    shards: Shards
    select: str
    space: BoxSpace
    skip: int
    row_name: str
    kind: str = "predictions"
    texts: bool = False
    keyed: bool = True


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
    first: tuple[dict[str, str], dict[str, Any]] | None = None
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
        return _keyed(Table(shards, "line || chr(10)", space, 0, "line", kind))
    names = [name for name in _TYPES if name in columns]
    parts = [f'"{name}"::{_TYPES[name]} "{name}"' for name in names]
    lines = shards.format == "json" and not _is_array(shards.files[0])
    skip = int(lines and bool(header))
    row_name = "line" if lines else "record"
    return _keyed(Table(shards, ", ".join(parts), space, skip, row_name, kind))


def _found(file: str, form: str, kind: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Give the columns of a file that records have, and what it declares of its boxes."""
    if form != "text":
        return _columns(file, form), _header(file, form)
    head = find_head(file, kind)
    return {name: _TYPES[name] for name in fields_of(head)}, dict(head.header)


Part = Sequence[tuple[int, int, int | None]]
"""Ranges of rows: a shard, its first row from 0, and the row before which the range ends."""


def read_blocks(
    table: Table,
    problems: Problems,
    memory: int,
    part: Part | None = None,
    *,
    ahead: bool = True,
) -> Iterator[Columns]:
    """Read the blocks of all shards, or of a part of them, in the order of their rows.

    Parameters
    ----------
    memory : how many bytes DuckDB may use
    ahead : whether a thread reads ahead

    Raises
    ------
    InputError
        if a file breaks off, or has rows that cannot be read; rows that are merely wrong are noted
    """
    whole = [(shard, 0, None) for shard in range(len(table.shards.files))]
    blocks = _blocks(table, problems, memory, whole if part is None else part)
    return read_ahead(blocks) if ahead else blocks


def _blocks(table: Table, problems: Problems, memory: int, part: Part) -> Iterator[Columns]:
    files = table.shards.files
    for shard, low, high in part:
        with naming(files[shard], table.shards):
            for number, batch in _numbered(table, files[shard], memory, low, high):
                rows = np.arange(number, number + len(batch))
                origin = Origin(files, np.full(len(rows), shard), rows, table.row_name)
                yield columns_of(batch, origin, problems, keyed=table.keyed)


def _numbered(
    table: Table,
    file: str,
    memory: int,
    low: int = 0,
    high: int | None = None,
    limit: int | None = None,
) -> Iterator[tuple[int, Any]]:
    """Read the rows of a shard as Arrow batches, each with the number of its first row."""
    skip, head = table.skip, None
    if table.shards.format == "text":
        head = find_head(file, table.kind)
        skip = head.lines
    number = low + 1
    limit = None if limit is None else skip + limit
    for batch in _batches(table, file, memory, low, high, limit):
        if number == 1 and skip:
            batch, number = batch.slice(skip), 1 + skip
        if len(batch):
            yield number, batch if head is None else _split(batch, head, file, table)
        number += len(batch)


def _split(lines: Any, head: Head, file: str, table: Table) -> Any:
    try:
        return split_lines(lines, head, texts=table.texts)
    except ValueError as error:
        raise _unreadable(file, table.shards.format, error) from None


def _keyed(table: Table) -> Table:
    """Look at the first row, which has a complete key as all others do, or as none does."""
    for file in table.shards.files:
        with suppress(InputError):  # which is told when all rows are read
            for _, batch in _numbered(table, file, 64_000_000, limit=1):
                return replace(table, keyed=has_keys(batch))
    return table


def rows_of_shards(table: Table) -> list[int] | None:
    """Give how many rows each shard has; None of JSON and text, which only reading tells."""
    return _counts(table.shards.files) if table.shards.format == "parquet" else None


def estimate_rows(table: Table) -> int:
    """Give about how many rows the shards have; of JSON and text by the space that they take."""
    if table.shards.format != "parquet":
        packed = table.shards.files[0].endswith((".gz", ".zst"))
        width = {"json": 100, "text": 40}[table.shards.format]
        return table.shards.size // (width // 5 if packed else width)
    return sum(_counts(table.shards.files))


def _counts(files: Sequence[str]) -> list[int]:
    """Give how many rows each Parquet file has, as their ends say it."""
    import duckdb

    names = ", ".join(map(_quoted, files))
    query = f"SELECT file_name, num_rows FROM parquet_file_metadata([{names}])"
    try:
        with reached(connect(64_000_000), files[0]) as link:
            found = dict(link.sql(query).fetchall())
    except duckdb.Error as error:
        unseen = next(filter(None, map(_unseen, files)), None)
        raise unseen or _unreadable(files[0], "parquet", error) from None
    return [found[file] for file in files]


def connect(memory: int, threads: int = 1) -> Any:
    """Give a connection that uses so many bytes, and no network.

    Raises
    ------
    MissingExtra
        if DuckDB or pyarrow is not installed
    """
    try:
        import duckdb
        import pyarrow  # noqa: F401 - what DuckDB gives blocks as
    except ImportError as error:
        raise MissingExtra(error.name or "duckdb", "scale", "reading large files") from None
    settings: dict[str, Any] = {
        "threads": threads,
        "memory_limit": f"{max(memory, 64_000_000)}B",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(config=settings)
    connection.execute("SET enable_progress_bar = false")  # it would go to standard output
    return connection


def _batches(
    table: Table, file: str, memory: int, low: int, high: int | None, limit: int | None
) -> Iterator[Any]:
    import duckdb
    import pyarrow

    select, source = table.select, _source(file, table.shards.format, texts=table.texts)
    if table.texts and table.shards.format != "text":
        select += _phrase(file, table.shards.format)
    if low or high is not None:
        source = f"{source.removesuffix(')')}, file_row_number=true) WHERE file_row_number >= {low}"
        source += "" if high is None else f" AND file_row_number < {high}"
    source += "" if limit is None else f" LIMIT {limit}"
    try:
        _check_end(file, table.shards.format)
        with reached(connect(memory), file) as link:
            yield from link.sql(f"SELECT {select} FROM {source}").to_arrow_reader(ROWS)
    except (duckdb.Error, pyarrow.ArrowException, OSError) as error:  # of later blocks: Arrow's
        raise _unreadable(file, table.shards.format, error) from None


def _check_end(file: str, kind: str) -> None:
    """Refuse what breaks off where DuckDB would take it for the end."""
    if file.endswith(".zst"):
        check_whole(file)
    elif kind == "json" and file.endswith(".json") and _is_array(file):
        with opened_raw(file) as stream:
            stream.seek(-min(stream.seek(0, 2), 4096), 2)
            end = stream.read().rstrip()
        if not end.endswith(b"]"):
            found = end[-20:].decode(errors="replace")
            raise InputError(file, f"the array breaks off: found {found!r} at its end, expected ]")


def _unreadable(file: str, kind: str, error: Exception) -> InputError:
    """Say what is wrong with a file, line by line as the reader of small files does."""
    unseen = _unseen(file)
    if unseen is not None:
        return unseen
    reason = str(error).strip().partition("\n")[0]
    if kind == "text":
        found = problem_of_text(file, find_head(file, "predictions"))
        return found or InputError(file, f"not a table that can be read: {reason}")
    if kind == "json":
        from phraseloc.bulk.lines import find_problem

        found = find_problem(file)
        if found is not None:
            return found
        return InputError(file, f"not JSON that can be read: {reason}")
    return InputError(file, f"not a Parquet file that can be read: {reason}")


def _unseen(file: str) -> InputError | None:
    """Say why a file cannot be opened; None where it can."""
    try:
        with opened(file) as stream:
            stream.read(1)
    except OSError as error:
        return InputError(file, reason_of(error))
    except Exception:  # it is there: DuckDB, or the reader of its lines, says what is wrong in it
        return None
    return None


def _source(file: str, kind: str, *, texts: bool = False) -> str:
    if kind == "parquet":
        return f"read_parquet({_quoted(file)})"
    if kind == "text":
        return f"read_csv({_quoted(file)}, {LINES})"
    found = {**_TYPES, "phrase": "JSON"} if texts else _TYPES
    types = ", ".join(f"\"{name}\": '{kind}'" for name, kind in found.items())
    form = "array" if _is_array(file) else "newline_delimited"
    return f"read_json({_quoted(file)}, format='{form}', columns={{{types}}})"


def _phrase(file: str, kind: str) -> str:
    """Give the SQL of the phrases of a file."""
    if kind == "json":
        return phrase_sql("JSON")
    with reached(connect(64_000_000), file) as link:
        rows = link.sql(f"DESCRIBE SELECT * FROM {_source(file, kind)}").fetchall()
    return phrase_sql({name: form for name, form, *_ in rows}.get("phrase"))


def _quoted(text: str) -> str:
    if not is_address(text):
        text = escape(text)  # DuckDB would look for a pattern's files
    return "'" + text.replace("'", "''") + "'"


def _columns(file: str, kind: str) -> dict[str, str]:
    """Give the columns of a file that records have, with their types in SQL."""
    if kind == "json":
        _head(file)
        return dict(_TYPES)
    import duckdb

    try:
        with reached(connect(64_000_000), file) as link:
            rows = link.sql(f"DESCRIBE SELECT * FROM {_source(file, kind)}").fetchall()
    except duckdb.Error as error:
        raise _unreadable(file, kind, error) from None
    columns = {name: found for name, found, *_ in rows if name in _TYPES}
    if "image" not in columns:
        names = [row[0] for row in rows]
        raise InputError(file, f'found columns {names}, expected "image" among them')
    for name, found in columns.items():
        base, depth = _TYPES[name].rstrip("[]"), _TYPES[name].count("[]")
        known = found.rstrip("[]") in _FAMILIES[base] and found.count("[]") == depth
        if not known and found.rstrip("[]").strip('"') != "NULL":  # a shard of empty lists alone
            raise InputError(file, f"found column {name} of type {found}, expected {_TYPES[name]}")
    return {name: _TYPES[name] for name in columns}


def _header(file: str, kind: str) -> dict[str, Any]:
    """Give what a file declares of its boxes."""
    if kind == "json":
        line = _head(file).partition(b"\n")[0]
        try:
            declared = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.MsgspecError:
            return {}
        found = declared.get("phraseloc")
        return found if isinstance(found, dict) and len(declared) == 1 else {}
    import duckdb

    found = f"SELECT decode(value) FROM parquet_kv_metadata({_quoted(file)})"
    try:  # the keys of others need not be text
        with reached(connect(64_000_000), file) as link:
            rows = link.sql(f"{found} WHERE key = 'phraseloc'::BLOB").fetchall()
        return msgspec.json.decode(rows[0][0], type=dict[str, Any]) if rows else {}
    except (duckdb.Error, msgspec.MsgspecError) as error:
        raise InputError(file, f"its phraseloc metadata cannot be read: {error}") from None


def _head(file: str) -> bytes:
    """Give the beginning of a JSON file, unpacked."""
    import zlib

    import zstandard

    try:
        with opened(file) as stream:
            head: bytes = stream.read(4096)
    except OSError as error:
        raise InputError(file, f"cannot be read: {reason_of(error)}") from None
    except (EOFError, zlib.error, zstandard.ZstdError) as error:
        raise InputError(file, f"cannot be read: {error}") from None
    if not head.strip():
        if file.endswith(".zst"):
            check_whole(file)
        raise InputError(file, "the file is empty" + " (0 bytes)" * (not head))
    return head


def _is_array(file: str) -> bool:
    return _head(file).lstrip()[:1] == b"["


def _difference(
    found: tuple[dict[str, str], dict[str, Any]],
    first: tuple[dict[str, str], dict[str, Any]],
    name: str,
) -> str:
    """Say in what a shard differs from the first."""
    for kind, here, there in zip(("column", "header field"), found, first, strict=True):
        for field in {**there, **here}:
            if here.get(field) != there.get(field):
                return (
                    f"found {kind} {field} {here.get(field, 'absent')}, expected "
                    f"{there.get(field, 'absent')} as in {name}"
                )
    raise AssertionError("shards that differ in nothing")
