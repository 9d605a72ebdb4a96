"""Buckets: rows of both sides divided by image on disk, where their orders differ.

Every bucket has all rows of its images, so that it can be joined by itself, in the memory that one
of them needs. A side may be divided in pieces, each by another process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import numpy as np

from phraseloc.bulk.columns import Columns, Origin, columns_of
from phraseloc.bulk.reading import Table
from phraseloc.errors import InputError, Problems
from phraseloc.formats.source import reason_of

ROW_BYTES = 400
"""What a row may need in memory while its bucket is joined."""

_PLACE = ("#shard", "#number")
"""The columns that keep where a row stood."""


def bucket_count(rows: int, memory: int) -> int:
    """Give how many buckets fit the memory one by one."""
    return max(1, -(-rows * ROW_BYTES // max(memory // 2, 1)))


@contextmanager
def scratch_folder(place: Path | None = None) -> Iterator[Path]:
    """Make a folder for buckets, in a place or where the system has its temporary files.

    Raises
    ------
    InputError
        if it cannot be made
    """
    try:
        folder = TemporaryDirectory(prefix="phraseloc-", dir=place)
    except OSError as error:
        name = str(place or gettempdir())
        raise InputError(name, f"cannot be written: {reason_of(error)}") from None
    with folder as name:
        yield Path(name)


def divide(
    blocks: Iterable[Columns], folder: Path, side: str, buckets: int, piece: int = 0
) -> None:
    """Write the rows of blocks into a file a bucket.

    Raises
    ------
    InputError
        if the disk is full, or the folder cannot be written
    """
    import pyarrow

    writers: dict[int, Any] = {}
    try:
        for block in blocks:
            bucket = (block.image % np.uint64(buckets)).astype(np.int64)
            order = np.argsort(bucket, kind="stable")
            ends = np.cumsum(np.bincount(bucket, minlength=buckets)).tolist()
            table = _numbered(block).take(pyarrow.array(order))
            for place, (low, high) in enumerate(zip([0, *ends], ends, strict=False)):
                if high > low:
                    if place not in writers:
                        sink = str(folder / f"{side}-{place}-{piece:06}.arrow")
                        writers[place] = pyarrow.ipc.new_stream(sink, table.schema)
                    writers[place].write_batch(table.slice(low, high - low))
        for writer in writers.values():
            writer.close()
    except OSError as error:
        raise InputError(str(folder), f"cannot be written: {reason_of(error)}") from None
    finally:
        for writer in writers.values():
            with suppress(OSError):
                writer.close()


def read_bucket(
    folder: Path, side: str, bucket: int, table: Table, problems: Problems
) -> Columns | None:
    """Read the rows of a bucket of a side, whose table is given; None where it has none."""
    import pyarrow

    places = sorted(folder.glob(f"{side}-{bucket}-*.arrow"))
    if not places:
        return None
    pieces = []
    for place in places:
        with pyarrow.memory_map(str(place)) as source:
            pieces.append(pyarrow.ipc.open_stream(source).read_all())
    batch = pyarrow.concat_tables(pieces).combine_chunks().to_batches()[0]
    shard, number = (batch.column(name).to_numpy() for name in _PLACE)
    kept = batch.select([name for name in batch.schema.names if name not in _PLACE])
    origin = Origin(table.shards.files, shard, number, table.row_name)
    return columns_of(kept, origin, problems)


def _numbered(block: Columns) -> Any:
    table = block.table
    for name, column in zip(_PLACE, (block.origin.shard, block.origin.number), strict=True):
        table = table.append_column(name, column)
    return table
