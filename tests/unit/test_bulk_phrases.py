"""Blocks of the ground truth: sizes of images, categories, and whose phrases they are."""

from itertools import pairwise
from zlib import crc32

import numpy as np
import pytest

from phraseloc.bulk import phrases as module
from phraseloc.bulk.phrases import read_phrases
from phraseloc.errors import InputError, Problems
from phraseloc.outcomes import Outcomes
from phraseloc.space import BoxSpace
from phraseloc.statistics import UNITS, unit_of
from tests.bulk_files import block_of

ROW = {"image": "10#0", "start": 0, "entity": "1", "box": [1, 1, 5, 5]}


def read(*changes, name="truth.parquet"):
    block = block_of([{**ROW, **change} for change in changes], files=(name,))
    problems = Problems(name)
    return read_phrases(block, BoxSpace(), problems), problems


def refused(*changes):
    with pytest.raises(InputError) as caught:
        read(*changes)
    return str(caught.value)


def sized(image, width, height, **more):
    return {"image": f"{image}#0", "width": width, "height": height, **more}


def test_an_image_has_the_size_that_any_of_its_rows_has():
    found, _ = read(sized(1, None, None), sized(2, 30, 40), sized(1, 10, 20), sized(3, None, None))
    sizes = found.truth.sizes[found.truth.keys.image.codes]
    assert sizes.tolist()[:3] == [[10, 20], [30, 40], [10, 20]]
    assert np.isnan(sizes[3]).all()


def test_two_sizes_of_an_image_are_named():
    told = refused(sized(1, 10, 20), sized(2, 1, 1), sized(1, 10, 21))
    kind = "truth.parquet: two sizes of one image (1)"
    assert told == f"{kind}\n  record 3: found 10 21, and 10 20 before"


@pytest.mark.parametrize("size", [(0, 5), (-1, 5), (5, 1e16), (np.inf, 5), (5, None), (None, 5)])
def test_sizes_that_are_none_are_named(size):
    told = refused(sized(1, 10, 20), sized(2, *size))
    assert told.startswith('truth.parquet: "width" and "height" that are no size (1)\n  record 2:')


def test_a_file_without_sizes_has_none():
    assert read({})[0].truth.sizes is None


def test_a_width_alone_is_no_size():
    assert "that are no size" in refused({"width": 10})


def test_categories_are_those_of_each_row():
    kinds = [["a", "b"], [], ["b"], None, ["a", "a"]]
    found, _ = read(*({"categories": names, "start": n} for n, names in enumerate(kinds)))
    truth = found.truth
    names = [truth.categories[code] for code in truth.category_codes.tolist()]
    bounds = truth.category_offsets.tolist()
    assert [names[a:b] for a, b in pairwise(bounds)] == [k or [] for k in kinds]


def test_a_category_that_is_none_is_named():
    told = refused({"categories": ["a"]}, {"categories": ["a", None, None]})
    kind = '"categories" is not a list of strings (1)'
    assert told == f"truth.parquet: {kind}\n  record 2: found ['a', None, None]"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"box": None, "point": [1, 1]}, '"point" in ground truth; is this a prediction file?'),
        ({"scores": [1]}, '"scores" in ground truth; is this a prediction file?'),
        ({"box": None, "boxes": []}, "a phrase of the ground truth without a box"),
        ({"box": [1, 1, 0, 5]}, "a box whose width or height is zero or negative"),
    ],
)
def test_rows_that_are_no_ground_truth_are_named(change, kind):
    assert kind in refused(change)


def test_phrases_are_counted_by_image_group_and_category():
    rows = [(1, ["a"]), (2, ["b", "a"]), (1, []), (3, ["a"]), (2, [])]
    found, _ = read(*({"image": f"{i}#0", "categories": kinds} for i, kinds in rows))
    phrase = np.array([0, 1, 2, 4])
    right = np.array([True, False, True, True])
    tally = found.counts(Outcomes(phrase, phrase, np.ones((4, 1)), right))
    images, counts, names = tally.resampled()
    assert (list(images), names) == (["1", "2", "3"], ("a", "b"))
    assert counts.tolist() == [
        [[2, 2], [2, 1], [0, 0]],
        [[1, 1], [1, 0], [0, 0]],
        [[0, 0], [1, 0], [0, 0]],
    ]
    by_group = np.zeros((UNITS, 2), int)
    for image, total in zip(images, counts[0], strict=True):
        by_group[unit_of(image)] += total
    assert tally.units[0].tolist() == by_group.tolist()


def test_of_more_images_than_groups_the_ids_are_not_kept(monkeypatch):
    monkeypatch.setattr(module, "UNITS", 3)
    found, _ = read(*({"image": f"{n}#0"} for n in range(4)))
    assert found.images is None
    assert found.units.tolist() == [crc32(str(n).encode()) % 3 for n in range(4)]
    tally = found.counts(Outcomes(*[np.arange(4)] * 2, np.ones((4, 1)), np.ones(4, bool)))
    assert tally.images is None
    assert tally.units.sum() == 8


def test_a_block_without_rows_counts_nothing():
    block = block_of([ROW]).without_rows()
    found = read_phrases(block, BoxSpace(), Problems("t"))
    nothing = np.zeros(0, np.int64)
    tally = found.counts(Outcomes(nothing, nothing, np.zeros((0, 1)), np.zeros(0, bool)))
    assert tally.units.sum() == 0
    assert tally.images == ()
