"""``largest``: the largest object, Max-obj (MAF, EMNLP 2020, Table 5)."""

from __future__ import annotations

from phraseloc.baselines.task import Choice, Task
from phraseloc.geometry import areas


def choose(task: Task) -> Choice:
    """Choose the box of the largest area."""
    return task.choose(task.best(areas(task.objects.boxes)[task.pairs]))
