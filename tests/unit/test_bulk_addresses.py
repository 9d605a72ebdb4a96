"""Addresses: their files give what local ones give, with the same rows and numbers."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest

from phraseloc import BoxSpace
from phraseloc.bulk.addresses import find_files, is_address
from phraseloc.bulk.cluster import connected, total_on
from phraseloc.bulk.contents import opened
from phraseloc.bulk.reading import estimate_rows, read_blocks
from phraseloc.bulk.shards import find_shards, is_large
from phraseloc.bulk.tables import open_table
from phraseloc.errors import Problems
from phraseloc.protocol import PROTOCOLS
from tests.addresses import SCHEME, Moody, put, reset
from tests.bulk_files import (
    SUFFIXES,
    assert_same,
    job_of,
    make_world,
    streamed,
    write_records,
    write_shards,
    write_world,
)

ROWS = [
    {"image": f"{n // 4}#0", "start": n, "entity": "1", "box": [n + 1, 1, 5, 5]} for n in range(90)
]
NAMES = ("a[1].parquet", "b?.jsonl", "it's.parquet", "c*.parquet", "ä ö.jsonl", "d%20.parquet")


def read(name):
    table = open_table(find_shards(name), {})
    return list(read_blocks(table, Problems("p"), 10**8))


def lefts(name):
    return [int(left) for block in read(name) for left in block.boxes[:, 0]]


def figures(done):
    """All that a command told, but for how files are called."""
    assert done.exit_code == 0, done.output
    return json.loads(
        done.stdout, object_hook=lambda o: {k: v for k, v in o.items() if k not in NAMED}
    )


NAMED = ("predictions", "source", "a", "b", "name", "signature")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("s3://bucket/a.json", True),
        ("file:///a.json", True),
        ("simplecache::s3://bucket/a.json", True),
        ("C://a.json", False),
        ("results:glove-att", False),
        ("a=s3://b", False),
        ("runs/s3://b", False),
    ],
)
def test_an_address_has_a_scheme(name, expected):
    assert is_address(name) is expected


@pytest.mark.parametrize(
    ("suffix", "form"),
    [
        *((suffix, "file") for suffix in SUFFIXES),
        *itertools.product((".parquet", ".jsonl.zst"), ("pattern", "folder", "folder/")),
    ],
)
def test_files_at_an_address_give_what_local_ones_give(suffix, form, tmp_path, moody, run):
    world = make_world(7, shuffled=form == "folder", kind="ranked", spaces=(BoxSpace(),) * 2)
    files, options = [], ["--extra", world.extra, "--degenerate", world.degenerate]
    for name, rows in (("truth", world.truth), ("mine", world.guesses)):
        if form == "file":
            files.append(write_records(rows, tmp_path / f"{name}{suffix}"))
        else:
            files.append(write_shards(rows, tmp_path / name, 3, suffix))
    addresses = [put(moody, Path(file), f"/box/{Path(file).name}") for file in files]
    end = {"file": "", "pattern": f"/*{suffix}", "folder": "", "folder/": "/"}[form]
    expected = run("score", *files, *options, "--memory", "1GB", "--format", "json")
    found = run("score", *(a + end for a in addresses), *options, "--format", "json")
    assert figures(found) == figures(expected)
    assert json.loads(found.stdout)[0]["accuracy"]["total"] == len(world.truth)


def test_results_are_called_by_their_address(tmp_path, moody, run, plain_world):
    files, _ = write_world(plain_world, tmp_path)
    for file in files:
        put(moody, Path(file), f"/b/{Path(file).name}")
    [found] = json.loads(
        run("score", "moody://b/t*.parquet", "moody://b/mine.parquet", "--format", "json").stdout
    )
    assert found["predictions"] == "mine.parquet"
    assert found["ground_truth"]["source"] == "moody://b/t*.parquet"


def test_local_files_and_addresses_mix_and_are_compared(tmp_path, moody, run, plain_world):
    files, _ = write_world(plain_world, tmp_path, (".json", ".parquet"))
    other = [{**row, "box": [1, 1, 50, 50]} for row in plain_world.guesses]
    files.append(write_records(other, tmp_path / "other.jsonl.gz"))
    expected = run("compare", *files, "--memory", "1GB", "--format", "json")
    mixed = [files[0], put(moody, Path(files[1]), "/b/mine.parquet"), files[2]]
    assert figures(run("compare", *mixed, "--format", "json")) == figures(expected)


def test_workers_open_addresses_themselves(tmp_path):
    """In order by parts, and in another order by buckets; the files are those of this machine."""
    with connected(2) as client:
        for shuffled, suffix in ((False, ".parquet"), (True, ".jsonl")):
            world = make_world(11, kind="scored", shuffled=shuffled)
            folder = tmp_path / suffix
            folder.mkdir()
            files = [
                write_shards(rows, folder / name, 3, suffix, space)
                for name, rows, space in zip(
                    ("t", "p"), (world.truth, world.guesses), world.spaces, strict=True
                )
            ]
            protocols = [PROTOCOLS["any-box"], PROTOCOLS["flickr30k"]]
            local = job_of(world, files, {"truth_boxes": {}}, protocols)
            addresses = [f"file://{file}/part-*" for file in files]
            job = job_of(world, addresses, {"truth_boxes": {}}, protocols)
            found = streamed(job, total_on(client, job))
            for ours, theirs in zip(found, streamed(local), strict=True):
                assert_same(ours, theirs)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["memory", "file", SCHEME])
def test_a_file_at_an_address_is_read_by_its_own_name(name, scheme, tmp_path, moody):
    for other in ("a1.parquet", "bb.jsonl", "cc.parquet", "a.parquet", "d .parquet"):
        write_records(ROWS[:1], tmp_path / other)
    write_records(ROWS[3:5], tmp_path / name)
    address = f"file://{tmp_path}/{name}"
    if scheme != "file":
        driver = moody if scheme == SCHEME else fsspec.filesystem("memory")
        for file in tmp_path.iterdir():
            driver.pipe(f"{tmp_path}/{file.name}", file.read_bytes())
        address = f"{scheme}:/{tmp_path}/{name}"
    shards = find_shards(address)
    assert shards.files == (address,)
    assert is_large(shards)
    assert shards.size == (tmp_path / name).stat().st_size
    assert lefts(address) == [4, 5]
    if name.endswith(".parquet"):
        assert open_table(shards, {}).row_counts == [2]


def test_rows_know_their_address_and_their_number(tmp_path, moody):
    write_shards(ROWS, tmp_path / "mine", 2, ".jsonl", BoxSpace())
    address = put(moody, tmp_path / "mine", "/b/mine")
    first, second = find_shards(f"{address}/").files
    assert (first, second) == (f"{address}/part-000.jsonl", f"{address}/part-001.jsonl")
    places = [block.where(row) for block in read(address) for row in range(len(block))]
    cut = places.index(f"{second} line 2")
    assert places[:cut] == [f"{first} line {n + 2}" for n in range(cut)]
    assert places[-1] == f"{second} line {len(ROWS) - cut + 1}"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rows_at_an_address_are_counted_or_estimated(suffix, tmp_path, moody):
    table = open_table(find_shards(write_records(ROWS, tmp_path / f"p{suffix}")), {})
    address = put(moody, tmp_path / f"p{suffix}", f"/b/p{suffix}")
    other = open_table(find_shards(address), {})
    assert other.row_counts == table.row_counts
    assert estimate_rows(other) == estimate_rows(table)


def test_a_folder_has_the_files_that_records_are_read_from(tmp_path, moody):
    address = put(moody, Path(write_shards(ROWS, tmp_path / "mine", 3, ".parquet")), "/b/mine")
    for stray in ("_SUCCESS", "notes.txt", "below/part-9.parquet"):
        moody.pipe(f"/b/mine/{stray}", b"no data")
    assert [file.rpartition("/")[2] for file in find_shards(address).files] == [
        f"part-00{n}.parquet" for n in range(3)
    ]


def test_a_folder_that_is_a_page_of_the_web_ends_in_a_slash(tmp_path, moody):
    put(moody, Path(write_shards(ROWS, tmp_path / "mine", 3, ".parquet")), "/b/mine")
    Moody.pages.add("/b/mine")
    assert lefts("moody://b/mine/") == list(range(1, 91))


def test_the_host_of_an_address_is_kept():
    """It says where a driver looks, which its own names for files do not."""

    class Hosted(Moody):
        protocol = "hosted"

        @classmethod
        def _strip_protocol(cls, path):
            bucket, _, rest = path.removeprefix("hosted://").lstrip("/").partition("/")
            return f"/{bucket.partition('@')[0]}/{rest}".rstrip("/")

    driver = reset()
    fsspec.register_implementation("hosted", Hosted, clobber=True)
    driver.pipe("/box/run/one.json", b"[]")
    for name in ("run/*.json", "run", "run/", "r*/one.json"):
        assert find_files(f"hosted://box@account.net/{name}") == [
            "hosted://box@account.net/run/one.json"
        ]


@pytest.mark.parametrize("suffix", ["", ".gz", ".zst"])
def test_a_file_is_opened_unpacked(suffix, tmp_path, moody):
    write_records(ROWS, tmp_path / "p.jsonl")
    write_records(ROWS, tmp_path / f"q.jsonl{suffix}")
    with opened(put(moody, tmp_path / f"q.jsonl{suffix}", f"/b/q.jsonl{suffix}")) as stream:
        assert stream.read() == (tmp_path / "p.jsonl").read_bytes()


def test_duckdb_shows_no_progress_where_results_are_printed():
    """A worker has no script, for which DuckDB takes it to be someone at a prompt."""
    code = (
        "from phraseloc.bulk.queries import connect; print(connect(10**8)"
        ".sql(\"SELECT current_setting('enable_progress_bar')\").fetchall())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[(False,)]\n"
