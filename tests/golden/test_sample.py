"""The bundled sample: it comes out of its script, byte for byte, and scores what it scored."""

from __future__ import annotations

import runpy
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from phraseloc import GroundTruth, load_ground_truth, load_predictions

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SAMPLE = EXAMPLES / "sample"
CATEGORIES = {
    "animals",
    "bodyparts",
    "clothing",
    "instruments",
    "other",
    "people",
    "scene",
    "vehicles",
}
REASONS = {"no box", "not annotated", "not visual", "scene"}


def run(script: str, *arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, EXAMPLES / script, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def truth() -> GroundTruth:
    return load_ground_truth(SAMPLE / "annotations.zip", split=SAMPLE / "test.txt")


def test_the_script_makes_the_same_bytes(tmp_path: Path) -> None:
    run("make_sample.py", tmp_path / "made")
    made = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    kept = {path.name: path.read_bytes() for path in SAMPLE.iterdir()}
    assert sorted(made) == sorted(kept)
    assert [name for name in made if made[name] != kept[name]] == []


def test_it_is_small() -> None:
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 300_000


def test_it_has_everything_that_the_real_data_has(truth: GroundTruth) -> None:
    boxes = truth.offsets[1:] - truth.offsets[:-1]
    kinds = truth.category_offsets[1:] - truth.category_offsets[:-1]
    assert 300 <= len(truth) <= 700
    assert set(truth.categories) == CATEGORIES
    assert set(truth.left_out_reasons) == REASONS
    assert boxes.max() >= 4
    assert kinds.max() == 2


def test_some_boxes_belong_to_several_entities(truth: GroundTruth) -> None:
    owners: dict[tuple[str, ...], set[str]] = {}
    images, entities = truth.keys.image.to_list(), truth.keys.entity.to_list()
    for row, (image, entity) in enumerate(zip(images, entities, strict=True)):
        for box in truth.boxes[truth.offsets[row] : truth.offsets[row + 1]]:
            owners.setdefault((image, *map(str, box)), set()).add(entity)
    assert max(map(len, owners.values())) >= 3


def test_some_phrases_share_caption_and_text(truth: GroundTruth) -> None:
    keys = truth.keys
    texts = list(
        zip(keys.image.to_list(), keys.sentence.tolist(), keys.phrase.to_list(), strict=True)
    )
    assert len(set(texts)) < len(texts)


@pytest.mark.parametrize("name", ["good.json", "ranked.jsonl", "whole-image.tsv", "points.jsonl"])
def test_every_phrase_has_a_prediction(truth: GroundTruth, name: str) -> None:
    assert len(load_predictions(SAMPLE / name)) == len(truth)


def test_the_scores_are_the_pinned_ones() -> None:
    script = runpy.run_path(str(Path(__file__).with_name("sample_scores.py")))
    assert script["dumped"](script["score_sample"]()) == script["PINNED"].read_text("utf-8")


def test_the_drawings_have_the_sizes_of_the_annotations(tmp_path: Path, truth: GroundTruth) -> None:
    run("draw_sample.py", tmp_path / "images")
    for image, size in zip(truth.keys.image.values, truth.image_sizes.tolist(), strict=True):
        start = (tmp_path / "images" / f"{image}.png").read_bytes()[:24]
        assert list(struct.unpack(">II", start[16:])) == size


def test_the_demo_prints_each_command_and_what_it_says() -> None:
    shown = run("demo.py")
    commands = [line for line in shown.splitlines() if line.startswith("$ phraseloc ")]
    assert len(commands) == 12
    assert "401 of 401 phrases have a prediction" in shown
    measured, published = shown.partition("published on Flickr30k Entities")[::2]
    assert "279/401" in measured  # of a prediction file
    assert "353/401" in measured  # of the oracle
    assert "21.99%" in published
    report = ROOT / shown.splitlines()[-1]
    assert report.name == "report.html"
    assert "w2v-avg:union" in report.read_text("utf-8")
