"""The gate on the real test split: a lost point is found, and noise of the same size is not.

Predictions are the ground truth's own boxes, for a seeded share of the phrases shrunk so far that
they miss. A redraw gives each of some phrases, or of some whole images, to one of two runs of one
method by a fair coin.
"""

import numpy as np
import pytest

from phraseloc import save_predictions, score, single_boxes
from phraseloc.formats.results import entry_of, load_results, marks_of
from phraseloc.gate import judge
from phraseloc.paired import mcnemar

pytestmark = pytest.mark.real

PHRASES = 14_481
CHANGED = 745
LOST = 445


def predictions_of(truth, right):
    """Boxes that keep 0.64 of the union box's area where they are right, and 0.25 elsewhere."""
    boxes = truth.union_boxes
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    shrunk = np.where(right[:, None], 0.1, 0.25) * sides * np.array([1, 1, -1, -1])
    return single_boxes(truth.keys, boxes + shrunk)


def entry(truth, right):
    scores = score(truth, predictions_of(truth, right), samples=1, name="mine")
    assert np.array_equal(scores.outcomes.correct, right)
    return entry_of(truth, scores, key="", source="mine")


@pytest.fixture(scope="module")
def before(official):
    return np.random.default_rng(1).random(len(official)) < 0.624


def fallen(before, rows=slice(None)):
    """Turn 445 right phrases wrong and 300 wrong ones right: a point of all 14,481 is lost."""
    random = np.random.default_rng(2)
    after = before.copy()
    among = np.zeros(len(before), bool)
    among[rows] = True
    after[random.choice(np.flatnonzero(before & among), LOST, replace=False)] = False
    after[random.choice(np.flatnonzero(~before & among), CHANGED - LOST, replace=False)] = True
    return after


def redrawn(before, images, seed):
    """Give two runs of one skill, in which 60 images are right as a whole in either or the other.

    So much stands in an image that chance alone often costs more than the tolerance.
    """
    random = np.random.default_rng(seed)
    first, second = before.copy(), before.copy()
    for image in random.choice(images.max() + 1, 60, replace=False):
        better = random.integers(2)
        first[images == image], second[images == image] = not better, better
    return first, second


def test_a_point_that_is_lost_fails(official, before):
    after = fallen(before)
    assert before.sum() - after.sum() == 145
    verdict = judge(official, entry(official, before), entry(official, after), "b.json")
    whole = verdict.groups[0]
    assert (whole.after.total, whole.fails, verdict.failed[0]) == (PHRASES, True, whole)
    assert whole.p < 0.001


def test_a_redraw_of_as_many_phrases_passes(official, before):
    """Without any tolerance, at most two of twenty redraws may fail: 5% would be one."""
    random = np.random.default_rng(3)
    failed = 0
    for seed in range(20):
        swap = random.choice(PHRASES, CHANGED, replace=False)
        coin = random.integers(0, 2, CHANGED).astype(bool)
        first, second = before.copy(), before.copy()
        first[swap], second[swap] = coin, ~coin
        entries = entry(official, first), entry(official, second)
        verdict = judge(official, *entries, "b.json", tolerance=0, samples=999, seed=seed)
        failed += bool(verdict.failed)
    assert failed <= 2


def test_falls_beyond_the_tolerance_that_whole_images_make_are_noise(official, before):
    """A test that takes phrases for independent finds a real fall in most of them."""
    images = official.keys.image.codes
    deep = failed = naive = 0
    for seed in range(20):
        first, second = redrawn(before, images, seed)
        entries = entry(official, first), entry(official, second)
        verdict = judge(official, *entries, "b.json", samples=999, seed=seed)
        if verdict.groups[0].fall > verdict.tolerance:
            deep += 1
            wins, losses = int((second & ~first).sum()), int((first & ~second).sum())
            naive += mcnemar(wins, losses) < 0.05
        failed += bool(verdict.failed)
    assert deep >= 4, "the redraws lose too little to try the gate"
    assert naive > deep / 2
    assert failed <= 2


def test_a_fall_in_one_category_alone_is_named(official, before):
    """745 phrases with people change; others make up for it, so that the whole stays as it was."""
    code = official.categories.index("people")
    starts = official.category_offsets[:-1]
    people = np.add.reduceat(official.category_codes == code, starts) > 0
    after = fallen(before, people)
    wrong = np.flatnonzero(~before & ~people)
    after[np.random.default_rng(4).choice(wrong, 145, replace=False)] = True
    verdict = judge(official, entry(official, before), entry(official, after), "b.json")
    assert verdict.groups[0].fall == 0
    assert [group.name for group in verdict.failed] == ["people"]


def test_marks_of_either_source_are_those_of_the_other(sources, before, official):
    """Rows stand in another order in the two files; a baseline of one judges the other."""
    official, reference = sources["official release"], sources["reference JSON"]
    predictions = predictions_of(official, before)
    marks = [
        marks_of(truth, score(truth, predictions, samples=1).outcomes)
        for truth in (official, reference)
    ]
    assert marks[0] == marks[1]


def test_the_command_on_the_release(
    official, files, before, run, tmp_path, monkeypatch, session_cache
):
    monkeypatch.setenv("PHRASELOC_CACHE", str(session_cache))
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    save_predictions(predictions_of(official, before), old)
    save_predictions(predictions_of(official, fallen(before)), new)
    baseline = tmp_path / "baseline.json"
    test = (files / "annotations.tar.xz", "--split", files / "test.txt", "--against", baseline)
    first = run("gate", *test, old, "--update")
    assert (first.exit_code, first.stdout[:5]) == (0, "pass:"), first.output
    assert load_results(baseline).entries[0].accuracy.correct == before.sum()
    assert baseline.stat().st_size < 20_000
    assert run("gate", *test, old).exit_code == 0
    fail = run("gate", *test, f"old={new}")
    assert fail.exit_code == 1
    assert fail.stdout.startswith("fail: old fell 1.00 points, ")
    val = (*test[:1], "--split", files / "val.txt", "--against", baseline, "--extra", "count")
    other = run("gate", *val, old)
    assert other.exit_code == 2
    assert "ground truth sha256 is d971ef045301" in other.stderr
