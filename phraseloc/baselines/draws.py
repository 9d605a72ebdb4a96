"""Random draws keyed by seed and phrase: neither order nor number of the phrases moves one."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from phraseloc.baselines.task import Task
from phraseloc.columns import FloatArray, IntArray


def uniform(task: Task, purpose: str) -> FloatArray:
    """Draw a number in [0, 1) for each phrase; another purpose draws others."""
    keys = task.keys
    columns = [keys.image.to_list()]
    columns += [column.to_list() for column in (keys.entity, keys.phrase) if column is not None]
    columns += [
        list(map(str, column.tolist()))
        for column in (keys.sentence, keys.first_word)
        if column is not None
    ]
    start = blake2b(f"{purpose}\0{task.seed}".encode(), digest_size=8)
    numbers = []
    for row in zip(*columns, strict=True):
        state = start.copy()
        state.update("\0".join(row).encode())
        numbers.append(int.from_bytes(state.digest(), "little") >> 11)
    return np.array(numbers, np.float64) / 2**53


def draw_objects(task: Task, purpose: str) -> IntArray:
    """Draw one object a phrase, each with the same chance; -1 where the image has none."""
    counts = np.diff(task.starts)
    place = task.starts[:-1] + (uniform(task, purpose) * counts).astype(np.int64)
    return np.append(task.pairs, -1)[np.where(counts > 0, place, -1)]
