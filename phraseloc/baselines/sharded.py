"""Baselines on many processes or machines: images in parts, and what was chosen put together.

A method that looks at an image alone (`Baseline.by_image`) chooses the same boxes, to the bit,
whatever other images stand beside it. Workers get parts of whole images, with their objects; a
part that a dead worker had in hand is chosen for by another. Other methods, trained ones and those
of a user's own that workers cannot import, choose in this process, for all images at once.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from threading import Lock
from typing import Any

import numpy as np

from phraseloc.baselines.run import Chosen, choice_with_chances
from phraseloc.baselines.table import Baseline
from phraseloc.baselines.task import Choice, Task
from phraseloc.columns import IntArray
from phraseloc.errors import PhraselocError
from phraseloc.vectors import WordVectors

LARGEST = 50_000
"""About how many phrases a part has at most, so that a worker's memory stays small."""

_ONE_AT_A_TIME = Lock()
"""Held while a part is chosen for: Numba's threads may admit a single caller."""


def choose_on(
    workers: int | None, address: str | None, task: Task, baselines: Sequence[Baseline]
) -> Iterator[Chosen]:
    """Let methods choose on so many processes here, or on the Dask cluster at an address.

    Raises
    ------
    MissingExtra
        if Dask is not installed
    """
    from phraseloc.bulk.cluster import connected

    with connected(workers, address) as client:
        found = choices_on(client, task, baselines)
    return (found.get(method) or choice_with_chances(method, task) for method in baselines)


def choices_on(client: Any, task: Task, baselines: Sequence[Baseline]) -> dict[Baseline, Chosen]:
    """Let the methods choose that can on workers.

    Where a part is refused, none has chosen, and all are to choose in this process: the error is
    then that of all images together.

    Parameters
    ----------
    client : a client of Dask

    Raises
    ------
    OptionError
        if there is no worker, or the workers die
    """
    import dask

    from phraseloc.bulk.workers import PARTS, check_done, count_workers

    workers = count_workers(client)
    methods = _that_workers_have(client, baselines)
    if not methods:
        return {}
    parts = cut_images(task, max(PARTS * workers, -(-len(task) // LARGEST)))
    # A part travels inside its call: the scheduler keeps it, so that no worker's death can lose it.
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1 TiB"}):
        vectors = client.submit(_handed_on, task.vectors, pure=False)
        futures = [
            client.submit(_choose_alone, part_of(task, rows), vectors, methods, pure=False)
            for rows in parts
        ]
    check_done(list(futures))
    chosen = client.gather(futures)
    if None in chosen:
        return {}
    by_method = zip(methods, zip(*chosen, strict=True), strict=True)
    return {method: joined(parts, found) for method, found in by_method}


def cut_images(task: Task, count: int) -> list[IntArray]:
    """Cut the phrases into so many parts of whole images, about alike in size.

    Fewer parts come of fewer images, or of images with many phrases.
    """
    images = task.keys.image.codes
    sizes = np.bincount(images)
    before = np.cumsum(sizes) - sizes
    part = (before * count // len(task))[images]
    order = np.argsort(part, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(part[order])) + 1)


def part_of(task: Task, rows: IntArray) -> Task:
    """Give the task of some images' phrases: with their objects alone, and yet without vectors."""
    truth = replace(task.truth.take(rows), left_out=None)
    proposals = None
    if task.proposals is not None:
        homes = task.homes[np.unique(task.keys.image.codes[rows])]
        proposals = task.objects.take(np.sort(homes[homes >= 0]))
    return replace(task, truth=truth, proposals=proposals, vectors=None)


def choose_part(
    part: Task, vectors: WordVectors | None, methods: Sequence[Baseline]
) -> list[Chosen]:
    """Let methods choose for a part; what they share of it is found once."""
    task = replace(part, vectors=vectors)
    return [choice_with_chances(method, task) for method in methods]


def joined(parts: Sequence[IntArray], chosen: Sequence[Chosen]) -> Chosen:
    """Put together what a method chose for parts, which have these rows of the whole."""
    order = np.argsort(np.concatenate(parts))
    chances = [one.chances for one in chosen if one.chances is not None]
    return Chosen(
        Choice(
            np.concatenate([one.choice.boxes for one in chosen])[order],
            np.concatenate([one.choice.decided for one in chosen])[order],
        ),
        sum(one.seconds for one in chosen),
        np.concatenate(chances)[order] if chances else None,
    )


def _handed_on(vectors: WordVectors | None) -> WordVectors | None:
    """Give vectors on; workers take them from each other, and lost ones are given again."""
    return vectors


def _choose_alone(
    part: Task, vectors: WordVectors | None, methods: Sequence[Baseline]
) -> list[Chosen] | None:
    """Choose for a part with as many threads as the worker has; None where a part is refused."""
    from distributed import get_worker

    with _ONE_AT_A_TIME, _threads(get_worker().state.nthreads), suppress(PhraselocError):
        return choose_part(part, vectors, methods)
    return None


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let Numba use so many threads."""
    import numba

    before = numba.get_num_threads()
    numba.set_num_threads(min(count, before))
    try:
        yield
    finally:
        numba.set_num_threads(before)


def _that_workers_have(client: Any, baselines: Sequence[Baseline]) -> list[Baseline]:
    """Give the methods, each once, that look at an image alone and that all workers can import."""
    packed = {
        method: data
        for method in dict.fromkeys(baselines)
        if method.by_image and (data := _packed(method)) is not None
    }
    answers = client.run(workers_know, list(packed.values()))
    return [method for method, *can in zip(packed, *answers.values(), strict=True) if all(can)]


def _packed(method: Baseline) -> bytes | None:
    """Pack a method, by the names of its functions; None where they cannot be had by name."""
    try:
        return pickle.dumps(method)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None


def workers_know(packed: Sequence[bytes]) -> list[bool]:
    """Tell which packed methods this process, a worker, can import."""
    return [_imports(data) for data in packed]


def _imports(data: bytes) -> bool:
    """Tell whether this process has the functions that are named; a module may fail in any way."""
    try:
        pickle.loads(data)
    except Exception:
        return False
    return True
