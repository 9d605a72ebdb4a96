"""Turns: tasks run one after another, again and again, so that noise falls on all of them alike."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from time import perf_counter

Task = Callable[[], object]


@dataclass(frozen=True)
class Times:
    """Seconds of each task, a list with one entry a turn."""

    seconds: Mapping[str, list[float]]

    def median(self, name: str) -> float:
        """Give the median time of a task."""
        return median(self.seconds[name])

    def ratio(self, ours: str, peer: str) -> float:
        """Give how many times faster ours is: the median over turns of the peer's time by ours."""
        turns = zip(self.seconds[peer], self.seconds[ours], strict=True)
        return median(theirs / mine for theirs, mine in turns)

    def fastest(self, names: list[str]) -> str:
        """Name the task with the smallest median."""
        return min(names, key=self.median)


def take_turns(tasks: Mapping[str, Task], turns: int) -> Times:
    """Time tasks in turns, after one turn that is not counted; every second turn runs backwards.

    What a task returns is freed off the clock, and the garbage collector waits.
    """
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for task in tasks.values():
        task()
    for turn in range(turns):
        for name in list(tasks)[:: 1 if turn % 2 == 0 else -1]:
            seconds[name].append(_clock(tasks[name]))
    return Times(seconds)


def _clock(task: Task) -> float:
    gc.collect()
    gc.disable()
    start = perf_counter()
    result = task()
    stop = perf_counter()
    gc.enable()
    del result
    return stop - start
