"""``glove-max``: the label nearest to any word of the phrase (MAF, EMNLP 2020, Table 5)."""

from __future__ import annotations

from phraseloc.baselines.task import Choice, Task
from phraseloc.columns import FloatArray


def choose(task: Task) -> Choice:
    """Choose the largest object of the label with the highest cosine to any word."""
    return task.choose(task.best(scores(task)))


def scores(task: Task) -> FloatArray:
    """Give each pair the highest cosine of a word of the phrase with the object's label."""
    from phraseloc.kernels.selection import best_word_scores

    text = task.text
    return best_word_scores(text.cosines, text.offsets, text.words, task.starts, task.labels)
