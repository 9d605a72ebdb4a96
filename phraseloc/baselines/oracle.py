"""``oracle``: the object that fits the truth best, the upper bound of any choice of one object.

It is the only baseline that looks at the boxes of the ground truth.
"""

from __future__ import annotations

from phraseloc.baselines.task import Choice, Task


def choose(task: Task) -> Choice:
    """Choose the box with the highest overlap under the task's protocol."""
    overlap, _ = task.outcomes
    return task.choose(task.best(overlap))
