"""The goals at 10^7 rows: against DuckDB alone, two workers against one, and rows out of order.

All sides are whole processes that take turns, with the same files. What DuckDB does alone is in
`benchmarks.duckdb_alone`; its join must count as many phrases right as ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.children import Run, run_module, run_phraseloc
from benchmarks.results import Row, Section, megabytes
from benchmarks.synthetic import Pair, shuffle_predictions, write_pair
from benchmarks.timing import Times, take_turns

TURNS, TEXT_TURNS = 3, 2

_READS = {"in-turn": "DuckDB reads both, in turn", "at-once": "DuckDB reads both at once"}


@dataclass(frozen=True)
class _Sides:
    """Sides that take turns, and the last run of each."""

    last: dict[str, Run] = field(default_factory=dict)
    tasks: dict[str, Callable[[], object]] = field(default_factory=dict)

    def add(self, name: str, run: Callable[..., Run], *words: object) -> None:
        """Add a side: a process."""

        def task() -> None:
            self.last[name] = run(*words)

        self.tasks[name] = task

    def right(self, name: str) -> int:
        """Give how many phrases ours found right."""
        return int(json.loads(self.last[name].output)[0]["accuracy"]["correct"])


def measure(rows: int, folder: Path) -> Section:
    """Measure Parquet and JSON Lines of so many rows."""
    pair = write_pair(rows, ".parquet", folder)
    shuffled = shuffle_predictions(rows, pair)
    lines = write_pair(rows, ".jsonl", folder)
    found = [
        *_parquet(pair, f"{rows:,} rows of .parquet"),
        *_out_of_order(pair, shuffled, f"{rows:,} rows of .parquet, out of order"),
        *_reading(lines, f"{rows:,} rows of .jsonl", TEXT_TURNS, 1 / 1.5),
    ]
    notes = [
        f"Whole processes; medians of {TURNS} turns, of .jsonl {TEXT_TURNS}, after one more each.",
        "DuckDB alone fetches the columns that scoring needs in order, and throws them away.",
        "It has all cores; the goal is against the quicker of its two ways.",
        "Its join counts as many phrases right as ours, and nothing else; it checks nothing.",
        "Peak memory is that of the largest process.",
    ]
    return Section("Scale: goals", found, notes)


def _parquet(pair: Pair, what: str) -> list[Row]:
    sides = _Sides()
    _add_reads(sides, pair)
    _add_score(sides, "one", pair, "--workers", 1)
    _add_score(sides, "two", pair, "--workers", 2)
    times = take_turns(sides.tasks, TURNS)
    rows = _read_rows(times, what, 1 / 3)
    rows.append(_join_row(sides, times, what))
    rows.append(_row(f"{what}, --workers 2", times, "two", "ours, --workers 1", "one", 1.6))
    rows.append(_row(f"{what}, --workers 2", times, "two", "ours, no workers", "ours"))
    rows.append(_memory_row(sides, f"{what}, --workers 2", "two", "ours, no workers", "ours"))
    return rows


def _out_of_order(pair: Pair, shuffled: Pair, what: str) -> list[Row]:
    """Measure predictions in an order of their own, which are divided into buckets on disk."""
    sides = _Sides()
    _add_score(sides, "ours", shuffled)
    _add_score(sides, "two", shuffled, "--workers", 2)
    _add_score(sides, "in order", pair)
    sides.add("join", run_module, "benchmarks.duckdb_alone", "join", *_files(shuffled))
    times = take_turns(sides.tasks, TURNS)
    return [
        _row(what, times, "ours", "ours, in order", "in order"),
        _memory_row(sides, what, "ours", "ours, in order", "in order"),
        _row(f"{what}, --workers 2", times, "two", "ours, no workers", "ours"),
        _join_row(sides, times, what),
    ]


def _reading(pair: Pair, what: str, turns: int, goal: float) -> list[Row]:
    sides = _Sides()
    _add_reads(sides, pair)
    return _read_rows(take_turns(sides.tasks, turns), what, goal)


def _add_reads(sides: _Sides, pair: Pair) -> None:
    for way in _READS:
        sides.add(way, run_module, "benchmarks.duckdb_alone", way, *_files(pair))
    if pair.truth.suffix == ".parquet":
        sides.add("join", run_module, "benchmarks.duckdb_alone", "join", *_files(pair))
    _add_score(sides, "ours", pair)


def _add_score(sides: _Sides, name: str, pair: Pair, *more: object) -> None:
    sides.add(name, run_phraseloc, "score", *_files(pair), "--format", "json", *more)


def _files(pair: Pair) -> tuple[Path, Path]:
    return pair.truth, pair.predictions


def _read_rows(times: Times, what: str, goal: float) -> list[Row]:
    quicker = times.fastest(list(_READS))
    return [
        _row(what, times, "ours", peer, way, goal if way == quicker else None)
        for way, peer in _READS.items()
    ]


def _join_row(sides: _Sides, times: Times, what: str) -> Row:
    right = int(sides.last["join"].output.split()[0])
    if right != sides.right("ours"):
        raise AssertionError(f"{what}: ours has {sides.right('ours')} right, the join {right}")
    return _row(what, times, "ours", "DuckDB joins and counts, in SQL", "join")


def _row(
    what: str, times: Times, ours: str, peer: str, theirs: str, goal: float | None = None
) -> Row:
    mine, others = (f"{times.median(side):,.2f} s" for side in (ours, theirs))
    return Row(what, mine, peer, others, times.ratio(ours, theirs), goal)


def _memory_row(sides: _Sides, what: str, ours: str, peer: str, theirs: str) -> Row:
    mine, others = (sides.last[side].peak for side in (ours, theirs))
    return Row(f"{what}: peak memory", megabytes(mine), peer, megabytes(others), others / mine)
