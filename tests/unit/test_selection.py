"""Which phrases are shown: by outcome, by lot and by name."""

from dataclasses import replace

import numpy as np
import pytest

from phraseloc import GroundTruth, OptionError, PhraseKeys, Strings
from phraseloc.outcomes import Outcomes
from phraseloc.selection import LIMIT, select


def ground_truth(count):
    """Phrases of images of five, in captions of two or one: entities 0 to 4 of each."""
    row = np.arange(count)
    keys = PhraseKeys(
        Strings.of([f"im{i // 5}" for i in range(count)]),
        row % 5 // 2,
        row % 2 * 3,
        Strings.of([str(i % 5) for i in range(count)]),
    )
    return GroundTruth(keys, np.arange(count + 1), np.tile([0.0, 0, 9, 9], (count, 1)))


def outcomes(right, phrase=None):
    right = np.array(right, bool)
    phrase = np.arange(len(right)) if phrase is None else np.array(phrase)
    return Outcomes(phrase, phrase, right[:, None].astype(float), right)


def chosen(truth, found, *choices, **options):
    return select(truth, found, choices, **options).phrases.tolist()


def test_wrong_is_what_the_first_method_has_wrong():
    truth = ground_truth(6)
    methods = [outcomes([1, 0, 1, 1, 0, 1]), outcomes([0, 0, 1, 1, 1, 1])]
    assert chosen(truth, methods, "wrong") == [1, 4]
    assert chosen(truth, methods[::-1], "wrong") == [0, 1]


def test_flipped_is_what_any_two_methods_disagree_on():
    truth = ground_truth(5)
    methods = [outcomes([1, 0, 1, 0, 1]), outcomes([1, 0, 0, 0, 1]), outcomes([1, 0, 0, 1, 1])]
    assert chosen(truth, methods, "flipped") == [2, 3]
    assert chosen(truth, methods[:2], "flipped") == [2]
    assert chosen(truth, [methods[0], methods[0]], "flipped") == []
    with pytest.raises(OptionError, match="flipped needs two or more prediction files"):
        select(truth, methods[:1], ["flipped"])


def test_outcomes_of_fewer_phrases_in_another_order():
    truth = ground_truth(6)
    one, two = outcomes([0, 1, 0], [4, 2, 1]), outcomes([1, 0], [1, 3])
    assert chosen(truth, [one, two], "wrong") == [1, 4]
    assert chosen(truth, [one, two], "flipped") == [1]
    assert chosen(truth, [one, two], "random") == [1, 2, 3, 4]


def test_random_does_not_depend_on_the_order_of_methods_or_rows():
    truth = ground_truth(300)
    one, two = outcomes(np.arange(300) % 2), outcomes(np.arange(300) % 3 == 0)
    found = chosen(truth, [one, two], "random")
    assert len(found) == LIMIT
    assert found == sorted(set(found))
    assert chosen(truth, [two, one], "random") == found
    order = np.random.default_rng(3).permutation(300)
    shuffled = truth.take(order)
    again = chosen(shuffled, [outcomes(np.ones(300))], "random")
    assert again == sorted(again)
    assert sorted(order[again].tolist()) == found
    assert chosen(truth, [one], "random", seed=1) != found


def test_a_lot_does_not_depend_on_the_other_phrases():
    truth = ground_truth(300)
    ten, forty = (chosen(truth, [outcomes(np.zeros(300))], "wrong", limit=n) for n in (10, 40))
    assert set(ten) < set(forty)
    right = np.ones(300, bool)
    right[forty] = False
    assert chosen(truth, [outcomes(right)], "wrong", limit=10) == ten


def test_the_limit_draws_lots_from_all_and_tells_how_many_there_were():
    truth = ground_truth(1000)
    selection = select(truth, [outcomes(np.arange(1000) < 500)], ["wrong"], limit=50)
    rows = selection.phrases
    assert selection.found == 500
    assert len(rows) == 50
    assert rows.min() >= 500
    assert (np.diff(rows) > 0).all()
    # a fair draw: each fifth of the rows has about ten
    assert all(3 <= count <= 20 for count in np.bincount((rows - 500) // 100, minlength=5))
    whole = select(truth, [outcomes(np.arange(1000) < 500)], ["wrong"], limit=500)
    assert whole.phrases.tolist() == list(range(500, 1000))


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("im1", [5, 6, 7, 8, 9]),
        ("im1#0", [5, 6]),
        ("im1#2", [9]),
        ("im1#1:3", [8]),
        ("im0#0:0", [0]),
    ],
)
def test_ids_name_an_image_a_caption_or_a_phrase(name, rows):
    truth = ground_truth(12)
    assert chosen(truth, [outcomes(np.ones(12))], name) == rows


def test_choices_add_up():
    truth = ground_truth(12)
    methods = [outcomes(np.arange(12) != 3), outcomes(np.arange(12) != 4)]
    assert chosen(truth, methods, "im2", "wrong", "wrong", "im0#0") == [0, 1, 3, 10, 11]
    assert chosen(truth, methods, "flipped", "im0#0:1") == [1, 3, 4]


def test_the_default_limit_spares_ids_and_a_given_one_takes_them_first():
    truth = ground_truth(300)
    ids = [f"im{n}" for n in range(0, 60, 2)]
    named = [row for row in range(300) if row // 5 % 2 == 0]
    methods = [outcomes(np.zeros(300))]
    assert chosen(truth, methods, *ids) == named
    both = select(truth, methods, [*ids, "wrong"])
    assert both.found == 300
    assert len(both.phrases) == 150 + LIMIT
    assert set(named) <= set(both.phrases.tolist())
    few = chosen(truth, methods, "wrong", *ids, limit=30)
    assert len(few) == 30
    assert set(few) <= set(named)


def test_a_phrase_that_was_not_scored_can_be_named_but_not_drawn():
    truth = ground_truth(5)
    methods = [outcomes([0], [2])]
    assert chosen(truth, methods, "random") == [2]
    assert chosen(truth, methods, "im0") == [0, 1, 2, 3, 4]


def test_ids_with_marks_in_them_name_what_they_are():
    keys = PhraseKeys(
        Strings.of(["a", "a#0", "a#0:1", "wrong", "b:1"]),
        np.zeros(5, np.int64),
        np.arange(5),
        Strings.of(["1", "1", "1", "1", "1"]),
    )
    truth = GroundTruth(keys, np.arange(6), np.tile([0.0, 0, 9, 9], (5, 1)))
    methods = [outcomes([1, 0, 1, 1, 1])]
    assert chosen(truth, methods, "a") == [0]
    assert chosen(truth, methods, "a#0") == [0, 1]
    assert chosen(truth, methods, "a#0:1") == [0, 2]
    assert chosen(truth, methods, "wrong") == [1]
    assert chosen(truth, methods, "wrong#0") == [3]
    assert chosen(truth, methods, "b:1#0:1") == [4]


def test_keys_that_are_not_complete():
    truth = ground_truth(50)
    bare = replace(truth, keys=PhraseKeys(truth.keys.image))
    methods = [outcomes(np.zeros(50))]
    assert chosen(bare, methods, "im3") == [15, 16, 17, 18, 19]
    assert len(chosen(bare, methods, "random", limit=7)) == 7
    known = replace(truth, keys=PhraseKeys(truth.keys.image, entity=truth.keys.entity))
    assert chosen(known, methods, "im3:2") == [17]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("im1x", "im1"),
        ("wrnog", "wrong"),
        ("im1#7", "im1#2"),
        ("im1#1:8", "im1#1:3"),
        ("in2#0:0", "im2"),
    ],
)
def test_an_unknown_id_is_refused_with_the_nearest(name, nearest):
    truth = ground_truth(15)
    with pytest.raises(OptionError) as error:
        select(truth, [outcomes(np.ones(15))], [name])
    text = str(error.value)
    assert text.startswith("expected wrong, flipped, random, image, image#sentence or image#")
    assert text.endswith(f"found no phrase of {name!r}, nearest {nearest!r}")


def test_all_unknown_ids_are_told_at_once():
    truth = ground_truth(5)
    with pytest.raises(OptionError) as error:
        select(truth, [outcomes(np.ones(5))], ["im0", *(f"x{n}" for n in range(13))])
    text = str(error.value)
    assert "'x0', nearest" in text
    assert "'x9', nearest" in text
    assert "'x10'" not in text
    assert text.endswith("; and 3 more")
