"""Options and calls of files that are streamed: large, several, elsewhere, or on a cluster."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phraseloc.commands.options import check_path, options
from phraseloc.errors import OptionError
from phraseloc.protocol import Protocol

if TYPE_CHECKING:
    from phraseloc.bulk.run import Job, Totals

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


def parse_bytes(_ctx: Any, _param: Any, text: str | None) -> int | None:
    """Parse a size such as ``4GB`` or ``500M``."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", text.strip(), re.IGNORECASE)
    if not match or not float(match[1]):
        raise click.BadParameter(f"found {text!r}; expected a size such as 4GB or 500MB")
    return int(float(match[1]) * _UNITS[match[2].upper()])


WORKER_OPTIONS = ("workers", "cluster")
"""The options that say on what processes to work."""

STREAM_OPTIONS = ("memory", *WORKER_OPTIONS, "scratch")
"""The options that say how files are streamed; any of them asks for it."""

worker_options = options(
    click.option(
        "--workers", type=click.IntRange(1), metavar="N", help="Work in so many processes here."
    ),
    click.option("--cluster", metavar="ADDRESS", help="Work on the Dask cluster there."),
)
stream_options = options(
    click.option(
        "--memory",
        metavar="SIZE",
        callback=parse_bytes,
        help="About how much a large file may use, as 4GB. [default: 4GB]",
    ),
    worker_options,
    click.option(
        "--scratch",
        metavar="DIR",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="A folder that all workers see, for rows in different orders. [default: temporary]",
    ),
)


def find_job(
    ground_truth: str,
    files: Sequence[str],
    protocols: Sequence[Protocol],
    streaming: dict[str, Any],
    *,
    split: str | None,
    unrelated: str | None,
    compared: bool = False,
    **reading: Any,
) -> Job | None:
    """Give the job of files that are to be streamed; None where all are small.

    Raises
    ------
    OptionError
        if files are to be streamed that cannot be
    InputError
        if one is not there
    """
    from phraseloc.bulk.shards import find_shards, is_large
    from phraseloc.formats.source import STDIN, stat_of

    for path in filter(None, (split, unrelated)):
        check_path(path)
    shards = [find_shards(name) for name in (ground_truth, *files)]
    known = [one for one in shards if one is not None]
    if not any(streaming.values()) and not any(map(is_large, known)):
        return None
    if len(known) < len(shards):
        name = (ground_truth, *files)[shards.index(None)]
        if name != STDIN:
            stat_of(name)
        raise OptionError(
            f"{name} cannot be streamed: expected Parquet, JSON, JSON Lines, CSV or TSV, as "
            "`phraseloc convert` writes them"
        )
    if split or unrelated:
        raise OptionError(
            f"{ground_truth} is streamed whole: expected no --split, but a file of the split, as "
            "`phraseloc convert --split` writes it"
        )
    from phraseloc.bulk.run import MEMORY, make_job

    memory = streaming["memory"] or MEMORY
    return make_job(known[0], known[1:], protocols, memory=memory, compared=compared, **reading)


def workers_of(chosen: dict[str, Any]) -> tuple[int | None, str | None]:
    """Give how many processes are to work here, or the address of those elsewhere.

    Raises
    ------
    OptionError
        if both are given
    """
    workers, address = (chosen[option] for option in WORKER_OPTIONS)
    if workers and address:
        raise OptionError("found --workers and --cluster; expected one of them")
    return workers, address


def total(job: Job, streaming: dict[str, Any], per_phrase: str | None = None) -> Totals:
    """Go through all rows, here or on a cluster; write every phrase's result where asked to."""
    workers, address = workers_of(streaming)
    if workers or address:
        if per_phrase is not None:
            raise OptionError("--per-phrase is written by one process: expected no workers")
        from phraseloc.bulk.cluster import connected, total_on

        if workers:  # they share the memory of this machine
            job = replace(job, memory=job.memory // workers)
        with connected(workers, address) as client:
            return total_on(client, job, streaming["scratch"])
    from phraseloc.bulk.run import total_of

    if per_phrase is None:
        return total_of(job, scratch=streaming["scratch"])
    if Path(per_phrase).suffix != ".parquet":
        raise OptionError(f"{per_phrase}: results of large files are written as .parquet")
    from phraseloc.bulk.per_phrase import written_to

    return total_of(job, partial(written_to, Path(per_phrase), job), streaming["scratch"])
