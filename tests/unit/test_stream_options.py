"""Options of streaming: what they may be, what goes together, and that any asks for it."""

import json
import re

import pytest

from phraseloc.bulk import cluster
from phraseloc.commands import streaming
from tests.bulk_files import write_records


@pytest.fixture(params=["score", "compare"])
def command(request, truth_file, guess_file):
    return [request.param, truth_file, *[guess_file] * (1 + (request.param == "compare"))]


@pytest.mark.parametrize("size", ["lots", "", "0", "0GB", "-1GB", "1e9", "4 G B", "GB", "4PB"])
def test_a_size_that_is_none(size, command, refused):
    told = refused(*command, "--memory", size)
    assert f"--memory': found {size!r}; expected a size such as 4GB or 500MB" in told


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("4GB", 4 * 10**9),
        ("500M", 5 * 10**8),
        ("1.5gib", 1_500_000_000),
        ("64 kb", 64_000),
        (" 7 ", 7),
        ("2T", 2 * 10**12),
    ],
)
def test_a_size_is_understood(size, expected):
    assert streaming.parse_bytes(None, None, size) == expected


@pytest.mark.parametrize("count", ["0", "-2", "two", "1.5"])
def test_a_count_of_workers_that_is_none(count, command, refused):
    assert "Invalid value for '--workers'" in refused(*command, "--workers", count)


def test_workers_here_and_elsewhere(command, refused):
    told = refused(*command, "--workers", 2, "--cluster", "127.0.0.1:1")
    assert told == "phraseloc: found --workers and --cluster; expected one of them\n"


def test_a_scratch_folder_must_be_one(command, truth_file, refused):
    for place, reason in (("nowhere", "does not exist"), (truth_file, "is a file")):
        told = refused(*command, "--scratch", place)
        assert re.search(rf"Invalid value for '--scratch': Directory '.*' {reason}", told)


@pytest.mark.parametrize("where", [("--workers", 2), ("--cluster", "127.0.0.1:1")])
def test_results_of_phrases_are_written_by_one_process(
    where, truth_file, guess_file, tmp_path, refused
):
    words = ("score", truth_file, guess_file, "--per-phrase", tmp_path / "out.parquet", *where)
    told = refused(*words)
    assert told == "phraseloc: --per-phrase is written by one process: expected no workers\n"


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".csv.gz"])
def test_results_of_streamed_phrases_are_parquet(suffix, truth_file, guess_file, tmp_path, refused):
    place = tmp_path / f"out{suffix}"
    told = refused("score", truth_file, guess_file, "--memory", "1GB", "--per-phrase", place)
    assert told == f"phraseloc: {place}: results of large files are written as .parquet\n"


@pytest.mark.parametrize("option", ["--split", "--unrelated"])
def test_streamed_ground_truth_is_read_whole(option, command, write, refused):
    told = refused(*command, option, write("images.txt", "10\n"), "--memory", "1GB")
    assert f"{command[1]} is streamed whole: expected no --split, but a file of the split" in told
    assert "phraseloc convert --split" in told


@pytest.mark.parametrize("side", [0, 1])
def test_what_cannot_be_streamed_is_named(side, command, release, pack, write, refused):
    names = [pack(release, "release.zip"), write("guesses.txt", "10\ta man\t1\t1\t40\t40\n")]
    words = [*command]
    words[1 + side] = names[side]
    told = refused(*words, "--memory", "1GB")
    assert told.startswith(f"phraseloc: {names[side]} cannot be streamed: expected Parquet, JSON")


def test_standard_input_is_not_streamed(truth_file, refused):
    told = refused("score", truth_file, "-", "--memory", "1GB", stdin=b"[]")
    assert told.startswith("phraseloc: - cannot be streamed: expected Parquet, JSON")


def test_a_unit_of_several_phrases_is_not_streamed(command, refused):
    told = refused(*command, "--set", "unit=entity", "--memory", "1GB")
    assert "has unit entity, for which files are not streamed; expected unit phrase" in told


@pytest.mark.parametrize("option", [("--memory", "1GB"), ("--scratch", "."), ("--workers", "1")])
def test_any_option_streams(option, truth_file, guess_file, scored):
    """What tells it is the digest: of rows in any order, a sum."""
    small = scored(truth_file, guess_file)
    found = scored(truth_file, guess_file, *option)
    assert found["ground_truth"]["sha256"].startswith("sum-")
    assert not small["ground_truth"]["sha256"].startswith("sum-")
    assert found["accuracy"] == small["accuracy"]


def test_a_streamed_comparison_prints_what_a_small_one_does(truth, guesses, tmp_path, run):
    others = [{**row, "box": [1, 1, 9, 9]} for row in guesses]
    files = [
        write_records(rows, tmp_path / f"{name}.jsonl")
        for name, rows in (("truth", truth), ("a", guesses), ("b", others), ("c", guesses))
    ]
    for style in ("table", "csv", "markdown", "latex", "json"):
        words = ("compare", *files, "--format", style, "--samples", 99)
        small, found = (run(*words, *more) for more in ((), ("--memory", "1GB")))
        assert (found.exit_code, small.exit_code) == (0, 0), found.output
        if style != "json":
            assert lines_of(found.stdout) == lines_of(small.stdout)
    ours, theirs = (json.loads(done.stdout)["comparisons"] for done in (found, small))
    assert ours == theirs
    changes = [item["change"] for item in ours]
    assert [(change["wins"], change["losses"]) for change in changes] == [(0, 3), (0, 0)]


def lines_of(text):
    """Leave out the digest, which is another, and the order of categories."""
    return sorted(line.rstrip(",") for line in re.sub(r"gt:[\w-]+", "", text).splitlines())


def test_workers_share_the_memory(truth_file, guess_file, monkeypatch, run):
    given, total_on = [], cluster.total_on

    def noted(client, job, scratch):
        given.append(job.memory)
        return total_on(client, job, scratch)

    monkeypatch.setattr(cluster, "total_on", noted)
    assert run("score", truth_file, guess_file, "--workers", 2, "--memory", "1GB").exit_code == 0
    assert given == [500_000_000]
