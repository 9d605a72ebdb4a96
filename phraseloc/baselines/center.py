"""``center``: the object nearest to the middle of the image (MAF, EMNLP 2020, Table 5)."""

from __future__ import annotations

import numpy as np

from phraseloc.baselines.task import Choice, Task


def choose(task: Task) -> Choice:
    """Choose the box whose centre has the least L1 distance to the image's centre."""
    middles = np.repeat(task.sizes / 2, np.diff(task.starts), axis=0)
    centres = (task.boxes[:, :2] + task.boxes[:, 2:]) / 2
    return task.choose(task.best(-np.abs(centres - middles).sum(axis=1)))
