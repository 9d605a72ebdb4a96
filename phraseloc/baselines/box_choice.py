"""Which object of the best label: Wang and Specia's box choice (ICCV 2019).

``largest``: the largest one; ``union``: the smallest box around all of them; ``random``: any.
"""

from __future__ import annotations

import numpy as np

from phraseloc.baselines.draws import uniform
from phraseloc.baselines.task import Choice, Task
from phraseloc.columns import BoolArray, FloatArray, IntArray, offsets_of
from phraseloc.geometry import ragged_union

BOX_CHOICES = ("largest", "union", "random")


def choose_of_label(task: Task, scores: FloatArray, boxes: str) -> Choice:
    """Choose the label of the highest score, as in `Task.labelled`, and a box as ``boxes`` says."""
    best = task.best_labelled(scores)
    if boxes == "union":
        return _union(task, best)
    return task.choose(_drawn(task, best) if boxes == "random" else best)


def _of_best_label(task: Task, best: IntArray) -> BoolArray:
    """Tell which pairs have the label of the phrase's best object."""
    labels = np.append(task.objects.labels.codes, -1)[best]
    alike: BoolArray = np.repeat(labels, np.diff(task.starts)) == task.labels
    return alike


def _union(task: Task, best: IntArray) -> Choice:
    places = np.flatnonzero(_of_best_label(task, best))
    counts = np.diff(np.searchsorted(places, task.starts))
    decided = best >= 0
    boxes = np.zeros((len(task), 4))
    boxes[decided] = ragged_union(task.boxes[places], offsets_of(counts[decided]))
    return Choice(boxes, decided)


def _drawn(task: Task, best: IntArray) -> IntArray:
    """Draw one of the objects with the best label."""
    places = np.flatnonzero(_of_best_label(task, best))
    bounds = np.searchsorted(places, task.starts)
    drawn = bounds[:-1] + (uniform(task, "boxes") * np.diff(bounds)).astype(np.int64)
    return np.append(task.pairs, -1)[np.where(best >= 0, np.append(places, -1)[drawn], -1)]
