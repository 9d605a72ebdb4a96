"""Buckets: rows of both sides divided by image on disk, where their orders differ.

Every bucket has all rows of its images, so that it can be joined by itself, in the memory that one
of them needs. A side may be divided in pieces, each by another process.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

import numpy as np

from phraseloc.bulk.columns import Columns, Origin, columns_of
from phraseloc.bulk.tables import Table
from phraseloc.errors import InputError, Problems
from phraseloc.formats.source import reason_of

_COPIES = 6
"""How often a row is in memory at once, about, while its bucket is joined."""

_PLACE = ("#shard", "#number")
"""The columns that keep where a row stood."""


def bucket_count(size: int, memory: int) -> int:
    """Give how many buckets of rows fit the memory one by one, of rows of so many bytes in all."""
    return max(1, -(-size * _COPIES // max(memory // 2, 1)))


@contextmanager
def scratch_folder(place: Path | None = None) -> Iterator[Path]:
    """Make a folder for buckets, in a place or where the system has its temporary files.

    Raises
    ------
    InputError
        if it cannot be made
    """
    try:
        folder = Path(mkdtemp(prefix="phraseloc-", dir=place)).absolute()
    except OSError as error:
        raise _unwritable(place or "the folder of temporary files", error) from None
    try:
        yield folder
    finally:
        # Of another name, it gets no file from a worker that has not heard yet that all is over.
        with suppress(OSError):
            folder = folder.rename(folder.with_name(f"{folder.name}-gone"))
        rmtree(folder, ignore_errors=True)


def divide(
    blocks: Iterable[Columns], folder: Path, side: str, buckets: int, piece: int = 0
) -> None:
    """Write the rows of blocks into a file in the folder of each bucket.

    The files of a piece are put in their places when all are whole, and replace those of the same
    piece: of a writer that dies half-way, and of another that repeats its work, nothing is read.

    Raises
    ------
    InputError
        if the disk is full, or the folder cannot be written
    """
    try:
        half = Path(mkdtemp(prefix="half-", dir=folder))
        try:
            _write(blocks, half, buckets)
            for file in list(half.iterdir()):
                place = folder / file.name
                place.mkdir(exist_ok=True)
                file.replace(place / f"{side}-{piece:06}.arrow")
        finally:
            rmtree(half, ignore_errors=True)
    except OSError as error:
        raise _unwritable(folder, error) from None


def _write(blocks: Iterable[Columns], folder: Path, buckets: int) -> None:
    import pyarrow

    options = pyarrow.ipc.IpcWriteOptions(compression="lz4")
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
                        sink = str(folder / str(place))
                        writers[place] = pyarrow.ipc.new_stream(sink, table.schema, options=options)
                    writers[place].write_batch(table.slice(low, high - low))
        for writer in writers.values():
            writer.close()
    finally:
        for writer in writers.values():
            with suppress(OSError):
                writer.close()


def read_bucket(
    folder: Path, side: str, bucket: int, table: Table, problems: Problems
) -> Columns | None:
    """Read the rows of a bucket of a side, whose table is given; None where it has none."""
    import pyarrow

    places = sorted((folder / str(bucket)).glob(f"{side}-*.arrow"))
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


def _unwritable(folder: Path | str, error: OSError) -> InputError:
    reason = f"cannot be written: {reason_of(error)}"
    return InputError(str(folder), f"{reason}; --scratch names another folder")


def _numbered(block: Columns) -> Any:
    table = block.table
    for name, column in zip(_PLACE, (block.origin.shard, block.origin.number), strict=True):
        table = table.append_column(name, column)
    return table
