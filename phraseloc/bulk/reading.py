"""Reading: a stream of blocks of a table, or of a part of it; a thread of its own reads ahead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from phraseloc.bulk.ahead import read_ahead
from phraseloc.bulk.columns import Columns, Origin, columns_of
from phraseloc.bulk.naming import naming
from phraseloc.bulk.tables import Table, numbered_batches
from phraseloc.errors import Problems

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
            for number, batch in numbered_batches(table, files[shard], memory, low, high):
                rows = np.arange(number, number + len(batch))
                origin = Origin(files, np.full(len(rows), shard), rows, table.row_name)
                yield columns_of(batch, origin, problems, keyed=table.keyed)


def estimate_rows(table: Table) -> int:
    """Give about how many rows the shards have; of JSON and text by the space that they take."""
    if table.row_counts is not None:
        return sum(table.row_counts)
    packed = table.shards.files[0].endswith((".gz", ".zst"))
    width = {"json": 100, "text": 40}[table.shards.format]
    return table.shards.size // (width // 5 if packed else width)
