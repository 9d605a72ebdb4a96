"""Whole processes of ``phraseloc score`` and ``compare``: what a user waits for, imports included.

Ours reads, validates and aligns both files, and gives intervals and every table; the peer is the
plain script `benchmarks.stdlib_scorer`, which only counts. Both run by ``python -m`` from the
checkout, in the same interpreter, and must agree on every count.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.inputs import ROOT, ground_truth_file, predicted_records, write_json
from benchmarks.results import Row, Section, milliseconds
from benchmarks.timing import Times, take_turns

SAMPLES = 10_000
WORK = "score 14,481 phrases, with intervals and categories"


def measure(turns: int = 31) -> Section:
    """Measure the process with the ground truth's cache off, and full."""
    truth = ground_truth_file()
    with TemporaryDirectory() as folder:
        records = predicted_records(truth)
        guesses = write_json(records, Path(folder) / "predictions.json")
        changed = [{**r, "box": [1, 1, 99, 99]} if n % 9 == 0 else r for n, r in enumerate(records)]
        others = write_json(changed, Path(folder) / "others.json")
        score = ["phraseloc", "score", str(truth), str(guesses), "--format", "json"]
        plain = ["benchmarks.stdlib_scorer", str(truth), str(guesses)]
        runs = {
            "cold": _process(score, PHRASELOC_CACHE="off"),
            "warm": _process(score, PHRASELOC_CACHE=str(Path(folder) / "cache")),
            "compare": _process(
                ["phraseloc", "compare", str(truth), str(guesses), str(others)],
                PHRASELOC_CACHE="off",
            ),
            "plain": _process(plain),
            "bootstrap": _process([*plain, "--bootstrap", str(SAMPLES)]),
            "python": _process(None, "pass"),
            "numpy": _process(None, "import numpy", OPENBLAS_NUM_THREADS="1"),
        }
        _check(json.loads(runs["cold"]())[0], json.loads(runs["plain"]())["scores"])
        slow = take_turns({name: runs[name] for name in ("cold", "bootstrap")}, 2)
        del runs["bootstrap"]
        times = take_turns(runs, turns)
    return Section("Process", _rows(times, slow), _notes(times, turns))


def _process(module: list[str] | None, code: str = "", **variables: str) -> Callable[[], bytes]:
    """Give a function that runs a module or code in a process, and gives what it printed."""
    command = [sys.executable, "-m", *module] if module else [sys.executable, "-c", code]
    environment = {**os.environ, **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's processes load compiled modules

    def run() -> bytes:
        return subprocess.check_output(command, env=environment, cwd=ROOT)

    return run


def _check(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    groups = {"all": ours["accuracy"], **ours["categories"]}
    for name, score in theirs.items():
        found = {side: groups[name][side] for side in ("correct", "total")}
        if found != score:
            raise AssertionError(f"{name}: ours is {found}, the script's {score}")


def _rows(times: Times, slow: Times) -> list[Row]:
    script = "standard-library script, no intervals"
    rows = [
        _row(f"{WORK}, {state}", times, name, script, "plain", 1.0)
        for name, state in (("cold", "no cache"), ("warm", "ground truth cached"))
    ]
    against = f"standard-library script, {SAMPLES:,} samples"
    rows.append(_row(f"{WORK}, no cache", slow, "cold", against, "bootstrap", 1.0))
    seconds = times.median("compare")
    what = f"compare two files of 14,481 phrases, {SAMPLES:,} samples, no cache"
    return [
        *rows,
        Row(what, milliseconds(seconds), "one second", "1,000 ms", 1 / seconds, 1),
    ]


def _row(what: str, times: Times, ours: str, peer: str, theirs: str, goal: float | None) -> Row:
    return Row(
        what,
        milliseconds(times.median(ours)),
        peer,
        milliseconds(times.median(theirs)),
        times.ratio(ours, theirs),
        goal,
    )


def _notes(times: Times, turns: int) -> list[str]:
    python, numpy = (milliseconds(times.median(name)) for name in ("python", "numpy"))
    floor = (
        f"Medians of {turns} turns. Python alone takes {python} to start and stop, and {numpy} "
        "with NumPy's import: ours cannot be below that."
    )
    script = (
        "The script takes predictions in the ground truth's order and checks nothing but image and "
        "entity; both give the same counts, overall and in every category."
    )
    return [floor, script]
