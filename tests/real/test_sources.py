"""The official release and the reference scorer's file hold the same test split.

All but two things: the file has the union boxes alone, and marks 16 phrases with another first
word ("on one hand" where the release has "one hand").
"""

import numpy as np
import pytest

from phraseloc import align, score, single_boxes
from tests.real.contents import categories_of, keys_of, multi_box

pytestmark = pytest.mark.real

RESPANNED = 16


def test_they_agree_phrase_by_phrase(official, reference):
    ours, theirs = (
        [(image, sentence, entity) for image, sentence, _, entity in keys_of(truth.keys)]
        for truth in (official, reference)
    )
    assert ours == theirs
    assert (
        official.union_boxes.tolist() == reference.union_boxes.tolist() == reference.boxes.tolist()
    )
    assert categories_of(official) == categories_of(reference)


def test_they_have_the_published_counts(sources):
    for truth in sources.values():
        assert len(truth) == 14_481
        assert truth.captions == 4_969
        assert len(truth.keys.image.values) == 999
    assert multi_box(sources["official release"]) == 2_907
    assert sources["reference JSON"].unions_only


def test_some_phrases_begin_at_another_word(official, reference):
    differs = np.flatnonzero(official.keys.first_word != reference.keys.first_word)
    assert len(differs) == RESPANNED
    texts = [[truth.keys.phrase[row] for row in differs] for truth in (official, reference)]
    assert official.keys.phrase.to_list() != reference.keys.phrase.to_list()
    for release, reference_text in zip(*texts, strict=True):
        letters = [text.replace(" ", "") for text in (release, reference_text)]
        assert release == reference_text or letters[1].endswith(letters[0])


@pytest.mark.parametrize("ground_truth", ["official release", "reference JSON"])
@pytest.mark.parametrize("keyed_by", ["official release", "reference JSON"])
@pytest.mark.parametrize("shuffled", [False, True])
def test_predictions_of_one_fit_the_other(ground_truth, keyed_by, shuffled, sources):
    truth, keys = sources[ground_truth], sources[keyed_by].keys
    order = np.random.default_rng(3).permutation(len(keys)) if shuffled else np.arange(len(keys))
    predictions = single_boxes(keys.take(order), truth.union_boxes[order])
    alignment = align(truth, predictions)
    assert (alignment.missing, alignment.extra, alignment.duplicate) == (0, 0, 0)
    assert alignment.respanned == (0 if keyed_by == ground_truth else RESPANNED)
    assert order[alignment.rows].tolist() == list(range(len(truth)))


@pytest.mark.parametrize("protocol", ["flickr30k", "strict", "merged", "refcoco-giou"])
def test_protocols_of_unions_have_one_signature(protocol, official, reference):
    predictions = single_boxes(official.keys, official.union_boxes)
    ours, theirs = (score(t, predictions, protocol, samples=10) for t in (official, reference))
    assert ours.signature == theirs.signature
    assert ours.ground_truth["sha256"] == theirs.ground_truth["sha256"]
    assert ours.interval == theirs.interval
    assert not ours.notes
    assert not theirs.notes


@pytest.mark.parametrize("protocol", ["any-box", "pointing"])
def test_protocols_of_all_boxes_need_the_release(protocol, official, reference):
    predictions = single_boxes(official.keys, official.union_boxes)
    ours, theirs = (score(t, predictions, protocol, samples=10) for t in (official, reference))
    assert ours.signature != theirs.signature
    assert not ours.notes
    assert "needs them all" in theirs.notes[0]
