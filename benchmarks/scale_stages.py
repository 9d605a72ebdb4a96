"""Constants for a plan: what a row, a shard, a task and a sum cost, stage by stage.

Stages run in this process, one after another and in one thread as a worker's do; times are the
processor's.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time
from typing import TypeVar

from benchmarks.children import run_phraseloc
from benchmarks.results import Table, megabytes, milliseconds
from benchmarks.synthetic import FORMATS, Pair, write_pair
from phraseloc.bulk.reading import read_blocks
from phraseloc.bulk.run import (
    Job,
    make_job,
    score_bulk,
    total_in_order,
    total_of_bucket,
    without_threads,
    write_side,
)
from phraseloc.bulk.shards import Shards, find_shards
from phraseloc.bulk.tables import Table as Rows
from phraseloc.bulk.tables import open_table
from phraseloc.errors import Problems
from phraseloc.protocol import PROTOCOLS

BUCKETS = 400
"""How many buckets 100 workers ask for."""

SHARDS = 1_000
BOOTSTRAP = (10_000, 0, 0.95)

Result = TypeVar("Result")


def measure(rows: int, folder: Path) -> Table:
    """Measure all stages with so many rows."""
    pairs = {suffix: write_pair(rows, suffix, folder) for suffix in FORMATS}
    small = _job(write_pair(10_000, ".parquet", folder))
    total_in_order(small)  # compiles what is not compiled yet
    job = _job(pairs[".parquet"])
    lines = [
        *_read(pairs, rows),
        *_score(job, rows),
        *_divide(job, rows, folder),
        *_sums(job),
        *_shards(pairs[".parquet"]),
        *_sizes(pairs, rows),
        *_worker(pairs[".parquet"], rows),
    ]
    notes = [
        f"Of {rows:,} rows, in one thread, one after another; times are the processor's.",
        "A sum is what is sent between processes: of a part of the rows, or of all.",
    ]
    return Table("Scale: constants", ["what", "constant", "of"], lines, notes)


def _job(pair: Pair, *, methods: int = 1) -> Job:
    truth, predictions = (_shards_of(path) for path in (pair.truth, pair.predictions))
    found = make_job(truth, [predictions] * methods, [PROTOCOLS["flickr30k"]], compared=methods > 1)
    return without_threads(found)


def _shards_of(path: Path) -> Shards:
    found = find_shards(str(path))
    assert found is not None
    return found


def _timed(task: Callable[[], Result]) -> tuple[float, Result]:
    start = process_time()
    result = task()
    return process_time() - start, result


def _line(what: str, seconds: float, rows: int) -> tuple[str, str, str]:
    return what, f"{1e6 * seconds / rows:,.2f} s", "a million rows"


def _seconds_to_read(job: Job, side: int) -> float:
    def drain() -> None:
        for _ in read_blocks(job.tables[side], Problems(""), job.memory // 4, ahead=False):
            pass

    return _timed(drain)[0]


def _read(pairs: dict[str, Pair], rows: int) -> Iterator[tuple[str, str, str]]:
    for suffix, pair in pairs.items():
        for side, name in enumerate(("ground truth", "predictions")):
            seconds = _seconds_to_read(_job(pair), side)
            yield _line(f"read {name} and hash its keys, {suffix}", seconds, rows)


def _score(job: Job, rows: int) -> Iterator[tuple[str, str, str]]:
    reading = sum(_seconds_to_read(job, side) for side in range(2))
    whole, _ = _timed(lambda: total_in_order(job))
    yield _line("pair in order, score and sum, beside reading", whole - reading, rows)


def _divide(job: Job, rows: int, folder: Path) -> Iterator[tuple[str, str, str]]:
    reading = sum(_seconds_to_read(job, side) for side in range(2))
    with TemporaryDirectory(dir=folder) as name:
        seconds = _seconds_to_divide(job, Path(name), BUCKETS)
        size = sum(path.stat().st_size for path in Path(name).rglob("*.arrow"))
    yield _line(f"divide both into {BUCKETS} buckets, beside reading", seconds - reading, rows)
    yield "scratch of both", f"{size / rows:,.0f} bytes", "a row"
    with TemporaryDirectory(dir=folder) as name:
        place = Path(name)
        _seconds_to_divide(job, place, 1)
        joining, _ = _timed(lambda: total_of_bucket(job, place, 0))
    yield _line("read a bucket, join, score and sum", joining, rows)


def _seconds_to_divide(job: Job, folder: Path, buckets: int) -> float:
    def divide() -> None:
        for side in range(2):
            write_side(job, side, folder, buckets)

    return _timed(divide)[0]


def _sums(job: Job) -> Iterator[tuple[str, str, str]]:
    total = total_in_order(job)
    yield "a sum of one method, pickled", _kilobytes(len(pickle.dumps(total, 5))), "a part"
    both = Job(
        job.truth, job.predictions * 2, job.rules * 2, ("a", "b"), ahead=False, compared=True
    )
    size = len(pickle.dumps(total_in_order(both), 5))
    yield "a sum of two methods that are compared, pickled", _kilobytes(size), "a part"
    yield "add two sums", milliseconds(_timed(lambda: total + total)[0]), "a sum"
    finishing, _ = _timed(lambda: score_bulk(job, total, BOOTSTRAP))
    yield "interval and tables of a sum", milliseconds(finishing), "a run"


def _shards(pair: Pair) -> Iterator[tuple[str, str, str]]:
    """Look at shards as a run does before it begins, and at what it sends with every task."""
    shards, count = _shards_of(pair.predictions), 20
    many = Shards(shards.name, shards.files * count, shards.format)
    opening, table = _timed(lambda: open_table(many, {}))
    counting, _ = _timed(lambda: table.row_counts)
    yield (
        "look at a shard of .parquet, and count its rows",
        milliseconds((opening + counting) / count),
        "a shard",
    )
    named = tuple(f"/data/flickr/predictions/part-{n:05}.parquet" for n in range(SHARDS))
    job = _job(pair)
    sizes = [len(pickle.dumps(one, 5)) for one in (job, _with_files(job, named))]
    yield f"a task, with {SHARDS:,} shards of each side", _kilobytes(sizes[1]), "a task"


def _with_files(job: Job, files: tuple[str, ...]) -> Job:
    def named(table: Rows) -> Rows:
        return replace(table, shards=replace(table.shards, files=files))

    return replace(job, truth=named(job.truth), predictions=tuple(map(named, job.predictions)))


def _sizes(pairs: dict[str, Pair], rows: int) -> Iterator[tuple[str, str, str]]:
    for suffix, pair in pairs.items():
        for name, path in (("ground truth", pair.truth), ("predictions", pair.predictions)):
            yield f"{name} on disk, {suffix}", f"{path.stat().st_size / rows:,.1f} bytes", "a row"


def _worker(pair: Pair, rows: int) -> Iterator[tuple[str, str, str]]:
    run = run_phraseloc("score", pair.truth, pair.predictions, "--workers", 1)
    yield f"peak memory with {rows:,} rows, --workers 1", megabytes(run.peak), "the largest process"


def _kilobytes(size: float) -> str:
    return f"{size / 1e3:,.0f} kB"
