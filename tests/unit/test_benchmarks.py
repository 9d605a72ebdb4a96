"""What benchmarks stand on: synthetic files, a process seen from outside, and pages of results."""

import csv
import json
from collections import Counter

import numpy as np
import pytest
from pyarrow import parquet

from benchmarks import duckdb_alone, synthetic
from benchmarks.children import middle, run_module
from benchmarks.results import Row, Section, Table, replace_sections, to_markdown
from benchmarks.synthetic import FORMATS, shuffle_predictions, write_pair

ROWS = 2_000


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(synthetic, "IMAGES", 30)  # some 435 phrases


def records_of(path):
    if path.suffix == ".parquet":
        return parquet.read_table(path).to_pylist()
    text = path.read_text()
    if path.suffix == ".csv":
        return [*map(record_of, csv.DictReader(text.splitlines()))]
    return json.loads(text) if path.suffix == ".json" else [*map(json.loads, text.splitlines())]


def record_of(cells):
    numbers = {name: int(cells[name]) for name in ("sentence", "first_word")}
    named = {name: cells[name] for name in ("image", "entity")}
    kinds = {"categories": [cells["categories"]]} if cells["categories"] else {}
    return {**named, **numbers, "box": [float(cells[side]) for side in "xywh"], **kinds}


def key_of(record):
    return tuple(record[name] for name in ("image", "sentence", "first_word", "entity"))


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_has_the_same_records(suffix, tmp_path):
    pair, parquets = (write_pair(ROWS, one, tmp_path) for one in (suffix, ".parquet"))
    for side in ("truth", "predictions"):
        found = records_of(getattr(pair, side))
        assert found == records_of(getattr(parquets, side))
        assert len(found) == ROWS
    assert pair.size == sum(len(p.read_bytes()) for p in (pair.truth, pair.predictions))


def test_records_are_shaped_like_flickr30k(tmp_path):
    pair = write_pair(ROWS, ".jsonl", tmp_path)
    truth, guesses = map(records_of, (pair.truth, pair.predictions))
    assert [key_of(row) for row in truth] == [key_of(row) for row in guesses]
    assert len({key_of(row) for row in truth}) == ROWS
    images = Counter(row["image"] for row in truth)
    assert all(len(image) == 9 and image.isdecimal() for image in images)
    assert len(images) == pytest.approx(ROWS / 14.5, rel=0.05)
    assert {row["sentence"] for row in truth} == {0, 1, 2, 3, 4}
    assert {kind for row in truth for kind in row["categories"]} == {*synthetic.CATEGORIES}
    entities = {}
    for row in truth:
        image, box = entities.setdefault(row["entity"], (row["image"], row["box"]))
        assert (image, box) == (row["image"], row["box"])
    for rows, step in ((truth, 1), (guesses, 100)):
        boxes = np.array([row["box"] for row in rows])
        assert (boxes[:, :2] >= 1).all()
        assert (boxes[:, 2:] > 0).all()
        assert (boxes[:, :2] + boxes[:, 2:] - 1 <= np.array([500, 375]) + 1e-9).all()
        assert np.allclose(step * boxes, np.round(step * boxes), atol=1e-6)


def test_fewer_rows_are_the_first_of_more(tmp_path):
    few, more = (write_pair(rows, ".jsonl", tmp_path) for rows in (700, ROWS))
    for side in ("truth", "predictions"):
        assert records_of(getattr(few, side)) == records_of(getattr(more, side))[:700]


def test_files_that_are_whole_are_used_again(tmp_path, monkeypatch):
    pair = write_pair(ROWS, ".parquet", tmp_path)
    before = [path.stat().st_mtime_ns for path in (pair.truth, pair.predictions)]

    def broken(_rows):
        yield next(iter(blocks(500)))
        raise OSError("the disk is full")

    blocks = synthetic.draw_blocks
    monkeypatch.setattr(synthetic, "draw_blocks", broken)
    assert write_pair(ROWS, ".parquet", tmp_path) == pair
    assert [path.stat().st_mtime_ns for path in (pair.truth, pair.predictions)] == before
    for suffix in FORMATS:
        with pytest.raises(OSError, match="the disk is full"):
            write_pair(900, suffix, tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(synthetic, "IMAGES", 30)
    for suffix in FORMATS:
        assert len(records_of(write_pair(900, suffix, tmp_path).predictions)) == 900


@pytest.mark.parametrize("more", [(), ("--memory", "1GB")])
def test_the_program_finds_three_of_five_right_as_a_join_in_sql_does(more, tmp_path, run):
    pair = write_pair(ROWS, ".parquet", tmp_path)
    shuffled = shuffle_predictions(ROWS, pair)
    order, other = ([*map(key_of, records_of(p.predictions))] for p in (pair, shuffled))
    assert order != other
    assert sorted(order) == sorted(other)
    rights = []
    for files in (pair, shuffled):
        names = str(files.truth), str(files.predictions)
        done = run("score", *names, "--format", "json", *more)
        assert done.exit_code == 0, done.output
        rights.append(json.loads(done.stdout)[0]["accuracy"]["correct"])
        assert duckdb_alone.join(*names) == (rights[-1], ROWS)
    assert rights[0] == rights[1]
    assert 0.55 < rights[0] / ROWS < 0.65


def test_a_process_is_seen_from_outside(tmp_path, monkeypatch):
    ours = np.ones(40_000_000)  # memory of who starts a process is not the process's
    (tmp_path / "idle.py").write_text("print('done')")
    (tmp_path / "busy.py").write_text("text = b'x' * 200_000_000; sum(range(5_000_000))")
    (tmp_path / "fails.py").write_text("raise SystemExit('no such thing')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    idle, busy = run_module("idle"), run_module("busy")
    assert idle.output == "done\n"
    assert 1e6 < idle.peak < 100e6 < ours.nbytes
    assert 200e6 < busy.peak < 300e6
    assert 0 < idle.processor < busy.processor
    assert busy.processor <= busy.seconds * 1.2
    assert middle([idle, busy, busy]).peak == busy.peak
    with pytest.raises(RuntimeError, match="no such thing"):
        run_module("fails")


def test_tables_are_rendered_beside_comparisons():
    table = Table("Sizes", ("what", "bytes"), [("a", "1"), ("b", "2")], ["A note."])
    assert to_markdown(table) == (
        "## Sizes\n\n| what | bytes |\n|---|---:|\n| a | 1 |\n| b | 2 |\n\n- A note.\n"
    )
    section = Section("Speed", [Row("read", "3 s", "peer", "1 s", 1 / 3, 1 / 3)])
    assert "| read | 3 s | peer | 1 s | 0.33 | 0.333 reached |" in to_markdown(section)


def test_a_section_is_replaced_where_it_stands_and_a_new_one_comes_last():
    page = "# Results\n\n- facts\n\n## A\n\n1\n\n## A: more\n\n2\n\n## B\n\n3\n"
    done = replace_sections(page, ["## A\n\nnew\n", "## C\n\nlast\n"])
    assert done == (
        "# Results\n\n- facts\n\n## A\n\nnew\n\n## A: more\n\n2\n\n## B\n\n3\n\n## C\n\nlast\n"
    )
    assert replace_sections(done, []) == done
