"""Streamed files give the published figure and every preset's, on the real test split."""

import json
from dataclasses import replace

import numpy as np
import pytest
from pyarrow import parquet

from phraseloc import PROTOCOLS, save_ground_truth, save_predictions, score, single_boxes
from phraseloc.bulk.run import make_job, score_bulk, total_by_buckets, total_of
from phraseloc.bulk.shards import find_shards
from tests.bulk_files import BOOTSTRAP, SUFFIXES, assert_same
from tests.golden import real_make

pytestmark = pytest.mark.real

GOLDEN = json.loads(real_make.GOLDEN.read_text())
OPTIONS = dict(zip(("samples", "seed", "confidence"), BOOTSTRAP, strict=True))


@pytest.fixture(scope="module")
def predictions(official):
    return {name: make(official) for name, make in real_make.PREDICTIONS.items()}


@pytest.fixture(scope="module")
def by_small_files(official, predictions):
    """The scores of both predictions under every protocol."""
    return {
        (kind, name): score(official, found, protocol=name, name=kind, **OPTIONS)
        for kind, found in predictions.items()
        for name in PROTOCOLS
    }


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_preset_in_every_format(suffix, official, predictions, by_small_files, tmp_path):
    truth = tmp_path / f"truth{suffix}"
    save_ground_truth(official, truth)
    for kind, found in predictions.items():
        save_predictions(found, tmp_path / f"{kind}{suffix}")
    shards = [find_shards(str(tmp_path / f"{kind}{suffix}")) for kind in predictions]
    job = make_job(find_shards(str(truth)), shards, list(PROTOCOLS.values()))
    found = score_bulk(job, total_of(job), BOOTSTRAP)
    for ours, (key, theirs) in zip(found, by_small_files.items(), strict=True):
        assert_same(ours, theirs)
        accuracy = f"{ours.accuracy.correct}/{ours.accuracy.total}"
        assert accuracy == GOLDEN[key[0]][key[1]]["accuracy"]
    assert found[0].ground_truth["images"] == 999
    again = score_bulk(job, total_by_buckets(replace(job, memory=40_000_000)), BOOTSTRAP)
    assert [repr(one) for one in again] == [repr(one) for one in found]


@pytest.fixture(scope="module")
def places(official, reference, predictions, data, tmp_path_factory, session_cache):
    """Files of the whole image for every phrase: whole, in shards, in order and shuffled."""
    from click.testing import CliRunner

    from phraseloc.commands import main

    folder = tmp_path_factory.mktemp("bulk")
    release, split = (
        data / "flickr30k_entities" / name for name in ("annotations.tar.xz", "test.txt")
    )
    words = ["convert", str(release), str(folder / "truth.parquet"), "--split", str(split)]
    done = CliRunner().invoke(main, words, env={"PHRASELOC_CACHE": str(session_cache)})
    assert done.exit_code == 0
    save_predictions(predictions["whole image"], folder / "official.parquet")
    save_predictions(whole_images(reference, official), folder / "reference.parquet")
    for source in ("official", "reference"):
        table = parquet.read_table(folder / f"{source}.parquet")
        shards_of(table, folder / f"{source}-in order")
        order = np.random.default_rng(7).permutation(len(table))
        shards_of(table.take(order), folder / f"{source}-shuffled")
    truth = data / "phraseloceval" / "flickr30k_annotation_test.json"
    return folder, {"official": folder / "truth.parquet", "reference": truth}


def whole_images(truth, with_sizes):
    """Predict the whole image for phrases of a source that knows no sizes."""
    sizes = dict(zip(with_sizes.keys.image.values, with_sizes.image_sizes.tolist(), strict=True))
    corners = [(0, 0, *sizes[image]) for image in truth.keys.image.to_list()]
    return single_boxes(truth.keys, np.array(corners, np.float64))


def shards_of(table, folder):
    folder.mkdir()
    for shard, low in enumerate(range(0, len(table), 2_000)):
        parquet.write_table(table.slice(low, 2_000), folder / f"part-{shard:02}.parquet")


@pytest.mark.parametrize("options", [("--memory", "1GB"), ("--workers", "2")])
@pytest.mark.parametrize("order", ["in order", "shuffled"])
@pytest.mark.parametrize("source", ["official", "reference"])
def test_the_whole_image_has_the_published_accuracy(source, order, options, places, run):
    folder, truths = places
    names = [folder / f"{source}-{order}"]
    names += [folder / f"{source}.parquet"] if order == "in order" else []
    done = run("score", truths[source], *names, *options, "--format", "json", "--samples", 100)
    assert (done.exit_code, done.stderr) == (0, "")
    printed = json.loads(done.stdout)
    for found in printed:
        assert (found["accuracy"]["correct"], found["accuracy"]["total"]) == (3185, 14_481)
        assert (found["coverage"]["predicted"], found["coverage"]["missing"]) == (14_481, 0)
        assert found["interval"] == printed[0]["interval"]
        assert found["signature"] == printed[0]["signature"]
    assert len(printed) == len(names)


def test_both_sources_have_the_same_figures(places, run):
    folder, truths = places
    words = ("--memory", "1GB", "--format", "json")
    printed = (run("score", truths[name], folder / f"{name}.parquet", *words) for name in truths)
    first, second = (json.loads(done.stdout)[0] for done in printed)
    for field in ("accuracy", "interval", "mean_iou", "median_iou", "thresholds", "sizes"):
        assert first[field] == second[field]
    assert 0.2 < first["interval"]["low"] < 3185 / 14_481 < first["interval"]["high"] < 0.24
