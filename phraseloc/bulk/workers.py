"""Workers: what they get, what they must see, and what is told when one of them fails.

Where a worker has another working folder or another machine, a name that is good here is not good
there, or worse, is that of another file.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from phraseloc.bulk.addresses import is_address
from phraseloc.bulk.run import Job, without_threads
from phraseloc.bulk.tables import Table
from phraseloc.errors import InputError, OptionError
from phraseloc.formats.source import stat_of

PARTS = 4
"""How many parts each worker gets, so that a slow one does not hold up the rest."""

ANSWER = 5.0
"""How many seconds a cluster has to answer."""


def for_workers(job: Job) -> Job:
    """Give the job of a worker: it reads in its own thread, and by names that are good anywhere."""
    tables = tuple(map(_anywhere, job.predictions))
    return without_threads(replace(job, truth=_anywhere(job.truth), predictions=tables))


def _anywhere(table: Table) -> Table:
    shards = table.shards
    files = tuple(map(_absolute, shards.files))
    name = files[0] if shards.files == (shards.name,) else shards.name
    return replace(table, shards=replace(shards, name=name, files=files))


def _absolute(file: str) -> str:
    return file if is_address(file) else str(Path(file).absolute())


def count_workers(client: Any) -> int:
    """Count the workers of a cluster, which has some seconds to have one.

    Raises
    ------
    OptionError
        if it has none
    """
    try:
        client.wait_for_workers(1, timeout=ANSWER)
    except TimeoutError:
        address = client.scheduler.address
        raise OptionError(f"--cluster {address}: found no worker, expected at least one") from None
    return len(client.scheduler_info(n_workers=-1)["workers"])


def check_seen(client: Any, places: Sequence[str], hint: str = "") -> None:
    """Check that every worker sees files and folders.

    Parameters
    ----------
    hint : what a message adds

    Raises
    ------
    InputError
        for the first that a worker does not see
    """
    local = [place for place in places if not is_address(place)]
    found = client.run(_unseen, local, on_error="ignore")  # whoever dies here does no part of it
    for worker, unseen in sorted(found.items()):
        if unseen is not None:
            place, reason = unseen
            expected = "expected a place that all workers see under this name"
            raise InputError(place, f"worker {worker} found {reason}, {expected}{hint}")


def _unseen(places: Sequence[str]) -> tuple[str, str] | None:
    """Give the first place that is not seen here, and why."""
    try:
        for place in places:
            stat_of(place)
    except InputError as error:
        return error.source, error.message
    return None


@contextmanager
def quiet() -> Iterator[int]:
    """Keep what Dask logs out of the command's output; what matters comes as an exception."""
    import distributed  # noqa: F401 - it sets its handlers up

    level = logging.CRITICAL + 1
    before = [(handler, handler.level) for handler in logging.getLogger("distributed").handlers]
    for handler, _ in before:
        handler.setLevel(level)
    try:
        yield level
    finally:
        for handler, old in before:
            handler.setLevel(old)


def check_done(futures: list[Any]) -> None:
    """Wait for futures, and let go of them; of several that fail, the first is told.

    Raises
    ------
    OptionError
        if the workers died with one of them, one after another, or the cluster went away
    """
    import distributed

    while futures:
        future = futures.pop(0)
        error = future.exception()
        if isinstance(error, distributed.KilledWorker):
            times = error.allowed_failures + 1
            raise OptionError(
                f"{times} workers died over the same part of the rows; have they enough memory "
                "(--memory, --workers)?"
            )
        if error is not None:
            raise error
        if future.status != "finished":
            raise OptionError(f"the cluster went away (a part of the rows is {future.status})")
