"""Streamed tables of text: lines are split as small files are read, or not at all."""

import csv
import gzip
import io

import numpy as np
import pyarrow
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from phraseloc.bulk import lines as module
from phraseloc.bulk import shards as sizes
from phraseloc.bulk.cluster import cut, pieces
from phraseloc.bulk.reading import estimate_rows, read_blocks
from phraseloc.bulk.shards import find_shards, is_large
from phraseloc.bulk.tables import open_table
from phraseloc.bulk.text_tables import fields_of, find_head, find_problem, split_lines
from phraseloc.errors import InputError, Problems
from phraseloc.formats import find_reader
from phraseloc.formats.table import read_head, read_rows
from phraseloc.kernels.quotes import has_loose_quotes
from phraseloc.protocol import PROTOCOLS
from phraseloc.space import BoxSpace
from tests.bulk_files import (
    TEXTS,
    job_of,
    make_world,
    one_box_a_row,
    write_records,
    write_shards,
)

ROWS = [
    {"image": f"{n // 4}#0", "start": n, "entity": "1", "box": [n + 1, 1, 5, 5]} for n in range(90)
]
NAMES = "image,start,entity,width,categories,x,y,w,h"


def read(shards, declared=None):
    return list(read_blocks(open_table(shards, declared or {}), Problems("p"), 10**8))


@given(st.text('ab",\t\n', max_size=25), st.sampled_from(",\t"))
def test_quotes_are_loose_where_a_line_cannot_be_read_by_itself(text, delimiter):
    data = np.frombuffer((text + "\n").encode(), np.uint8)
    parts = [is_read(line, delimiter) for line in text.split("\n")]
    assert has_loose_quotes(data, delimiter) == (not all(parts))


def is_read(line, delimiter):
    try:
        list(csv.reader([line], delimiter=delimiter, strict=True))
    except csv.Error:
        return False
    return True


CELLS = (
    *("1", "10#0", "1.5", "", '""', " 1", "1e3", "1_0", "0x1", "-1", "nan", "inf", "-0", "1e999"),
    *("+1", ".5", "1.", "9007199254740993", "\uff11", '"1"', '"a, b"', '"a', "é", '"a""b"'),
    *('a"b', "1e", "infinity", "NaN", "-inf", "1\t", "true", "1e-400", "1,1", "1e15", "2e15"),
)
SOUND = ("10#0", "7", '"5"', "100", "a;b", "1", "1.5", "5", "6")


def with_cells(changed):
    return ",".join(changed.get(place, cell) for place, cell in enumerate(SOUND))


def assert_split_alike(lines):
    """What is refused differs in nothing, and what is read has the same values."""
    head = read_head([NAMES], "p")
    problems = Problems("p")
    records, _ = read_rows(lines, head, 2, problems)
    sound = not problems and all(record.box for record in records)
    batch = pyarrow.RecordBatch.from_pydict({"line": [line + "\n" for line in lines]})
    try:
        found = split_lines(batch, head, texts=False).to_pylist()
    except ValueError:
        assert not sound, lines
        return
    assert sound, lines
    for ours, theirs in zip(found, records, strict=True):
        assert repr(ours.pop("box")) == repr(list(theirs.box))
        assert ours == {name: getattr(theirs, name) for name in ours}


@pytest.mark.parametrize("place", range(9))
def test_each_cell_is_read_as_in_small_files(place):
    for cell in CELLS:
        assert_split_alike([with_cells({}), with_cells({place: cell})])


ROW = st.dictionaries(
    st.integers(0, 8),
    st.floats(allow_nan=False).map(repr) | st.text('0123456789.eE+-_ "x', max_size=6),
    max_size=2,
).map(with_cells)


@given(st.lists(ROW, min_size=1, max_size=2))
def test_lines_are_split_as_small_files_are_read(lines):
    assert_split_alike(lines)


def test_a_blank_line_is_no_row():
    batch = pyarrow.RecordBatch.from_pydict({"line": ["10,1,1,1,,1,1,1,1\n", None]})
    with pytest.raises(ValueError, match="blank"):
        split_lines(batch, read_head([NAMES], "p"), texts=False)


@pytest.mark.parametrize("suffix", TEXTS)
@pytest.mark.parametrize("count", [1, 2, 11])
def test_a_folder_and_a_pattern_are_their_files_in_order(suffix, count, tmp_path):
    folder = write_shards(ROWS, tmp_path / "mine", count, suffix)
    for name in (folder, f"{folder}/part-*", f"{tmp_path}/m*/*{suffix}"):
        shards = find_shards(name)
        assert is_large(shards)
        lefts = [int(left) for block in read(shards) for left in block.boxes[:, 0]]
        assert lefts == list(range(1, 91))


@pytest.mark.parametrize(("space", "first"), [(None, 2), (BoxSpace(), 3)])
def test_rows_are_named_by_their_lines(space, first, tmp_path):
    shards = find_shards(write_records(ROWS, tmp_path / "p.csv", space))
    places = [block.where(row) for block in read(shards) for row in range(len(block))]
    assert places == [f"line {n}" for n in range(first, first + 90)]


def test_shards_may_differ_in_the_order_of_columns_and_in_what_splits_them(tmp_path):
    write_records(ROWS[:40], tmp_path / "0.csv")
    moved = [dict(reversed(row.items())) for row in ROWS[40:]]
    lines = ["x\ty\tw\th\tentity\timage\tstart"]
    lines += [
        "\t".join(map(str, [*row["box"], row["entity"], row["image"], row["start"]]))
        for row in moved
    ]
    (tmp_path / "1.csv").write_text("\n".join(lines))
    blocks = read(find_shards(str(tmp_path)))
    assert [int(left) for block in blocks for left in block.boxes[:, 0]] == list(range(1, 91))
    assert blocks[1].where(0) == f"{tmp_path}/1.csv line 2"


@pytest.mark.parametrize(
    ("second", "difference"),
    [
        ("image,start,x,y,w,h\n1#0,1,1,1,1,1", "found column entity absent, expected VARCHAR"),
        ("image,start,entity,x,y\n1#0,1,1,1,1", r"found column box absent, expected DOUBLE\[\]"),
        (
            "image,start,entity,x1,y1,x2,y2\n1#0,1,1,1,1,1,1",
            "found header field layout xyxy, expected xywh",
        ),
    ],
)
def test_shards_must_agree(second, difference, tmp_path):
    write_records(ROWS, tmp_path / "0.csv")
    (tmp_path / "1.csv").write_text(second)
    with pytest.raises(InputError, match=rf"1.csv: {difference} as in .*0.csv"):
        open_table(find_shards(str(tmp_path)), {})


def test_one_file_is_streamed_when_it_is_large(tmp_path, monkeypatch):
    shards = find_shards(write_records(ROWS, tmp_path / "p.csv"))
    assert sizes.LARGE["text"] == 10_000_000
    monkeypatch.setitem(sizes.LARGE, "text", shards.size)
    assert is_large(shards)
    monkeypatch.setitem(sizes.LARGE, "text", shards.size + 1)
    assert not is_large(shards)


@pytest.mark.parametrize("suffix", TEXTS)
def test_rows_are_estimated(suffix, tmp_path):
    table = open_table(find_shards(write_records(ROWS, tmp_path / f"p{suffix}")), {})
    assert table.row_counts is None
    assert 15 < estimate_rows(table) < 400


def test_text_is_cut_by_its_shards(tmp_path):
    world = one_box_a_row(make_world(4, kind="box", shuffled=False))
    files = [
        write_shards(rows, tmp_path / name, 3, ".csv", space)
        for name, rows, space in zip("tp", (world.truth, world.guesses), world.spaces, strict=True)
    ]
    job = job_of(world, files, {"truth_boxes": {}}, [PROTOCOLS["flickr30k"]])
    assert len(cut(job, 9)) == 3
    assert pieces(job.truth, 9) == [[(shard, 0, None)] for shard in range(3)]


def test_fields_are_those_that_scoring_looks_at():
    head = read_head(["caption,phrase,categories,x,y,start,note,image"], "p")
    assert fields_of(head) == ["point", "image", "start", "categories"]


@pytest.mark.parametrize("first", [0, 1, 30_000, 99_999])
def test_wrong_lines_are_found_far_into_a_file(first, tmp_path, monkeypatch):
    """Chunks of a few lines are looked at one after another; the first with a fault is told."""
    monkeypatch.setattr(module, "_CHUNK", 5_000)
    lines = ["image,x,y,w,h", *["1,1,1,5,5"] * 100_000]
    lines[first + 1] = "1,1,1,5"
    text = "\n".join(lines).encode()
    for name, pack in {"p.csv": bytes, "p.csv.gz": gzip.compress}.items():
        (tmp_path / name).write_bytes(pack(text))
        file = str(tmp_path / name)
        found = find_problem(file, find_head(file, "predictions"))
        assert str(found).endswith(f"names (1)\n  line {first + 2}: found 4 columns")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (b"1\r", "found a CR line end, expected LF; convert the file (dos2unix)"),
        (b"\xff", "found byte 0xff, expected UTF-8 text"),
    ],
)
def test_bytes_far_into_a_file_are_named_by_their_line(fault, told, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 1_000)
    rows = [b"1,1,1,5,5"] * 900
    rows[700] = b"1,1,1,5,5" + fault
    (tmp_path / "p.csv").write_bytes(b"\n".join([b"image,x,y,w,h", *rows]))
    with pytest.raises(InputError) as caught:
        read(find_shards(str(tmp_path / "p.csv")))
    assert str(caught.value) == f"p.csv: line 702: {told}"


@pytest.mark.parametrize("suffix", [".csv.gz"])
def test_a_file_that_breaks_off_is_refused(suffix, tmp_path):
    place = tmp_path / f"p{suffix}"
    random = np.random.default_rng(1)
    boxes = random.integers(1, 10**6, size=(20_000, 4)).tolist()
    write_records([{**ROWS[0], "start": n, "box": box} for n, box in enumerate(boxes)], place)
    place.write_bytes(place.read_bytes()[:-30])
    with pytest.raises(InputError, match=r"p\.csv\..*: cannot be read: "):
        read(find_shards(str(place)))


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'[{"image": "1"}]', "found JSON or Parquet, expected CSV or TSV as its name says"),
        (b"<html>\n", "found HTML, expected predictions as JSON, JSON Lines, CSV"),
        (b"1,2,3\n", "found a file of no known format"),
    ],
)
def test_what_is_no_table_is_refused(content, found, tmp_path):
    (tmp_path / "p.csv").write_bytes(content)
    with pytest.raises(InputError) as caught:
        open_table(find_shards(str(tmp_path / "p.csv")), {})
    assert str(caught.value).startswith(f"p.csv: {found}")


def test_the_reader_of_a_beginning_is_that_of_the_file(tmp_path):
    """A header and names longer than what is looked at for other formats."""
    names = ",".join(["image", *(f"note{n}" for n in range(600)), "x", "y"])
    text = f"{names}\n1{',' * 600},3,4\n"
    assert find_reader(text.encode(), "p", "predictions").__name__ == "read_table"
    (tmp_path / "p.csv").write_text(text)
    [block] = read(find_shards(str(tmp_path / "p.csv")))
    assert block.points


def test_zstd_frames_follow_each_other(tmp_path):
    """As a file has them that was appended to."""
    text = (io.StringIO(), io.StringIO())
    for part, rows in zip(text, (ROWS[:50], ROWS[50:]), strict=True):
        part.write("".join(f"{r['image']},{r['start']},1,{r['box'][0]},1,5,5\n" for r in rows))
    frames = ["image,start,entity,x,y,w,h\n" + text[0].getvalue(), text[1].getvalue()]
    data = b"".join(zstandard.compress(frame.encode()) for frame in frames)
    (tmp_path / "p.csv.zst").write_bytes(data)
    assert sum(map(len, read(find_shards(str(tmp_path / "p.csv.zst"))))) == 90
