"""Streamed CSV and TSV give what small ones give: the same bits, and the same refusals."""

import json

import numpy as np
import pytest

from phraseloc import save_ground_truth, save_predictions
from phraseloc.bulk.run import total_by_buckets
from phraseloc.formats import load_ground_truth, load_predictions
from phraseloc.protocol import PROTOCOLS
from tests.bulk_files import (
    SUFFIXES,
    TEXTS,
    assert_same,
    job_of,
    make_world,
    one_box_a_row,
    small,
    streamed,
    usable,
    write_shards,
    write_world,
)

CHOICES = [PROTOCOLS[name] for name in ("flickr30k", "maf-released", "pointing")]


@pytest.mark.parametrize("seed", range(12))
def test_every_figure_is_that_of_small_files(seed, tmp_path):
    """Tables on one side or both, points and boxes, in every space, order and packing."""
    random = np.random.default_rng(seed)
    world = one_box_a_row(make_world(seed, kind=["box", "point"][seed % 3 == 2]))
    suffixes = [str(random.choice(TEXTS)), str(random.choice([*TEXTS, *SUFFIXES]))]
    suffixes = suffixes[:: random.choice([1, -1])]
    header = bool(seed % 2)
    if not header:  # an array and a table alike are told what they hold
        suffixes = [TEXTS[seed % 4], TEXTS[seed // 3]]
    files, declared = write_world(world, tmp_path, suffixes, header=header)
    protocols = usable(world, CHOICES)
    _, expected = small(world, files, declared, protocols)
    job = job_of(world, files, declared, protocols)
    for found in (streamed(job), streamed(job, total_by_buckets(job))):
        for ours, theirs in zip(found, expected, strict=True):
            assert_same(ours, theirs)
            assert (ours.name, ours.notes) == (theirs.name, theirs.notes)


@pytest.mark.parametrize("suffix", TEXTS)
def test_shards_are_one_file(suffix, tmp_path):
    world = one_box_a_row(make_world(3, images=20, kind="box"))
    files, declared = write_world(world, tmp_path, (".csv", ".csv"), header=True)
    [whole] = streamed(job_of(world, files, declared, [PROTOCOLS["flickr30k"]]))
    sides = [
        write_shards(rows, tmp_path / name, 7, suffix, space)
        for name, rows, space in zip("tp", (world.truth, world.guesses), world.spaces, strict=True)
    ]
    [found] = streamed(job_of(world, sides, declared, [PROTOCOLS["flickr30k"]]))
    assert_same(found, whole)
    assert found.signature == whole.signature


@pytest.mark.parametrize("seed", range(3))
def test_tables_that_phraseloc_wrote_are_streamed(seed, tmp_path):
    world = one_box_a_row(make_world(seed + 80, kind="box"))
    (tmp_path / "own").mkdir()
    files, declared = write_world(world, tmp_path / "own", (".jsonl", ".jsonl"))
    again = [str(tmp_path / name) for name in ("truth.csv", "mine.csv.gz")]
    save_ground_truth(load_ground_truth(files[0]), again[0], world.spaces[0])
    save_predictions(load_predictions(files[1], degenerate=world.degenerate), again[1])
    protocols = [PROTOCOLS["flickr30k"]]
    _, [expected] = small(world, files, declared, protocols)
    [found] = streamed(job_of(world, again, {"truth_boxes": {}}, protocols))
    assert_same(found, expected)


NAMES = b"image,start,entity,phrase,x,y,w,h\n"
ROWS = (
    b"10#0,0,1,a man,1,1,40,40\n10#0,3,2,two dogs,1,1,10,10\n10#1,2,1,the rider,1,1,40,40\n"
    b'11#0,1,7,"a ""red"" car, new",101,51,100,100\n'
)


def of(old, new):
    assert old in ROWS
    return NAMES + ROWS.replace(old, new)


REFUSED = {
    "breaks off in quotes": NAMES + ROWS[:-20],
    "too few fields": NAMES + ROWS + b"10#0,1\n",
    "too many fields": NAMES + ROWS + b"1,1,1,1,1,1,1,1,1\n",
    "no number": of(b"51", b"x"),
    "an empty number": of(b"51", b""),
    "a number of Python's": of(b"51", b"5_1"),
    "infinite": of(b"51", b"inf"),
    "no box": of(b"101,51,100,100", b",,,"),
    "no area": of(b"51,100", b"51,0"),
    "no image": of(b"11#0", b""),
    "an image without sentence": of(b"11#0", b"11"),
    "half a word": of(b",1,7,", b",1.5,7,"),
    "a word before the first": of(b",1,7,", b",-1,7,"),
    "a hexadecimal word": of(b",1,7,", b",0x1,7,"),
    "a word too many": of(b",1,7,", b",1e18,7,"),
    "no word": of(b",1,7,", b",,7,"),
    "no entity": of(b",1,7,", b",1,,"),
    "an open quote": of(b"a man", b'"a man'),
    "text after a quote": of(b"a man", b'"a man"x'),
    "a line end in quotes": of(b"a man", b'"a\nman"'),
    "CRLF": (NAMES + ROWS).replace(b"\n", b"\r\n"),
    "CR": of(b"rider", b"rid\rer"),
    "CR in a column of no use": (NAMES + ROWS).replace(b"\n", b",x\n").replace(b"10,x", b"10,\rx"),
    "BOM": b"\xef\xbb\xbf" + NAMES + ROWS,
    "not UTF-8": of(b"dogs", b"\xff"),
    "a blank line": of(b"\n10#1", b"\n\n10#1"),
    "a blank last line": NAMES + ROWS + b"\n",
    "a blank first line": b"\n" + NAMES + ROWS,
    "empty": b"",
    "a line end alone": b"\n",
    "names alone": NAMES,
    "no names": ROWS,
    "no image among the names": NAMES.replace(b"image", b"img") + ROWS,
    "no box among the names": NAMES.replace(b"h\n", b"z\n") + ROWS,
    "a name twice": NAMES.replace(b"entity", b"start") + ROWS,
    "a header that contradicts": b"#phraseloc layout=xyxy\n" + NAMES + ROWS,
    "a header that is none": b"#phraseloc layout\n" + NAMES + ROWS,
    "a header of no choice": b"#phraseloc corners=x\n" + NAMES + ROWS,
}


@pytest.mark.parametrize("kind", [*REFUSED])
def test_what_is_refused_is_refused_alike(kind, truth_file, write, refused):
    path = write("bad.csv", REFUSED[kind])
    message = refused("score", truth_file, path)
    assert refused("score", truth_file, path, "--memory", "1GB") == message


@pytest.mark.parametrize("kind", ["too few fields", "BOM", "empty", "names alone", "no names"])
def test_ground_truth_is_refused_alike(kind, guess_file, write, refused):
    path = write("bad.csv", REFUSED[kind])
    message = refused("score", path, guess_file)
    assert refused("score", path, guess_file, "--memory", "1GB") == message


@pytest.mark.parametrize(
    ("size", "found"),
    [
        ("200,101", "two sizes of one image (1)\n  line 3: found 200 101, and 200 100 before"),
        ("-5,100", '"width" and "height" that are no size (1)\n  line 3: found -5 100'),
        ("9,", '"width" and "height" that are no size (1)\n  line 3: found 9 nan'),
        ("x,100", "\"width\" is not a finite number (1)\n  line 3: found 'x'"),
        ("9,inf", "\"height\" is not a finite number (1)\n  line 3: found 'inf'"),
    ],
)
def test_sizes_are_refused_alike(size, found, write, guess_file, refused):
    lines = ["image,start,entity,x,y,w,h,width,height", "10#0,0,1,1,1,40,40,200,100"]
    path = write("truth.csv", "\n".join([*lines, f"10#0,3,2,1,1,10,10,{size}"]))
    message = refused("score", path, guess_file)
    assert message == f"phraseloc: truth.csv: {found}\n"
    assert refused("score", path, guess_file, "--memory", "1GB") == message


def test_what_is_not_refused_is_scored_alike(truth_file, write, scored):
    """The refusals above come of their faults alone."""
    for change in ((b"11#0", b"11#0"), (b",1,7,", b",1.0,7,"), (b"a man", b'5" man')):
        path = write("good.csv", of(*change))
        small, large = scored(truth_file, path), scored(truth_file, path, "--memory", "1GB")
        assert small["accuracy"]["total"] == 4
        for name in ("accuracy", "interval", "coverage", "mean_iou"):
            assert json.dumps(small[name]) == json.dumps(large[name])
