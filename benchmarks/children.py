"""A process seen from outside: its time, its processor's, and the most memory that it had.

Linux counts the memory of whoever starts a process as the process's own until it has a program. So
a small process stands between: ``python -m benchmarks.children COMMAND…`` runs a command, and
prints what it took.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter

from benchmarks.inputs import ROOT


@dataclass(frozen=True)
class Run:
    """What a process took.

    Parameters
    ----------
    seconds : from its start to its end
    processor : seconds of all its threads and processes
    peak : bytes, the most that it, or any one process of its own, had in memory
    output : what it printed
    """

    seconds: float
    processor: float
    peak: float
    output: str = ""


def run_phraseloc(*words: object) -> Run:
    """Run the program, without its cache."""
    return run_module("phraseloc", *words)


def run_module(*words: object) -> Run:
    """Run a module as a user would, in a process of its own.

    Raises
    ------
    RuntimeError
        with what it said, if it fails
    """
    variables = {**os.environ, "PHRASELOC_CACHE": "off"}
    variables.pop("PYTHONDONTWRITEBYTECODE", None)  # a user's processes load compiled modules
    command = [sys.executable, "-m", *map(str, words)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.children", *command],
        env=variables,
        cwd=ROOT,
        capture_output=True,
        check=False,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr}")
    facts, _, output = done.stdout.partition("\n")
    seconds, processor, peak = map(float, facts.split())
    return Run(seconds, processor, peak, output)


def middle(runs: Sequence[Run]) -> Run:
    """Give the medians of several runs."""
    seconds, processor, peak = (
        median(getattr(run, name) for run in runs) for name in ("seconds", "processor", "peak")
    )
    return Run(seconds, processor, peak, runs[0].output)


def _run(command: list[str]) -> Run:
    source, sink = os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, sink, 1), (os.POSIX_SPAWN_CLOSE, source)]
    start = perf_counter()
    process = os.posix_spawn(command[0], command, os.environ, file_actions=actions)
    os.close(sink)
    with open(source) as pipe:  # noqa: PTH123 - a pipe has no path
        output = pipe.read()
    _, status, used = os.wait4(process, 0)
    seconds = perf_counter() - start
    if status:
        sys.exit(os.waitstatus_to_exitcode(status))
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * unit, output)


if __name__ == "__main__":
    found = _run(sys.argv[1:])
    print(found.seconds, found.processor, found.peak)
    print(found.output, end="")
