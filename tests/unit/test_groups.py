"""Groups of phrases, each by hand; what is counted in them."""

import numpy as np
import pytest

from phraseloc import BoxSpace, GroundTruth, PhraseKeys, Proposals, Strings, WordPolicy, WordVectors
from phraseloc.columns import offsets_of
from phraseloc.groups import Grouping, groupings, head_noun

EDGES = BoxSpace("xyxy", "continuous", 0)
SQUARE = (0, 0, 10, 10)


def truth_of(count=None, *, texts=None, boxes=None, images=None, categories=()):
    """Make phrases of an image each, of which all but what matters is alike."""
    known = (len(column) for column in (texts, boxes, images, categories) if column)
    count = count or next(known)
    boxes = boxes or [[SQUARE]] * count
    kinds = Strings.of([name for names in categories for name in names])
    return GroundTruth(
        PhraseKeys(
            Strings.of(images or [str(n) for n in range(count)]),
            phrase=None if texts is None else Strings.of(texts),
        ),
        offsets_of([len(found) for found in boxes]),
        np.array([box for found in boxes for box in found], np.float64),
        categories=kinds.values,
        category_offsets=offsets_of([len(names) for names in categories or [()] * count]),
        category_codes=kinds.codes,
        space=EDGES,
    )


def objects_of(counts):
    """Make proposals of so many objects of each image."""
    number = sum(counts.values())
    return Proposals(
        list(counts),
        offsets_of(list(counts.values())),
        np.tile(np.array(SQUARE, np.float64), (number, 1)),
        Strings.of(["thing"] * number),
    )


def groups_of(truth, title, *more, phrase=None):
    """Give each phrase's groups by name, and the names."""
    rows = np.arange(len(truth)) if phrase is None else np.array(phrase)
    found = {group.title: group for group in groupings(truth, rows, *more)}[title]
    spans = zip(found.offsets[:-1].tolist(), found.offsets[1:].tolist(), strict=True)
    return [[found.names[c] for c in found.codes[low:high]] for low, high in spans], found.names


def single(truth, title, *more, **options):
    """Give each phrase's only group."""
    return [name for [name] in groups_of(truth, title, *more, **options)[0]]


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("a man", "man"),
        ("Two young guys", "guys"),
        ("a man in a red shirt", "man"),
        ("A group of people", "group"),
        ("the bench 's legs", "legs"),
        ("a man's hat", "hat"),
        ("the street corner near a shop", "corner"),
        ("a girl wearing a hat", "girl"),
        ("people", "people"),
        ("a t-shirt", "t-shirt"),
        ("a large , black dog", "dog"),
        ("the dog !", "dog"),
        ("Men that play", "men"),
        ("a sitting man", "man"),
        ("A standing crowd of people", "crowd"),
        ("standing people in a park", "people"),
        ("over 20 people", "people"),
        ("of", "of"),
        ("the", "the"),
        ("", ""),
        (" ... ", ""),
    ],
)
def test_the_head_of_a_phrase(text, head):
    assert head_noun(text) == head


def test_head_nouns_are_grouped_by_how_often_they_are_used():
    texts = ["a dog", "", "the red dog", "a cat", "An ant", "the cat with a dog", "dog", "..."]
    found, names = groups_of(truth_of(texts=texts), "head noun")
    assert names == ["dog", "cat", "ant", "(others)"]
    assert [name for [name] in found] == [
        *("dog", "(others)", "dog", "cat", "ant", "cat", "dog", "(others)")
    ]


def test_only_twenty_head_nouns_have_a_group():
    """22 heads, of which those in front are used twice: of the others, names decide."""
    heads = [f"n{number:02}" for number in range(22)]
    texts = [*heads[::-1], *heads[20:]]
    found, names = groups_of(truth_of(texts=texts), "head noun")
    assert names == ["n20", "n21", *heads[:18], "(others)"]
    assert [name for [name] in found].count("(others)") == 2


def test_head_nouns_are_counted_among_the_phrases_that_are_scored():
    truth = truth_of(texts=["a dog", "a dog", "a cat"])
    found, names = groups_of(truth, "head noun", phrase=[2])
    assert (found, names) == ([["cat"]], ["cat", "(others)"])


def test_words_of_a_phrase():
    texts = ["people", "a man", "a b c", "a b c d", "a b c d e", "a b c d e f g", "", " two  men "]
    assert single(truth_of(texts=texts), "words of the phrase") == [
        *("1", "2", "3", "4", "5 and more", "5 and more", "1", "2")
    ]


def test_sizes_begin_at_their_bounds():
    boxes = [
        [(0, 0, 32, 32)],
        [(0, 0, 32, 31.5)],
        [(0, 0, 96, 96)],
        [(0, 0, 96, 95.5)],
        [(0, 0, 1, 1), (30, 30, 32, 32)],
    ]
    truth = truth_of(boxes=boxes)
    assert single(truth, "size of the union box") == [
        "medium",
        "small",
        "large",
        "medium",
        "medium",
    ]
    assert single(truth, "boxes of the entity") == ["one", "one", "one", "one", "several"]


def test_objects_of_an_image():
    counts = [0, 1, 9, 10, 19, 20, 49, 50, 99, 100, 250]
    images = [f"image{count}" for count in counts]
    truth = truth_of(images=[*images, "not there"])
    objects = objects_of(dict(zip(images, counts, strict=True)))
    assert single(truth, "objects of the image", objects) == [
        *("0", "1 to 9", "1 to 9", "10 to 19", "10 to 19", "20 to 49", "20 to 49"),
        *("50 to 99", "50 to 99", "100 and more", "100 and more", "0"),
    ]


def vectors_of(*words):
    return WordVectors(words, np.ones((len(words), 2), np.float32))


TEXTS = ["a red dog", "The DOG", "zebra", "...", "", "a dog-house", "a cat's"]


@pytest.mark.parametrize(
    ("words", "policy", "expected"),
    [
        (["a", "dog", "the"], WordPolicy(), "some all none none none some some"),
        (["a", "dog", "house", "cat"], WordPolicy(), "some some none none none all all"),
        (["a", "dog", "house"], WordPolicy(hyphens="keep"), "some some none none none some some"),
        (["dog", "the"], WordPolicy(case="keep"), "some none none none none some none"),
    ],
)
def test_words_with_a_vector(words, policy, expected):
    found = single(truth_of(texts=TEXTS), "words with a vector", None, vectors_of(*words), policy)
    assert found == expected.split()


def test_a_phrase_of_several_categories_is_in_each():
    truth = truth_of(categories=[["people"], ["animals", "other"], [], ["other"]])
    found, _ = groups_of(truth, "category")
    assert found == [["people"], ["animals", "other"], [], ["other"]]
    [group] = [g for g in groupings(truth, np.arange(4)) if g.title == "category"]
    counts = group.count(np.array([0, 1, 1, 1]), 2)
    assert dict(zip(group.names, counts.tolist(), strict=True)) == {
        "people": [1, 0],
        "animals": [0, 1],
        "other": [0, 2],
    }


def test_rows_without_a_class_count_nowhere():
    group = Grouping("size", ["small", "large"], np.arange(5), np.array([0, 1, 1, 0]))
    assert group.count(np.array([2, -1, 2, 0]), 3).tolist() == [[1, 0, 1], [0, 0, 1]]


def test_groups_follow_the_rows_that_are_asked_for():
    truth = truth_of(texts=["a man", "people"], boxes=[[SQUARE], [(0, 0, 99, 99)]])
    asked = {"phrase": [1, 0, 1]}
    assert single(truth, "words of the phrase", **asked) == ["1", "2", "1"]
    assert single(truth, "size of the union box", **asked) == ["large", "small", "large"]


def test_what_the_data_lack_makes_no_group():
    bare = ["size of the union box", "boxes of the entity"]
    assert [group.title for group in groupings(truth_of(2), np.arange(2))] == bare
    more = objects_of({"0": 1}), vectors_of("dog")
    titles = [group.title for group in groupings(truth_of(2), np.arange(2), *more)]
    assert titles == [*bare, "objects of the image"]
