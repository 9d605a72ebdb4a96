"""Ranges: what every thread reads of a file at an address, and how often the driver is asked."""

from threading import Barrier, Thread

import pytest

from phraseloc.bulk.ranges import RangedFile
from phraseloc.bulk.reading import read_blocks
from phraseloc.bulk.shards import find_shards
from phraseloc.bulk.tables import open_table
from phraseloc.errors import Problems
from tests.addresses import LARGE, Moody, entity_of, put


@pytest.fixture
def numbers(moody):
    """A file whose every 4 bytes tell where they are."""
    data = b"".join(n.to_bytes(4, "big") for n in range(1_000_000))
    moody.pipe("/b/numbers", data)
    return data


def test_every_thread_reads_the_place_that_it_sought(numbers):
    file, together = RangedFile("moody://b/numbers"), Barrier(8)
    found = {}

    def go(place):
        for step in range(20):
            together.wait(10)
            file.seek(place + step * 4)
            together.wait(10)
            found[place + step * 4] = file.read(4)

    threads = [Thread(target=go, args=(n * 400_000,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 160
    assert all(data == numbers[place : place + 4] for place, data in found.items())


def test_threads_that_take_turns_go_on_with_one_stream(numbers):
    file = RangedFile("moody://b/numbers")
    found = []

    def turn():
        found.append(file.read(1000))

    file.seek(100)
    for _ in range(3):
        thread = Thread(target=turn)
        thread.start()
        thread.join(10)
        turn()
    assert b"".join(found) == numbers[100:6100]
    assert file.tell() == 6100


def test_places_are_those_of_a_file(numbers):
    file = RangedFile("moody://b/numbers")
    assert file.seek(-8, 2) == len(numbers) - 8
    assert file.read(100) == numbers[-8:]
    assert file.read(100) == b""
    assert file.seek(5_000_000) == 5_000_000
    assert file.read(1) == b""
    file.seek(10)
    assert file.seek(6, 1) == 16
    assert file.read(4) == numbers[16:20]
    file.seek(0)
    assert file.read() == numbers


def test_small_reads_in_a_row_are_few_questions(numbers):
    file = RangedFile("moody://b/numbers")
    Moody.asked.clear()
    assert b"".join(iter(lambda: file.read(1000), b"")) == numbers
    assert len(Moody.asked) < 8


def test_small_reads_that_skip_a_bit_are_few_questions(numbers):
    """So are the heads of a packed file's blocks looked at, one after the other."""
    file = RangedFile("moody://b/numbers")
    Moody.asked.clear()
    for place in range(0, 4_000_000, 80_000):
        file.seek(place)
        assert file.read(3) == numbers[place : place + 3]
    assert len(Moody.asked) < 8


def test_small_reads_here_and_there_fetch_little(numbers):
    file = RangedFile("moody://b/numbers")
    Moody.asked.clear()
    for place in range(4_000_000 - 400_000, 0, -400_000):
        file.seek(place)
        assert file.read(100) == numbers[place : place + 100]
    assert sum(end - start for _, start, end in Moody.asked) < 10 * 2**17


def test_a_large_read_is_one_question_for_just_that(numbers):
    file = RangedFile("moody://b/numbers")
    for _ in range(400):
        file.read(1000)
    Moody.asked.clear()
    assert file.read(2**20) == numbers[400_000 : 400_000 + 2**20]
    assert Moody.asked == [("/b/numbers", 400_000, 400_000 + 2**20)]


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".parquet"])
def test_a_large_file_comes_whole_and_in_order_from_a_slow_driver(suffix, large, moody):
    """DuckDB asks in several threads at once, and what comes must be what each asked for."""
    address = put(moody, large / f"p{suffix}", f"/b/p{suffix}")
    Moody.delay = 0.003
    table = open_table(find_shards(address), {})
    blocks = read_blocks(table, Problems("p"), 10**8)
    found = [name for block in blocks for name in block.table.column("entity").to_pylist()]
    assert found == [entity_of(row) for row in range(LARGE)]
