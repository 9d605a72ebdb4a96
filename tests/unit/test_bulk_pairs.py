"""Pairing: rows that stand in one order, rows found by key, and buckets of images on disk."""

import itertools
from dataclasses import replace
from functools import reduce
from itertools import pairwise

import numpy as np
import pytest

from phraseloc.bulk import buckets
from phraseloc.bulk import pairs as pairing
from phraseloc.bulk.buckets import bucket_count, divide, read_bucket, scratch_folder
from phraseloc.bulk.pairs import NotInOrder, by_key, check_unique, in_order
from phraseloc.bulk.reading import read_blocks
from phraseloc.bulk.shards import find_shards
from phraseloc.bulk.tables import open_table
from phraseloc.errors import InputError, Problems
from tests.bulk_files import block_of, limited_files, write_records


def rows_of(count, images=7):
    return [
        {"image": f"{n % images}#0", "start": n, "entity": str(n % 3), "box": [n, 1, 2, 2]}
        for n in range(count)
    ]


def cut(block, ends):
    cuts = pairwise([0, *ends, len(block)])
    return iter([block.part(low, high) for low, high in cuts])


def starts_of(block):
    return block.boxes[:, 0].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_blocks_of_any_sizes_are_paired_row_by_row(seed):
    random = np.random.default_rng(seed)
    rows = rows_of(40)
    sides = []
    for _ in range(3):
        ends = np.sort(random.integers(0, 41, size=random.integers(8))).tolist()
        sides.append(cut(block_of(rows), ends))
    seen = [[], [], []]
    for pairs in in_order(sides[0], sides[1:]):
        assert [pair.truth for pair in pairs] == [pairs[0].truth] * 2
        for place, block in enumerate((pairs[0].truth, *(pair.predictions for pair in pairs))):
            seen[place] += starts_of(block)
            assert len(block) == len(pairs[0].truth)
        for pair in pairs:
            assert pair.rows.tolist() == list(range(len(pair.truth)))
    assert seen == [list(range(40))] * 3


def test_a_row_without_boxes_is_no_prediction():
    rows = rows_of(3)
    guesses = [{**row, "boxes": [row["box"]] * n, "box": None} for n, row in enumerate(rows)]
    [[pair]] = in_order(iter([block_of(rows)]), [iter([block_of(guesses)])])
    assert pair.rows.tolist() == [-1, 1, 2]


@pytest.mark.parametrize("change", ["longer", "swapped", "image", "entity", "twice"])
def test_rows_in_another_order_are_not_paired(change):
    rows = rows_of(6)
    other = {
        "twice": [*rows[:5], rows[4]],
        "longer": [*rows, {**rows[0], "start": 99}],
        "swapped": [*rows[:4], rows[5], rows[4]],
        "image": [*rows[:5], {**rows[5], "image": "99#0"}],
        "entity": [*rows[:5], {**rows[5], "entity": "99"}],
    }[change]
    with pytest.raises(NotInOrder):
        list(in_order(cut(block_of(rows), [4]), [cut(block_of(other), [3])]))


@pytest.mark.parametrize("few", [1, 2, 10])
@pytest.mark.parametrize("seed", range(6))
def test_phrases_may_be_left_out(seed, few, monkeypatch):
    monkeypatch.setattr(pairing, "_FEW", few)
    random = np.random.default_rng(seed)
    rows = rows_of(60)
    methods = [rows, *([row for row in rows if random.random() < share] for share in (0.9, 0.2, 0))]
    sides = []
    for kept in methods:
        ends = np.sort(random.integers(0, len(kept) + 1, size=random.integers(6))).tolist()
        sides.append(cut(block_of(kept or rows[:1]).part(0, len(kept)), ends))
    seen = [[] for _ in methods]
    for pairs in in_order(sides[0], sides[1:]):
        seen[0] += starts_of(pairs[0].truth)
        for place, pair in enumerate(pairs, start=1):
            assert pair.truth is pairs[0].truth
            for phrase, row in enumerate(pair.rows.tolist()):
                if row >= 0:
                    assert pair.predictions.boxes[row, 0] == pair.truth.boxes[phrase, 0]
                    assert pair.predictions.describe(row) == pair.truth.describe(phrase)
                    seen[place].append(pair.predictions.boxes[row, 0])
            assert len(pair.predictions) == np.count_nonzero(pair.rows >= 0)
    assert seen == [[row["start"] for row in kept] for kept in methods]


def test_a_row_that_does_not_come_is_not_waited_for_to_the_end(monkeypatch):
    monkeypatch.setattr(pairing, "_FAR", 8)
    rows = rows_of(30)
    taken = []

    def truth():
        for block in cut(block_of(rows), range(2, 30, 2)):
            taken.append(len(block))
            yield block

    with pytest.raises(NotInOrder):
        list(in_order(truth(), [iter([block_of([*rows[:4], *rows[20:]])])]))
    assert sum(taken) == 14


def test_boxes_of_two_kinds_are_left_to_whole_buckets():
    rows = rows_of(6)
    scored = [{**row, "boxes": [row["box"]], "box": None, "scores": [1.0]} for row in rows]
    blocks = iter([block_of(rows[:3]), block_of(scored[3:])])
    with pytest.raises(NotInOrder):
        list(in_order(cut(block_of(rows), [2]), [blocks]))


def test_rows_are_found_by_key():
    truth = rows_of(8)
    order = [5, 2, 7, 0, 2]
    problems = Problems("p")
    pair = by_key(block_of(truth), block_of([truth[i] for i in order]), "error", problems)
    assert pair.rows.tolist() == [3, -1, 1, -1, -1, 0, -1, 2]
    assert (pair.duplicate, pair.extra) == (1, 0)
    assert not problems


def test_the_same_phrase_of_another_image_is_another():
    truth = [{**rows_of(1)[0], "image": f"{n}#0"} for n in range(3)]
    pair = by_key(block_of(truth), block_of(truth[2:]), "error", Problems("p"))
    assert pair.rows.tolist() == [-1, -1, 0]


def test_keys_that_are_alike_when_joined_are_told_apart():
    block = block_of(rows_of(4, images=4))
    image = np.array([1, 2, 3, 9], np.uint64)
    phrase = np.array([7, 7, 7, 7], np.uint64) - (image - image[0]) * pairing._MIXER
    truth = replace(block, image=image, phrase=phrase)
    order = [2, 0, 1]
    guesses = replace(block.part(0, 3), image=image[order], phrase=phrase[order])
    problems = Problems("p")
    assert by_key(truth, guesses, "error", problems).rows.tolist() == [1, 2, 0, -1]
    check_unique(truth, problems)
    assert not problems
    assert by_key(guesses, truth, "count", problems).rows.tolist() == [2, 0, 1]


def test_rows_of_no_phrase_are_named_or_counted():
    truth = rows_of(4)
    extra = [{**truth[0], "entity": "9"}, {**truth[1], "image": "9#0"}]
    guesses = block_of([*truth, *extra])
    problems = Problems("p")
    assert by_key(block_of(truth), guesses, "error", problems).extra == 2
    hint = "that the ground truth does not have; extra rows are left out and counted on request"
    assert list(problems.lines()) == [
        f"an image {hint} (--extra count) (1)",
        "  record 6: found 9#0 word 1 entity 1",
        f"a phrase {hint} (--extra count) (1)",
        "  record 5: found 0#0 word 0 entity 9",
    ]
    quiet = Problems("p")
    assert by_key(block_of(truth), guesses, "count", quiet).extra == 2
    assert not quiet


def test_two_different_predictions_are_named():
    truth = rows_of(4)
    guesses = [*truth, {**truth[2], "box": [9, 9, 9, 9]}, truth[1]]
    problems = Problems("p")
    assert by_key(block_of(truth), block_of(guesses), "error", problems).duplicate == 2
    assert list(problems.lines()) == [
        "a phrase with two different predictions (1)",
        "  record 5: 2#0 word 2 entity 2, first in record 3",
    ]


def test_ranked_boxes_are_equal_in_the_order_of_their_scores():
    truth = rows_of(1)
    first = {**truth[0], "box": None, "boxes": [[1, 1, 1, 1], [2, 2, 2, 2]], "scores": [1, 2]}
    again = {**first, "boxes": first["boxes"][::-1], "scores": [2, 1]}
    other = {**first, "boxes": first["boxes"][::-1]}
    problems = Problems("p")
    by_key(block_of(truth), block_of([first, again]), "error", problems)
    assert not problems
    by_key(block_of(truth), block_of([first, other]), "error", problems)
    assert problems


@pytest.mark.parametrize("empty", ["truth", "predictions"])
def test_a_side_may_have_no_row_of_a_bucket(empty):
    block = block_of(rows_of(3))
    sides = {"truth": block, "predictions": block} | {empty: block.without_rows()}
    pair = by_key(*sides.values(), "count", Problems("p"))
    assert pair.rows.tolist() == ([] if empty == "truth" else [-1] * 3)
    assert pair.extra == (3 if empty == "truth" else 0)


def test_phrases_that_stand_twice_are_named():
    rows = rows_of(5)
    problems = Problems("t")
    check_unique(block_of(rows), problems)
    assert not problems
    check_unique(block_of([*rows, rows[3], rows[1], rows[3]]), problems)
    lines = list(problems.lines())
    assert lines[0] == "a phrase that stands twice in the ground truth (3)"
    assert sorted(lines[1:]) == [
        "  1#0 word 1 entity 1",
        "  3#0 word 3 entity 0",
        "  3#0 word 3 entity 0",
    ]


@pytest.mark.parametrize("buckets", [1, 2, 7])
@pytest.mark.parametrize("pieces", [1, 3])
def test_buckets_have_all_rows_of_their_images_and_know_where_they_stood(buckets, pieces, tmp_path):
    rows = rows_of(60)
    table = open_table(find_shards(write_records(rows, tmp_path / "p.parquet")), {})
    [block] = read_blocks(table, Problems("p"), 10**8)
    ends = np.linspace(0, 60, pieces + 1).astype(int).tolist()
    for piece, (low, high) in enumerate(itertools.pairwise(ends)):
        divide(cut(block.part(low, high), [5]), tmp_path, "0", buckets, piece)
    found = [read_bucket(tmp_path, "0", b, table, Problems("p")) for b in range(buckets)]
    images = [set(bucket.image.tolist()) for bucket in found if bucket is not None]
    assert sum(map(len, images)) == len(reduce(set.union, images)) == 7
    seen = []
    for bucket in filter(None, found):
        numbers = bucket.origin.number.tolist()
        assert numbers == sorted(numbers)
        assert starts_of(bucket) == [number - 1 for number in numbers]
        assert bucket.table.schema.names == block.table.schema.names
        assert [bucket.describe(row) for row in range(len(bucket))] == [
            block.describe(number - 1) for number in numbers
        ]
        seen += numbers
    assert sorted(seen) == list(range(1, 61))
    assert read_bucket(tmp_path, "1", 0, table, Problems("p")) is None


def test_a_bucket_of_one_number_is_not_read_as_one_that_begins_alike(tmp_path):
    rows = [{**row, "image": f"{n}#0"} for n, row in enumerate(rows_of(300))]
    table = open_table(find_shards(write_records(rows, tmp_path / "p.parquet")), {})
    divide(read_blocks(table, Problems("p"), 10**8), tmp_path, "1", 12)
    found = [read_bucket(tmp_path, "1", bucket, table, Problems("p")) for bucket in range(12)]
    for number, bucket in enumerate(found):
        assert set((bucket.image % np.uint64(12)).tolist()) == {number}
    assert sum(map(len, found)) == 300


def test_there_are_as_many_buckets_as_the_memory_asks_for():
    assert bucket_count(0, 10**9) == 1
    assert bucket_count(10**8, 4 * 10**9) == 1
    assert bucket_count(10**8, 2 * 10**8) > bucket_count(10**8, 10**9) > 1
    assert bucket_count(1, 0) >= 1


def test_a_scratch_folder_goes_away_with_what_is_in_it(tmp_path):
    def fail():
        with scratch_folder(tmp_path) as folder:
            (folder / "bucket").write_text("x")
            assert folder.parent == tmp_path
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_scratch_folder_that_cannot_be_made_is_named(tmp_path):
    with (
        pytest.raises(InputError, match="nowhere: cannot be written: no such file"),
        scratch_folder(tmp_path / "nowhere"),
    ):
        pass


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path):
    blocks = cut(block_of(rows_of(2000)), [1000])
    with limited_files(30_000), pytest.raises(InputError, match=r"cannot be written: .*too large"):
        divide(blocks, tmp_path, "0", 1)
    assert list(tmp_path.iterdir()) == []


def test_a_piece_counts_once_and_when_it_is_whole(tmp_path):
    table = open_table(find_shards(write_records(rows_of(60), tmp_path / "p.parquet")), {})
    [block] = read_blocks(table, Problems("p"), 10**8)

    def read():
        found = read_bucket(tmp_path, "0", 0, table, Problems("p"))
        return None if found is None else found.origin.number.tolist()

    def breaking():
        yield block.part(0, 30)
        assert [file for file in tmp_path.rglob("half-*/0") if file.is_file()]
        seen.append(read())
        raise KeyError

    seen = []
    for _ in range(2):
        with pytest.raises(KeyError):
            divide(breaking(), tmp_path, "0", 1)
        divide(cut(block, [20]), tmp_path, "0", 1)
        seen.append(read())
    assert seen == [None, *[list(range(1, 61))] * 3]
    assert [place.name for place in tmp_path.iterdir() if place.is_dir()] == ["0"]


def test_who_writes_late_finds_no_scratch_folder(tmp_path, monkeypatch):
    """Else a folder could not be removed: it would not be empty again and again."""
    removed, remove = [], buckets.rmtree

    def removing(place, **more):
        with pytest.raises(FileNotFoundError):
            (folder / "late").touch()
        removed.append(place)
        remove(place, **more)

    monkeypatch.setattr(buckets, "rmtree", removing)
    with scratch_folder(tmp_path) as folder:
        (folder / "early").touch()
    assert len(removed) == 1
    assert list(tmp_path.iterdir()) == []
