import numpy as np
import pytest

from phraseloc import GroundTruth, InputError, PhraseKeys, Predictions, Strings, align, single_boxes

KEYS = [("10", 0, 0, "1"), ("10", 0, 3, "2"), ("10", 1, 2, "1"), ("11", 0, 1, "7")]
TEXTS = ["a man", "two dogs", "the rider", "on one hand"]


def keys_of(rows, texts=None):
    image, sentence, first_word, entity = zip(*rows, strict=True)
    return PhraseKeys(
        Strings.of(image),
        np.array(sentence),
        np.array(first_word),
        Strings.of(entity),
        None if texts is None else Strings.of(texts),
    )


def boxes_of(count):
    return np.arange(4.0 * count).reshape(-1, 4) % 7 + [[0, 0, 10, 10]]


@pytest.fixture
def truth():
    return GroundTruth(
        keys_of(KEYS, TEXTS),
        np.arange(5),
        boxes_of(4),
        sizes=np.full((2, 2), 100.0),
        left_out=keys_of([("10", 0, 6, "0"), ("11", 0, 4, "9")]),
    )


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 1, 0, 2], [2, 3, 1, 0]])
def test_rows_in_any_order(order, truth):
    aligned = align(truth, single_boxes(keys_of([KEYS[i] for i in order]), boxes_of(4)))
    assert aligned.rows.tolist() == np.argsort(order).tolist()
    assert (aligned.missing, aligned.extra, aligned.duplicate, aligned.respanned) == (0, 0, 0, 0)


def test_phrases_without_a_row_are_missing(truth):
    aligned = align(truth, single_boxes(keys_of([KEYS[3], KEYS[1]]), boxes_of(2)))
    assert aligned.rows.tolist() == [-1, 1, -1, 0]
    assert aligned.missing == 2


def test_rows_without_candidates_are_missing(truth):
    guesses = Predictions(keys_of(KEYS), np.array([0, 1, 1, 2, 3]), boxes_of(3))
    aligned = align(truth, guesses)
    assert aligned.rows.tolist() == [0, -1, 2, 3]
    assert aligned.missing == 1


@pytest.mark.parametrize(
    ("key", "kind", "nearest"),
    [
        (("12", 0, 0, "1"), "an image that the ground truth does not have", "nearest '1"),
        (("10", 0, 0, "3"), "a phrase that the ground truth does not have", "nearest 10#0 word 0"),
        (("10", 2, 0, "1"), "a phrase that the ground truth does not have", "nearest 10#"),
        (("11", 0, 2, "8"), "a phrase that the ground truth does not have", "nearest 11#0 word 1"),
    ],
)
def test_unknown_rows_are_an_error_or_counted(key, kind, nearest, truth):
    guesses = single_boxes(keys_of([*KEYS, key]), boxes_of(5))
    with pytest.raises(InputError, match=kind) as caught:
        align(truth, guesses)
    assert "record 5: found" in str(caught.value)
    assert nearest in str(caught.value)
    aligned = align(truth, guesses, extra="count")
    assert (aligned.extra, aligned.rows.tolist()) == (1, [0, 1, 2, 3])


def test_rows_of_phrases_known_to_have_no_box_are_counted(truth):
    guesses = single_boxes(keys_of([("10", 0, 6, "0"), *KEYS, ("11", 0, 4, "9")]), boxes_of(6))
    aligned = align(truth, guesses)
    assert (aligned.extra, aligned.rows.tolist()) == (2, [1, 2, 3, 4])


def test_duplicates_with_the_same_boxes_are_counted(truth):
    boxes = boxes_of(4)[[0, 1, 2, 3, 0, 0, 2]]
    guesses = single_boxes(keys_of([*KEYS, KEYS[0], KEYS[0], KEYS[2]]), boxes)
    aligned = align(truth, guesses)
    assert (aligned.duplicate, aligned.rows.tolist()) == (3, [0, 1, 2, 3])


def test_duplicates_with_other_boxes_are_an_error(truth):
    guesses = single_boxes(keys_of([*KEYS, KEYS[0]]), boxes_of(5))
    with pytest.raises(InputError, match="two different predictions \\(1\\)") as caught:
        align(truth, guesses)
    assert "record 5: 10#0 word 0 entity 1, first in record 1" in str(caught.value)


def test_a_phrase_with_another_first_word_is_respanned(truth):
    moved = [*KEYS[:3], ("11", 0, 0, "7")]
    aligned = align(truth, single_boxes(keys_of(moved), boxes_of(4)))
    assert (aligned.respanned, aligned.rows.tolist()) == (1, [0, 1, 2, 3])


def test_a_phrase_that_begins_two_words_away_is_unknown(truth):
    moved = [*KEYS[:3], ("11", 0, 3, "7")]
    with pytest.raises(InputError, match="found 11#0 word 3 entity 7, nearest 11#0 word 1"):
        align(truth, single_boxes(keys_of(moved), boxes_of(4)))


def test_respanned_rows_may_repeat(truth):
    moved = [*KEYS[:3], ("11", 0, 0, "7"), ("11", 0, 0, "7")]
    aligned = align(truth, single_boxes(keys_of(moved), boxes_of(4)[[0, 1, 2, 3, 3]]))
    assert aligned.rows.tolist() == [0, 1, 2, 3]
    assert (aligned.respanned, aligned.duplicate) == (2, 1)


def test_an_entity_that_stands_twice_in_the_caption_is_not_respanned():
    twice = GroundTruth(
        keys_of([("10", 0, 0, "1"), ("10", 0, 5, "1"), *KEYS[1:]]), np.arange(6), boxes_of(5)
    )
    guesses = single_boxes(keys_of([("10", 0, 4, "1"), *KEYS[1:]]), boxes_of(4))
    with pytest.raises(InputError, match="a phrase that the ground truth does not have"):
        align(twice, guesses)


def test_a_phrase_that_has_its_row_takes_no_respanned_one(truth):
    guesses = single_boxes(keys_of([*KEYS, ("11", 0, 0, "7")]), boxes_of(5))
    with pytest.raises(InputError, match="record 5: found 11#0 word 0 entity 7"):
        align(truth, guesses)


def test_rows_without_keys_are_taken_in_order(truth):
    keys = PhraseKeys(truth.keys.image, phrase=truth.keys.phrase)
    aligned = align(truth, single_boxes(keys, boxes_of(4)))
    assert (aligned.rows.tolist(), aligned.respanned) == ([0, 1, 2, 3], 0)


@pytest.mark.parametrize(
    ("found", "expected"),
    [("one hand", "on one hand"), ("On One Hand !", "on one hand"), ("a two dogs", "two dogs")],
)
def test_row_order_admits_a_word_more_or_less(found, expected, truth):
    texts = [found if text == expected else text for text in TEXTS]
    keys = PhraseKeys(truth.keys.image, phrase=Strings.of(texts))
    assert align(truth, single_boxes(keys, boxes_of(4))).respanned == 1


@pytest.mark.parametrize(
    ("found", "expected"),
    [("a woman", "a man"), ("man", "a woman"), ("", "a man"), ("dogs two", "two dogs")],
)
def test_row_order_admits_no_other_phrase(found, expected, truth):
    wanted = GroundTruth(
        PhraseKeys(truth.keys.image, phrase=Strings.of([expected, *TEXTS[1:]])),
        truth.offsets,
        truth.boxes,
    )
    keys = PhraseKeys(truth.keys.image, phrase=Strings.of([found, *TEXTS[1:]]))
    with pytest.raises(InputError, match="not the ground truth's row of the same place \\(1\\)"):
        align(wanted, single_boxes(keys, boxes_of(4)))


@pytest.mark.parametrize("column", ["image", "sentence", "entity"])
def test_row_order_is_checked_by_every_column(column, truth):
    columns = {
        "image": truth.keys.image,
        "sentence": truth.keys.sentence,
        "entity": truth.keys.entity,
    }
    other = {"image": Strings.of(["11"] * 4), "sentence": np.full(4, 1)}
    columns[column] = other.get(column, Strings.of(["1"] * 4))
    with pytest.raises(InputError, match="not the ground truth's row of the same place"):
        align(truth, single_boxes(PhraseKeys(**columns), boxes_of(4)))


def test_row_order_needs_the_same_number_of_rows(truth):
    keys = PhraseKeys(Strings.of(["10"] * 3))
    with pytest.raises(InputError, match="found 3 rows, expected 4"):
        align(truth, single_boxes(keys, boxes_of(3)))


def test_fractions_become_pixels_of_their_image(truth):
    from phraseloc import BoxSpace

    space = BoxSpace("xyxy", "continuous", 0, "0-1")
    guesses = single_boxes(keys_of(KEYS), np.tile([[0, 0.25, 0.5, 1]], (4, 1)), space)
    assert align(truth, guesses).predictions.boxes.tolist() == [[0, 25, 50, 100]] * 4


@pytest.mark.parametrize(
    ("box", "fits"),
    [
        ([-25, -25, 125, 125], True),
        ([-26, 0, 50, 50], False),
        ([0, 0, 126, 50], False),
        ([0, 0, 50, 126], False),
        ([100, 0, 110, 50], False),
        ([-20, 0, -1, 50], False),
        ([99, 99, 120, 120], True),
    ],
)
def test_boxes_may_leave_the_image_by_a_quarter(box, fits, truth):
    boxes = boxes_of(4)
    boxes[2] = box
    guesses = single_boxes(keys_of(KEYS), boxes)
    if fits:
        assert align(truth, guesses).missing == 0
        return
    with pytest.raises(InputError, match="a box that leaves its image") as caught:
        align(truth, guesses)
    assert "record 3: found x " in str(caught.value)
    assert "in an image of 100 x 100" in str(caught.value)


def test_keys_of_many_values_do_not_run_over():
    count = 3_000
    rows = [(f"i{i}", 2**40 + i, 2**41 + i, f"e{i}") for i in range(count)]
    truth = GroundTruth(keys_of(rows), np.arange(count + 1), boxes_of(count))
    aligned = align(truth, single_boxes(keys_of(rows[::-1]), boxes_of(count)[::-1]))
    assert aligned.rows.tolist() == list(range(count))[::-1]
