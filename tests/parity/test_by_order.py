"""Rows without complete keys are streamed as small files are read: by their place, and checked."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyarrow import parquet

from phraseloc import BoxSpace
from phraseloc.bulk import queries
from phraseloc.bulk.cluster import cut
from phraseloc.bulk.pairs import NotInOrder
from phraseloc.bulk.run import compare_bulk, total_in_order, total_of
from phraseloc.comparison import compare
from phraseloc.errors import InputError
from phraseloc.protocol import PROTOCOLS
from tests.bulk_files import (
    SUFFIXES,
    assert_same,
    job_of,
    make_world,
    one_box_a_row,
    small,
    streamed,
    usable,
    write_packed,
    write_records,
    write_shards,
    write_world,
)

CHOICES = [PROTOCOLS[name] for name in ("any-box", "maf-released", "pointing")]
WORDS = ("a man", "two dogs", "on one hand", "the Rider", 'a "red" car, new', "o", "ein Öl-Bild")


def keyless_world(seed, **more):
    """Draw a world whose predictions, or ground truth, lack a part of the key, in order."""
    random = np.random.default_rng(seed)
    world = make_world(seed, shuffled=False, **more)
    truth, guesses = [], []
    with_texts = random.random(2) < 0.8
    lack = [("start", "first_word"), ("entity",), ("start", "first_word", "entity")]
    lacking = lack[random.integers(3)]
    side = random.integers(4)  # whose keys are not complete: predictions', and now and then both
    for row, guess in zip(world.truth, world.guesses, strict=True):
        text = str(random.choice(WORDS))
        moved = text if random.random() < 0.8 else f"{random.choice(['X', 'on'])} {text.upper()}"
        row, guess = dict(row), dict(guess)
        if with_texts[0]:
            row["phrase"] = text.split(" ") if random.integers(2) and side else text
        if with_texts[1]:
            guess["phrase"] = moved
        for name in lacking:
            (guess if side else row).pop(name, None)
            if side == 1:
                row.pop(name, None)
        truth.append(row)
        guesses.append(guess)
    return replace(world, truth=truth, guesses=guesses)


def listed(world):
    """Write texts as Parquet can: all of a file as texts, or all as lists."""
    truth = [
        {**row, "phrase": " ".join(row["phrase"])} if isinstance(row.get("phrase"), list) else row
        for row in world.truth
    ]
    guesses = [
        {**row, "phrase": row["phrase"].split(" ")} if "phrase" in row else row
        for row in world.guesses
    ]
    return replace(world, truth=truth, guesses=guesses)


@pytest.mark.parametrize("seed", range(16))
def test_every_figure_is_that_of_small_files(seed, tmp_path):
    random = np.random.default_rng(seed)
    world = keyless_world(seed)
    suffixes = random.choice(SUFFIXES, size=2).tolist()
    if ".parquet" in suffixes:
        world = listed(world)
    files, declared = write_world(world, tmp_path, suffixes)
    protocols = usable(world, CHOICES)
    _, expected = small(world, files, declared, protocols)
    job = job_of(world, files, declared, protocols)
    assert all(job.ordered)
    for ours, theirs in zip(streamed(job), expected, strict=True):
        assert_same(ours, theirs)


def test_the_worlds_have_words_more_and_less(tmp_path):
    counts = []
    for seed in range(8):
        world = keyless_world(seed, kind="box")
        (tmp_path / str(seed)).mkdir()
        files, declared = write_world(world, tmp_path / str(seed), (".jsonl", ".jsonl"))
        [scores] = streamed(job_of(world, files, declared, [PROTOCOLS["flickr30k"]]))
        counts.append(scores.coverage.respanned)
    assert sum(count > 0 for count in counts) > 3
    assert 0 in counts


@pytest.mark.parametrize("suffix", [".tsv", ".tsv.gz", ".tsv.zst"])
@pytest.mark.parametrize("side", ["predictions", "ground truth", "both"])
def test_the_reference_scorers_table_is_streamed(suffix, side, tmp_path):
    world = one_box_a_row(make_world(5, kind="box", relative=False, shuffled=False))
    rows = [{**row, "phrase": WORDS[n % 7]} for n, row in enumerate(world.truth)]
    world = replace(world, truth=rows)
    files, declared = write_world(world, tmp_path, (".jsonl", ".jsonl"))
    for place, name in enumerate(("ground truth", "predictions")):
        if side in (name, "both"):
            records = [world.truth, world.guesses][place]
            files[place] = reference_file(records, rows, world.spaces[place], tmp_path, suffix)
    protocols = usable(world, CHOICES)
    _, expected = small(world, files, declared, protocols)
    for ours, theirs in zip(
        streamed(job_of(world, files, declared, protocols)), expected, strict=True
    ):
        assert_same(ours, theirs)


def reference_file(records, texts, space, folder, suffix):
    lines = ["#phraseloc " + " ".join(f"{k}={v}" for k, v in vars(space).items())]
    for record, text in zip(records, texts, strict=True):
        image = record["image"]
        if "sentence" in record:
            image = f"{image}#{record['sentence']}"
        lines.append("\t".join(map(str, [image, text["phrase"], *record["box"]])))
    place = folder / f"{len(list(folder.iterdir()))}{suffix}"
    return write_packed("\n".join(lines) + "\n", place)


@pytest.mark.parametrize("change", [("0#0", ""), ("a man", ""), ("a man", '"a man"')])
def test_cells_of_the_reference_scorers_table_are_taken_as_they_stand(change, tmp_path, run):
    rows = plain_rows()
    truth = write_records(rows, tmp_path / "truth.jsonl")
    mine = reference_file(rows, rows, BoxSpace(), tmp_path, ".tsv")
    text = Path(mine).read_text()
    Path(mine).write_text(text.replace(*change, 1))
    done = [run("score", truth, mine, *more) for more in ((), ("--memory", "1GB"))]
    assert [one.exit_code for one in done] == ([0, 0] if '"' in change[1] else [2, 2])
    assert done[0].stderr == done[1].stderr
    assert ("line 2: found" in done[0].stderr) == ('"' not in change[1])


def keys_alone(row):
    return {name: value for name, value in row.items() if name not in ("start", "first_word")}


def plain_rows(count=9):
    rows = [
        {"image": f"{n // 3}#0", "start": n, "entity": str(n % 3), "phrase": WORDS[n % 7]}
        for n in range(count)
    ]
    return [{**row, "box": [1, 1, 5 + n, 5]} for n, row in enumerate(rows)]


CHANGES = {
    "none": lambda rows: rows,
    "swapped": lambda rows: [*rows[:3], rows[4], rows[3], *rows[5:]],
    "one less": lambda rows: rows[:-1],
    "one less in the middle": lambda rows: rows[:4] + rows[5:],
    "one more": lambda rows: [*rows, rows[-1]],
    "all others": lambda rows: rows[::-1],
    "another image": lambda rows: [{**rows[0], "image": "9#0"}, *rows[1:]],
    "another sentence": lambda rows: [{**rows[0], "image": "0#1"}, *rows[1:]],
    "another entity": lambda rows: [{**rows[0], "entity": "9"}, *rows[1:]],
    "another text": lambda rows: [{**rows[0], "phrase": "a woman"}, *rows[1:]],
    "no text": lambda rows: [{**rows[0], "phrase": None}, *rows[1:]],
    "a word less": lambda rows: [{**rows[0], "phrase": "man"}, *rows[1:]],
    "no entity": lambda rows: [{**rows[0], "entity": None}, *rows[1:]],
    "no sentence": lambda rows: [{**rows[0], "image": "0"}, *rows[1:]],
    "no sentences": lambda rows: [{**row, "image": row["image"][:-2]} for row in rows],
    "no area": lambda rows: [{**rows[0], "box": [1, 1, 0, 1]}, *rows[1:]],
    "no area, and swapped": lambda rows: [{**rows[1], "box": [1, 1, 0, 1]}, rows[0], *rows[2:]],
}


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".parquet", ".csv"])
def test_what_is_wrong_is_told_alike(kind, suffix, tmp_path, run):
    rows = plain_rows()
    truth = write_records(rows, tmp_path / "truth.jsonl")
    guesses = CHANGES[kind]([keys_alone(row) for row in rows])
    mine = write_records(guesses, tmp_path / f"mine{suffix}")
    done = [
        run("score", truth, mine, "--format", "csv", *more) for more in ((), ("--memory", "1GB"))
    ]
    codes = {one.exit_code for one in done}
    assert codes == ({0} if kind in ("none", "a word less", "no sentences") else {2})
    assert done[0].stderr == done[1].stderr
    if kind in ("swapped", "one less in the middle", "one more"):
        told = "row of the same place" if kind == "swapped" else r"found \d+ rows, expected 9"
        assert re.search(told, done[0].stderr)


@pytest.mark.parametrize(("name", "text"), [("mine.json", "[]"), ("mine.csv", "image,x,y,w,h\n")])
def test_a_file_without_rows_is_refused_alike(name, text, write, refused):
    truth = write("truth.json", plain_rows())
    message = refused("score", truth, write(name, text))
    assert (
        message == f"phraseloc: {name}: no record (1)\n  found 0 records, expected one a phrase\n"
    )
    assert refused("score", truth, write(name, text), "--memory", "1GB") == message


def test_rows_of_many_blocks_are_told_by_their_numbers(tmp_path, monkeypatch, run):
    monkeypatch.setattr(queries, "ROWS", 4)
    rows = plain_rows(50)
    guesses = [keys_alone(row) for row in rows]
    guesses[20], guesses[21] = guesses[21], guesses[20]
    truth = write_records(rows, tmp_path / "truth.jsonl")
    mine = write_records(guesses, tmp_path / "mine.jsonl")
    small, large = (run("score", truth, mine, *more) for more in ((), ("--memory", "1GB")))
    assert small.exit_code == large.exit_code == 2
    assert "line 21: found" in small.stderr
    assert small.stderr == large.stderr


@pytest.mark.parametrize("kind", ["one more", "one less", "swapped"])
def test_no_results_of_phrases_are_left_of_rows_that_do_not_fit(kind, tmp_path, run):
    rows = [{**row, "categories": ["people"]} for row in plain_rows()]
    guesses = CHANGES[kind]([{"image": row["image"], "box": row["box"]} for row in rows])
    if kind == "swapped":
        guesses = guesses[::-1]
    truth = write_records(rows, tmp_path / "truth.jsonl")
    mine = write_records(guesses, tmp_path / "mine.csv")
    place = tmp_path / "results.parquet"
    done = run("score", truth, mine, "--memory", "1GB", "--per-phrase", place)
    assert done.exit_code == 2
    assert done.stderr.startswith("phraseloc: mine.csv: ")
    assert {file.name for file in tmp_path.iterdir()} <= {"truth.jsonl", "mine.csv", "cache"}


def test_results_of_phrases_are_written_in_their_order(tmp_path, run):
    rows = plain_rows()
    truth = write_records(rows, tmp_path / "truth.csv")
    mine = write_records([keys_alone(row) for row in rows], tmp_path / "mine.parquet")
    place = tmp_path / "results.parquet"
    done = run("score", truth, mine, "--memory", "1GB", "--per-phrase", place)
    assert done.exit_code == 0, done.stderr
    found = parquet.read_table(place).to_pylist()
    assert [(row["image"], row["start"]) for row in found] == [
        (row["image"], row["start"]) for row in rows
    ]
    assert all(row["correct"] for row in found)


def test_phrases_are_read_where_they_are_needed(tmp_path):
    rows = plain_rows()
    world = make_world(0)
    keyed = write_records(rows, tmp_path / "keyed.jsonl")
    lacking = write_records([keys_alone(row) for row in rows], tmp_path / "lacking.jsonl")
    protocols = [PROTOCOLS["flickr30k"]]
    job = job_of(world, [keyed, keyed], {"truth_boxes": {}}, protocols)
    assert not any(table.texts for table in job.tables)
    job = job_of(world, [keyed, keyed, lacking], {"truth_boxes": {}}, protocols)
    assert [table.texts for table in job.tables] == [True, False, True]
    assert job.ordered == (False, True)


def test_texts_of_files_whose_keys_are_complete_may_be_anything(tmp_path):
    rows = [{**row, "phrase": 7} for row in plain_rows()]
    world = make_world(0)
    files = [write_records(rows, tmp_path / f"{n}.jsonl") for n in range(2)]
    [scores] = streamed(job_of(world, files, {"truth_boxes": {}}, [PROTOCOLS["flickr30k"]]))
    assert scores.accuracy.correct == 9


def test_methods_with_and_without_keys_are_compared(tmp_path):
    rows = plain_rows(30)
    world = make_world(0)
    others = [{**row, "box": [1, 1, 5, 5]} for row in rows]
    files = [
        write_records(rows, tmp_path / "truth.jsonl"),
        write_records(others, tmp_path / "a.jsonl"),
        write_records([keys_alone(row) for row in rows], tmp_path / "b.csv"),
    ]
    protocol = [PROTOCOLS["flickr30k"]]
    declared = {"truth_boxes": {}}
    truth, scores = small(world, files, declared, protocol)
    job = job_of(world, files, declared, protocol, compared=True)
    assert compare_bulk(job, total_of(job), (199, 3, 0.9)) == compare(truth, scores)


def test_a_method_in_another_order_does_not_go_with_one_without_keys(tmp_path):
    rows = plain_rows()
    files = [
        write_records(rows, tmp_path / "truth.jsonl"),
        write_records(rows[::-1], tmp_path / "moved.jsonl"),
        write_records([keys_alone(row) for row in rows], tmp_path / "lacking.jsonl"),
    ]
    job = job_of(make_world(0), files, {"truth_boxes": {}}, [PROTOCOLS["flickr30k"]])
    with pytest.raises(InputError) as caught:
        total_of(job)
    assert str(caught.value) == (
        "moved.jsonl: its rows are in another order than the ground truth's, in which those of "
        "lacking.jsonl must be, for want of complete keys; expected one order, or one file a run"
    )


@pytest.mark.parametrize("count", [1, 9])
def test_parts_add_up(count, tmp_path):
    world = listed(keyless_world(21, kind="box", images=20))
    files, declared = write_world(world, tmp_path)
    job = job_of(world, files, declared, [PROTOCOLS["flickr30k"]])
    parts = [total_in_order(job, part) for part in cut(job, count)]
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    [found], [whole] = streamed(job, total), streamed(job)
    assert_same(found, whole)
    assert found.coverage.respanned > 0


def test_shards_need_not_end_at_the_same_rows(tmp_path):
    world = keyless_world(4, kind="box")
    sides = [
        write_shards(rows, tmp_path / name, count, ".jsonl", space)
        for name, rows, count, space in zip(
            "tp", (world.truth, world.guesses), (2, 5), world.spaces, strict=True
        )
    ]
    files, declared = write_world(world, tmp_path, (".jsonl", ".jsonl"))
    protocols = [PROTOCOLS["flickr30k"]]
    [whole] = streamed(job_of(world, files, declared, protocols))
    [found] = streamed(job_of(world, sides, declared, protocols))
    assert_same(found, whole)


def test_a_part_of_other_rows_is_not_taken_for_the_whole(tmp_path):
    world = make_world(0)
    rows = plain_rows()
    for name, kept, end in (("t", rows, 4), ("p", [keys_alone(row) for row in rows], 5)):
        (tmp_path / name).mkdir()
        write_records(kept[:end], tmp_path / name / "0.jsonl")
        write_records(kept[end:], tmp_path / name / "1.jsonl")
    files = [str(tmp_path / name) for name in "tp"]
    job = job_of(world, files, {"truth_boxes": {}}, [PROTOCOLS["flickr30k"]])
    parts = cut(job, 2)
    assert len(parts) == 2
    with pytest.raises(NotInOrder):
        total_in_order(job, parts[0])
    [scores] = streamed(job, total_of(job))
    assert scores.accuracy.correct == 9
