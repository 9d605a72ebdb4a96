"""What a picture of a phrase shows: boxes, overlaps and captions; and what its file is called."""

from dataclasses import replace

import numpy as np
import pytest

from phraseloc import BoxSpace, PhraseKeys, Strings
from phraseloc.alignment import align
from phraseloc.outcomes import find_outcomes
from phraseloc.protocol import find_protocol
from phraseloc.report.pictures import pictures_of, stems


@pytest.fixture
def gathered(make_truth, make_predictions):
    """Make the pictures of phrases under a protocol: each phrase has one row of candidates."""
    space = BoxSpace("xyxy", "continuous", 0)

    def gather(boxes, *candidates, protocol="flickr30k", settings=None, phrase=None, **more):
        truth = make_truth(boxes, space=space, sizes=np.tile([200.0, 100.0], (len(boxes), 1)))
        keys = truth.keys
        if phrase is not None:
            keys = replace(keys, phrase=Strings.of(phrase))
        keys = replace(keys, **{k: more.pop(k) for k in ("first_word",) if k in more})
        truth = replace(truth, keys=keys, validated=False, **more)
        chosen = find_protocol(protocol).override(**(settings or {}))
        alignments = [align(truth, make_predictions(truth, c, space=space)) for c in candidates]
        outcomes = [find_outcomes(truth, a, chosen) for a in alignments]
        names = [f"m{n}.json" for n in range(len(candidates))]
        rows = np.arange(len(truth))
        return pictures_of(truth, alignments, outcomes, names, chosen, rows)

    return gather


def test_the_first_prediction_is_shown_with_its_overlap(gathered):
    [one, two] = gathered(
        [[(0, 0, 40, 40)], [(0, 0, 10, 10), (20, 0, 30, 10)]],
        [[(0, 0, 40, 10), (0, 0, 40, 40)], [(0, 0, 30, 9)]],
        [[(0, 0, 40, 30)], [(90, 0, 99, 9)]],
    )
    assert one.answers[0].box.tolist() == [0, 0, 40, 10]
    assert [a.verdict for a in one.answers] == ["IoU 0.25 ✗", "IoU 0.75 ✓"]
    # the union of both boxes is 30 x 10
    assert [a.verdict for a in two.answers] == ["IoU 0.90 ✓", "IoU 0.00 ✗"]
    assert two.boxes.tolist() == [[0, 0, 10, 10], [20, 0, 30, 10]]
    assert (one.size, one.union) == ((200, 100), True)


@pytest.mark.parametrize(
    ("width", "settings", "verdict"),
    [
        (49.8, {}, "IoU 0.498 ✗"),
        (49.8, {"threshold": 0.25}, "IoU 0.50 ✓"),
        (50, {}, "IoU 0.50 ✓"),
        (50, {"operator": ">"}, "IoU 0.50 ✗"),
        (50.02, {"operator": ">"}, "IoU 0.5002 ✓"),
        (30, {"overlap": "giou"}, "GIoU 0.30 ✗"),
        (30, {"unit": "entity"}, "entity's worst IoU 0.30 ✗"),
        (30, {"overlap": "point", "target": "any"}, "inside ✓"),
    ],
)
def test_verdicts_follow_the_protocol(width, settings, verdict, gathered):
    [found] = gathered([[(0, 0, 100, 40)]], [[(0, 0, width, 40)]], settings=settings)
    assert found.answers[0].verdict == verdict
    assert found.union is ("target" not in settings)
    assert found.answers[0].centre is (settings.get("overlap") == "point")


@pytest.mark.parametrize(
    ("settings", "verdict"), [({}, "no box ✗"), ({"missing": "skip"}, "no box")]
)
def test_verdicts_of_missing_predictions(settings, verdict, gathered):
    boxes = [[(0, 0, 10, 10)], [(0, 0, 10, 10)]]
    found = gathered(boxes, [[], [(0, 0, 10, 10)]], settings=settings)
    assert [p.answers[0].verdict for p in found] == [verdict, "IoU 1.00 ✓"]
    assert found[0].answers[0].box is None


def test_a_phrase_that_does_not_count_is_not_scored(gathered):
    found = gathered(
        [[(0, 0, 10, 10)], [(0, 0, 100, 100)]],
        [[(0, 0, 10, 10)], [(0, 0, 100, 100)]],
        settings={"min_area_share": 0.25},
    )
    assert [p.answers[0].verdict for p in found] == ["not scored", "IoU 1.00 ✓"]


def test_points_under_the_pointing_protocol(gathered):
    found = gathered(
        [[(0, 0, 40, 40)], [(0, 0, 40, 40)], [(0, 0, 40, 40)]],
        [[(20, 20)], [(90, 20)], []],
        protocol="pointing",
    )
    assert [p.answers[0].verdict for p in found] == ["inside ✓", "outside ✗", "no point ✗"]
    assert found[1].answers[0].points
    assert found[1].answers[0].box.tolist() == [90, 20, 90, 20]


@pytest.mark.parametrize(
    ("sentence", "first_word", "phrase", "caption"),
    [
        ("A man and a dog run .", 3, "a dog", ("A man and", "a dog", "run .")),
        ("A dog and a dog run .", 0, "a dog", ("", "A dog", "and a dog run .")),
        ("A dog and a dog run .", 3, "a dog", ("A dog and", "a dog", "run .")),
        ("On one hand a ring .", 0, "one hand", ("On", "one hand", "a ring .")),
        ("A dog and a dog run .", 1, "a dog", ("…", "a dog", "…")),
        ("A man runs .", 0, "a dog", ("…", "a dog", "…")),
        ("A man runs .", 9, "runs .", ("A man", "runs .", "")),
        (None, 0, "a  dog", ("…", "a dog", "…")),
    ],
)
def test_the_phrase_is_found_in_its_caption(sentence, first_word, phrase, caption, gathered):
    [found] = gathered(
        [[(0, 0, 10, 10)]],
        phrase=[phrase],
        first_word=np.array([first_word]),
        sentences=None if sentence is None else Strings.of([sentence]),
    )
    assert found.caption == caption


def test_a_phrase_without_text_is_called_by_its_key(gathered):
    [found] = gathered([[(0, 0, 10, 10)]])
    assert found.caption == ("image0#0 word 0 entity 0", "", "")
    [found] = gathered([[(0, 0, 10, 10)]], phrase=[""])
    assert found.caption == ("image0#0 word 0 entity 0", "", "")


def keys_of(*names):
    images, sentences, first, entities = zip(*names, strict=True)
    columns = np.array(sentences), np.array(first), Strings.of(entities)
    return PhraseKeys(Strings.of(images), *columns)


def test_files_are_named_by_their_keys():
    keys = keys_of(("10", 0, 3, "7"), ("a-b.c_D", 4, 12, "e.1"))
    assert stems(keys, np.arange(2)) == ["10-0-3-7", "a-b.c_D-4-12-e.1"]


def test_no_two_phrases_share_a_file_and_none_leaves_the_folder():
    names = [
        ("a-1", 2, 3, "4"),
        ("a", 1, 2, "3-4"),
        ("a/1", 2, 3, "4"),
        ("a\\1", 2, 3, "4"),
        ("A", 0, 0, "x"),
        ("a", 0, 0, "X"),
        ("../../etc", 0, 0, "/"),
        (".hidden", 0, 0, "-"),
        ("", 0, 0, ""),
        ("犬", 0, 0, "é"),
        ("猫", 0, 0, "é"),
        ("a\0b\nc d", 0, 0, '*?<>|:"'),
        ("y" * 400, 0, 0, "z" * 400),
        ("y" * 401, 0, 0, "z" * 400),
        ("z", 0, 0, "1"),
        ("z", 0, 0, "1~"),
    ]
    keys = keys_of(*names)
    found = stems(keys, np.arange(len(names)))
    assert len({stem.casefold() for stem in found}) == len(names)
    for stem in found:
        assert set(stem) <= set("ABCDXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~")
        assert stem[0] not in ".-~"
        assert len(stem) < 200
    alone = [stems(keys, np.array([row]))[0] for row in range(len(names))]
    clash = [row for row in range(len(names)) if alone[row] != found[row]]
    assert clash == [4, 5]  # these differ in case alone
    assert len(set(alone)) == len(names)


def test_files_of_keys_that_are_not_complete_have_the_row():
    keys = PhraseKeys(Strings.of(["a", "a", "b"]))
    assert stems(keys, np.array([0, 1, 2])) == ["a-row1", "a-row2", "b-row3"]
