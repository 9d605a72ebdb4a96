"""Columns of a block of rows: hashed keys, boxes and what else scoring looks at.

`Columns` is what a block of either side becomes. Texts stay as Arrow has them, for messages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phraseloc.bulk.boxes import Where, absent, given, note_infinite, read_boxes, read_scores
from phraseloc.columns import FloatArray, IntArray, owner_of
from phraseloc.errors import Problems
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

    def joined(self, other: Origin) -> Origin:
        """Put other rows of the same files behind these."""
        shard = np.concatenate([self.shard, other.shard])
        return replace(self, shard=shard, number=np.concatenate([self.number, other.number]))


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

    @property
    def kind(self) -> tuple[bool, bool]:
        """Whether the boxes are points, and whether they have scores."""
        return self.points, self.scores is not None

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

    def joined(self, other: Columns) -> Columns:
        """Put another block of the same file behind this one, whose boxes are of the same kind."""
        import pyarrow

        blocks = (self, other)
        scores = [block.scores for block in blocks if block.scores is not None]
        table = pyarrow.Table.from_batches([block.table for block in blocks]).combine_chunks()
        return replace(
            self,
            origin=self.origin.joined(other.origin),
            table=table.to_batches()[0],
            image=np.concatenate([block.image for block in blocks]),
            phrase=np.concatenate([block.phrase for block in blocks]),
            boxes=np.concatenate([block.boxes for block in blocks]),
            offsets=np.append(self.offsets, other.offsets[1:] + self.offsets[-1]),
            scores=np.concatenate(scores) if scores else None,
            single=self.single and other.single,
        )

    def without_rows(self) -> Columns:
        """Give a block without rows, that of either side."""
        return replace(self.part(0, 0), points=False, scores=None)

    def row_of(self, box: int) -> int:
        """Give the row that a box belongs to."""
        return owner_of(self.offsets, box)

    def where(self, row: int) -> str:
        """Name a row of a file, for messages."""
        return self.origin.where(row)

    def describe(self, row: int) -> str:
        """Name the phrase of a row, for messages."""
        found = self.table.slice(int(row), 1).to_pylist()[0]
        return " ".join(_described({name: v for name, v in found.items() if v is not None}))


def _described(found: dict[str, Any]) -> Iterator[str]:
    """Yield what names the phrase of a record."""
    caption = str(found.get("image"))
    sentence, word = found.get("sentence"), found.get("first_word", found.get("start"))
    if sentence is None and "phraseId" in found and not re.search(r".#\d{1,18}$", caption, re.A):
        sentence, word = found["phraseId"], 0 if word is None else word
    yield caption if sentence is None else f"{caption}#{sentence}"
    if word is not None:
        yield f"word {word}"
    if "entity" in found:
        yield f"entity {found['entity']}"
    if found.get("phrase"):
        yield f'"{found["phrase"]}"'


def columns_of(table: Any, origin: Origin, problems: Problems, *, keyed: bool = True) -> Columns:
    """Make columns of an Arrow batch whose names are those of records, as far as it has them.

    Parameters
    ----------
    keyed : whether rows need complete keys; else a part that they lack counts as nothing
    """
    where = origin.where
    image, phrase = _keys(table, where, problems, keyed)
    boxes, offsets, points, single = read_boxes(table, where, problems)
    scores = read_scores(table, offsets, where, problems)
    boxes = note_infinite(boxes, offsets, where, problems)
    return Columns(origin, table, image, phrase, boxes, offsets, points, scores, single)


def splits_captions(table: Any) -> bool:
    """Tell whether images may end in ``#sentence``: rows that have a sentence keep their ``#``."""
    return not given(table, "sentence")


def _keys(table: Any, where: Where, problems: Problems, keyed: bool) -> tuple[Keys, Keys]:
    """Give the keys of the images, and of the phrases within them."""
    image, sentences, words, entities = key_parts(table, where, problems)
    if sentences is None or words is None or entities is None:
        if keyed:
            parts = {"image": image, "sentence": sentences, "start": words, "entity": entities}
            _refuse_partial(parts, where, problems)
        nothing = np.zeros(len(image), np.int64)
        sentences, words = (nothing if n is None else n for n in (sentences, words))
        entities = nothing.view(np.uint64) if entities is None else entities
    return image, join_keys(sentences, words, entities)


def key_parts(
    table: Any, where: Where, problems: Problems
) -> tuple[Keys, IntArray | None, IntArray | None, Keys | None]:
    """Give images, sentences, first words and entities, None where no row has them."""
    sentences: Any
    texts = text_bytes(_column(table, "image", where, problems))
    words = _whole(table, ("first_word", "start"), where, problems)
    if not splits_captions(table):
        image, sentences = hash_texts(*texts), _whole(table, ("sentence",), where, problems)
    else:
        image, sentences = hash_captions(*texts)
        lacking = sentences == NO_SENTENCE
        if lacking.all():
            sentences = _whole(table, ("phraseId",), where, problems)
            if sentences is not None and words is None:
                words = np.zeros(len(image), np.int64)
        elif lacking.any():
            captions = table.column("image")
            problems.add_rows(
                'an image without "#sentence" where others have it',
                np.flatnonzero(lacking),
                lambda row: f"{where(row)}: found {captions[int(row)].as_py()!r}",
            )
            problems.raise_if_any()
    entities = None
    if given(table, "entity"):
        entities = hash_texts(*text_bytes(_column(table, "entity", where, problems)))
    return image, sentences, words, entities


def _refuse_partial(parts: Mapping[str, Any], where: Where, problems: Problems) -> None:
    """Refuse rows that all lack a part of the key, which the first rows of their file have."""
    rows = len(parts["image"])
    for name, part in parts.items():
        if part is None:
            kind = f'"{name}" is missing where other records have it'
            problems.add_rows(kind, range(rows), where)
    problems.raise_if_any()


def text_bytes(column: Any) -> tuple[Any, IntArray]:
    """Give the bytes of an Arrow column of strings, and their offsets (N + 1,)."""
    _, offsets, data = column.buffers()
    width = np.int64 if str(column.type) == "large_string" else np.int32
    low = column.offset
    places = np.frombuffer(offsets, width)[low : low + len(column) + 1].astype(np.int64)
    text = np.zeros(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return text, places


def _column(table: Any, name: str, where: Where, problems: Problems) -> Any:
    """Give a column of strings that every row has."""
    column = table.column(name)
    if column.null_count:
        kind = 'a record without "image"'
        if name != "image":
            kind = f'"{name}" is missing where other records have it'
        problems.add_rows(kind, np.flatnonzero(absent(column)), where)
        problems.raise_if_any()
    return column


def _whole(table: Any, names: Sequence[str], where: Where, problems: Problems) -> Any:
    """Give the first of some columns of whole numbers that is there; None where none is."""
    name = next((name for name in names if given(table, name)), None)
    if name is None:
        return None
    column = table.column(name)
    if column.null_count:
        rows = np.flatnonzero(absent(column))
        problems.add_rows(f'"{name}" is missing where other records have it', rows, where)
        problems.raise_if_any()
    numbers = column.to_numpy()
    problems.add_rows(
        f'"{name}" is not a whole number from 0',
        np.flatnonzero((numbers < 0) | (numbers > 2**62)),
        lambda row: f"{where(row)}: found {numbers[row]}",
    )
    return numbers
