"""Parquet: a row a record, boxes as lists of doubles, the header in the file's metadata.

Needs pyarrow (the extra ``scale``).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from phraseloc.errors import InputError, MissingExtra, Problems
from phraseloc.formats.records import Record, RecordFile, check_objects

METADATA = b"phraseloc"


def read_parquet(data: bytes, source: str, problems: Problems) -> RecordFile:
    """Read the columns that records have; others are passed over."""
    pyarrow, parquet = import_pyarrow()
    try:
        table = parquet.read_table(io.BytesIO(data))
        names = table.column_names
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(source, f"not a Parquet file that can be read: {error}") from None
    known = [name for name in names if name in Record.__struct_fields__]
    if "image" not in known:
        raise InputError(source, f'found columns {names}, expected "image" among them')
    try:
        text = (table.schema.metadata or {}).get(METADATA, b"{}")
        header = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise InputError(source, f"its phraseloc metadata cannot be read: {error}") from None
    objects = table.select(known).to_pylist()
    rows: Sequence[int] = range(1, len(objects) + 1)
    try:
        records = msgspec.convert(objects, list[Record])
    except msgspec.ValidationError:
        records, rows = check_objects(objects, "record", rows, problems)
    return RecordFile(records, np.array(rows, dtype=np.int64), "record", header)


def write_parquet(rows: list[dict[str, Any]], header: dict[str, Any]) -> bytes:
    """Write rows as Parquet bytes."""
    pyarrow, parquet = import_pyarrow()
    names = dict.fromkeys(name for row in rows for name in row)
    table = pyarrow.table({name: [row.get(name) for row in rows] for name in names})
    if header:
        table = table.replace_schema_metadata({METADATA: msgspec.json.encode(header)})
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def import_pyarrow() -> tuple[Any, Any]:
    """Import pyarrow and its Parquet module."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra("pyarrow", "scale", "Parquet") from None
    return pyarrow, parquet
