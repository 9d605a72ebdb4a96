"""``direct-match``: an object whose label shares a word with the phrase (MAF, Table 5)."""

from __future__ import annotations

import numpy as np

from phraseloc.baselines.task import Choice, Task


def choose(task: Task) -> Choice:
    """Choose the largest object with a word in its label that the phrase has too."""
    policy, labels = task.policy, task.objects.labels.values
    labels_of: dict[str, list[int]] = {}
    for column, label in enumerate(labels):
        for word in {word for name in policy.names(label) for word in policy.words(name)}:
            labels_of.setdefault(word, []).append(column)
    shared = np.zeros((len(task.phrases.values), len(labels)), bool)
    for row, text in enumerate(task.phrases.values):
        for word in policy.words(text):
            shared[row, labels_of.get(word, [])] = True
    seen = task.labelled
    texts = np.repeat(task.phrases.codes, np.diff(seen.starts))
    scores = np.where(shared[texts, seen.labels], 0.0, -np.inf)
    return task.choose(task.best_labelled(scores))
