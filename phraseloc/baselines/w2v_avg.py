"""``w2v-avg``: the label nearest to the mean vector, then a box of it (Wang and Specia, 2019)."""

from __future__ import annotations

from phraseloc.baselines.box_choice import choose_of_label
from phraseloc.baselines.glove_avg import scores
from phraseloc.baselines.task import Choice, Task


def choose(task: Task, boxes: str = "largest") -> Choice:
    """Choose the label with the highest cosine to the phrase's mean vector, and a box of it."""
    return choose_of_label(task, scores(task), boxes)
