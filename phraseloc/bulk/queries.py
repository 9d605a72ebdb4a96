"""Queries: what is asked of DuckDB about a shard, and what its errors mean.

The columns are those of records (`phraseloc.formats.records`), each of one type.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from glob import escape
from typing import Any

import msgspec

from phraseloc.bulk.addresses import is_address, reached
from phraseloc.bulk.contents import check_closed, check_unpacked, is_array, unseen
from phraseloc.bulk.text_tables import LINES, find_head
from phraseloc.bulk.text_tables import find_problem as problem_of_text
from phraseloc.errors import InputError, MissingExtra

ROWS = 122_880
"""Rows of a block: a row group of DuckDB."""

TYPES = {
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
"""The columns of records, with their types in SQL."""

_LEAST = 64_000_000
"""How many bytes DuckDB uses at least, and for all but rows."""


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
        "memory_limit": f"{max(memory, _LEAST)}B",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(config=settings)
    connection.execute("SET enable_progress_bar = false")  # it would go to standard output
    return connection


def read_batches(
    file: str,
    form: str,
    select: str,
    memory: int,
    *,
    texts: bool = False,
    low: int = 0,
    high: int | None = None,
    limit: int | None = None,
    rows: int = ROWS,
) -> Iterator[Any]:
    """Read the rows of a shard as Arrow batches, in their order.

    Parameters
    ----------
    select : what is selected, as SQL
    texts : whether the phrases' texts are, too
    low, high : the first row, from 0, and the row before which to stop; of Parquet
    limit : how many rows are looked at; whether the file breaks off is then not
    rows : how many rows a batch has, at most

    Raises
    ------
    InputError
        if the shard cannot be read
    """
    import duckdb
    import pyarrow

    source = _source(file, form, texts=texts)
    if texts and form != "text":
        select += _phrase(file, form)
    if low or high is not None:
        source = f"{source.removesuffix(')')}, file_row_number=true) WHERE file_row_number >= {low}"
        source += "" if high is None else f" AND file_row_number < {high}"
    source += "" if limit is None else f" LIMIT {limit}"
    try:
        if limit is None:
            check_unpacked(file)
        with reached(connect(memory), file) as link:
            yield from link.sql(f"SELECT {select} FROM {source}").to_arrow_reader(rows)
        check_closed(file)
    except (duckdb.Error, pyarrow.ArrowException, OSError) as error:  # of later blocks: Arrow's
        raise unreadable(file, form, error) from None


def count_rows(files: Sequence[str]) -> list[int]:
    """Give how many rows each Parquet file has, as their ends say it.

    Raises
    ------
    InputError
        if one cannot be read
    """
    import duckdb

    names = ", ".join(map(_quoted, files))
    query = f"SELECT file_name, num_rows FROM parquet_file_metadata([{names}])"
    try:
        with _asked(files[0]) as link:
            found = dict(link.sql(query).fetchall())
    except duckdb.Error as error:
        absent = next(filter(None, map(unseen, files)), None)
        raise absent or unreadable(files[0], "parquet", error) from None
    return [found[file] for file in files]


def describe(file: str) -> dict[str, str]:
    """Give the columns of a Parquet file, with their types in SQL.

    Raises
    ------
    InputError
        if it cannot be read
    """
    import duckdb

    try:
        with _asked(file) as link:
            rows = link.sql(f"DESCRIBE SELECT * FROM {_source(file, 'parquet')}").fetchall()
    except duckdb.Error as error:
        raise unreadable(file, "parquet", error) from None
    return {name: found for name, found, *_ in rows}


def metadata_of(file: str) -> dict[str, Any]:
    """Give what a Parquet file declares of its boxes.

    Raises
    ------
    InputError
        if that cannot be read
    """
    import duckdb

    found = f"SELECT decode(value) FROM parquet_kv_metadata({_quoted(file)})"
    try:  # the keys of others need not be text
        with _asked(file) as link:
            rows = link.sql(f"{found} WHERE key = 'phraseloc'::BLOB").fetchall()
        return msgspec.json.decode(rows[0][0], type=dict[str, Any]) if rows else {}
    except (duckdb.Error, msgspec.MsgspecError) as error:
        raise InputError(file, f"its phraseloc metadata cannot be read: {error}") from None


def unreadable(file: str, form: str, error: Exception) -> InputError:
    """Say what is wrong with a file, line by line as the reader of small files does."""
    absent = unseen(file)
    if absent is not None:
        return absent
    reason = str(error).strip().partition("\n")[0]
    if form == "text":
        found = problem_of_text(file, find_head(file, "predictions"))
        return found or InputError(file, f"not a table that can be read: {reason}")
    if form == "json":
        from phraseloc.bulk.lines import find_problem

        found = find_problem(file)
        return found or InputError(file, f"not JSON that can be read: {reason}")
    return InputError(file, f"not a Parquet file that can be read: {reason}")


def _asked(file: str) -> AbstractContextManager[Any]:
    """Give a connection for small questions about a file; for files here, there is one of all."""
    if is_address(file):
        return reached(connect(_LEAST), file)
    return nullcontext(_catalog().cursor())


@lru_cache(maxsize=1)
def _catalog() -> Any:
    """Give the connection that is asked about files; to make one takes longer than ten answers."""
    return connect(_LEAST)


def _source(file: str, form: str, *, texts: bool = False) -> str:
    if form == "parquet":
        return f"read_parquet({_quoted(file)})"
    if form == "text":
        return f"read_csv({_quoted(file)}, {LINES})"
    found = {**TYPES, "phrase": "JSON"} if texts else TYPES
    types = ", ".join(f"\"{name}\": '{kind}'" for name, kind in found.items())
    shape = "array" if is_array(file) else "newline_delimited"
    return f"read_json({_quoted(file)}, format='{shape}', columns={{{types}}})"


def _phrase(file: str, form: str) -> str:
    """Give the SQL of a phrase's text, after other columns; nothing where there is no phrase.

    Of a list of tokens, or JSON, whatever it holds is joined.
    """
    kind = "JSON" if form == "json" else describe(file).get("phrase")
    if kind in (None, "VARCHAR"):
        return ", phrase" if kind else ""
    text = "phrase" if kind == "JSON" else "to_json(phrase)"
    return (
        f", CASE coalesce(json_type({text}), 'NULL') WHEN 'NULL' THEN NULL "
        f"WHEN 'ARRAY' THEN array_to_string({text}::VARCHAR[], ' ') "
        f"WHEN 'VARCHAR' THEN {text}->>'$' ELSE error('a phrase that is no text') END phrase"
    )


def _quoted(text: str) -> str:
    if not is_address(text):
        text = escape(text)  # DuckDB would look for a pattern's files
    return "'" + text.replace("'", "''") + "'"
