"""``w2v-max``: the label nearest to any word, then a box of it (Wang and Specia, ICCV 2019)."""

from __future__ import annotations

from phraseloc.baselines.box_choice import choose_of_label
from phraseloc.baselines.glove_max import scores
from phraseloc.baselines.task import Choice, Task


def choose(task: Task, boxes: str = "largest") -> Choice:
    """Choose the label with the highest cosine to any word, and a box of it as ``boxes`` says."""
    return choose_of_label(task, scores(task), boxes)
