import numpy as np
import pytest

from phraseloc import BoxSpace, GroundTruth, InputError, PhraseKeys, Strings, single_boxes


def keys_of(*rows):
    image, sentence, first_word, entity = zip(*rows, strict=True)
    return PhraseKeys(
        Strings.of(image), np.array(sentence), np.array(first_word), Strings.of(entity)
    )


def test_keys_are_complete_with_all_four_columns():
    keys = keys_of(("a", 0, 1, "7"))
    assert keys.complete
    assert not PhraseKeys(keys.image, keys.sentence, keys.first_word).complete


def test_keys_sort_by_image_sentence_word_entity():
    keys = keys_of(("b", 0, 0, "1"), ("a", 1, 0, "1"), ("a", 0, 9, "2"), ("a", 0, 9, "10"))
    assert keys.order.tolist() == [3, 2, 1, 0]


def test_keys_without_columns_stay_in_order():
    assert PhraseKeys(Strings.of(["b", "a"])).order.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("columns", "text"),
    [
        ({}, "10"),
        ({"sentence": np.array([2])}, "10#2"),
        ({"sentence": np.array([2]), "first_word": np.array([3])}, "10#2 word 3"),
        ({"entity": Strings.of(["7"]), "phrase": Strings.of(["a man"])}, '10 entity 7 "a man"'),
        ({"phrase": Strings.of([""])}, "10"),
    ],
)
def test_keys_describe_what_they_have(columns, text):
    assert PhraseKeys(Strings.of(["10"]), **columns).describe(0) == text


def test_ground_truth_knows_unions_captions_and_sizes(make_truth):
    truth = make_truth([[(1, 1, 10, 10), (21, 31, 30, 40)], [(5, 5, 6, 6)]], images=["a", "a"])
    assert truth.union_boxes.tolist() == [[0, 0, 30, 40], [4, 4, 6, 6]]
    assert truth.captions == 1
    assert np.isnan(truth.image_sizes).all()
    assert truth.image_sizes.shape == (1, 2)


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        ((1, 1, 0, 10), "a box whose width or height is zero or negative"),
        ((1, 9, 9, 4), "a box whose width or height is zero or negative"),
        ((1, float("nan"), 9, 4), "a box with a number that is not finite"),
        ((1, 1, float("inf"), 4), "a box with a number that is not finite"),
    ],
)
def test_ground_truth_with_a_wrong_box(box, kind, make_truth):
    with pytest.raises(InputError, match=kind) as caught:
        make_truth([[(1, 1, 2, 2)], [(1, 1, 2, 2), box]])
    assert "image1#0 word 1 entity 1: found [" in str(caught.value)


def test_ground_truth_without_phrases(make_truth):
    with pytest.raises(InputError, match="found 0 phrases, expected at least one"):
        make_truth([])


def test_ground_truth_with_a_phrase_without_boxes(make_truth):
    with pytest.raises(InputError, match="without a box \\(1\\)\n  image1#0 word 1"):
        make_truth([[(1, 1, 2, 2)], []])


def test_ground_truth_with_a_key_twice():
    keys = keys_of(("a", 0, 0, "1"), ("a", 0, 1, "1"), ("a", 0, 0, "1"))
    with pytest.raises(InputError, match="stands twice in the ground truth \\(1\\)\n  a#0 word 0"):
        GroundTruth(keys, np.arange(4), np.tile([[0.0, 0, 1, 1]], (3, 1)))


def test_rows_without_keys_may_repeat():
    keys = PhraseKeys(Strings.of(["a", "a"]))
    assert len(GroundTruth(keys, np.arange(3), np.tile([[0.0, 0, 1, 1]], (2, 1)))) == 2


def test_taking_phrases_takes_all_that_is_theirs(make_truth):
    truth = make_truth(
        [[(1, 1, 2, 2)], [(1, 1, 3, 3), (4, 4, 5, 5)], [(6, 6, 7, 7)]],
        categories=[["people"], ["other", "people"], ["animals"]],
        sizes=np.array([[10.0, 11], [20, 21], [30, 31]]),
    )
    some = truth.take(np.array([2, 1]))
    assert some.keys.image.to_list() == ["image2", "image1"]
    assert np.diff(some.offsets).tolist() == [1, 2]
    assert some.union_boxes.tolist() == [[5, 5, 7, 7], [0, 0, 5, 5]]
    names = [some.categories[code] for code in some.category_codes]
    assert names == ["animals", "other", "people"]
    assert some.image_sizes[some.keys.image.codes].tolist() == [[30, 31], [20, 21]]


def test_digests_tell_boxes_and_keys_apart_but_not_orders(make_truth):
    boxes = [[(1, 1, 2, 2)], [(1, 1, 3, 3), (4, 4, 5, 5)]]
    truth = make_truth(boxes)
    swapped = truth.take(np.array([1, 0]))
    assert (swapped.digest, swapped.union_digest) == (truth.digest, truth.union_digest)
    moved = make_truth([boxes[0], [(1, 1, 3, 3), (4, 4, 6, 5)]])
    renamed = make_truth(boxes, entities=["x", "y"])
    for other in (moved, renamed):
        assert other.digest != truth.digest
        assert other.union_digest != truth.union_digest


def test_the_union_digest_is_of_the_unions(make_truth):
    several = make_truth([[(1, 1, 3, 3), (4, 4, 5, 5)]])
    single = make_truth([[(1, 1, 5, 5)]])
    assert several.union_digest == single.union_digest
    assert several.digest != single.digest


def test_predictions_are_ranked_where_any_row_has_several(make_truth, make_predictions):
    truth = make_truth([[(1, 1, 2, 2)]] * 2)
    box = (1, 1, 2, 2)
    assert not make_predictions(truth, [[box], [box]]).ranked
    assert not make_predictions(truth, [[box], []]).ranked
    assert make_predictions(truth, [[box, box], [box]]).ranked
    assert make_predictions(truth, [[box, box], []]).ranked


def test_single_boxes_are_continuous_by_default():
    keys = PhraseKeys(Strings.of(["a"]))
    guesses = single_boxes(keys, np.array([[0, 0, 5, 5]]), source="mine")
    assert guesses.boxes.dtype == np.float64
    assert guesses.where(0) == "record 1"
    assert (guesses.source, guesses.space) == ("mine", BoxSpace())
