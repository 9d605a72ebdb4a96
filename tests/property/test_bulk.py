"""No order, no cut and no bucket moves a bit of what streamed files give."""

import tempfile
from dataclasses import replace
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from phraseloc.bulk.cluster import cut, pieces
from phraseloc.bulk.run import (
    buckets_of,
    compare_bulk,
    score_bulk,
    total_by_buckets,
    total_in_order,
    total_of,
    total_of_bucket,
    write_side,
)
from phraseloc.protocol import PROTOCOLS, Protocol
from tests.bulk_files import (
    BOOTSTRAP,
    FIELDS,
    job_of,
    make_world,
    plain,
    usable,
    write_records,
    write_shards,
    write_world,
)

CHOICES = [PROTOCOLS["any-box"], Protocol("skip", missing="skip"), PROTOCOLS["pointing"]]
SEEDS = st.integers(0, 10**6)
FEW = settings(max_examples=12)


def figures(job, totals):
    """All that is told of every method, and of how it compares with the first."""
    found = []
    for scores in score_bulk(job, totals, BOOTSTRAP):
        fields = {name: plain(getattr(scores, name)) for name in FIELDS}
        facts = {**scores.ground_truth, "source": None}
        notes = len(scores.notes)  # they name files, which differ here
        found.append((fields, facts, scores.signature, scores.median, notes))
    if job.compared:
        found.append([repr(item) for item in compare_bulk(job, totals, BOOTSTRAP)])
    return found


def shuffled(rows, random):
    return [rows[i] for i in random.permutation(len(rows)).tolist()]


def folder_of(base, name):
    folder = Path(base) / name
    folder.mkdir()
    return folder


@FEW
@given(SEEDS)
def test_the_order_of_either_side_moves_nothing(seed):
    random = np.random.default_rng(seed)
    world = make_world(seed)
    protocols = usable(world, CHOICES)
    orders = [(world.truth, world.guesses)]
    orders.append((shuffled(world.truth, random), world.guesses))
    orders.append((world.truth, shuffled(world.guesses, random)))
    orders.append((shuffled(world.truth, random), shuffled(world.guesses, random)))
    with tempfile.TemporaryDirectory() as base:
        found = []
        for turn, (truth, guesses) in enumerate(orders):
            folder = folder_of(base, str(turn))
            files, declared = write_world(replace(world, truth=truth, guesses=guesses), folder)
            job = job_of(world, files, declared, protocols)
            found.append(figures(job, total_of(job)))
    assert found[1:] == found[:1] * 3


@FEW
@given(SEEDS, st.integers(1, 12))
def test_parts_may_be_cut_anywhere_and_come_in_any_order(seed, count):
    random = np.random.default_rng(seed)
    world = make_world(seed, kind="ranked", shuffled=False)
    with tempfile.TemporaryDirectory() as base:
        files, declared = write_world(world, Path(base))
        files.append(write_records(moved(world), Path(base) / "b.parquet", world.spaces[1]))
        job = job_of(world, files, declared, CHOICES[:1], compared=True)
        expected = figures(job, total_in_order(job))
        parts = [total_in_order(job, part) for part in cut(job, count)]
        assert figures(job, reduce(add, shuffled(parts, random))) == expected
        ahead = replace(job, ahead=False)
        assert figures(job, total_by_buckets(ahead)) == expected


@FEW
@given(SEEDS, st.integers(2, 5))
def test_phrases_that_are_left_out_are_missing_however_rows_are_paired(seed, count):
    random = np.random.default_rng(seed)
    world = make_world(seed, kind="box", shuffled=False)
    truth = [list(part) for part in np.array_split(np.array(world.truth, object), count)]
    guesses = np.array_split(np.array(world.guesses, object), count)
    kept = [[row for row in part if random.random() < 0.6] or list(part[:1]) for part in guesses]
    with tempfile.TemporaryDirectory() as base:
        names = []
        for name, parts, space in zip(("t", "p"), (truth, kept), world.spaces, strict=True):
            folder = folder_of(base, name)
            for number, rows in enumerate(parts):
                write_records(rows, folder / f"{number}.parquet", space)
            names.append(str(folder))
        job = job_of(world, names, {"truth_boxes": {}}, CHOICES[:1])
        expected = figures(job, total_by_buckets(job))
        assert figures(job, total_in_order(job)) == expected
        parts = [total_in_order(job, part) for part in cut(job, 99)]
        assert len(parts) == count
        assert figures(job, reduce(add, parts)) == expected
        missing = len(world.truth) - sum(map(len, kept))
        assert sum(part.tallies[0].counts["missing"] for part in parts) == missing


def moved(world):
    return [{**row, "boxes": row["boxes"][::-1]} for row in world.guesses]


@FEW
@given(SEEDS, st.integers(1, 7), st.integers(1, 4))
def test_any_number_of_buckets_gives_the_same(seed, buckets, count):
    random = np.random.default_rng(seed)
    world = make_world(seed, shuffled=True)
    with tempfile.TemporaryDirectory() as base:
        files, declared = write_world(world, Path(base))
        job = job_of(world, files, declared, usable(world, CHOICES))
        expected = figures(job, total_by_buckets(job))
        folder = folder_of(base, "buckets")
        for side, table in enumerate(job.tables):
            for piece, part in enumerate(pieces(table, count)):
                write_side(job, side, folder, buckets, part, piece)
        totals = [total_of_bucket(job, folder, bucket) for bucket in range(buckets)]
        assert figures(job, reduce(add, shuffled(totals, random))) == expected


@FEW
@given(SEEDS, st.sampled_from([1, 2, 37]), st.sampled_from([".parquet", ".jsonl"]))
def test_shards_give_what_one_file_gives(seed, count, suffix):
    world = make_world(seed, images=20, kind="scored")
    with tempfile.TemporaryDirectory() as base:
        files, declared = write_world(world, Path(base), (suffix, suffix))
        protocols = CHOICES[:1]
        whole = job_of(world, files, declared, protocols)
        sides = [
            write_shards(rows, Path(base) / name, count, suffix, space)
            for name, rows, space in zip(
                ("t", "p"), (world.truth, world.guesses), world.spaces, strict=True
            )
        ]
        expected = figures(whole, total_of(whole))
        for names in ((files[0], sides[1]), (sides[0], files[1]), sides):
            job = job_of(world, names, declared, protocols)
            assert figures(job, total_of(job)) == expected


@settings(max_examples=4)
@given(SEEDS)
def test_little_memory_moves_nothing(seed):
    world = make_world(seed, images=60, kind="box", shuffled=True)
    with tempfile.TemporaryDirectory() as base:
        files, declared = write_world(world, Path(base))
        jobs = [
            job_of(world, files, declared, CHOICES[:1], memory=memory)
            for memory in (4 * 10**9, 20_000)
        ]
        assert [buckets_of(job) > 5 for job in jobs] == [False, True]
        first, second = (figures(job, total_of(job)) for job in jobs)
        assert first == second
