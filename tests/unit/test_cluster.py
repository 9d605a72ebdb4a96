"""Workers give the bits of one process, and outlive each other."""

import os
import signal
from contextlib import contextmanager
from functools import cache

import psutil
import pytest
from distributed import WorkerPlugin

from phraseloc import BoxSpace
from phraseloc.bulk import cluster
from phraseloc.bulk import run as streaming
from phraseloc.bulk.cluster import connected, total_on
from phraseloc.bulk.run import compare_bulk, score_bulk, total_of
from phraseloc.comparison import compare
from phraseloc.errors import OptionError
from phraseloc.protocol import PROTOCOLS
from tests.bulk_files import (
    BOOTSTRAP,
    FIELDS,
    assert_same,
    job_of,
    make_world,
    plain,
    small,
    write_records,
    write_shards,
)

PROTOCOL = [PROTOCOLS["any-box"]]
SPACES = (BoxSpace("xyxy", "inclusive", 0), BoxSpace("xyxy", "continuous", 0))


def make_sides(shuffled):
    """Draw a world with two methods: its own, and one that ranks boxes the other way round."""
    world = make_world(5, images=25, kind="ranked", shuffled=shuffled, spaces=SPACES)
    other = [{**row, "boxes": row["boxes"][::-1]} for row in world.guesses]
    return world, (world.truth, world.guesses, other)


def make_job(shuffled, folder, count=1, suffix=".parquet"):
    """Make a job of so many shards a side."""
    folder.mkdir(exist_ok=True)
    world, sides = make_sides(shuffled)
    files = [
        write_shards(rows, folder / name, count, suffix, space)
        for name, rows, space in zip("tab", sides, (SPACES[0], *SPACES[1:] * 2), strict=True)
    ]
    names = {"names": ["a.jsonl", "b.jsonl"], "compared": True}
    return job_of(world, files, {"truth_boxes": {}}, PROTOCOL, **names)


def figures(job, totals):
    """All that is told of every method and of the comparison, to the last bit."""
    scores = score_bulk(job, totals, BOOTSTRAP)
    told = [
        ({name: plain(getattr(one, name)) for name in FIELDS}, repr(one.median), one.signature)
        for one in scores
    ]
    return told, repr(compare_bulk(job, totals, BOOTSTRAP))


@pytest.fixture(scope="module")
def by_small_files(tmp_path_factory):
    """The scores and comparison of either order's small files."""
    found = {}
    for shuffled in (False, True):
        world, sides = make_sides(shuffled)
        folder = tmp_path_factory.mktemp("small")
        spaces = (SPACES[0], *SPACES[1:] * 2)
        files = [
            write_records(rows, folder / f"{name}.jsonl", space)
            for name, rows, space in zip("tab", sides, spaces, strict=True)
        ]
        truth, scores = small(world, files, {"truth_boxes": {}}, PROTOCOL)
        found[shuffled] = scores, compare(truth, scores)
    return found


@pytest.fixture(scope="module", params=[1, 2, 5])
def workers(request):
    with connected(request.param) as client:
        yield client


@pytest.fixture(scope="module")
def jobs(tmp_path_factory):
    """Give a job, and what one process finds; made once for all workers."""

    @cache
    def job_and_figures(*choices):
        shuffled, count, suffix = choices
        job = make_job(shuffled, tmp_path_factory.mktemp("files"), count, suffix)
        return job, figures(job, total_of(job))

    return job_and_figures


@pytest.fixture
def scratched(monkeypatch):
    """Tells of the scratch folders that were made."""
    made, make = [], cluster.scratch_folder

    @contextmanager
    def scratch_folder(place=None):
        with make(place) as folder:
            made.append(folder)
            yield folder

    monkeypatch.setattr(cluster, "scratch_folder", scratch_folder)
    return made


@pytest.fixture(scope="module")
def pair():
    with connected(2) as client:
        yield client


@pytest.mark.parametrize("count", [1, 37])
@pytest.mark.parametrize("shuffled", [False, True])
def test_workers_and_shards_move_no_bit(shuffled, count, workers, by_small_files, scratched, jobs):
    job, expected = jobs(shuffled, count, ".parquet")
    totals = total_on(workers, job)
    assert len(scratched) == shuffled
    assert figures(job, totals) == expected
    scores, comparisons = by_small_files[shuffled]
    for ours, theirs in zip(score_bulk(job, totals, BOOTSTRAP), scores, strict=True):
        assert_same(ours, theirs)
        assert ours.recall
        assert ours.interval.low < ours.interval.high
    assert compare_bulk(job, totals, BOOTSTRAP) == comparisons


@pytest.mark.parametrize("shuffled", [False, True])
def test_shards_of_lines_move_no_bit(shuffled, pair, scratched, jobs):
    """They are parts as they are, and where orders differ workers find it out."""
    job, expected = jobs(shuffled, 9, ".jsonl")
    assert figures(job, total_on(pair, job)) == expected
    assert expected == jobs(shuffled, 9, ".parquet")[1]
    assert len(scratched) == shuffled


class Death(WorkerPlugin):
    """Ends its worker at a place in the middle of a part: the first that comes there, or each.

    Parameters
    ----------
    place : the function of `phraseloc.bulk.run` that the part is in
    sign : a file that the dying worker makes, with its process and the files of the scratch folder
    """

    name = "death"

    def __init__(self, place, sign, *, each=False):
        self.place, self.sign, self.each = place, sign, each

    def setup(self, worker):  # noqa: ARG002
        self.whole = getattr(streaming, self.place)
        setattr(streaming, self.place, getattr(self, self.place))

    def teardown(self, worker):  # noqa: ARG002
        setattr(streaming, self.place, self.whole)

    def in_order(self, *sides):
        for pairs in self.whole(*sides):
            yield pairs
            self.die()

    def divide(self, blocks, folder, *names):
        def dying():
            for block in blocks:
                yield block
                self.die(folder)

        self.whole(dying(), folder, *names)

    def write_side(self, job, side, folder, *names):
        self.whole(job, side, folder, *names)
        self.die(folder)

    def read_bucket(self, folder, *names):
        found = self.whole(folder, *names)
        self.die(folder)
        return found

    def die(self, folder=None):
        walked = os.walk(folder) if folder else ()  # others move and remove what is in it
        files = [os.path.join(place, name) for place, _, names in walked for name in names]  # noqa: PTH118
        try:
            with self.sign.open("w" if self.each else "x") as sign:
                sign.write("\n".join([str(os.getpid()), *map(str, files)]))
        except FileExistsError:
            return
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def dying(pair, tmp_path):
    """Let a worker of two die; give the client, and the sign."""

    def install(place, **more):
        sign = tmp_path / "sign"
        pair.register_plugin(Death(place, sign, **more))
        return sign

    yield install
    pair.unregister_worker_plugin(Death.name)


@pytest.mark.parametrize(
    ("shuffled", "place", "written"),
    [
        (False, "in_order", False),
        (True, "divide", True),
        (True, "write_side", True),
        (True, "read_bucket", True),
    ],
)
def test_a_killed_worker_costs_a_retry_and_not_the_run(
    shuffled, place, written, pair, dying, scratched, jobs
):
    job, expected = jobs(shuffled, 9, ".parquet")
    sign = dying(place)
    assert figures(job, total_on(pair, job)) == expected
    killed, *files = sign.read_text().splitlines()
    assert int(killed) not in pair.run(os.getpid).values()
    assert not psutil.pid_exists(int(killed))
    assert bool(files) == written
    assert not any(folder.exists() for folder in scratched)


def test_a_part_that_kills_every_worker_is_given_up(pair, dying, jobs):
    job, _ = jobs(False, 1, ".parquet")
    dying("in_order", each=True)
    with pytest.raises(OptionError, match=r"4 workers died over the same part of the rows; have"):
        total_on(pair, job)
