"""Columns of a block of rows: hashed keys, boxes and what else scoring looks at.

`Columns` is what a block of either side becomes. Texts stay as Arrow has them, for messages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phraseloc.columns import BoolArray, FloatArray, IntArray
from phraseloc.errors import Problems
from phraseloc.formats.records import LARGEST, NOT_FINITE
from phraseloc.kernels.keys import NO_SENTENCE, Keys, hash_captions, hash_texts, join_keys


@dataclass(frozen=True, eq=False)
class Origin:
    """Where N rows stand.

    Parameters
    ----------
    files : the shards
    shard : (N,) int64, which of them each row is of
    number : (N,) int64, its number there, from 1
    row_name : what the files call a row: record or line
    """

    files: tuple[str, ...]
    shard: IntArray
    number: IntArray
    row_name: str = "record"

    def where(self, row: int) -> str:
        """Name a row; its file, too, where there are several."""
        place = f"{self.row_name} {self.number[row]}"
        return place if len(self.files) == 1 else f"{self.files[self.shard[row]]} {place}"

    def take(self, rows: Any) -> Origin:
        """Select rows."""
        return replace(self, shard=self.shard[rows], number=self.number[rows])


@dataclass(frozen=True, eq=False)
class Columns:
    """N rows of a file, or of several.

    Parameters
    ----------
    origin : where the rows stand, for messages
    table : what was read, as an Arrow batch
    image, phrase : (N,) uint64, the keys of the image, and of the phrase within it
    boxes, offsets : (B, 4) float64 as the file has them, and (N + 1,); points have no size
    points : whether the boxes are points
    scores : (B,) float64 of the boxes, or None
    single : whether the file gives one box a row where it might have had several
    """

    origin: Origin
    table: Any
    image: Keys
    phrase: Keys
    boxes: FloatArray
    offsets: IntArray
    points: bool = False
    scores: FloatArray | None = None
    single: bool = True

    def __len__(self) -> int:
        return len(self.image)

    def part(self, low: int, high: int) -> Columns:
        """Give the rows from one to before another."""
        if (low, high) == (0, len(self)):
            return self
        begin, end = self.offsets[low], self.offsets[high]
        return replace(
            self,
            origin=self.origin.take(slice(low, high)),
            table=self.table.slice(low, high - low),
            image=self.image[low:high],
            phrase=self.phrase[low:high],
            boxes=self.boxes[begin:end],
            offsets=self.offsets[low : high + 1] - begin,
            scores=None if self.scores is None else self.scores[begin:end],
        )

    def where(self, row: int) -> str:
        """Name a row of a file, for messages."""
        return self.origin.where(row)

    def describe(self, row: int) -> str:
        """Name the phrase of a row, for messages."""
        row = int(row)
        found = self.table.slice(row, 1).to_pylist()[0]
        sentence = found.get("sentence")
        words = [found["image"] if sentence is None else f"{found['image']}#{sentence}"]
        first_word = found.get("first_word", found.get("start"))
        words.append(f"word {first_word} entity {found['entity']}")
        return " ".join(words)


def columns_of(table: Any, origin: Origin, problems: Problems) -> Columns:
    """Make columns of an Arrow batch whose names are those of records, as far as it has them."""
    where = origin.where
    names = set(table.schema.names)
    image, sentences = hash_captions(*text_bytes(_column(table, "image", where, problems)))
    given = _whole(table, ("sentence",), where, problems)
    if given is None and not (sentences != NO_SENTENCE).any():
        given = _whole(table, ("phraseId",), where, problems)
    if given is not None:
        sentences = given
    words = _whole(table, ("first_word", "start"), where, problems)
    if words is None and "phraseId" in names:
        words = np.zeros(len(image), np.int64)
    missing = [n for n, c in (("sentence", sentences), ("first word", words)) if c is None]
    lacking = np.flatnonzero(sentences == NO_SENTENCE)
    if "entity" not in names or missing or len(lacking):
        problems.add(
            "streamed rows need complete keys (image, sentence, first word, entity)",
            f"found columns {', '.join(sorted(names))}",
        )
        problems.raise_if_any()
    assert words is not None
    entities = hash_texts(*text_bytes(_column(table, "entity", where, problems)))
    boxes, offsets, points, single = _boxes(table, where, problems)
    scores = _scores(table, offsets, where, problems)
    _note_infinite(boxes, offsets, where, problems)
    return Columns(
        origin,
        table,
        image,
        join_keys(sentences, words, entities),
        boxes,
        offsets,
        points,
        scores,
        single,
    )


def text_bytes(column: Any) -> tuple[Any, IntArray]:
    """Give the bytes of an Arrow column of strings, and their offsets (N + 1,)."""
    _, offsets, data = column.buffers()
    width = np.int64 if str(column.type) == "large_string" else np.int32
    low = column.offset
    places = np.frombuffer(offsets, width)[low : low + len(column) + 1].astype(np.int64)
    text = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return text, places


def ragged(column: Any) -> tuple[Any, IntArray]:
    """Give the items of an Arrow column of lists, and their offsets (N + 1,) from 0."""
    offsets = column.offsets.to_numpy().astype(np.int64)
    return column.values.slice(offsets[0], offsets[-1] - offsets[0]), offsets - offsets[0]


Where = Callable[[int], str]


def _column(table: Any, name: str, where: Where, problems: Problems) -> Any:
    """Give a column of strings that every row has."""
    column = table.column(name)
    if column.null_count:
        rows = np.flatnonzero(~column.is_valid().to_numpy(zero_copy_only=False))
        kind = 'a record without "image"'
        if name != "image":
            kind = f'"{name}" is missing where other records have it'
        problems.add_rows(kind, rows, where)
        problems.raise_if_any()
    return column


def _whole(table: Any, names: Sequence[str], where: Where, problems: Problems) -> Any:
    """Give the first of some columns of whole numbers that is there; None where none is."""
    there = (name for name in names if name in table.schema.names)
    name = next((name for name in there if table.column(name).null_count < len(table)), None)
    if name is None:
        return None
    column = table.column(name)
    if column.null_count:
        rows = np.flatnonzero(~column.is_valid().to_numpy(zero_copy_only=False))
        problems.add_rows(f'"{name}" is missing where other records have it', rows, where)
        problems.raise_if_any()
    numbers = column.to_numpy()
    problems.add_rows(
        f'"{name}" is not a whole number from 0',
        np.flatnonzero((numbers < 0) | (numbers > 2**62)),
        lambda row: f"{where(row)}: found {numbers[row]}",
    )
    return numbers


def _boxes(table: Any, where: Where, problems: Problems) -> tuple[FloatArray, IntArray, bool, bool]:
    """Give boxes, offsets, whether they are points, and whether there is one a row."""
    names = table.schema.names
    rows = len(table)
    if "point" in names and table.column("point").null_count < rows:
        flat = _numbers(table.column("point"), 2, '"point" is not 2 numbers', where, problems)
        return np.tile(flat, 2), np.arange(rows + 1), True, True
    if "boxes" in names and table.column("boxes").null_count < rows:
        inner, offsets = ragged(table.column("boxes"))
        owner = np.repeat(np.arange(rows), np.diff(offsets))
        kind = '"boxes" is not a list of boxes of 4 numbers'
        flat = _numbers(inner, 4, kind, lambda box: where(owner[box]), problems)
        return flat, offsets, False, False
    if "box" not in names:
        problems.add('a record with neither "box" nor "boxes"', where(0))
        problems.raise_if_any()
    flat = _numbers(table.column("box"), 4, '"box" is not 4 numbers', where, problems)
    return flat, np.arange(rows + 1), False, True


def _numbers(column: Any, count: int, kind: str, where: Where, problems: Problems) -> FloatArray:
    """Give lists of so many numbers each, (N, count); others are a problem."""
    values, offsets = ragged(column)
    lengths = np.diff(offsets)
    if (lengths != count).any() or values.null_count or column.null_count:
        wrong = lengths != count
        if values.null_count:
            absent = ~values.is_valid().to_numpy(zero_copy_only=False)
            owners = np.repeat(np.arange(len(lengths)), lengths)
            wrong[owners[absent]] = True
        problems.add_rows(
            kind,
            np.flatnonzero(wrong),
            lambda row: f"{where(row)}: found {column[int(row)].as_py()}",
        )
        problems.raise_if_any()
    numbers: FloatArray = values.to_numpy().astype(np.float64, copy=False).reshape(-1, count)
    return numbers


def _scores(table: Any, offsets: IntArray, where: Where, problems: Problems) -> FloatArray | None:
    if "scores" not in table.schema.names:
        return None
    column = table.column("scores")
    if column.null_count == len(table):
        return None
    values, starts = ragged(column)
    counts, expected = np.diff(starts), np.diff(offsets)
    problems.add_rows(
        '"scores" are not one a box',
        np.flatnonzero(counts != expected),
        lambda row: f"{where(row)}: found {counts[row]} scores, {expected[row]} boxes",
    )
    problems.raise_if_any()
    scores: FloatArray = values.to_numpy().astype(np.float64, copy=False)
    owner = np.repeat(np.arange(len(expected)), expected)
    problems.add_rows(
        "a score that is not finite",
        owner[~np.isfinite(scores)],
        lambda row: f"{where(row)}: found {scores[offsets[row] : offsets[row + 1]].tolist()}",
    )
    return scores


def _note_infinite(boxes: FloatArray, offsets: IntArray, where: Where, problems: Problems) -> None:
    """Note boxes with a number that is no coordinate."""
    if not len(boxes) or (boxes.max() <= LARGEST and boxes.min() >= -LARGEST):
        return
    wrong: BoolArray = np.any(~(np.abs(boxes) <= LARGEST), axis=1)
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    problems.add_rows(
        NOT_FINITE,
        np.flatnonzero(wrong),
        lambda box: f"{where(owner[box])}: found {boxes[box].tolist()}",
    )
