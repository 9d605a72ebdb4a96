"""``random``: any object, with the same chance (MAF, EMNLP 2020, Table 5).

The draw is seeded; the mean of `chances` is the accuracy over all draws, exactly.
"""

from __future__ import annotations

import numpy as np

from phraseloc.baselines.draws import draw_objects
from phraseloc.baselines.task import Choice, Task
from phraseloc.columns import FloatArray


def choose(task: Task) -> Choice:
    """Choose a random object of the image."""
    return task.choose(draw_objects(task, "random"))


def chances(task: Task) -> FloatArray:
    """Give the chance (N,) of each phrase to be right: the share of its image's objects that are.

    A phrase whose image has no objects is wrong.
    """
    _, right = task.outcomes
    counts = np.diff(task.starts)
    hits = np.bincount(np.repeat(np.arange(len(task)), counts)[right], minlength=len(task))
    shares: FloatArray = hits / np.maximum(counts, 1)
    return shares
