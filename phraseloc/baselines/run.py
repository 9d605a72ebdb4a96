"""Running a baseline: its choice, the fallback where it has no opinion, and predictions."""

from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from phraseloc.alignment import Alignment
from phraseloc.baselines import center, largest, random_draw, whole_image
from phraseloc.baselines.table import Baseline
from phraseloc.baselines.task import Choice, Task
from phraseloc.columns import IntArray
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
class Run:
    """What a baseline predicted.

    Parameters
    ----------
    baseline : the method
    alignment : one box a phrase, on the ground truth; phrases of images without objects have none
    undecided : how many phrases got the fallback's box
    without_objects : the rows of the phrases whose image has no objects, where objects are needed
    seconds : how long the choice took
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
    if fallback not in FALLBACKS:
        raise OptionError(f"fallback is {fallback!r}; expected one of {', '.join(FALLBACKS)}")
    started = perf_counter()
    choice = baseline.choose(task)
    _check(baseline, task, choice)
    boxes, decided = choice.boxes, choice.decided
    reachable = task.images >= 0 if baseline.proposals else np.ones(len(task), bool)
    undecided = reachable & ~decided
    instead = FALLBACKS[fallback]
    if undecided.any() and instead is not None:
        other = instead(task)
        boxes = np.where(undecided[:, None], other.boxes, boxes)
        decided = decided | (undecided & other.decided)
    kept = np.flatnonzero(decided & reachable)
    space = task.objects.space if baseline.proposals else task.truth.space
    predictions = single_boxes(task.keys.take(kept), boxes[kept], space, baseline.name)
    rows = np.full(len(task), -1)
    rows[kept] = np.arange(len(kept))
    return Run(
        baseline,
        Alignment(rows, predictions),
        int(undecided.sum()),
        np.flatnonzero(~reachable),
        perf_counter() - started,
    )


def _check(baseline: Baseline, task: Task, choice: Choice) -> None:
    """Refuse a choice that is none; a method of a user's own may be wrong."""
    if choice.boxes.shape != (len(task), 4) or choice.decided.shape != (len(task),):
        raise OptionError(
            f"baseline {baseline.name} gave boxes {choice.boxes.shape} and decided "
            f"{choice.decided.shape}; expected {(len(task), 4)} and {(len(task),)}"
        )
    wrong = ~(choice.boxes[:, 2:] > choice.boxes[:, :2]).all(axis=1)
    wrong |= ~np.isfinite(choice.boxes).all(axis=1)
    rows = np.flatnonzero(wrong & choice.decided)
    if len(rows):
        raise OptionError(
            f"baseline {baseline.name} chose {len(rows):,} boxes without area, that of "
            f"{task.keys.describe(int(rows[0]))} first: {choice.boxes[rows[0]].tolist()}"
        )
