"""``random``: any object, with the same chance (MAF, EMNLP 2020, Table 5).

The draw is seeded; `expected_accuracy` gives the mean over all draws exactly.
"""

from __future__ import annotations

import numpy as np

from phraseloc.baselines.draws import draw_objects
from phraseloc.baselines.task import Choice, Task


def choose(task: Task) -> Choice:
    """Choose a random object of the image."""
    return task.choose(draw_objects(task, "random"))


def expected_accuracy(task: Task) -> float:
    """Give the mean accuracy of all draws: each phrase counts with its share of right objects.

    A phrase whose image has no objects is wrong.
    """
    _, right = task.outcomes
    counts = np.diff(task.starts)
    hits = np.bincount(np.repeat(np.arange(len(task)), counts)[right], minlength=len(task))
    return float((hits / np.maximum(counts, 1)).mean())
