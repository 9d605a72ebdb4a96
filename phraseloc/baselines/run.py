"""Running a baseline: its choice, the fallback where it has no opinion, and predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import numpy as np

from phraseloc.alignment import Alignment
from phraseloc.baselines import center, largest, random_draw, whole_image
from phraseloc.baselines.table import Baseline
from phraseloc.baselines.task import Choice, Task
from phraseloc.columns import FloatArray, IntArray
from phraseloc.data import single_boxes
from phraseloc.errors import OptionError

FALLBACKS = {
    "whole-image": whole_image.choose,
    "largest": largest.choose,
    "center": center.choose,
    "random": random_draw.choose,
    "none": None,
}
"""What a phrase gets for which a method has no opinion; ``none`` is no prediction, so wrong."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """What a method chose, before the fallback.

    Parameters
    ----------
    choice : a box a phrase, where the method has an opinion
    seconds : how long the choice took; of parts, all of them together
    chances : (N,) float64, of each phrase to be right over all draws, where the method draws
    """

    choice: Choice
    seconds: float
    chances: FloatArray | None = None


Choosing = Callable[[Task, Sequence[Baseline]], Iterator[Chosen]]
"""Lets several methods choose, here or elsewhere; gives what each chose, in their order."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a baseline predicted.

    Parameters
    ----------
    baseline : the method
    alignment : one box a phrase, on the ground truth; phrases of images without objects have none
    undecided : how many phrases got the fallback's box
    without_objects : the rows of the phrases whose image has no objects, where objects are needed
    seconds : how long choice and fallback took
    """

    baseline: Baseline
    alignment: Alignment
    undecided: int
    without_objects: IntArray
    seconds: float


def run_baseline(baseline: Baseline, task: Task, fallback: str = "whole-image") -> Run:
    """Run a baseline on a task.

    Parameters
    ----------
    fallback : a name of `FALLBACKS`, for phrases of images with objects

    Raises
    ------
    OptionError
        if the task lacks what the method needs
    """
    check_fallback(fallback)
    return complete(baseline, task, timed_choice(baseline, task), fallback)


def check_fallback(name: str) -> None:
    """Refuse what names no fallback.

    Raises
    ------
    OptionError
        if it is no name of `FALLBACKS`
    """
    if name not in FALLBACKS:
        raise OptionError(f"fallback is {name!r}; expected one of {', '.join(FALLBACKS)}")


def timed_choice(baseline: Baseline, task: Task) -> Chosen:
    """Let a method choose."""
    started = perf_counter()
    choice = baseline.choose(task)
    _check_shapes(baseline, task, choice)
    return Chosen(choice, perf_counter() - started)


def choice_with_chances(baseline: Baseline, task: Task) -> Chosen:
    """Let a method choose, and find the chances of one that draws, whose time does not count."""
    chances = baseline.chances(task) if baseline.chances else None
    return replace(timed_choice(baseline, task), chances=chances)


def choose_here(task: Task, baselines: Sequence[Baseline]) -> Iterator[Chosen]:
    """Let methods choose in this process, each when it is asked for."""
    return (choice_with_chances(baseline, task) for baseline in baselines)


def complete(baseline: Baseline, task: Task, chosen: Chosen, fallback: str) -> Run:
    """Make predictions of what a method chose, and of the fallback where it has no opinion."""
    started = perf_counter()
    _check_boxes(baseline, task, chosen.choice)
    boxes, decided = chosen.choice.boxes.copy(), chosen.choice.decided.copy()
    reachable = task.images >= 0 if baseline.proposals else np.ones(len(task), bool)
    undecided = np.flatnonzero(reachable & ~decided)
    instead = FALLBACKS[fallback]
    if len(undecided) and instead is not None:
        other = instead(task.take(undecided))
        boxes[undecided], decided[undecided] = other.boxes, other.decided
    kept = np.flatnonzero(decided & reachable)
    space = task.objects.space if baseline.proposals else task.truth.space
    predictions = single_boxes(task.keys.take(kept), boxes[kept], space, baseline.name)
    rows = np.full(len(task), -1)
    rows[kept] = np.arange(len(kept))
    return Run(
        baseline,
        Alignment(rows, predictions),
        len(undecided),
        np.flatnonzero(~reachable),
        chosen.seconds + perf_counter() - started,
    )


def _check_shapes(baseline: Baseline, task: Task, choice: Choice) -> None:
    """Refuse a choice that is none; a method of a user's own may be wrong."""
    if choice.boxes.shape != (len(task), 4) or choice.decided.shape != (len(task),):
        raise OptionError(
            f"baseline {baseline.name} gave boxes {choice.boxes.shape} and decided "
            f"{choice.decided.shape}; expected {(len(task), 4)} and {(len(task),)}"
        )


def _check_boxes(baseline: Baseline, task: Task, choice: Choice) -> None:
    """Refuse boxes that are none."""
    wrong = ~(choice.boxes[:, 2:] > choice.boxes[:, :2]).all(axis=1)
    wrong |= ~np.isfinite(choice.boxes).all(axis=1)
    rows = np.flatnonzero(wrong & choice.decided)
    if len(rows):
        raise OptionError(
            f"baseline {baseline.name} chose {len(rows):,} boxes without area, that of "
            f"{task.keys.describe(int(rows[0]))} first: {choice.boxes[rows[0]].tolist()}"
        )
