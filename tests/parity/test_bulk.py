"""Streamed files give what small ones give, bit by bit: in order, by buckets, and on workers."""

import json

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from phraseloc import InputError, load_ground_truth, load_predictions, score
from phraseloc.bulk.cluster import connected, total_on
from phraseloc.bulk.run import compare_bulk, make_job, score_bulk, total_by_buckets, total_of
from phraseloc.bulk.shards import find_shards
from phraseloc.comparison import compare
from phraseloc.protocol import PROTOCOLS

BOOTSTRAP = (999, 3, 0.9)
FIELDS = (
    *("accuracy", "interval", "mean", "thresholds", "categories", "category_intervals"),
    *("sizes", "boxes", "recall", "upper_bound", "coverage"),
)
NAMES = ("flickr30k", "strict", "any-box", "maf-released")


def world(seed, images=40, phrases=9):
    """Ground truth of entities with one or several boxes, and ranked predictions near them."""
    random = np.random.default_rng(seed)
    truth, guesses = [], []
    for image in range(images):
        for place in range(phrases):
            key = {"image": f"{image}#{place % 3}", "start": place, "entity": str(place % 5)}
            boxes = random.integers(1, 60, (int(random.integers(1, 4)), 4)).tolist()
            kinds = [["people"], ["other", "scene"], []][place % 3]
            sides = {"width": 200, "height": 150}
            truth.append({**key, "boxes": boxes, "categories": kinds, **sides})
            moved = np.maximum(np.array(boxes[0]) + random.integers(-6, 7, (2, 4)), 1).tolist()
            scores = random.random(2).tolist()
            guesses.append({**key, "boxes": moved, "scores": scores})
    return truth, guesses


def written(folder, name, records, suffix):
    place = folder / f"{name}{suffix}"
    if suffix == ".parquet":
        parquet.write_table(pyarrow.Table.from_pylist(records), place, row_group_size=100)
    elif suffix == ".jsonl":
        place.write_text("".join(json.dumps(record) + "\n" for record in records))
    else:
        place.write_text(json.dumps(records))
    return str(place)


def job_of(truth, guesses, protocols=NAMES, **more):
    chosen = [PROTOCOLS[name] for name in protocols]
    shards = [find_shards(name) for name in ([guesses] if isinstance(guesses, str) else guesses)]
    return make_job(find_shards(truth), shards, chosen, **more)


def assert_same(found, expected):
    for field in FIELDS:
        ours, theirs = getattr(found, field), getattr(expected, field)
        assert repr(ours) == repr(theirs) or dict(ours) == dict(theirs), field
    assert abs(found.median - expected.median) <= 2**-16


def small(truth, guesses, name):
    samples, seed, confidence = BOOTSTRAP
    found = load_ground_truth(truth), load_predictions(guesses)
    return score(*found, name, samples=samples, seed=seed, confidence=confidence, name=guesses)


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".json"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_scores_are_those_of_small_files(tmp_path, suffix, shuffled):
    truth, guesses = world(1)
    if shuffled:
        guesses = [guesses[i] for i in np.random.default_rng(2).permutation(len(guesses))]
    files = written(tmp_path, "t", truth, suffix), written(tmp_path, "p", guesses, suffix)
    job = job_of(*files)
    for total in (total_of(job), total_by_buckets(job)):
        for name, found in zip(NAMES, score_bulk(job, total, BOOTSTRAP), strict=True):
            assert_same(found, small(*files, name))


def test_more_images_than_groups_are_resampled_alike(tmp_path):
    truth, guesses = world(3, images=4200, phrases=2)
    files = written(tmp_path, "t", truth, ".parquet"), written(tmp_path, "p", guesses, ".parquet")
    job = job_of(*files, protocols=("flickr30k",))
    [found] = score_bulk(job, total_of(job), BOOTSTRAP)
    assert_same(found, small(*files, "flickr30k"))


def test_comparisons_are_those_of_small_files(tmp_path):
    truth, guesses = world(4)
    spoiled = [{**g, "boxes": [[1, 1, 9, 9]] * 2} if n % 3 else g for n, g in enumerate(guesses)]
    place = written(tmp_path, "t", truth, ".parquet")
    files = [written(tmp_path, n, p, ".jsonl") for n, p in (("a", guesses), ("b", spoiled))]
    job = job_of(place, files, protocols=("flickr30k",), compared=True)
    expected = compare(
        load_ground_truth(place), [small(place, file, "flickr30k") for file in files]
    )
    for total in (total_of(job), total_by_buckets(job)):
        assert compare_bulk(job, total, BOOTSTRAP) == expected


def test_workers_and_shards_move_no_bit(tmp_path):
    truth, guesses = world(5)
    whole = written(tmp_path, "t", truth, ".parquet"), written(tmp_path, "p", guesses, ".parquet")
    for side, records in (("truth", truth), ("mine", guesses)):
        (tmp_path / side).mkdir()
        for shard, rows in enumerate(np.array_split(np.arange(len(records)), 37)):
            part = [records[row] for row in rows]
            written(tmp_path / side, f"{shard:02}", part, ".parquet")
    shards = str(tmp_path / "truth"), str(tmp_path / "mine")
    jobs = [job_of(*files, protocols=("flickr30k",)) for files in (whole, shards)]
    [expected] = score_bulk(jobs[0], total_of(jobs[0]), BOOTSTRAP)
    with connected(workers=2) as client:
        for job in jobs:
            for total in (total_of(job), total_on(client, job)):
                [found] = score_bulk(job, total, BOOTSTRAP)
                assert_same(found, expected)
                assert found.signature == expected.signature


def test_rows_that_do_not_fit_are_named(tmp_path):
    truth, guesses = world(6, images=5)
    guesses[7]["image"] = "99#0"
    files = written(tmp_path, "t", truth, ".parquet"), written(tmp_path, "p", guesses, ".parquet")
    job = job_of(*files, protocols=("flickr30k",))
    with pytest.raises(InputError, match="image that the ground truth does not have") as caught:
        score_bulk(job, total_of(job), BOOTSTRAP)
    assert "record 8: found 99#0 word 7 entity 2" in str(caught.value)


def test_the_command_streams_on_request(tmp_path, run):
    truth, guesses = world(7)
    files = written(tmp_path, "t", truth, ".parquet"), written(tmp_path, "p", guesses, ".parquet")
    streamed = run("score", *files, "--memory", "1GB", "--format", "json")
    direct = run("score", *files, "--format", "json")
    assert streamed.exit_code == direct.exit_code == 0, streamed.output + direct.output
    ours, theirs = (json.loads(done.stdout)[0] for done in (streamed, direct))
    assert (ours["accuracy"], ours["interval"]) == (theirs["accuracy"], theirs["interval"])
    assert "gt:sum-" in ours["signature"]


def test_a_truncated_shard_is_named(tmp_path, refused):
    truth, guesses = world(8)
    files = written(tmp_path, "t", truth, ".parquet"), written(tmp_path, "p", guesses, ".parquet")
    broken = tmp_path / "p.parquet"
    broken.write_bytes(broken.read_bytes()[:-40])
    assert "p.parquet: not a Parquet file" in refused("score", *files, "--memory", "1GB")
