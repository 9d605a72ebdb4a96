"""Scoring files of any size: blocks to tallies, tallies to scores.

Ground truth and predictions are tried in the order that they stand in; where that is not one order,
they are divided into buckets. What is wrong with rows is gathered, and told together. Work is cut
into parts whose `Totals` add up, so that `phraseloc.bulk.cluster` can give them to many processes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

from phraseloc.bulk.blocks import Rules, Scored, score_pair, tally_changes
from phraseloc.bulk.buckets import bucket_count, divide, read_bucket, scratch_folder
from phraseloc.bulk.by_order import by_order
from phraseloc.bulk.checks import check_totals, refuse_buckets
from phraseloc.bulk.naming import called, label_of
from phraseloc.bulk.pairs import NotInOrder, Pair, by_key, check_unique, in_order
from phraseloc.bulk.phrases import read_phrases
from phraseloc.bulk.reading import Part, estimate_rows, read_blocks
from phraseloc.bulk.scores import changes_of, scores_of
from phraseloc.bulk.shards import Shards
from phraseloc.bulk.tables import Table, open_table
from phraseloc.bulk.tally import Tally
from phraseloc.comparison import Comparison
from phraseloc.errors import OptionError, Problems
from phraseloc.formats.source import names_of
from phraseloc.protocol import Protocol
from phraseloc.scoring import Bootstrap, Scores

MEMORY = 4_000_000_000
"""How many bytes are used by default, about."""

Told = Callable[[Sequence[Scored]], None]
"""Told of every block that was scored, a method an item."""

Written = Callable[[], AbstractContextManager[Told | None]]
"""Begins to write of every block; what it wrote counts if the block of code ends well."""


@dataclass(frozen=True)
class Job:
    """What is to be scored, and how.

    Parameters
    ----------
    truth, predictions : the ground truth, and each method's predictions
    rules : how the rows of each method are read and scored
    names : what the methods are called
    memory : how many bytes may be used, about
    ahead : whether threads read ahead
    compared : whether each method is compared with the first
    """

    truth: Table
    predictions: tuple[Table, ...]
    rules: tuple[Rules, ...]
    names: tuple[str, ...]
    memory: int = MEMORY
    ahead: bool = True
    compared: bool = False

    @property
    def ordered(self) -> tuple[bool, ...]:
        """Whether each method's rows are found by their place, for want of keys on either side."""
        return tuple(not (self.truth.keyed and table.keyed) for table in self.predictions)

    @property
    def tables(self) -> tuple[Table, ...]:
        """The ground truth, then the predictions."""
        return self.truth, *self.predictions


@dataclass(frozen=True, eq=False)
class Totals:
    """What was found in a part of the rows.

    Parameters
    ----------
    tallies : of each method; then, where they are compared, the wins and losses of the others
    noted : what is wrong with the rows of each table
    misplaced : of each method, the rows that are not the ground truth's of the same place
    """

    tallies: tuple[Tally, ...]
    noted: tuple[Problems, ...]
    misplaced: tuple[Problems, ...] = ()

    def __add__(self, other: Totals) -> Totals:
        tallies = (one + two for one, two in zip(self.tallies, other.tallies, strict=True))
        noted = (one + two for one, two in zip(self.noted, other.noted, strict=True))
        places = zip(self.misplaced, other.misplaced, strict=True)
        return Totals(tuple(tallies), tuple(noted), tuple(one + two for one, two in places))


def make_job(
    truth: Shards,
    predictions: Sequence[Shards],
    protocols: Sequence[Protocol],
    *,
    names: Sequence[str] | None = None,
    truth_boxes: dict[str, Any] | None = None,
    degenerate: str = "error",
    extra: str = "error",
    memory: int = MEMORY,
    compared: bool = False,
    **declared: Any,
) -> Job:
    """Look at all files, and check that they can be streamed; a method is a file and a protocol.

    Raises
    ------
    OptionError
        if a protocol needs all phrases of an image together
    InputError
        if a file cannot be used, or a shard differs from the first
    """
    for protocol in protocols:
        if protocol.unit != "phrase":
            raise OptionError(
                f"protocol {protocol.name} has unit {protocol.unit}, for which files are not "
                "streamed; expected unit phrase"
            )
    one = open_table(truth, truth_boxes or {}, "ground truth")
    if one.space.relative:
        raise OptionError(f"{truth.name}: ground truth in units {one.space.units} is not supported")
    tables = [open_table(shards, declared) for shards in predictions]
    paths = [shards.name for shards in predictions]
    labels = names or names_of(paths, [*map(label_of, predictions)])
    methods = [
        (table, label, Rules(table.space, protocol, degenerate, extra))
        for table, label in zip(tables, labels, strict=True)
        for protocol in protocols
    ]
    found, titles, rules = zip(*methods, strict=True)
    return with_texts(Job(one, found, rules, titles, memory, compared=compared))


def score_bulk(job: Job, totals: Totals, bootstrap: Bootstrap) -> list[Scores]:
    """Turn the totals of all rows into the scores of the methods.

    Raises
    ------
    InputError
        with what is wrong in a file
    OptionError
        if a protocol leaves no phrase
    """
    check_totals(job, totals)
    truth = label_of(job.truth.shards)
    methods = zip(totals.tallies, job.rules, job.names, strict=False)
    return [scores_of(tally, r.protocol, bootstrap, truth, name) for tally, r, name in methods]


def compare_bulk(job: Job, totals: Totals, bootstrap: Bootstrap) -> list[Comparison]:
    """Turn the totals of all rows into the comparison of each further method with the first."""
    methods = len(job.names)
    first, *others = totals.tallies[:methods]
    changes = totals.tallies[methods:]
    pairs = zip(changes[::2], changes[1::2], strict=True)
    return changes_of(job.names, (first, *others), list(pairs), bootstrap)


def total_of(job: Job, written: Written = nullcontext, scratch: Path | None = None) -> Totals:
    """Go through all rows: in their order, or by buckets; and check what they tell together."""
    with suppress(NotInOrder), written() as told:
        totals = total_in_order(job, told=told)
        check_totals(job, totals)
        return totals
    refuse_buckets(job)
    with written() as told:
        totals = total_by_buckets(job, told, scratch)
        check_totals(job, totals)
        return totals


def total_in_order(
    job: Job, parts: Sequence[Part] | None = None, told: Told | None = None
) -> Totals:
    """Go through rows in the order that all files have; by parts, of one range of it.

    Parameters
    ----------
    parts : which rows of each table, the ground truth's first

    Raises
    ------
    NotInOrder
        if it is not one order
    """
    noted = _collectors(job)
    share = job.memory // (2 * len(job.tables))
    ranges: Sequence[Part | None] = parts or [None] * len(noted)
    streams = [
        read_blocks(table, problems, share, part, ahead=job.ahead)
        for table, problems, part in zip(job.tables, noted, ranges, strict=True)
    ]
    if not any(job.ordered):
        return _summed(in_order(streams[0], streams[1:]), job, noted, told)
    misplaced = _collectors(job)[1:]
    pairs = by_order(streams[0], streams[1:], job.ordered, misplaced, whole=parts is None)
    return replace(_summed(pairs, job, noted, told), misplaced=misplaced)


def total_by_buckets(job: Job, told: Told | None = None, scratch: Path | None = None) -> Totals:
    """Divide all files into buckets on disk, in a place for such files, and go through these."""
    with scratch_folder(scratch) as folder:
        buckets = buckets_of(job)
        for side in range(len(job.tables)):
            write_side(job, side, folder, buckets)
        return reduce(
            add, (total_of_bucket(job, folder, bucket, told) for bucket in range(buckets))
        )


def buckets_of(job: Job, least: int = 1) -> int:
    """Give how many buckets the rows need."""
    size = sum(estimate_rows(table) * table.width for table in job.tables)
    return max(least, bucket_count(size, job.memory))


def write_side(
    job: Job, side: int, folder: Path, buckets: int, part: Part | None = None, piece: int = 0
) -> None:
    """Divide the rows of a table, the ground truth being the first."""
    problems = _collectors(job)[side]
    blocks = read_blocks(job.tables[side], problems, job.memory // 4, part, ahead=job.ahead)
    divide(blocks, folder, str(side), buckets, piece)


def total_of_bucket(job: Job, folder: Path, bucket: int, told: Told | None = None) -> Totals:
    """Join a bucket, and go through it."""
    noted = _collectors(job)
    sides = [
        read_bucket(folder, str(side), bucket, table, problems)
        for side, (table, problems) in enumerate(zip(job.tables, noted, strict=True))
    ]
    present = next((side for side in sides if side is not None), None)
    if present is None:
        return _summed([], job, noted, told)
    truth, *others = (side or present.without_rows() for side in sides)
    pairs = tuple(
        by_key(truth, two, rules.extra, problems)
        for two, rules, problems in zip(others, job.rules, noted[1:], strict=True)
    )
    return _summed([pairs], job, noted, told)


def _collectors(job: Job) -> tuple[Problems, ...]:
    shards = (table.shards for table in job.tables)
    return tuple(Problems(called(one.name, one)) for one in shards)


def _summed(
    blocks: Iterable[Sequence[Pair]], job: Job, noted: tuple[Problems, ...], told: Told | None
) -> Totals:
    methods = len(job.names)
    count = methods + 2 * (methods - 1) * job.compared
    totals = [Tally()] * count
    for pairs in blocks:
        if job.truth.keyed:
            check_unique(pairs[0].truth, noted[0])
        phrases = read_phrases(pairs[0].truth, job.truth.space, noted[0])
        done = [
            score_pair(phrases, pair, rules, problems)
            for pair, rules, problems in zip(pairs, job.rules, noted[1:], strict=True)
        ]
        found = [tally for _, tally in done]
        if job.compared:
            first, *others = (scored for scored, _ in done)
            found += [tally for other in others for tally in tally_changes(first, other)]
        totals = [one + two for one, two in zip(totals, found, strict=True)]
        if told is not None:
            told([scored for scored, _ in done])
    return Totals(tuple(totals), noted)


def with_texts(job: Job) -> Job:
    """Read phrases, too, of tables whose rows are found by their place."""
    if not any(job.ordered):
        return job
    tables = zip(job.predictions, job.ordered, strict=True)
    predictions = tuple(replace(table, texts=ordered) for table, ordered in tables)
    return replace(job, truth=replace(job.truth, texts=True), predictions=predictions)


def without_threads(job: Job) -> Job:
    """Give the job of a worker, which reads in its own thread."""
    return replace(job, ahead=False)
