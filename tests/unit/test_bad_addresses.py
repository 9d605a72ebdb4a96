"""What is wrong at an address, or with one, is told by its name, with exit code 2."""

from pathlib import Path

import pytest
from fsspec.registry import known_implementations

from phraseloc.commands import main
from phraseloc.commands.program import WITH_ADDRESSES
from tests.addresses import Moody, put
from tests.bulk_files import write_shards


@pytest.fixture
def told(moody, refused, tmp_path, plain_world):
    """Score an address as both sides, and give the message; a folder of shards is there."""
    for name, suffix in (("parquet", ".parquet"), ("lines", ".jsonl"), ("gz", ".jsonl.gz")):
        rows = plain_world.truth
        put(moody, Path(write_shards(rows, tmp_path / name, 2, suffix)), f"/b/{name}")
    moody.pipe("/b/odd/words.txt", b"words")
    for name in ("a.parquet", "a.jsonl"):
        moody.pipe(f"/b/two/{name}", b"x")
    moody.pipe("/b/two/empty.json", b"")

    def score(address, *options):
        message = refused("score", address, address, *options)
        assert message.startswith("phraseloc: ")
        assert "Traceback" not in message
        return message.removeprefix("phraseloc: ").rstrip("\n")

    return score


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("moody://b/none.parquet", "no such file, folder or bucket: /b/none.parquet"),
        ("moody://b/none/", "no such file, folder or bucket: /b/none"),
        ("moody://none/*.parquet", "no such file, folder or bucket: /none"),
        ("moody://b/lines/*.parquet", "no file matches"),
        ("moody://b/odd/", "found no file whose name ends in one of .parquet, .jsonl"),
        ("moody://b/odd/words.txt", "found no file whose name ends in one of .parquet, .jsonl"),
        ("moody://b/two/a.*", "found files of several formats (.jsonl, .parquet), expected one"),
        ("moody://b/two/a.parquet", "not a Parquet file that can be read: "),
        ("moody://b/two/empty.json", "the file is empty"),
        ("nowhere://b/a.parquet", "found scheme nowhere, expected one that fsspec knows"),
        ("simplecache::moody://b/two/a.parquet", 'found "::", expected one address'),
    ],
)
def test_an_address_without_sound_files_is_named(address, message, told):
    assert told(address).startswith(f"{address}: {message}")


def test_a_driver_that_is_not_installed_is_named(told, monkeypatch):
    known = {"class": "no_such_driver.FileSystem", "err": "Install no_such_driver to read it"}
    monkeypatch.setitem(known_implementations, "elsewhere", known)
    assert told("elsewhere://b/a.parquet") == (
        "elsewhere://b/a.parquet: its driver is not installed: Install no_such_driver to read it "
        "(No module named 'no_such_driver')"
    )


@pytest.mark.parametrize("name", ["parquet/", "parquet/*", "parquet/part-000.parquet", "gz/*"])
@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError("no key"), "access refused: no key"),
        (RuntimeError("no\ncredentials"), "cannot be read: RuntimeError: no credentials"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (TimeoutError(), "cannot be read: TimeoutError"),
    ],
)
def test_what_a_driver_refuses_is_told(name, error, message, told):
    Moody.refused["/b/"] = error
    found = told(f"moody://b/{name}")
    assert found.startswith(f"moody://b/{name}: ")
    assert message in found
    assert len(found.splitlines()) == 1


@pytest.mark.parametrize("cause", ["Forbidden", "no key"])
def test_the_cause_of_a_refusal_is_told_once(cause, told):
    error = PermissionError("no key")
    error.__cause__ = ValueError(cause)
    Moody.refused["/b/"] = error
    expected = "no key" if cause == "no key" else "no key (Forbidden)"
    assert told("moody://b/gz/*") == f"moody://b/gz/*: access refused: {expected}"


@pytest.mark.parametrize("name", ["parquet/part-001.parquet", "lines/part-001.jsonl"])
def test_a_shard_that_cannot_be_read_is_told(name, told):
    Moody.broken[name] = (0, PermissionError("this one is not yours"))
    address = f"moody://b/{name}"
    assert told(f"{address[:-12]}*") == f"{address}: access refused: this one is not yours"


@pytest.mark.parametrize("suffix", [".jsonl", ".jsonl.gz", ".parquet"])
def test_a_connection_cut_in_the_middle_is_told(suffix, large, moody, refused):
    place = large / f"p{suffix}"
    address = put(moody, place, f"/b/p{suffix}")
    error = ConnectionResetError(104, "Connection reset by peer")
    Moody.broken[place.name] = (place.stat().st_size * 9 // 10, error)
    assert refused("score", address, address) == (
        f"phraseloc: {address}: cannot be read: ConnectionResetError: Connection reset by peer\n"
    )


def test_a_wrong_record_of_a_later_block_has_its_number(large, moody, refused):
    lines = (large / "p.jsonl").read_bytes().splitlines(keepends=True)
    lines[125_000] = b'{"image": "a", oops}\n'
    moody.pipe("/b/p.jsonl", b"".join(lines))
    found = refused("score", "moody://b/p.jsonl", "moody://b/p.jsonl")
    message = "phraseloc: moody://b/p.jsonl: a line that is not a record (1)\n  line 125001: "
    assert found.startswith(message)


def test_a_server_that_gives_no_parts_is_told(large, moody, told):
    for suffix in (".parquet", ".jsonl"):
        address = put(moody, large / f"p{suffix}", f"/b/p{suffix}")
        Moody.whole.add(f"/b/p{suffix}")
        assert "expected a server that gives parts of a file" in told(address)
    Moody.unsized.add("/b/gz/part-000.jsonl.gz")
    assert "found no size" in told("moody://b/gz/part-000.jsonl.gz")


@pytest.mark.parametrize("option", ["--split", "--unrelated"])
def test_lists_are_files_of_this_machine(option, told, truth_file, guess_file, refused):
    assert "expected no --split" in told("moody://b/parquet/", option, truth_file)
    assert refused("score", truth_file, guess_file, option, "moody://b/x.txt") == (
        "phraseloc: moody://b/x.txt: found an address, expected a file of this machine\n"
    )


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_results_are_written_on_this_machine(suffix, told):
    found = told("moody://b/parquet/", "--per-phrase", f"moody://b/out{suffix}")
    assert found == f"moody://b/out{suffix}: found an address, expected a file of this machine"


@pytest.mark.usefixtures("told")
def test_a_release_beside_an_address_cannot_be_streamed(pack, release, refused):
    place = pack(release, "release.zip")
    found = refused("score", place, "moody://b/parquet/")
    assert found.startswith(f"phraseloc: {place} cannot be streamed")


@pytest.mark.parametrize("name", sorted(set(main.commands) - set(WITH_ADDRESSES)))
@pytest.mark.parametrize("form", ["{}", "--option={}", "mine={}"])
def test_other_commands_say_which_take_addresses(name, form, refused):
    address = "s3://bucket/x.json"
    assert refused(name, "here.json", form.format(address)) == (
        f"phraseloc: {address}: addresses are read by `phraseloc score` and `phraseloc compare`; "
        f"`phraseloc {name}` expects a file of this machine\n"
    )
