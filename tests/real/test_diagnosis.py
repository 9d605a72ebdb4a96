"""The diagnosis on the real test split: pinned counts, plain loops, and errors of a known kind."""

import json
from collections import Counter
from itertools import pairwise
from random import Random

import numpy as np
import pytest

from phraseloc import align, find_baseline, run_baseline, save_predictions, score, single_boxes
from phraseloc.diagnosis import CLASSES, diagnose
from phraseloc.groups import groupings
from tests.golden import diagnosis_make
from tests.grounding import real_task
from tests.parity.slow_diagnosis import Phrase, Rules, World, classes_of
from tests.real.contents import keys_of

pytestmark = pytest.mark.real

GOLDEN = json.loads(diagnosis_make.GOLDEN.read_text())
RULES = {
    "flickr30k": Rules(),
    "strict": Rules(more=True),
    "any-box": Rules("any", written=True),
    "maf-released": Rules(written=True, plus=1, truncate=True, skip_zero=True),
    "threshold=0.7": Rules(threshold=0.7),
    "unit=entity": Rules(by_entity=True),
}


@pytest.fixture(scope="session")
def predictions(official):
    return {kind: make(official) for kind, make in diagnosis_make.PREDICTIONS.items()}


def diagnosed(truth, guesses, protocol="flickr30k"):
    laid = align(truth, guesses)
    return diagnose(truth, score(truth, guesses, protocol, alignment=laid, samples=1), laid)


def test_nothing_is_pinned_that_is_not_tested():
    assert list(GOLDEN) == list(diagnosis_make.PREDICTIONS)
    assert {tuple(found) for found in GOLDEN.values()} == {tuple(diagnosis_make.CHOICES)}
    assert list(RULES) == list(diagnosis_make.CHOICES)


@pytest.mark.parametrize("name", diagnosis_make.CHOICES)
@pytest.mark.parametrize("kind", diagnosis_make.PREDICTIONS)
def test_pinned_classes(kind, name, official, predictions):
    protocol = diagnosis_make.CHOICES[name]
    assert diagnosis_make.classes(official, predictions[kind], protocol) == GOLDEN[kind][name]


@pytest.fixture(scope="session")
def lists(official):
    """Each phrase's key and boxes, as plain values."""
    ends = official.offsets.tolist()
    boxes = official.boxes.tolist()
    return keys_of(official.keys), [boxes[low:high] for low, high in pairwise(ends)]


@pytest.mark.parametrize("name", ["flickr30k", "any-box", "maf-released", "unit=entity"])
def test_random_boxes_have_the_classes_of_plain_loops(name, lists, predictions):
    guesses = predictions["random ranked"]
    firsts = guesses.boxes[guesses.offsets[:-1]].tolist()
    phrases = [Phrase(*key, boxes, [box]) for key, boxes, box in zip(*lists, firsts, strict=True)]
    counts = Counter()
    by_image = {}
    for phrase in phrases:
        by_image.setdefault(phrase.image, []).append(phrase)
    for found in by_image.values():
        counts.update(classes_of(World(found), RULES[name], with_objects=False).values())
    pinned = GOLDEN["random ranked"][name]
    assert counts == {kind: count for kind, count in pinned.items() if count}


def test_first_boxes_fail_as_one_of_a_group(official, lists, predictions):
    """The first of an entity's boxes is wrong where it has less than half of their union's area."""
    found = diagnosed(official, predictions["first box"])
    expected = 0
    for boxes in lists[1]:
        left, top, right, bottom = (
            pick(box[side] for box in boxes) for side, pick in enumerate((min, min, max, max))
        )
        x1, y1, x2, y2 = boxes[0]
        expected += 2 * (x2 - x1) * (y2 - y1) < (right - left) * (bottom - top)
    assert expected > 2_000
    assert dict(found.counts) == {**dict.fromkeys(found.counts, 0), "one of a group": expected}
    [several] = [
        group
        for group in groupings(official, found.outcomes.phrase)
        if group.title == "boxes of the entity"
    ]
    assert several.count(found.codes, len(CLASSES)).sum(axis=1).tolist() == [0, expected]


@pytest.fixture(scope="session")
def spoiled(official):
    """Predictions of which each phrase is spoiled in a way that is drawn by seed."""
    random = Random(8)
    ways, boxes = [], []
    for union in official.union_boxes.tolist():
        x1, y1, x2, y2 = union
        way = random.choice(("kept", "kept", "missing", "a third", "a part", "outside"))
        ways.append(way)
        boxes.append(
            {
                "a third": (x1, y1, x2, y1 + 0.375 * (y2 - y1)),
                "a part": (x1, y1, x1 + (x2 - x1) / 4, y1 + (y2 - y1) / 4),
                "outside": (0, -1, 1, 0),
            }.get(way, union)
        )
    kept = np.flatnonzero(np.array(ways) != "missing")
    guesses = single_boxes(official.keys.take(kept), np.array(boxes)[kept])
    return np.array(ways), guesses


def test_spoiled_predictions_fail_as_they_were_spoiled(official, spoiled):
    ways, guesses = spoiled
    found = diagnosed(official, guesses)
    names = np.array([*CLASSES, "right"])[found.codes]
    seen = {way: Counter(names[ways == way].tolist()) for way in set(ways.tolist())}
    single = np.diff(official.offsets) == 1
    assert set(seen["kept"]) == {"right"}
    assert set(seen["missing"]) == {"missing"}
    assert set(seen["outside"]) == {"background"}
    assert set(names[(ways == "a third") & single]) == {"near miss"}
    kinds = {"same caption", "same image", "part or whole"}
    assert set(names[(ways == "a part") & single]) <= kinds
    assert seen["a part"]["part or whole"] > 0.7 * seen["a part"].total()
    errors = len(official) - seen["kept"].total()
    assert sum(found.counts.values()) == errors
    assert found.mended(*found.counts).correct == len(official)
    assert found.mended("missing").correct == seen["kept"].total() + (ways == "missing").sum()


def test_the_oracle_fails_where_the_detector_does(data):
    """It chooses a right object wherever there is one."""
    task = real_task(data)
    laid = run_baseline(find_baseline("oracle"), task, "none").alignment
    scores = score(task.truth, laid.predictions, alignment=laid, samples=1)
    found = diagnose(task.truth, scores, laid, task.proposals)
    wrong = scores.accuracy.total - scores.accuracy.correct
    assert wrong > 500
    assert {name for name, count in found.counts.items() if count} <= {"missing", "no proposal"}
    assert sum(found.counts.values()) == wrong
    whole = single_boxes(task.keys, np.tile([0.0, 0.0, 1.0, 1.0], (len(task), 1)))
    nowhere = align(task.truth, whole)
    again = diagnose(
        task.truth,
        score(task.truth, whole, alignment=nowhere, samples=1),
        nowhere,
        task.proposals,
    )
    assert again.counts["no proposal"] == wrong


def test_the_command(run, data, predictions, tmp_path):
    files = data / "flickr30k_entities"
    save_predictions(predictions["random ranked"], tmp_path / "random.jsonl")
    result = run(
        "diagnose",
        files / "annotations.tar.xz",
        tmp_path / "random.jsonl",
        *("--split", files / "test.txt", "--format", "json"),
    )
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    counts = {name: facts["phrases"] for name, facts in shown["classes"].items()}
    pinned = GOLDEN["random ranked"]["flickr30k"]
    assert {"right": shown["accuracy"]["correct"], **counts} == pinned
    for title, lines in shown["groups"].items():
        extra = 77 if title == "category" else 0  # phrases of two categories
        assert sum(line["total"] for line in lines) == 14_481 + extra, title
