"""What DuckDB takes for the same files without phraseloc: to read them, and to join them in SQL.

``python -m benchmarks.duckdb_alone in-turn|at-once|join TRUTH PREDICTIONS``. Reading fetches all
columns that scoring needs, as Arrow batches in the order of the rows, and throws them away.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from threading import Thread

COLUMNS = {
    "image": "VARCHAR",
    "sentence": "BIGINT",
    "first_word": "BIGINT",
    "entity": "VARCHAR",
    "box": "DOUBLE[]",
}
LABELLED = {**COLUMNS, "categories": "VARCHAR[]"}

BLOCK = 122_880
"""Rows that are fetched together, as many as ours fetches."""

_RIGHT = """
WITH corners AS (
    SELECT truth.box[1] - 1 AS left1, truth.box[3] + (truth.box[1] - 1) AS right1,
           truth.box[2] - 1 AS top1, truth.box[4] + (truth.box[2] - 1) AS bottom1,
           mine.box[1] - 1 AS left2, mine.box[3] + (mine.box[1] - 1) AS right2,
           mine.box[2] - 1 AS top2, mine.box[4] + (mine.box[2] - 1) AS bottom2
    FROM {truth} truth JOIN {predictions} mine USING (image, sentence, first_word, entity)
), shared AS (
    SELECT greatest(least(right1, right2) - greatest(left1, left2), 0)
           * greatest(least(bottom1, bottom2) - greatest(top1, top2), 0) AS common,
           (right1 - left1) * (bottom1 - top1) + (right2 - left2) * (bottom2 - top2) AS areas
    FROM corners
)
SELECT count(*) FILTER (common / (areas - common) >= 0.5), count(*) FROM shared
"""
"""The boxes' arithmetic in ours' own order, so that no bit of an overlap differs."""


def read(file: str, columns: dict[str, str]) -> None:
    """Fetch the columns of a file, with all cores."""
    import duckdb

    names = ", ".join(columns)
    with duckdb.connect(config={"threads": os.cpu_count() or 1}) as connection:
        for _ in connection.sql(f"SELECT {names} FROM {_source(file)}").to_arrow_reader(BLOCK):
            pass


def join(truth: str, predictions: str) -> tuple[int, int]:
    """Count right and all phrases that have a prediction: no check, no category, no interval."""
    import duckdb

    query = _RIGHT.format(truth=_source(truth), predictions=_source(predictions))
    with duckdb.connect() as connection:
        right, total = connection.sql(query).fetchall()[0]
    return right, total


def _source(file: str) -> str:
    if Path(file).suffix == ".parquet":
        return f"read_parquet('{file}')"
    return f"read_json('{file}', format='newline_delimited', columns={LABELLED})"


if __name__ == "__main__":
    mode, *files = sys.argv[1:]
    if mode == "join":
        print(*join(*files))
    else:
        sides = [
            Thread(target=read, args=side) for side in zip(files, (LABELLED, COLUMNS), strict=True)
        ]
        for side in sides:
            side.start()
            if mode == "in-turn":
                side.join()
        for side in sides:
            side.join()
