"""``glove-avg``: the label nearest to the phrase's mean vector (MAF, EMNLP 2020, Table 5)."""

from __future__ import annotations

from phraseloc.baselines.task import Choice, Task
from phraseloc.columns import FloatArray


def choose(task: Task) -> Choice:
    """Choose the largest object of the label with the highest cosine to the mean vector."""
    return task.choose(task.best_labelled(scores(task)))


def scores(task: Task) -> FloatArray:
    """Give each label of a phrase's image its cosine with the phrase's mean vector.

    It is left multiplied by the length of the mean vector, which is the same for all labels.
    """
    from phraseloc.kernels.selection import mean_word_scores

    text, seen = task.text, task.labelled
    return mean_word_scores(text.projections, text.offsets, text.words, seen.starts, seen.labels)
