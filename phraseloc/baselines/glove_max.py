"""``glove-max``: the label nearest to any word of the phrase (MAF, EMNLP 2020, Table 5)."""

from __future__ import annotations

from phraseloc.baselines.task import Choice, Task
from phraseloc.columns import FloatArray


def choose(task: Task) -> Choice:
    """Choose the largest object of the label with the highest cosine to any word."""
    return task.choose(task.best_labelled(scores(task)))


def scores(task: Task) -> FloatArray:
    """Give each label of a phrase's image its highest cosine with a word of the phrase."""
    from phraseloc.kernels.selection import best_word_scores

    text, seen = task.text, task.labelled
    return best_word_scores(text.cosines, text.offsets, text.words, seen.starts, seen.labels)
