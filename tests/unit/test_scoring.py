import math

import numpy as np
import pytest

from phraseloc import (
    PROTOCOLS,
    Accuracy,
    BoxSpace,
    InputError,
    OptionError,
    PhraseKeys,
    Predictions,
    Protocol,
    Strings,
    score,
    single_boxes,
)

RIGHT, WRONG = (1, 1, 10, 10), (50, 50, 60, 60)
HALF = (1, 1, 10, 5)


@pytest.fixture
def few(make_truth):
    """Four phrases of three images, each of 10 x 10 pixels."""
    return make_truth(
        [[RIGHT]] * 4,
        images=["a", "a", "b", "c"],
        categories=[["people"], ["people", "other"], ["animals"], []],
        sizes=np.array([[1000.0, 1000], [1000, 1000], [100, 100]]),
    )


def quick(truth, guesses, protocol="flickr30k", **options):
    return score(truth, guesses, protocol, samples=50, **options)


def test_accuracy_keeps_its_integers():
    assert Accuracy(3185, 14481).value == 3185 / 14481
    assert repr(Accuracy(1, 3)) == "Accuracy(1/3 = 33.33%)"
    assert math.isnan(Accuracy(0, 0).value)


def test_right_and_all(few, make_predictions):
    scores = quick(few, make_predictions(few, [[RIGHT], [WRONG], [HALF], [RIGHT]]))
    assert scores.accuracy == Accuracy(3, 4)
    assert scores.mean == pytest.approx(2.5 / 4)
    assert scores.median == pytest.approx(0.75)
    assert scores.outcomes.correct.tolist() == [True, False, True, True]
    assert 0 <= scores.interval.low <= 0.75 <= scores.interval.high <= 1


def test_a_phrase_counts_in_each_of_its_categories(few, make_predictions):
    scores = quick(few, make_predictions(few, [[RIGHT], [WRONG], [WRONG], [WRONG]]))
    assert scores.categories == {
        "people": Accuracy(1, 2),
        "other": Accuracy(0, 1),
        "animals": Accuracy(0, 1),
    }
    assert set(scores.category_intervals) == set(scores.categories)


def test_other_thresholds(few, make_predictions):
    scores = quick(few, make_predictions(few, [[HALF], [HALF], [RIGHT], [WRONG]]))
    assert list(scores.thresholds) == [step / 20 for step in range(5, 20)]
    assert scores.thresholds[0.25] == scores.thresholds[0.5] == Accuracy(3, 4)
    assert scores.thresholds[0.55] == scores.thresholds[0.95] == Accuracy(1, 4)


def test_thresholds_take_the_protocols_operator(few, make_predictions):
    scores = quick(few, make_predictions(few, [[HALF]] * 4), "strict")
    assert scores.thresholds[0.5] == Accuracy(0, 4)
    assert scores.thresholds[0.45] == Accuracy(4, 4)


def test_points_have_no_thresholds(few, make_predictions):
    guesses = make_predictions(few, [[(5, 5)], [(50, 5)], [(5, 5)], [(5, 5)]])
    scores = quick(few, guesses, "pointing")
    assert scores.accuracy == Accuracy(3, 4)
    assert scores.thresholds == {}


@pytest.mark.parametrize(
    ("side", "size"),
    [(31, "small"), (32, "medium"), (95, "medium"), (96, "large")],
)
def test_sizes_of_the_union_box(side, size, make_truth, make_predictions):
    truth = make_truth([[(1, 1, side, side)]])
    scores = quick(truth, make_predictions(truth, [[(1, 1, side, side)]]))
    assert {name for name, a in scores.sizes.items() if a.total} == {size}
    assert scores.sizes[size] == Accuracy(1, 1)


def test_entities_of_one_and_of_several_boxes(make_truth, make_predictions):
    truth = make_truth([[RIGHT], [RIGHT, WRONG], [RIGHT, (1, 1, 10, 10)]])
    scores = quick(truth, make_predictions(truth, [[RIGHT]] * 3))
    assert scores.boxes == {"single": Accuracy(1, 1), "multi": Accuracy(1, 2)}


def test_recall_at_k_and_upper_bound(few, make_predictions):
    late = [WRONG] * 6 + [RIGHT]
    scores = quick(few, make_predictions(few, [late, late[::-1], late[2:], [WRONG]]))
    assert scores.accuracy == scores.recall[1] == Accuracy(1, 4)
    assert scores.recall == {1: Accuracy(1, 4), 5: Accuracy(2, 4), 10: Accuracy(3, 4)}
    assert scores.upper_bound == Accuracy(3, 4)


def test_the_upper_bound_is_over_all_candidates(few, make_predictions):
    guesses = make_predictions(few, [[WRONG] * 20 + [RIGHT]] * 4)
    scores = quick(few, guesses)
    assert scores.recall[10] == Accuracy(0, 4)
    assert scores.upper_bound == Accuracy(4, 4)


def test_single_predictions_have_no_recall(few, make_predictions):
    scores = quick(few, make_predictions(few, [[RIGHT]] * 4))
    assert (scores.recall, scores.upper_bound) == ({}, None)


def test_scores_sort_candidates(truth_file, guesses, write, scored):
    guesses[0]["boxes"] = [[100, 1, 5, 5], guesses[0].pop("box")]
    guesses[0]["scores"] = [0.1, 0.9]
    for guess in guesses[1:]:
        guess["scores"] = [0.5]
    result = scored(truth_file, write("ranked.json", guesses))
    assert result["recall"]["1"]["correct"] == 3


@pytest.mark.parametrize(
    ("missing", "accuracy"), [("wrong", Accuracy(1, 4)), ("skip", Accuracy(1, 2))]
)
def test_phrases_without_prediction(missing, accuracy, few, make_predictions):
    guesses = make_predictions(few, [[RIGHT], [], [WRONG], []])
    scores = quick(few, guesses, PROTOCOLS["flickr30k"].override(missing=missing))
    assert scores.accuracy == accuracy
    assert (scores.coverage.predicted, scores.coverage.missing) == (2, 2)


def test_phrases_without_prediction_are_an_error_on_request(few, make_predictions):
    guesses = make_predictions(few, [[RIGHT], [], [WRONG], []])
    with pytest.raises(InputError, match="a phrase without prediction \\(2\\)\n  a#0 word 1"):
        quick(few, guesses, PROTOCOLS["flickr30k"].override(missing="error"))


@pytest.mark.parametrize("overlap", ["iou", "giou", "point"])
def test_phrases_without_prediction_are_wrong_at_every_threshold(overlap, few, make_predictions):
    guesses = make_predictions(few, [[RIGHT], [], [RIGHT], []])
    lowest = -1.0 if overlap == "giou" else 0.0
    scores = quick(few, guesses, Protocol("mine", overlap=overlap, threshold=lowest))
    assert scores.accuracy == Accuracy(2, 4)


def test_leaving_out_every_phrase_is_an_error(few):
    nobody = Predictions(few.keys, np.zeros(5, np.int64), np.zeros((0, 4)))
    with pytest.raises(OptionError, match="leaves no phrase to score"):
        quick(few, nobody, PROTOCOLS["flickr30k"].override(missing="skip"))


@pytest.mark.parametrize(("share", "total"), [(0.0, 4), (0.0001, 4), (0.0002, 1), (0.01, 1)])
def test_phrases_of_little_area_are_left_out(share, total, few, make_predictions):
    guesses = make_predictions(few, [[RIGHT]] * 4)
    mine = PROTOCOLS["flickr30k"].override(min_area_share=share)
    assert quick(few, guesses, mine).accuracy == Accuracy(total, total)


def test_area_shares_need_sizes(make_truth, make_predictions):
    truth = make_truth([[RIGHT]])
    mine = PROTOCOLS["flickr30k"].override(min_area_share=0.1)
    with pytest.raises(OptionError, match="min_area_share needs the images' sizes"):
        quick(truth, make_predictions(truth, [[RIGHT]]), mine)


def test_an_entity_is_right_when_all_its_phrases_are(make_truth, make_predictions):
    truth = make_truth(
        [[RIGHT]] * 5, images=["a", "a", "b", "b", "b"], entities=["1", "1", "1", "1", "2"]
    )
    guesses = make_predictions(truth, [[RIGHT], [HALF], [RIGHT], [WRONG], [RIGHT]])
    scores = quick(truth, guesses, PROTOCOLS["flickr30k"].override(unit="entity"))
    assert scores.accuracy == Accuracy(2, 3)
    assert scores.outcomes.overlap[:, 0].tolist() == [0.5, 0.0, 1.0]


def test_entities_need_ids(make_predictions):
    from phraseloc import GroundTruth

    keys = PhraseKeys(Strings.of(["a"]))
    truth = GroundTruth(keys, np.arange(2), np.array([[0.0, 0, 9, 9]]))
    guesses = make_predictions(truth, [[RIGHT]])
    with pytest.raises(OptionError, match="unit entity needs entity ids"):
        quick(truth, guesses, PROTOCOLS["flickr30k"].override(unit="entity"))


def test_points_need_a_protocol_of_points(few, make_predictions):
    with pytest.raises(InputError, match="found points, but protocol flickr30k scores boxes"):
        quick(few, make_predictions(few, [[(5, 5)]] * 4))


@pytest.mark.parametrize(
    ("protocol", "unions_only", "noted"),
    [("any-box", True, True), ("any-box", False, False), ("flickr30k", True, False)],
)
def test_a_file_of_unions_is_noted(protocol, unions_only, noted, make_truth, make_predictions):
    truth = make_truth([[RIGHT]], unions_only=unions_only, source="unions.json")
    scores = quick(truth, make_predictions(truth, [[RIGHT]]), protocol)
    assert [note.startswith("unions.json holds one box a phrase") for note in scores.notes] == [
        True
    ] * noted


def test_engines_give_the_same_bits(few, make_predictions):
    guesses = make_predictions(few, [[WRONG, RIGHT], [HALF], [], [RIGHT]])
    for name in PROTOCOLS:
        numpy, numba = (quick(few, guesses, name, engine=engine) for engine in ("numpy", "numba"))
        assert numpy.outcomes.overlap.tobytes() == numba.outcomes.overlap.tobytes()


def test_engines_have_names(few, make_predictions):
    with pytest.raises(OptionError, match="engine is 'gpu'; expected auto, numpy or numba"):
        quick(few, make_predictions(few, [[RIGHT]] * 4), engine="gpu")


def test_the_signature_tells_how_the_figure_came_about(few, make_predictions):
    guesses = make_predictions(few, [[RIGHT]] * 4)
    scores = score(few, guesses, samples=50, seed=3, confidence=0.9)
    parts = scores.signature.split("|")
    assert parts[:2] == ["phraseloc", "flickr30k"]
    assert parts[-4:-1] == ["n:4", f"gt:{few.union_digest[:12]}", "ci:images-50-seed3-0.9"]
    assert parts[-1].startswith("version:")
    any_box = score(few, guesses, "any-box", samples=50)
    assert f"gt:{few.digest[:12]}" in any_box.signature


def test_scores_take_a_name(few, make_predictions):
    guesses = make_predictions(few, [[RIGHT]] * 4)
    assert quick(few, guesses).name == "predictions"
    assert quick(few, guesses, name="mine").name == "mine"


def test_files_are_read(truth_file, guess_file):
    assert quick(truth_file, str(guess_file)).accuracy == Accuracy(3, 4)


def test_conventions_of_a_file_do_not_move_a_declared_score(few):
    for space in (BoxSpace(), BoxSpace("xyxy", "continuous", 0), BoxSpace("xywh", "inclusive", 0)):
        boxes = space.read(space.write(few.boxes))
        assert quick(few, single_boxes(few.keys, boxes, space)).mean == 1.0
