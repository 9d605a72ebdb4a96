"""Shards: the files that a name stands for, what they must agree in, and how they are cut."""

import numpy as np
import pytest
from pyarrow import parquet

from phraseloc.bulk import shards as module
from phraseloc.bulk.cluster import cut, pieces
from phraseloc.bulk.reading import estimate_rows, read_blocks
from phraseloc.bulk.shards import find_shards, is_large
from phraseloc.bulk.tables import open_table
from phraseloc.errors import InputError, Problems
from phraseloc.protocol import PROTOCOLS
from phraseloc.space import BoxSpace
from tests.bulk_files import job_of, make_world, write_records, write_shards, write_world

ROWS = [
    {"image": f"{n // 4}#0", "start": n, "entity": "1", "box": [n + 1, 1, 5, 5]} for n in range(90)
]
SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz", ".json.zst")


def read(shards, declared=None, part=None):
    table = open_table(shards, declared or {})
    return list(read_blocks(table, Problems("p"), 10**8, part))


def lefts(blocks):
    return [int(left) for block in blocks for left in block.boxes[:, 0]]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("count", [1, 2, 11])
def test_a_folder_and_a_pattern_are_their_files_in_order(suffix, count, tmp_path):
    folder = write_shards(ROWS, tmp_path / "mine", count, suffix)
    (tmp_path / "mine" / "_SUCCESS").write_text("")
    (tmp_path / "mine" / "notes.txt").write_text("no data")
    for name in (folder, f"{folder}/part-*", f"{tmp_path}/m*/*{suffix}"):
        shards = find_shards(name)
        assert shards.name == name
        assert list(shards.files) == sorted(shards.files)
        assert lefts(read(shards)) == list(range(1, 91))
        assert is_large(shards)


def test_rows_know_their_shard_and_number(tmp_path):
    shards = find_shards(write_shards(ROWS, tmp_path / "mine", 5, ".jsonl", BoxSpace()))
    places = {block.where(row) for block in read(shards) for row in range(len(block))}
    expected = set()
    for file in shards.files:
        with open(file) as lines:  # noqa: PTH123 - a name of a shard is a string
            expected |= {f"{file} line {n}" for n in range(2, 1 + len(list(lines)))}
    assert places == expected


@pytest.mark.parametrize("name", ["nothing.parquet", "-", "words.txt", "release.zip", "empty"])
def test_what_cannot_be_streamed_has_no_shards(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words.txt").write_text("a\tb")
    (tmp_path / "release.zip").write_bytes(b"PK")
    (tmp_path / "empty").mkdir()
    assert find_shards(name) is None


def test_a_pattern_that_matches_nothing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"no\*\.parquet: no file matches"):
        find_shards(str(tmp_path / "no*.parquet"))


def test_files_of_several_formats_are_named(tmp_path):
    for suffix in (".parquet", ".jsonl"):
        write_records(ROWS, tmp_path / f"p{suffix}")
    with pytest.raises(InputError, match=r"several formats \(.jsonl, .parquet\), expected one"):
        find_shards(str(tmp_path))


@pytest.mark.parametrize(
    "name", ["a[1].parquet", "b?.jsonl", "it's.parquet", "c*.parquet", "ä ö.jsonl"]
)
def test_a_file_is_read_by_its_own_name(name, tmp_path):
    for other in ("a1.parquet", "bb.jsonl", "cc.parquet", "a.parquet"):
        write_records(ROWS[:1], tmp_path / other)
    shards = find_shards(write_records(ROWS[3:5], tmp_path / name))
    assert shards.files == (str(tmp_path / name),)
    assert lefts(read(shards)) == [4, 5]
    if name.endswith(".parquet"):
        assert open_table(shards, {}).row_counts == [2]


def test_one_file_is_streamed_when_it_is_large(tmp_path, monkeypatch):
    for suffix, form in ((".parquet", "parquet"), (".jsonl", "json")):
        shards = find_shards(write_records(ROWS, tmp_path / f"p{suffix}"))
        assert not is_large(shards)
        monkeypatch.setitem(module.LARGE, form, shards.size)
        assert is_large(shards)
        monkeypatch.setitem(module.LARGE, form, shards.size + 1)
        assert not is_large(shards)


def test_the_one_file_of_a_folder_or_a_pattern_is_streamed(tmp_path):
    """There is no other way to read it."""
    folder = write_shards(ROWS, tmp_path / "mine", 1, ".parquet")
    assert is_large(find_shards(folder))
    assert is_large(find_shards(f"{folder}/*.parquet"))


SPACES = (BoxSpace("xyxy", "continuous", 0), BoxSpace("xyxy", "continuous", 1))


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_shards_must_agree_in_their_header(suffix, tmp_path):
    for n, space in enumerate(SPACES):
        write_records(ROWS, tmp_path / f"{n}{suffix}", space)
    shards = find_shards(str(tmp_path))
    with pytest.raises(InputError) as caught:
        open_table(shards, {})
    first, second = shards.files
    assert str(caught.value) == (f"{second}: found header field origin 1, expected 0 as in {first}")


@pytest.mark.parametrize("name", ["entity", "box"])
def test_shards_must_agree_in_their_columns(name, tmp_path):
    write_records(ROWS, tmp_path / "0.parquet")
    write_records(
        [{k: v for k, v in row.items() if k != name} for row in ROWS], tmp_path / "1.parquet"
    )
    kind = {"entity": "VARCHAR", "box": r"DOUBLE\[\]"}[name]
    with pytest.raises(
        InputError, match=rf"1.parquet: found column {name} absent, expected {kind}"
    ):
        open_table(find_shards(str(tmp_path)), {})


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"start": "seven"}, "column start of type VARCHAR, expected BIGINT"),
        ({"entity": 7}, "column entity of type BIGINT, expected VARCHAR"),
        ({"box": [1]}, None),
        ({"box": 7}, r"column box of type BIGINT, expected DOUBLE\[\]"),
        ({"box": [["1"]]}, r"column box of type VARCHAR\[\]\[\], expected DOUBLE\[\]"),
        ({"start": 1.5}, "column start of type DOUBLE, expected BIGINT"),
    ],
)
def test_columns_have_the_types_of_records(change, kind, tmp_path):
    place = write_records([{**row, **change} for row in ROWS], tmp_path / "p.parquet")
    if kind is None:
        assert open_table(find_shards(place), {}).select
        return
    with pytest.raises(InputError, match=rf"p.parquet: found {kind}"):
        open_table(find_shards(place), {})


def test_what_is_declared_must_not_contradict_the_header(tmp_path):
    place = write_records(ROWS, tmp_path / "p.parquet", SPACES[0])
    assert open_table(find_shards(place), {"origin": 0}).space == SPACES[0]
    with pytest.raises(InputError, match="its header declares origin 0, but 1 was asked for"):
        open_table(find_shards(place), {"origin": 1})


@pytest.mark.parametrize(("count", "shards"), [(1, 6), (2, 1), (5, 6), (400, 1)])
def test_parts_are_the_same_rows_of_every_table_once(count, shards, tmp_path):
    world = make_world(4, images=6, kind="box", shuffled=False)
    files, declared = write_world(world, tmp_path)
    files[1] = write_shards(world.guesses, tmp_path / "shards", shards, ".parquet", world.spaces[1])
    job = job_of(world, files, declared, [PROTOCOLS["flickr30k"]])
    parts = cut(job, count)
    assert len(parts) == min(count, len(world.truth))
    rows = [[], []]
    for part in parts:
        keys = []
        for side, ranges in enumerate(part):
            blocks = list(read_blocks(job.tables[side], Problems("p"), 10**8, ranges, ahead=False))
            keys.append([key for block in blocks for key in block.phrase.tolist()])
            rows[side] += [block.where(row) for block in blocks for row in range(len(block))]
        assert keys[0] == keys[1]
        assert keys[0]
    for side, table in enumerate(job.tables):
        whole = list(read_blocks(table, Problems("p"), 10**8))
        assert rows[side] == [block.where(row) for block in whole for row in range(len(block))]
        again = pieces(table, count)
        blocks = [b for part in again for b in read_blocks(table, Problems("p"), 10**8, part)]
        assert (
            np.concatenate([b.phrase for b in blocks]).tolist()
            == np.concatenate([b.phrase for b in whole]).tolist()
        )


def test_tables_of_unlike_length_are_not_cut(tmp_path):
    world = make_world(4, kind="box", shuffled=False)
    world.guesses = world.guesses[:-1]
    files, declared = write_world(world, tmp_path)
    assert cut(job_of(world, files, declared, [PROTOCOLS["flickr30k"]]), 3) is None


@pytest.mark.parametrize(("truth", "mine", "parts"), [(3, 3, 3), (2, 3, None)])
def test_json_is_cut_by_its_shards(truth, mine, parts, tmp_path):
    world = make_world(4, kind="box", shuffled=False)
    files = [
        write_shards(rows, tmp_path / name, count, ".jsonl", space)
        for name, rows, count, space in zip(
            ("t", "p"), (world.truth, world.guesses), (truth, mine), world.spaces, strict=True
        )
    ]
    job = job_of(world, files, {"truth_boxes": {}}, [PROTOCOLS["flickr30k"]])
    found = cut(job, 9)
    assert (found is None) if parts is None else (len(found) == parts)
    assert pieces(job.truth, 9) == [[(shard, 0, None)] for shard in range(truth)]


def test_rows_are_counted_or_estimated(tmp_path):
    for suffix in SUFFIXES:
        table = open_table(find_shards(write_records(ROWS, tmp_path / f"p{suffix}")), {})
        assert (table.row_counts == [90]) == (suffix == ".parquet")
        assert 15 < estimate_rows(table) < 400


def test_what_others_say_of_a_file_need_not_be_text(tmp_path):
    place = write_records(ROWS, tmp_path / "p.parquet", SPACES[0])
    table = parquet.read_table(place)
    theirs = {b"\xff\xfe": b"\xff", **table.schema.metadata}
    parquet.write_table(table.replace_schema_metadata(theirs), place)
    assert open_table(find_shards(place), {}).space == SPACES[0]
    parquet.write_table(table.replace_schema_metadata({"phraseloc": b"\xff"}), place)
    with pytest.raises(InputError, match=r"p.parquet: its phraseloc metadata cannot be read"):
        open_table(find_shards(place), {})


def test_blocks_of_wide_rows_are_short(tmp_path):
    """So that a block takes no more memory where rows have many candidates."""
    narrow = [
        {"image": f"{n}#0", "start": 0, "entity": "1", "box": [1, 1, 9, 9]} for n in range(5000)
    ]
    wide = [
        {**row, "box": None, "boxes": [[1, 1, 9, n % 7 + 1] for n in range(90)]} for row in narrow
    ]
    lengths, widths = [], []
    for name, rows in (("narrow", narrow), ("wide", wide)):
        table = open_table(find_shards(write_records(rows, tmp_path / f"{name}.parquet")), {})
        blocks = [len(block) for block in read_blocks(table, Problems("p"), 60_000_000)]
        assert sum(blocks) == 5000
        lengths.append(max(blocks))
        widths.append(table.width)
    assert 50 < widths[0] < 100
    assert 90 * 4 * 8 < widths[1] < 90 * 4 * 8 * 1.5
    assert lengths == [5000, 60_000_000 // (16 * widths[1])]
