"""Streamed files give what small ones give, bit by bit, in every format and for every protocol."""

import itertools
import json
from dataclasses import replace
from zlib import crc32

import numpy as np
import pytest
from pyarrow import parquet

from phraseloc import BoxSpace, save_ground_truth, save_predictions
from phraseloc.bulk.run import compare_bulk, total_by_buckets, total_of
from phraseloc.comparison import compare
from phraseloc.formats import load_ground_truth, load_predictions
from phraseloc.protocol import PROTOCOLS, Protocol
from phraseloc.statistics import UNITS
from tests.bulk_files import (
    SUFFIXES,
    World,
    assert_same,
    job_of,
    key_of,
    make_world,
    small,
    streamed,
    usable,
    write_records,
    write_world,
)

CHOICES = (
    *PROTOCOLS.values(),
    Protocol("each", target="each"),
    Protocol("skip", missing="skip", ranks=(1, 2, 3)),
    Protocol("large", min_area_share=0.05),
    Protocol("hull", overlap="giou", target="any", threshold=-0.2, operator=">"),
    Protocol("cut", truncate=True, skip_zero_corner=True, frame="written", target="any"),
)


def assert_parity(world, files, declared, protocols=CHOICES, **more):
    protocols = usable(world, protocols)
    _, expected = small(world, files, declared, protocols)
    found = streamed(job_of(world, files, declared, protocols, **more))
    for ours, theirs in zip(found, expected, strict=True):
        assert_same(ours, theirs)
    return found, expected


@pytest.mark.parametrize("seed", range(24))
def test_every_figure_is_that_of_small_files(seed, tmp_path):
    world = make_world(seed)
    suffixes = np.random.default_rng(seed).choice(SUFFIXES, size=2).tolist()
    found, expected = assert_parity(world, *write_world(world, tmp_path, suffixes))
    for ours, theirs in zip(found, expected, strict=True):
        assert (ours.name, ours.notes) == (theirs.name, theirs.notes)
        assert ours.ground_truth["source"] == theirs.ground_truth["source"]
        assert ours.ground_truth["images"] == theirs.ground_truth["images"]


def test_the_worlds_have_all_that_files_may_have():
    worlds = [make_world(seed) for seed in range(24)]
    rows = [row for world in worlds for row in world.guesses]
    truth = [row for world in worlds for row in world.truth]
    assert {"box", "boxes", "scores", "point", "start", "first_word"} <= {
        k for r in rows for k in r
    }
    assert any(row.get("boxes") == [] for row in rows)
    assert any("box" in row for row in truth)
    assert any(len(row.get("boxes", ())) > 1 for row in truth)
    assert any("width" not in row for row in truth)
    assert {world.in_order for world in worlds} == {True, False}
    assert {world.spaces[1].units for world in worlds} == {"pixel", "0-1", "0-1000"}
    assert {(world.degenerate, world.extra) for world in worlds} == {
        *itertools.product(("error", "count"), repeat=2)
    }
    spaces = {(s.layout, s.corners, s.origin) for world in worlds for s in world.spaces}
    assert len(spaces) == 8
    assert any(
        len({row["image"] for row in world.guesses} & {"no", "nowhere#0"}) for world in worlds
    )


@pytest.mark.parametrize("truth", SUFFIXES)
@pytest.mark.parametrize("mine", SUFFIXES)
def test_any_format_goes_with_any(truth, mine, tmp_path):
    world = make_world(len(truth) + 9 * len(mine), images=3, kind="ranked")
    found, _ = assert_parity(
        world, *write_world(world, tmp_path, (truth, mine)), [PROTOCOLS["any-box"]]
    )
    assert found[0].recall


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("suffix", [".parquet", ".jsonl"])
def test_boxes_are_declared_by_header_or_option(suffix, seed, tmp_path):
    spaces = (BoxSpace("xyxy", "continuous", 0), BoxSpace("xyxy", "inclusive", seed % 2))
    world = make_world(seed + 30, kind="box", spaces=spaces)
    for name in ("header", "option"):
        (tmp_path / name).mkdir()
    scores = [
        assert_parity(world, *write_world(world, tmp_path / name, (suffix,) * 2, header=header))
        for name, header in (("header", True), ("option", False))
    ]
    for ours, theirs in zip(*(found for found, _ in scores), strict=True):
        assert_same(ours, theirs)
        assert ours.signature == theirs.signature


def test_more_images_than_groups_are_resampled_alike(tmp_path):
    random = np.random.default_rng(1)
    keys = [{"image": f"{i}#0", "start": 0, "entity": "1"} for i in range(UNITS + 900)]
    boxes = random.integers(1, 30, size=(len(keys), 4)).tolist()
    kinds = [["people"], [], ["other", "people"]]
    truth = [
        {**k, "box": b, "categories": kinds[b[0] % 3]} for k, b in zip(keys, boxes, strict=True)
    ]
    guesses = [
        {**k, "box": [x, y, w, h + y % 9]} for k, (x, y, w, h) in zip(keys, boxes, strict=True)
    ]
    for name, rows in (("order", guesses), ("shuffled", guesses[::-1])):
        world = World(truth, rows)
        (tmp_path / name).mkdir()
        found, _ = assert_parity(
            world, *write_world(world, tmp_path / name), [PROTOCOLS["flickr30k"]]
        )
        assert found[0].ground_truth["images"] is None
        assert 0 < found[0].interval.low < found[0].interval.high < 1


def spoiled(world, seed):
    """Other predictions of a world, in another order where it is in none."""
    guesses = [{**row, "box": moved(row["box"], f"{key_of(row)} {seed}")} for row in world.guesses]
    order = np.arange(len(guesses))
    if not world.in_order:
        order = np.random.default_rng(seed).permutation(len(guesses))
    return [guesses[i] for i in order.tolist()]


def moved(box, text):
    step = crc32(text.encode())
    return [box[0] + step % 3, box[1] + step % 5, box[2] + step % 7, box[3] + step % 11]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", ["flickr30k", "pointing", "refcoco-giou"])
def test_comparisons_are_those_of_small_files(name, seed, tmp_path):
    spaces = (BoxSpace("xyxy", "inclusive", 0), BoxSpace("xyxy", "continuous", 0))
    world = make_world(seed + 60, kind="box", shuffled=bool(seed % 2), spaces=spaces)
    world.degenerate = "count"
    files, declared = write_world(world, tmp_path, (".jsonl", ".parquet"))
    for other in range(2):
        place = tmp_path / f"other-{other}.jsonl"
        files.append(write_records(spoiled(world, other), place, world.spaces[1]))
    protocol = [PROTOCOLS[name]]
    truth, scores = small(world, files, declared, protocol)
    job = job_of(world, files, declared, protocol, compared=True)
    bootstrap = (199, 3, 0.9)
    expected = compare(truth, scores)
    assert compare_bulk(job, total_of(job), bootstrap) == expected
    assert compare_bulk(job, total_by_buckets(job), bootstrap) == expected


def test_more_images_than_groups_are_compared_alike(tmp_path):
    keys = [{"image": str(i), "sentence": 0, "start": 0, "entity": "1"} for i in range(UNITS + 50)]
    truth = [{**key, "box": [1, 1, 10, 10]} for key in keys]
    a, b = ([{**k, "box": [1, 1, 10, 4 + i % by]} for i, k in enumerate(keys)] for by in (2, 3))
    world = World(truth, a)
    files, declared = write_world(world, tmp_path)
    files.append(write_records(b, tmp_path / "b.parquet", world.spaces[1]))
    protocol = [PROTOCOLS["flickr30k"]]
    loaded, scores = small(world, files, declared, protocol)
    job = job_of(world, files, declared, protocol, compared=True)
    [found] = compare_bulk(job, total_of(job), (199, 3, 0.9))
    assert found == compare(loaded, scores)[0]
    assert (found.change.wins, found.change.losses) == per_row(a, b)


def per_row(a, b):
    """Wins and losses, by hand: a box of height h has IoU h / 10."""
    right = [[row["box"][3] >= 5 for row in rows] for rows in (a, b)]
    pairs = list(zip(*right, strict=True))
    return pairs.count((False, True)), pairs.count((True, False))


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".jsonl.zst"])
@pytest.mark.parametrize("seed", range(5))
def test_files_that_phraseloc_wrote_are_streamed(suffix, seed, tmp_path):
    """Their rows have a box and boxes in turns, in a space that the header declares."""
    world = make_world(seed + 80, kind="mixed")
    (tmp_path / "own").mkdir()
    files, declared = write_world(world, tmp_path / "own", (".jsonl", ".jsonl"))
    truth = load_ground_truth(files[0], **declared["truth_boxes"])
    guesses = load_predictions(files[1], degenerate=world.degenerate)
    again = [str(tmp_path / f"{name}{suffix}") for name in ("truth", "mine")]
    save_ground_truth(truth, again[0], world.spaces[0])
    save_predictions(guesses, again[1])
    assert_parity(world, again, {"truth_boxes": {}})


@pytest.mark.parametrize("seed", range(8))
def test_results_of_phrases_are_those_of_small_files(seed, tmp_path, run):
    world = make_world(seed + 100)
    files, declared = write_world(world, tmp_path, (".parquet", ".jsonl"))
    options = ["--extra", world.extra, "--degenerate", world.degenerate]
    options += ["--protocol", "pointing"]
    if not world.points:
        options += ["--protocol", "any-box", "--protocol", "flickr30k"]
    rows = []
    for name, more in (("small", ()), ("bulk", ("--memory", "1GB"))):
        place = tmp_path / f"{name}.parquet"
        done = run("score", *files, *options, *more, "--per-phrase", place)
        assert done.exit_code == 0, done.output
        rows.append(parquet.read_table(place).to_pylist())
    assert declared == {"truth_boxes": {}}
    expected, found = ({result_key(row): result(row) for row in side} for side in rows)
    assert len(found) == len(rows[1]) == len(rows[0])
    assert found == expected
    if world.in_order:
        assert list(found) == sorted(expected, key=list(found).index)


def result_key(row):
    image, sentence = row["image"], row.get("sentence")
    if sentence is None:
        image, _, sentence = image.rpartition("#")
    word = row.get("first_word")
    word = row["start"] if word is None else word
    return row["protocol"], row["predictions"], image, int(sentence), word, row["entity"]


def result(row):
    kinds = tuple(row["categories"] or ())
    names = ("overlap", "best_overlap", "correct", "predicted", "boxes")
    return kinds, *(row[name] for name in names)


def test_the_command_prints_the_same_scores(tmp_path, run):
    world = make_world(7, kind="scored", relative=True)
    files, _ = write_world(world, tmp_path)
    options = ["--extra", world.extra, "--degenerate", world.degenerate, "--format", "json"]
    printed = [run("score", *files, *options, *more) for more in (("--memory", "1GB"), ())]
    ours, theirs = (json.loads(done.stdout)[0] for done in printed)
    assert ours.pop("signature") != theirs.pop("signature")
    facts = [side.pop("ground_truth") for side in (ours, theirs)]
    assert facts[0]["sha256"].startswith("sum-")
    assert ours.pop("median_iou") == pytest.approx(theirs.pop("median_iou"), abs=2**-16)
    assert ours == theirs


def test_a_world_without_all_its_rows_has_other_figures(tmp_path):
    """The comparison itself can fail: a world that lost a right phrase is not the same."""
    world = make_world(3, kind="box", shuffled=False)
    files, declared = write_world(world, tmp_path)
    protocol = [PROTOCOLS["flickr30k"]]
    _, [expected] = small(world, files, declared, protocol)
    [found] = streamed(job_of(world, files, declared, protocol))
    assert_same(found, expected)
    with pytest.raises(AssertionError, match="mean"):
        assert_same(replace(found, mean=np.nextafter(found.mean, 1)), expected)
