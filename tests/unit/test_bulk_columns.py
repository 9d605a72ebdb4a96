"""Columns of streamed rows: keys however they are written, boxes, points, scores, and faults."""

import numpy as np
import pyarrow
import pytest

from phraseloc.bulk.columns import columns_of
from phraseloc.bulk.phrases import read_phrases
from phraseloc.errors import InputError, Problems
from phraseloc.space import BoxSpace
from tests.bulk_files import block_of

BOX = {"box": [1, 2, 3, 4]}
KEY = {"image": "10#3", "start": 7, "entity": "548"}


def keys(*records):
    block = block_of([{**BOX, **record} for record in records])
    return [*zip(block.image.tolist(), block.phrase.tolist(), strict=True)]


@pytest.mark.parametrize(
    "record",
    [
        {"image": "10", "sentence": 3, "start": 7, "entity": "548"},
        {"image": "10", "sentence": 3, "first_word": 7, "entity": "548"},
        {"image": "10#3", "first_word": 7, "entity": "548"},
        {"image": "10#3", "first_word": 7, "start": 9, "entity": "548"},
        {"image": "10#3", "start": 7, "entity": "548", "phraseId": 5},
    ],
)
def test_a_phrase_has_one_key_in_whichever_fields_it_stands(record):
    assert keys(record) == keys(KEY)


@pytest.mark.parametrize(
    "change", [{"image": "11#3"}, {"image": "10#4"}, {"start": 8}, {"entity": "549"}]
)
def test_every_part_of_a_key_counts(change):
    assert keys({**KEY, **change}) != keys(KEY)


def test_the_id_of_a_referring_expression_is_its_sentence():
    first = {"image": "10", "phraseId": 3, "entity": "548"}
    assert keys(first) == keys({"image": "10", "sentence": 3, "first_word": 0, "entity": "548"})
    assert keys(first) != keys({**first, "phraseId": 4})


def test_an_image_keeps_its_mark_where_rows_have_sentences():
    rows = [{"image": f"a#{n}", "sentence": 0, "start": 0, "entity": "1"} for n in (1, 2)]
    one, two = keys(*rows)
    assert one[0] != two[0]
    block = block_of([{**BOX, **row, "categories": []} for row in rows])
    phrases = read_phrases(block, BoxSpace(), Problems("t"))
    assert sorted(phrases.images[0]) == ["a#1", "a#2"]


def test_columns_of_nothing_are_as_absent():
    more = {"sentence": None, "first_word": None, "phraseId": None, "boxes": None, "point": None}
    assert keys({**KEY, **more, "scores": None}) == keys(KEY)


@pytest.mark.parametrize("absent", ["start", "entity", "image"])
def test_a_block_that_lacks_a_part_of_the_key_is_named(absent):
    record = {**KEY, **BOX, "phraseId": 1, absent: None}
    kind = f'"{absent}" is missing where other' if absent != "image" else 'without "image"'
    with pytest.raises(InputError, match=kind) as caught:
        block_of([record])
    assert str(caught.value).endswith("(1)\n  record 1")


def test_rows_that_lack_what_others_have_are_named():
    rows = [{**KEY, **BOX}, {**KEY, **BOX}, {**KEY, **BOX}]
    for name in ("start", "entity"):
        rows[2] = {**KEY, **BOX, name: None}
        with pytest.raises(InputError) as caught:
            block_of(rows)
        assert str(caught.value) == (
            f'mine.parquet: "{name}" is missing where other records have it (1)\n  record 3'
        )


def test_an_image_without_its_sentence_is_named():
    rows = [{**KEY, **BOX}, {**KEY, **BOX, "image": "12"}]
    with pytest.raises(InputError, match='without "#sentence"') as caught:
        block_of(rows, row_name="line")
    assert "  line 2: found '12'" in str(caught.value)


def test_numbers_below_zero_are_no_words():
    problems = Problems("p")
    block_of([{**KEY, **BOX}, {**KEY, **BOX, "start": -1}], problems)
    assert list(problems.lines()) == [
        '"start" is not a whole number from 0 (1)',
        "  record 2: found -1",
    ]


def test_a_box_and_boxes_may_stand_in_turns():
    rows = [
        {**KEY, "boxes": [[1, 1, 2, 2], [3, 3, 4, 4]]},
        {**KEY, "box": [5, 5, 6, 6]},
        {**KEY, "boxes": []},
        {**KEY, "box": [7, 7, 8, 8]},
        {**KEY, "box": [0, 0, 0, 0], "boxes": [[9, 9, 9, 9]]},
    ]
    block = block_of(rows)
    assert block.offsets.tolist() == [0, 2, 3, 3, 4, 5]
    assert block.boxes[:, 0].tolist() == [1, 3, 5, 7, 9]
    assert not block.single
    assert block_of(rows[1:2]).single


@pytest.mark.parametrize("names", [("box",), ("boxes",), ("box", "boxes"), ()])
def test_rows_without_any_box_are_named(names):
    full = {"box": [1, 1, 2, 2], "boxes": [[1, 1, 2, 2]]}
    rows = [{**KEY, **({name: full[name]} if name else {})} for name in (*names, None)]
    with pytest.raises(InputError) as caught:
        block_of(rows)
    assert str(caught.value) == (
        f'mine.parquet: a record with neither "box" nor "boxes" (1)\n  record {len(rows)}'
    )


@pytest.mark.parametrize(
    ("record", "kind", "found"),
    [
        ({"box": [1, 2, 3]}, '"box" is not 4 numbers', "[1.0, 2.0, 3.0]"),
        ({"box": [1, 2, None, 3]}, '"box" is not 4 numbers', "[1.0, 2.0, None, 3.0]"),
        (
            {"boxes": [[1, 2, 3, 4], [5]]},
            '"boxes" is not a list of boxes of 4 numbers',
            "[[1.0, 2.0, 3.0, 4.0], [5.0]]",
        ),
        (
            {"boxes": [[1, 2, 3, 4], None]},
            '"boxes" is not a list of boxes of 4 numbers',
            "[[1.0, 2.0, 3.0, 4.0], None]",
        ),
        ({"point": [1, 2, 3]}, '"point" is not 2 numbers', "[1.0, 2.0, 3.0]"),
        (
            {"boxes": [[1, 2, 3, 4]], "scores": []},
            '"scores" are not one a box',
            "0 scores, 1 boxes",
        ),
        ({"boxes": [[1, 2, 3, 4]], "scores": None}, '"scores" are not one a box', "0 scores"),
    ],
)
def test_boxes_that_are_none_are_named(record, kind, found):
    name = next(iter(record))
    good = {"box": [1, 2, 3, 4], "boxes": [[1, 2, 3, 4]], "point": [1, 2]}[name]
    sound = {**KEY, name: good} | ({"scores": [0.5]} if "scores" in record else {})
    with pytest.raises(InputError) as caught:
        block_of([sound, {**KEY, **record}, sound])
    assert str(caught.value).startswith(f"mine.parquet: {kind} (1)\n  record 2: found {found}")


def test_a_wrong_box_among_boxes_is_named_by_its_row():
    rows = [{**KEY, "boxes": [[1, 2, 3, 4]]}, {**KEY, "box": [1, 2]}, {**KEY, "box": [1, 2, 3, 4]}]
    with pytest.raises(InputError, match=r"record 2: found \[1.0, 2.0\]"):
        block_of(rows)


def test_a_row_without_point_among_points_is_named():
    rows = [{**KEY, "point": [1, 2]}, {**KEY, "box": [1, 2, 3, 4]}]
    with pytest.raises(InputError, match='without "point" among points') as caught:
        block_of(rows)
    assert str(caught.value).endswith("record 2")


def test_points_are_boxes_without_size():
    block = block_of([{**KEY, "point": [3, 4]}])
    assert block.points
    assert block.boxes.tolist() == [[3, 4, 3, 4]]


def test_numbers_that_are_no_coordinates_are_named():
    problems = Problems("p")
    rows = [{**KEY, "boxes": [[1, 1, 1, 1], [1, value, 1, 1]]} for value in (np.inf, -2e15, 3)]
    rows[2]["scores"] = [0.1, np.nan]
    for row in rows[:2]:
        row["scores"] = [0, 0]
    block_of(rows, problems)
    assert list(problems.lines()) == [
        "a score that is not finite (1)",
        "  record 3: found [0.1, nan]",
        "a box with a number that is not finite, or beyond 1e+15 (2)",
        "  record 1: found [1.0, inf, 1.0, 1.0]",
        "  record 2: found [1.0, -2000000000000000.0, 1.0, 1.0]",
    ]


def test_rows_of_several_shards_are_named_with_their_file():
    block = block_of([{**KEY, **BOX}] * 4, files=("a.parquet", "b.parquet"))
    assert [block.where(row) for row in range(4)] == [
        *("a.parquet record 1", "b.parquet record 1", "a.parquet record 2", "b.parquet record 2")
    ]
    assert block.part(2, 4).where(1) == "b.parquet record 2"


def test_a_part_has_the_rows_and_their_boxes():
    rows = [{**KEY, "start": n, "boxes": [[n, 1, 1, 1]] * n, "scores": [n] * n} for n in range(5)]
    block = block_of(rows)
    part = block.part(2, 4)
    assert part.boxes[:, 0].tolist() == [2, 2, 3, 3, 3]
    assert part.offsets.tolist() == [0, 2, 5]
    assert part.scores.tolist() == [2, 2, 3, 3, 3]
    assert part.describe(1) == "10#3 word 3 entity 548"
    assert part.part(1, 2).describe(0) == "10#3 word 3 entity 548"
    assert part.phrase.tolist() == block.phrase[2:4].tolist()
    nothing = block.without_rows()
    assert (len(nothing), nothing.scores, nothing.boxes.shape) == (0, None, (0, 4))


def test_slices_of_arrow_columns_have_their_own_rows():
    """A reader cuts the header line off: offsets of texts and lists then begin within the data."""
    rows = [
        {**KEY, "image": f"{n}#0", "boxes": [[n] * 4] * n, "categories": ["x"] * n}
        for n in range(6)
    ]
    whole = block_of(rows)
    part = columns_of(whole.table.slice(2, 3), whole.origin.take(slice(2, 5)), Problems("p"))
    for name in ("image", "phrase", "boxes"):
        assert getattr(part, name).tolist() == getattr(whole.part(2, 5), name).tolist()
    assert isinstance(part.table, pyarrow.RecordBatch)
    assert part.describe(0) == "2#0 word 7 entity 548"


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"start": 7, "first_word": None}, "10#3 word 7 entity 548"),
        ({"start": 9, "first_word": 7, "sentence": None}, "10#3 word 7 entity 548"),
        ({"image": "10", "sentence": 3}, "10#3 word 7 entity 548"),
        ({"image": "10", "phraseId": 3, "start": None}, "10#3 word 0 entity 548"),
        ({"phraseId": 5}, "10#3 word 7 entity 548"),
    ],
)
def test_a_phrase_is_named_by_the_fields_that_it_has(record, name):
    assert block_of([{**KEY, **BOX, **record}]).describe(0) == name


def test_boxes_beyond_any_image_do_not_spoil_what_else_is_told():
    """A small file's reader puts ones in their place, too."""
    block = block_of([{**KEY, "box": [1, np.nan, 3, 4]}, {**KEY, **BOX}], Problems("p"))
    assert block.boxes.tolist() == [[1, 1, 1, 1], [1, 2, 3, 4]]
