"""Streamed files that cannot be used: named, exit code 2, no traceback, and nothing is written."""

import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest
import zstandard
from pyarrow import parquet

from phraseloc.commands import scoring
from tests.bulk_files import limited_files, write_records, write_shards

ROWS = [
    {"image": f"{n // 4}#0", "start": n, "entity": "1", "box": [n % 50 + 1, 1, 5, 5 + n % 3]}
    for n in range(900)
]
OTHERS = [{**row, "box": [row["box"][0], 1, 5, 5]} for row in ROWS]
PART = "part-001"


@pytest.fixture(autouse=True)
def temporary_files(tmp_path, monkeypatch):
    """Keep temporary files where `refused` looks for what was left behind."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def truth(tmp_path):
    return write_records(ROWS, tmp_path / "truth.parquet")


@pytest.fixture
def good(tmp_path):
    return write_records(OTHERS, tmp_path / "good.parquet")


@pytest.fixture(params=["score", "compare"])
def command(request, truth, good):
    """Give the words of a command, which files with faults follow."""
    return [request.param, truth, *([good] if request.param == "compare" else [])]


def cut(share):
    def spoil(place):
        data = place.read_bytes()
        place.write_bytes(data[: int(len(data) * share)])

    return spoil


def cut_at_a_line(place):
    """Cut a zstd file as its writer leaves it that dies after it flushed some lines."""
    lines = zstandard.ZstdDecompressor().stream_reader(place.read_bytes()).read().splitlines(True)
    packer = zstandard.ZstdCompressor().compressobj()
    data = packer.compress(b"".join(lines[:40])) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    place.write_bytes(data)


def cut_at_a_comma(place):
    data = place.read_bytes()
    place.write_bytes(data[: data.rindex(b",\n{") + 2])


def emptied(place):
    place.write_bytes(b"")


def damaged(place):
    data = place.read_bytes()
    place.write_bytes(data[:4] + b"\xff" * 400 + data[404:])


def of_another_kind(place):
    place.write_bytes(b"phrases\n" * 100)


def a_folder(place):
    place.unlink()
    place.mkdir()


def a_link_to_nothing(place):
    place.unlink()
    place.symlink_to("nowhere")


def with_rows(change):
    def spoil(place):
        write_records([change(row) for row in ROWS[300:600]], place)

    return spoil


without_box = with_rows(lambda row: {k: v for k, v in row.items() if k != "box"})
with_text = with_rows(lambda row: {**row, "start": "seven"})


def with_header(place):
    from phraseloc import BoxSpace

    write_records(ROWS[300:600], place, BoxSpace("xyxy"))


FAULTS = [
    (".parquet", cut(0.5), r"not a Parquet file that can be read: .*magic bytes"),
    (".parquet", emptied, r"not a Parquet file that can be read: .*too small"),
    (".parquet", damaged, r"not a Parquet file that can be read: .+"),
    (".parquet", of_another_kind, r"not a Parquet file that can be read: .*magic bytes"),
    (".parquet", a_folder, "is a directory"),
    (".parquet", a_link_to_nothing, "no such file or directory"),
    (".parquet", without_box, r"found column box absent, expected DOUBLE\[\] as in \S*part-000"),
    (".parquet", with_text, "found column start of type VARCHAR, expected BIGINT"),
    (".parquet", with_header, r"found header field layout xyxy, expected absent as in \S*part-000"),
    (".jsonl", cut(0.47), r"a line that is not a record \(1\)\n  line \d+: the text breaks off at"),
    (".jsonl", emptied, "the file is empty"),
    (".jsonl", of_another_kind, r"not JSON that can be read: .* in line \d: "),
    (".jsonl", a_folder, "cannot be read: is a directory"),
    (".jsonl", a_link_to_nothing, "cannot be read: no such file or directory"),
    (".jsonl", with_text, r'"start" is not a whole number from 0 \(300\)\n  line 1: found .seven.'),
    (".jsonl", with_header, r"found header field layout xyxy, expected absent as in \S*part-000"),
    (".jsonl.gz", cut(0.5), "cannot be read: .*ended before the end-of-stream marker"),
    (".jsonl.gz", cut(0.999), "cannot be read: .*ended before the end-of-stream marker"),
    (".jsonl.gz", of_another_kind, "cannot be read: not a gzipped file"),
    (".jsonl.zst", cut(0.1), r"the compressed data break off: found \d+ bytes, expected more"),
    (".jsonl.zst", cut(0.999), r"the compressed data break off: found [\d,]+ bytes, expected more"),
    (".jsonl.zst", cut_at_a_line, r"the compressed data break off: found \d+ bytes, expected more"),
    (".jsonl.zst", of_another_kind, "cannot be read: .*frame"),
    (".json", cut(0.5), r"not JSON that can be read: .* in record/value \d+: unexpected end"),
    (".json", cut_at_a_comma, r"the array breaks off: found .* at its end, expected \]"),
    (".json.gz", cut(0.9), "cannot be read: .*ended before the end-of-stream marker"),
    (".json.zst", cut(0.9), r"the compressed data break off: found [\d,]+ bytes, expected more"),
]
NAMES = [f"{suffix[1:]} {spoil.__name__}" for suffix, spoil, _ in FAULTS]


def shards_with(folder, suffix, spoil):
    name = write_shards(OTHERS, folder, 3, suffix)
    spoil(folder / f"{PART}{suffix}")
    return name


@pytest.mark.parametrize(("suffix", "spoil", "message"), FAULTS, ids=NAMES)
def test_a_shard_that_cannot_be_used_is_named(suffix, spoil, message, command, tmp_path, refused):
    name = shards_with(tmp_path / "mine", suffix, spoil)
    told = refused(*command, name)
    assert re.match(rf"phraseloc: {re.escape(name)}/{PART}{re.escape(suffix)}: {message}", told)
    assert "Traceback" not in told


@pytest.mark.parametrize(("suffix", "spoil", "message"), FAULTS[::4], ids=NAMES[::4])
def test_a_shard_of_the_ground_truth_is_named(suffix, spoil, message, good, tmp_path, refused):
    name = shards_with(tmp_path / "truths", suffix, spoil)
    told = refused("score", name, good, "--per-phrase", tmp_path / "out.parquet")
    assert re.match(rf"phraseloc: {re.escape(name)}/{PART}{re.escape(suffix)}: {message}", told)


def test_an_empty_shard_has_no_rows_and_does_no_harm(truth, tmp_path, run):
    name = write_shards(OTHERS, tmp_path / "mine", 3, ".parquet")
    before = run("score", truth, name).stdout
    table = parquet.read_table(f"{name}/part-000.parquet")
    for place in ("part-000b", "part-999"):
        parquet.write_table(table.slice(0, 0), f"{name}/{place}.parquet")
    assert run("score", truth, name).stdout == before
    assert before.startswith("accuracy")


@pytest.mark.parametrize("name", ["none*.parquet", "nowhere/*.jsonl"])
def test_a_pattern_that_matches_nothing(name, command, refused):
    assert refused(*command, name) == f"phraseloc: {name}: no file matches\n"


def test_a_folder_of_several_formats(command, tmp_path, refused):
    for suffix in (".jsonl", ".parquet"):
        write_shards(OTHERS, tmp_path / suffix, 2, suffix)
        shutil.copytree(tmp_path / suffix, tmp_path / "mine", dirs_exist_ok=True)
    message = "phraseloc: mine: found files of several formats (.jsonl, .parquet), expected one\n"
    assert refused(*command, "mine") == message


def test_what_matches_a_pattern_and_is_not_there_is_no_less_rows(command, tmp_path, refused):
    name = write_shards(OTHERS, tmp_path / "mine", 3, ".parquet")
    a_link_to_nothing(Path(name) / "part-001.parquet")
    told = refused(*command, "mine/*.parquet")
    assert told == "phraseloc: mine/part-001.parquet: no such file or directory\n"


@pytest.mark.parametrize("link", [False, True])
def test_a_file_that_is_not_there_is_not_said_to_be_of_another_format(link, command, refused):
    if link:
        Path("mine.parquet").symlink_to("nowhere")
    told = refused(*command, "mine.parquet", "--memory", "1GB")
    assert told == "phraseloc: mine.parquet: no such file or directory\n"


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_a_row_of_no_phrase_is_named_with_its_word(suffix, truth, tmp_path, refused):
    rows = [*OTHERS, {**OTHERS[3], "start": 99}]
    told = refused("score", truth, write_records(rows, tmp_path / f"p{suffix}"), "--memory", "1GB")
    assert re.search(r"(line|record) 901: found 0#0 word 99 entity 1\n", told)


@pytest.mark.parametrize("workers", [[], ["--workers", "1"]])
@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".json.zst"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_shard_that_vanishes_after_a_first_look(
    order, suffix, workers, truth, tmp_path, monkeypatch, run
):
    name = write_shards(OTHERS[::order], tmp_path / "mine", 3, suffix)
    lost = Path(f"{name}/part-001{suffix}")
    total = scoring.total

    def vanishing(*arguments):
        lost.unlink()
        return total(*arguments)

    monkeypatch.setattr(scoring, "total", vanishing)
    before = {*tmp_path.rglob("*")} - {lost}
    done = run("score", truth, name, *workers)
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.match(f"phraseloc: {re.escape(str(lost))}: .*no such file or directory", done.stderr)
    assert {*tmp_path.rglob("*")} == before


MANY = [
    {"image": f"{n // 4}#0", "start": n % 4, "entity": "1", "box": [1 + n % 7, 1, 5 + n % 97, 99]}
    for n in range(8000)
]


@pytest.fixture
def many(tmp_path):
    """Large ground truth, predictions in its order, and others in none."""
    random = np.random.default_rng(1)
    guesses = [
        {**row, "box": [1, 1, *box]}
        for row, box in zip(MANY, random.integers(1, 10**6, size=(8000, 2)).tolist(), strict=True)
    ]
    mixed = [guesses[i] for i in random.permutation(8000).tolist()]
    sides = zip(("truth", "order", "mixed"), (MANY, guesses, mixed), strict=True)
    return [write_records(rows, tmp_path / f"many-{name}.parquet") for name, rows in sides]


@pytest.mark.parametrize("order", ["in order", "shuffled"])
def test_a_disk_that_is_full_while_results_are_written(order, many, tmp_path, run, refused):
    truth, guesses = many[0], many[1 + (order == "shuffled")]
    words = ("score", truth, guesses, "--memory", "1MB", "--per-phrase", tmp_path / "out.parquet")
    assert run(*words).exit_code == 0
    size = (tmp_path / "out.parquet").stat().st_size
    (tmp_path / "out.parquet").write_text("as before")
    with limited_files(size - 1_000):  # a bucket is smaller
        told = refused(*words)
    assert told == f"phraseloc: {tmp_path}/out.parquet: cannot be written: file too large\n"
    assert (tmp_path / "out.parquet").read_text() == "as before"


@pytest.mark.parametrize("workers", [[], ["--workers", "2"]])
@pytest.mark.parametrize("place", ["temporary", "scratch"])
def test_a_disk_that_is_full_while_buckets_are_written(
    place, workers, many, tmp_path, run, refused, capfd
):
    (tmp_path / "scratch").mkdir()
    options = ["--memory", "1GB", *workers]
    options += ["--scratch", "scratch"] if place == "scratch" else []
    assert run("score", many[0], many[2], "--memory", "1GB").exit_code == 0
    with limited_files(3_000):
        told = refused("score", many[0], many[2], *options)
    folder = f"{tmp_path}/{place}/phraseloc-"
    expected = r"\S+: cannot be written: .*file too large; --scratch names another folder\n"
    assert re.fullmatch(re.escape(f"phraseloc: {folder}") + expected, told)
    assert capfd.readouterr() == ("", "")


def test_a_scratch_folder_that_cannot_be_written(many, refused):
    told = refused("score", many[0], many[2], "--scratch", "/proc")
    assert re.match(r"phraseloc: /proc: cannot be written: .+; --scratch names another fol", told)


@pytest.mark.parametrize("at", [2, 9, 14, 24], ids=lambda at: NAMES[at])
def test_workers_tell_the_same(at, command, tmp_path, refused, capfd):
    suffix, spoil, _ = FAULTS[at]
    name = shards_with(tmp_path / "mine", suffix, spoil)
    told = [refused(*command, name, *workers) for workers in ((), ("--workers", "2"))]
    assert told[1] == told[0]
    assert capfd.readouterr() == ("", "")


def test_workers_tell_of_all_rows(command, tmp_path, refused, capfd):
    rows = [{**row, "box": [1, 1, 0, 5]} if n % 100 == 7 else row for n, row in enumerate(OTHERS)]
    name = write_shards(rows, tmp_path / "mine", 3, ".parquet")
    told = [refused(*command, name, *workers) for workers in ((), ("--workers", "2"))]
    assert told[1] == told[0]
    assert "read as xywh (is it xyxy?) (9)\n  " in told[0]
    assert told[0].count("part-00") == 9
    assert capfd.readouterr() == ("", "")
