"""``center``: the object nearest to the middle of the image (MAF, EMNLP 2020, Table 5)."""

from __future__ import annotations

import numpy as np

from phraseloc.baselines.task import Choice, Task


def choose(task: Task) -> Choice:
    """Choose the box whose centre has the least L1 distance to the image's centre."""
    boxes = task.objects.boxes
    centres = ((boxes[:, :2] + boxes[:, 2:]) / 2)[task.pairs]
    centres -= np.repeat(task.sizes / 2, np.diff(task.starts), axis=0)
    distance = np.abs(centres[:, 0]) + np.abs(centres[:, 1])
    return task.choose(task.best(-distance))
