"""Baselines: methods that choose a box for each phrase without training, in one table.

A baseline is a function from a `Task` (phrases, the objects of their images, word vectors) to a
`Choice` (a box a phrase, and which phrases it has an opinion about). One of your own joins the
table from Python by `register`, or from an installed package by an entry point of the group
``phraseloc.baselines`` that names a `Baseline`.
"""

from phraseloc.baselines.run import FALLBACKS, Run, run_baseline
from phraseloc.baselines.table import Baseline, baselines, find_baseline, register
from phraseloc.baselines.task import Choice, Task, of_images, wanted_words

__all__ = [
    "FALLBACKS",
    "Baseline",
    "Choice",
    "Run",
    "Task",
    "baselines",
    "find_baseline",
    "of_images",
    "register",
    "run_baseline",
    "wanted_words",
]
