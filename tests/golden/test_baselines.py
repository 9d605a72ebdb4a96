"""What every baseline gets right is what is pinned, on real detections and on the sample."""

import json

import pytest

from phraseloc import load_ground_truth, score
from phraseloc.baselines import Task, find_baseline, run_baseline
from tests.golden.baseline_counts import PINNED, counts, sample_task
from tests.grounding import real_task


def test_the_sample():
    assert counts(sample_task()) == json.loads(PINNED.read_text())["sample"]


@pytest.mark.real
def test_real_detections(data):
    pinned = json.loads(PINNED.read_text())["real"]
    assert counts(real_task(data)) == pinned
    assert pinned["flickr30k"]["oracle"] == 1753  # as the data's own README counts it


@pytest.mark.real
def test_the_whole_image_on_the_official_split(data):
    files = data / "flickr30k_entities"
    truth = load_ground_truth(files / "annotations.tar.xz", split=files / "test.txt")
    alignment = run_baseline(find_baseline("whole-image"), Task(truth)).alignment
    scores = score(truth, alignment.predictions, alignment=alignment, samples=1)
    assert (scores.accuracy.correct, scores.accuracy.total) == (3185, 14481)
