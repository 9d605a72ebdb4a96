"""Many processes or machines: parts of the rows to totals, on Dask, and these added up as a tree.

Totals are whole numbers, so that workers, parts and a worker's death cannot move a bit: what a dead
worker had in hand is done again by another. Where files are not in one order, their parts are first
divided into buckets, in a folder that all workers see.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import reduce
from itertools import pairwise
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from phraseloc.bulk.buckets import scratch_folder
from phraseloc.bulk.checks import check_totals, refuse_buckets
from phraseloc.bulk.pairs import NotInOrder
from phraseloc.bulk.reading import Part
from phraseloc.bulk.run import (
    Job,
    Totals,
    buckets_of,
    total_in_order,
    total_of_bucket,
    write_side,
)
from phraseloc.bulk.tables import Table
from phraseloc.bulk.workers import (
    ANSWER,
    PARTS,
    check_done,
    check_seen,
    count_workers,
    for_workers,
    quiet,
)
from phraseloc.errors import MissingExtra, OptionError

_ENVIRONMENT = "distributed.nanny.pre-spawn-environ"

_BRANCHES = 8
"""How many totals are added up at once."""


@contextmanager
def connected(workers: int | None = None, address: str | None = None) -> Iterator[Any]:
    """Give a client of so many processes here, or of the cluster at an address.

    Raises
    ------
    MissingExtra
        if Dask is not installed
    OptionError
        if no cluster answers at the address
    """
    try:
        import dask
        import distributed
    except ImportError:
        raise MissingExtra("dask", "scale", "working on many processes") from None
    if address is not None:
        with quiet(), _client(address) as client:
            yield client
        return
    with (
        scratch_folder() as folder,
        dask.config.set({"temporary-directory": str(folder), _ENVIRONMENT: _kept_memory()}),
        quiet() as level,
        distributed.LocalCluster(  # type: ignore[no-untyped-call]
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",  # where it answers even if there is no dashboard
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,
            silence_logs=level,
        ) as cluster,
        distributed.Client(cluster) as client,  # type: ignore[no-untyped-call]
    ):
        yield client


def _kept_memory() -> dict[str, Any]:
    """Let workers keep the memory that they free, where Dask has them give it back at once.

    The next block takes it again: of ten million rows, clearing new pages took a third of the time.
    """
    import dask

    environment = dask.config.get(_ENVIRONMENT)
    return {name: value for name, value in environment.items() if "TRIM" not in name}


def _client(address: str) -> Any:
    import asyncio

    import distributed

    async def ask() -> None:  # a client waits forever for somebody who listens and says nothing
        async with distributed.rpc(address) as scheduler:  # type: ignore[no-untyped-call]
            await asyncio.wait_for(scheduler.identity(), ANSWER)

    try:
        with ThreadPoolExecutor(1) as thread:  # this one may have a loop, as in a notebook
            thread.submit(lambda: asyncio.run(ask())).result()
        return distributed.Client(address, timeout=ANSWER)  # type: ignore[no-untyped-call]
    except Exception as error:  # of a socket, an address, a handshake, a scheme: no common base
        reason = str(error).partition("\n")[0] or f"{ANSWER:g} s without a word"
        raise OptionError(f"--cluster {address}: no Dask scheduler answers: {reason}") from None


def total_on(client: Any, job: Job, scratch: Path | None = None) -> Totals:
    """Go through all rows on a cluster.

    Parameters
    ----------
    client : a client of Dask
    scratch : a folder that all workers see, for rows that are not in one order

    Raises
    ------
    InputError
        with what is wrong in a file, of several wrong parts in the first; or if a worker does not
        see a file
    OptionError
        if there is no worker, or the workers die
    """
    job = for_workers(job)
    count = PARTS * count_workers(client)
    check_seen(client, [file for table in job.tables for file in table.shards.files])
    parts = cut(job, count)
    if parts is not None:
        with suppress(NotInOrder):
            submitted = (client.submit(total_in_order, job, p, pure=False) for p in parts)
            return _added(client, job, list(submitted))
    if any(job.ordered):
        with suppress(NotInOrder):  # parts that hold other rows than the ground truth's
            return _added(client, job, [client.submit(total_in_order, job, pure=False)])
        refuse_buckets(job)
    with scratch_folder(scratch) as folder:
        check_seen(client, [str(folder)], "; --scratch names one")
        buckets = buckets_of(job, count)
        written = [
            client.submit(write_side, job, side, folder, buckets, part, piece, pure=False)
            for side, table in enumerate(job.tables)
            for piece, part in enumerate(pieces(table, count))
        ]
        check_done(written)
        totals = (
            client.submit(total_of_bucket, job, folder, b, pure=False) for b in range(buckets)
        )
        return _added(client, job, list(totals))


def cut(job: Job, count: int) -> list[list[Part]] | None:
    """Cut the rows of all tables at the same places, about so many; None where that cannot be.

    Where tables have different numbers of rows, or are JSON or text, whose rows only reading tells,
    a part is the same shard of each.
    """
    sizes = [table.row_counts for table in job.tables]
    totals = {None if size is None else sum(size) for size in sizes}
    if len(totals) > 1 or None in totals:
        shards = {len(table.shards.files) for table in job.tables}
        if len(shards) > 1 or (shards == {1} and None not in totals):
            return None
        return [[[(shard, 0, None)]] * len(sizes) for shard in range(shards.pop())]
    return [
        [_range(size, low, high) for size in sizes if size is not None]
        for low, high in _spans(totals.pop() or 0, count)
    ]


def pieces(table: Table, count: int) -> list[Part]:
    """Cut the rows of a table into about so many parts; of JSON and text, into its shards."""
    size = table.row_counts
    if size is None:
        return [[(shard, 0, None)] for shard in range(len(table.shards.files))]
    return [_range(size, low, high) for low, high in _spans(sum(size), count)]


def _spans(rows: int, count: int) -> list[tuple[int, int]]:
    """Cut so many rows into about so many spans, each up to before its end."""
    ends = np.linspace(0, rows, count + 1).astype(np.int64).tolist()
    return [(low, high) for low, high in pairwise(ends) if high > low]


def _range(sizes: Sequence[int], low: int, high: int) -> Part:
    """Give the rows from one to before another, of all shards' rows one after another."""
    part, begin = [], 0
    for shard, size in enumerate(sizes):
        first, last = max(low - begin, 0), min(high - begin, size)
        if first < last:
            part.append((shard, first, last))
        begin += size
    return part


def _added(client: Any, job: Job, parts: list[Any]) -> Totals:
    """Add up totals where they are, some at a time; their order is kept; and check them."""
    futures = list(parts)
    while len(futures) > 1:
        groups = [futures[i : i + _BRANCHES] for i in range(0, len(futures), _BRANCHES)]
        futures = [client.submit(reduce, add, group, pure=False) for group in groups]
    check_done(parts)
    check_done(list(futures))
    total: Totals = futures[0].result()
    check_totals(job, total)
    return total
