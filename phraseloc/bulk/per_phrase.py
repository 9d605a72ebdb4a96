"""Every phrase's result of a large file, written block by block as Parquet, whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from phraseloc.bulk.blocks import Scored
from phraseloc.bulk.run import Job, Told
from phraseloc.formats.source import replacing

_KEYS = ("image", "sentence", "first_word", "start", "entity", "categories")
"""The columns of the ground truth that name a phrase."""


@contextmanager
def written_to(path: Path, job: Job) -> Iterator[Told]:
    """Give what writes each block's phrases into a Parquet file, a row a phrase and method.

    Raises
    ------
    InputError
        if it cannot be written; nothing is left behind then
    """
    from pyarrow import parquet

    writer: Any = None

    with replacing(path) as file:

        def write(scored: Sequence[Scored]) -> None:
            nonlocal writer
            for place, one in enumerate(scored):
                table = _rows(one, job.names[place], job.rules[place].protocol.name)
                writer = writer or parquet.ParquetWriter(file, table.schema)
                writer.write_table(table)

        try:
            yield write
            if writer is not None:
                writer.close()
        except BaseException:
            if writer is not None:
                with suppress(OSError):  # what it wrote goes away
                    writer.close()
            raise


def _rows(scored: Scored, name: str, protocol: str) -> Any:
    import pyarrow

    block, outcomes = scored.phrases.block.table, scored.outcomes
    rows = pyarrow.array(outcomes.phrase)
    kept = [column for column in _KEYS if column in block.schema.names]
    boxes = np.diff(scored.phrases.block.offsets)[outcomes.phrase]
    count = len(outcomes.phrase)
    columns = {
        "predictions": pyarrow.array([name] * count, pyarrow.string()),
        "protocol": pyarrow.array([protocol] * count, pyarrow.string()),
        **{column: block.column(column).take(rows) for column in kept},
        "boxes": pyarrow.array(boxes),
        "predicted": pyarrow.array(outcomes.prediction >= 0),
        "overlap": pyarrow.array(outcomes.overlap[:, 0]),
        "best_overlap": pyarrow.array(outcomes.overlap.max(axis=1, initial=-1.0)),
        "correct": pyarrow.array(outcomes.correct),
    }
    return pyarrow.table(columns)
