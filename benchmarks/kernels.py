"""Overlaps of boxes: how near the kernels are to the memory's speed, and to other packages.

A pair of boxes is 64 bytes read and one double written, for a dozen of operations: memory is the
limit. Its speed is measured in the same turns, with the same threads, by two loops that compute
next to nothing: a *copy* of as many bytes in all, and a *sum of eight* columns, which reads and
writes exactly what the kernel does. Both sides write into memory that was used before (``out=``):
else the operating system would clear every page first, and that would be measured. The rows
without ``out=`` say what it costs.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numba import get_num_threads, njit, prange, set_num_threads

from benchmarks.inputs import ROOT
from benchmarks.peers import PEERS, Rows, random_boxes, random_rows
from benchmarks.results import Row, Section, milliseconds, not_installed
from benchmarks.timing import Task, Times, take_turns
from phraseloc import geometry, kernels
from phraseloc.columns import FloatArray

PAIRS = 10_000_000
PAIR_BYTES = 72
OF_MEMORY, OF_PEERS = 0.75, 10.0
RANKS = (1, 5, 10)
OURS, OURS_OUT, OURS_ALONE = "phraseloc", "phraseloc, out=", "phraseloc, out=, one thread"


def measure(turns: int = 21) -> list[Section]:
    """Measure pairs against memory, rows against peers, and the first call."""
    draw = np.random.default_rng(0)
    few = 1 + (draw.random(14_481) < 0.2) + (draw.random(14_481) < 0.1)
    workloads = {
        "14,481 rows of 100 boxes and 1.3 targets": random_rows(np.full(14_481, 100), few),
        "1,000 rows of 100 boxes and 100 targets": random_rows(
            np.full(1000, 100), np.full(1000, 100)
        ),
    }
    return [
        _pairs(turns),
        *(_overlaps(what, rows, turns // 2) for what, rows in workloads.items()),
        _first_call(),
    ]


def _copied(source: FloatArray, out: FloatArray) -> None:
    for place in prange(len(out)):
        out[place] = source[place]


def _summed(columns: FloatArray, out: FloatArray) -> None:
    a, b, c, d, e, f, g, h = columns
    for row in prange(len(out)):
        out[row] = a[row] + b[row] + c[row] + d[row] + e[row] + f[row] + g[row] + h[row]


_compiled: Callable[[Any], Any] = njit(parallel=True)
copied, summed = _compiled(_copied), _compiled(_summed)


def _pairs(turns: int) -> Section:
    draw = np.random.default_rng(0)
    boxes, targets = random_boxes(PAIRS, draw), random_boxes(PAIRS, draw)
    columns, out = np.ones((8, PAIRS)), np.zeros(PAIRS)
    half = PAIRS * PAIR_BYTES // 16
    source, copy = np.ones(half), np.zeros(half)
    tasks: dict[str, Task] = {
        "copy": partial(copied, source, copy),
        "sum of eight": partial(summed, columns, out),
        "copy into new memory": lambda: copied(source, np.empty(half)),
    }
    for name in ("iou", "giou", "point"):
        kernel = getattr(kernels, f"paired_{name}")
        tasks[name] = partial(kernel, boxes, targets, out=out)
    tasks["new"] = partial(kernels.paired_iou, boxes, targets)
    tasks["numpy"] = partial(geometry.paired_iou, boxes, targets)
    times = take_turns(tasks, turns)
    label = f"paired {{}}, {PAIRS:,} pairs"
    rows = [
        *(_speed(times, label.format("IoU, out="), "iou", p) for p in ("copy", "sum of eight")),
        *(_speed(times, label.format(f"{n}, out="), n, "sum of eight") for n in ("giou", "point")),
        _speed(times, label.format("IoU"), "new", "copy into new memory"),
        _time(times, label.format("IoU"), "new", "numpy", None),
    ]
    note = (
        f"{get_num_threads()} threads on both sides; medians of {turns} turns; bytes are those "
        "that the program reads and writes, as the STREAM benchmark counts them."
    )
    return Section("Kernels: pairs of boxes against memory", rows, [note])


def _speed(times: Times, what: str, ours: str, peer: str) -> Row:
    goal = OF_MEMORY if ours == "iou" else None
    return Row(
        what,
        _rate(times.median(ours)),
        f"memory, {peer}",
        _rate(times.median(peer)),
        times.ratio(ours, peer),
        goal,
    )


def _rate(seconds: float) -> str:
    return f"{PAIRS * PAIR_BYTES / seconds / 1e9:.1f} GB/s"


def _time(times: Times, what: str, ours: str, peer: str, goal: float | None) -> Row:
    mine, theirs = milliseconds(times.median(ours)), milliseconds(times.median(peer))
    return Row(what, mine, peer, theirs, times.ratio(ours, peer), goal)


def _overlaps(what: str, rows: Rows, turns: int) -> Section:
    """Measure all overlaps of rows against every peer, and the goal against the best of them."""
    arrays = (rows.boxes, rows.offsets, rows.targets, rows.target_offsets)
    out = np.zeros(rows.pairs)
    expected = float(kernels.ragged_iou(*arrays).sum())
    tasks: dict[str, Task] = {
        OURS: partial(kernels.ragged_iou, *arrays),
        OURS_OUT: partial(kernels.ragged_iou, *arrays, out=out),
        OURS_ALONE: partial(_alone, partial(kernels.ragged_iou, *arrays, out=out)),
        "best": partial(kernels.best_overlaps, *arrays, RANKS),
        "numpy": partial(geometry.ragged_iou, *arrays),
        "numpy best": partial(geometry.best_overlaps, *arrays, RANKS),
    }
    installed = [name for name, peer in PEERS.items() if peer.installed]
    for name in installed:
        tasks[name] = task = PEERS[name].prepare(rows)
        total = PEERS[name].total(task())
        if abs(total - expected) > 1e-9 * expected:
            raise AssertionError(f"{name}: its overlaps sum to {total}, ours to {expected}")
    times = take_turns(tasks, turns)
    best = times.fastest(installed) if installed else None
    table = [
        _time(times, "all IoU", OURS, peer, OF_PEERS if peer == best else None)
        for peer in installed
    ]
    if best:
        table.append(_time(times, "all IoU, out=", OURS_OUT, best, OF_PEERS))
        table.append(_time(times, "all IoU, out=, one thread", OURS_ALONE, best, None))
    table += [not_installed("all IoU", name) for name in PEERS if name not in installed]
    table.append(_time(times, "all IoU", OURS, "numpy", None))
    ranks = f"best IoU of the first {', '.join(map(str, RANKS))} and all boxes"
    table.append(_renamed(_time(times, ranks, "best", "numpy best", None), "numpy"))
    notes = [
        f"{rows.pairs:,} pairs; the goal is against the best peer; medians of {turns} turns.",
        f"Ours has {get_num_threads()} threads; a call a row is too small for a peer to share out.",
    ]
    return Section(f"Kernels: {what}", table, notes)


def _alone(task: Task) -> object:
    """Run a task with one Numba thread."""
    threads = get_num_threads()
    set_num_threads(1)
    try:
        return task()
    finally:
        set_num_threads(threads)


def _renamed(row: Row, peer: str) -> Row:
    return Row(row.what, row.ours, peer, row.theirs, row.ratio, row.goal)


_FIRST_CALL = """
from time import perf_counter
import numpy as np
start = perf_counter()
from phraseloc import kernels
imported = perf_counter()
box, row = np.ones((1, 4)), np.arange(2)
kernels.best_overlaps(box, row, box, row, (1,))
print(imported - start, perf_counter() - imported)
"""


def _first_call() -> Section:
    """Measure what a process pays before the first overlap, without and with compiled code."""
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        first, second = (_seconds(environment) for _ in range(2))
    text = (
        f"Importing the kernels takes {milliseconds(second[0])}. The first call of best_overlaps "
        f"takes {milliseconds(first[1])} to compile, once for each installation, and "
        f"{milliseconds(second[1])} in later processes, which load the compiled code."
    )
    return Section("Kernels: before the first overlap", [], [text])


def _seconds(environment: dict[str, str]) -> tuple[float, float]:
    command = [sys.executable, "-c", _FIRST_CALL]
    printed = subprocess.check_output(command, env=environment, cwd=ROOT)
    imported, called = map(float, printed.split())
    return imported, called
