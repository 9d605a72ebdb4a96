"""Loading a checkpoint of either kind, with what it needs for a task."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from phraseloc.baselines import Task, wanted_words
from phraseloc.formats.vectors import load_vectors
from phraseloc.formats.vectors.arrays import DEFAULT
from phraseloc.formats.vectors.vocabulary import load_words
from phraseloc.maf.as_released import released_words
from phraseloc.maf.checkpoint import Checkpoint, load_checkpoint
from phraseloc.maf.released import is_released, load_released
from phraseloc.words import WordPolicy


@dataclass(frozen=True)
class Coverage:
    """How many words a checkpoint lacks that a task would look up, and the first of them."""

    words: int
    unknown: int
    first: tuple[str, ...]


def load_for(path: str | Path, task: Task, vectors: str | None = None) -> Checkpoint:
    """Load a checkpoint for a task.

    Parameters
    ----------
    vectors : for a released checkpoint, the file that it was trained with, by default GloVe 6B; for
        one of our own, a file that gives words which it does not have, by default none

    Raises
    ------
    InputError
        if a file cannot be used, or does not fit
    """
    place = Path(path)
    if is_released(place):
        wanted = _wanted(task, task.policy) | released_words(task)
        return load_released(place, load_words(vectors), wanted, vectors_name(vectors))
    checkpoint = load_checkpoint(place)
    if vectors is None:
        return checkpoint
    wanted = _wanted(task, checkpoint.policy)
    return checkpoint.with_words(load_vectors(vectors, wanted - set(checkpoint.words)))


def coverage_of(checkpoint: Checkpoint, task: Task) -> Coverage:
    """Tell which words of a task's phrases a checkpoint lacks."""
    known = set(checkpoint.words)
    words = {
        word
        for text in task.phrases.values
        for word in checkpoint.policy.known_words(text, known.__contains__)
    }
    unknown = sorted(words - known)
    return Coverage(len(words), len(unknown), tuple(unknown[:10]))


def _wanted(task: Task, policy: WordPolicy) -> set[str]:
    assert task.proposals is not None
    return wanted_words(task.truth, task.proposals, policy)


def vectors_name(vectors: str | None) -> str:
    """Give what tables call a vector file."""
    return DEFAULT if vectors is None else Path(vectors).name
