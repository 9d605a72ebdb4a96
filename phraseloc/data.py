"""The data: ground truth and predictions, as frozen columns that are validated once, when made.

A phrase's key is (image, sentence, first word, entity): sentences and words count from 0. Its text
is no key: in 21 captions of the Flickr30k Entities test split, one text names different entities.
Boxes are continuous ``x1, y1, x2, y2`` with origin 0 (see `phraseloc.space`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256

import numpy as np

from phraseloc.columns import BoolArray, FloatArray, IntArray, Strings, take_items
from phraseloc.errors import Problems
from phraseloc.geometry import ragged_union
from phraseloc.space import BoxSpace


@dataclass(frozen=True, eq=False)
class PhraseKeys:
    """What identifies each of N phrases; a column that a file does not have is None.

    Parameters
    ----------
    image : image ids
    sentence, first_word : (N,) int64, counted from 0
    entity : entity ids
    phrase : texts, which are checked but never identify
    """

    image: Strings
    sentence: IntArray | None = None
    first_word: IntArray | None = None
    entity: Strings | None = None
    phrase: Strings | None = None

    def __len__(self) -> int:
        return len(self.image)

    @property
    def complete(self) -> bool:
        """Whether every column of the key is there."""
        return not (self.sentence is None or self.first_word is None or self.entity is None)

    @property
    def parts(self) -> tuple[Strings, IntArray, IntArray, Strings]:
        """The four columns of the key, which must be complete."""
        assert self.sentence is not None
        assert self.first_word is not None
        assert self.entity is not None
        return self.image, self.sentence, self.first_word, self.entity

    @cached_property
    def order(self) -> IntArray:
        """The phrases' order by key, strings by code point; as they stand without complete keys."""
        if not self.complete:
            return np.arange(len(self))
        image, sentence, first_word, entity = self.parts
        return np.lexsort((entity.ranks, first_word, sentence, image.ranks))

    def take(self, rows: IntArray) -> PhraseKeys:
        """Select phrases by index."""
        return PhraseKeys(
            self.image.take(rows),
            None if self.sentence is None else self.sentence[rows],
            None if self.first_word is None else self.first_word[rows],
            None if self.entity is None else self.entity.take(rows),
            None if self.phrase is None else self.phrase.take(rows),
        )

    def caption(self, row: int) -> str:
        """Name a phrase's caption as the reference scorer does: ``image#sentence``."""
        image = self.image[row]
        return image if self.sentence is None else f"{image}#{self.sentence[row]}"

    def describe(self, row: int) -> str:
        """Name a phrase, for messages."""
        words = [self.caption(row)]
        if self.first_word is not None:
            words.append(f"word {self.first_word[row]}")
        if self.entity is not None:
            words.append(f"entity {self.entity[row]}")
        if self.phrase is not None and self.phrase[row]:
            words.append(f'"{self.phrase[row]}"')
        return " ".join(words)


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """N phrases with the boxes of their entities.

    Parameters
    ----------
    keys : N phrases
    offsets : (N + 1,) int64, phrase i has boxes[offsets[i]:offsets[i + 1]], at least one
    boxes : (B, 4) float64, continuous pixels
    categories : the names of the categories
    category_offsets, category_codes : each phrase's categories, ragged, as indices of the names
    sizes : (images, 2) float64, width and height of each image value, NaN where unknown
    left_out : phrases of the same captions that have no box
    left_out_reasons : how many of them for which reason
    space : the convention of the file that the boxes came from
    source : the file's name, for messages
    unions_only : whether the file holds one box a phrase where entities may have had several
    sentences : the whole caption (N,) that each phrase stands in, where the file has it
    validated : whether the data are known to be sound, as a cache's are

    Raises
    ------
    InputError
        if a box is not finite or has no area, a phrase has no box, or two phrases share a key
    """

    keys: PhraseKeys
    offsets: IntArray
    boxes: FloatArray
    categories: Sequence[str] = ()
    category_offsets: IntArray = field(default_factory=lambda: np.zeros(1, np.int64))
    category_codes: IntArray = field(default_factory=lambda: np.zeros(0, np.int64))
    sizes: FloatArray | None = None
    left_out: PhraseKeys | None = None
    left_out_reasons: Mapping[str, int] = field(default_factory=dict)
    space: BoxSpace = field(default_factory=BoxSpace)
    source: str = "ground truth"
    unions_only: bool = False
    sentences: Strings | None = None
    validated: bool = False

    def __post_init__(self) -> None:
        if self.validated:
            return
        if len(self.category_offsets) != len(self) + 1:
            object.__setattr__(self, "category_offsets", np.zeros(len(self) + 1, np.int64))
        problems = Problems(self.source)
        if not len(self):
            problems.add("no phrase with a box", "found 0 phrases, expected at least one")
        name = self.keys.describe
        empty = np.flatnonzero(np.diff(self.offsets) == 0)
        problems.add_rows("a phrase of the ground truth without a box", empty, name)
        check_boxes(problems, self.boxes, self.space, lambda box: name(self._owner(box)))
        if self.keys.complete and len(self):
            order = self.keys.order
            image, sentence, first_word, entity = self.keys.parts
            same = np.ones(len(order) - 1, bool)
            for column in (image.codes, sentence, first_word, entity.codes):
                same &= column[order][1:] == column[order][:-1]
            repeated = order[1:][same]
            problems.add_rows("a phrase that stands twice in the ground truth", repeated, name)
        problems.raise_if_any()
        object.__setattr__(self, "validated", True)

    def __len__(self) -> int:
        return len(self.keys)

    def _owner(self, box: int) -> int:
        return int(np.searchsorted(self.offsets, box, side="right")) - 1

    @cached_property
    def union_boxes(self) -> FloatArray:
        """The smallest box around each phrase's boxes, (N, 4)."""
        return (
            self.boxes if len(self.boxes) == len(self) else ragged_union(self.boxes, self.offsets)
        )

    @cached_property
    def image_sizes(self) -> FloatArray:
        """Width and height of each image of ``keys.image.values``, NaN where unknown."""
        if self.sizes is None:
            return np.full((len(self.keys.image.values), 2), np.nan)
        return self.sizes

    @property
    def captions(self) -> int:
        """How many captions the phrases stand in."""
        image, sentence = self.keys.image.codes, self.keys.sentence
        captions = image if sentence is None else image * (int(sentence.max()) + 1) + sentence
        return 1 + int(np.count_nonzero(np.diff(np.sort(captions))))

    def take(self, rows: IntArray) -> GroundTruth:
        """Select phrases by index; what was left out stays known."""
        boxes, offsets = take_items(self.boxes, self.offsets, rows)
        codes, category_offsets = take_items(self.category_codes, self.category_offsets, rows)
        used = np.unique(self.keys.image.codes[rows])
        return replace(
            self,
            keys=self.keys.take(rows),
            offsets=offsets,
            boxes=boxes,
            category_offsets=category_offsets,
            category_codes=codes,
            sizes=None if self.sizes is None else self.sizes[used],
            sentences=None if self.sentences is None else self.sentences.take(rows),
        )

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the keys and all boxes, whatever the order of the phrases."""
        return self._digest(self.boxes, self.offsets)

    @cached_property
    def union_digest(self) -> str:
        """SHA-256 of the keys and the union boxes, which every source of them shares.

        First words order the phrases but are no part of it: releases differ in a few of them.
        """
        return self._digest(self.union_boxes, np.arange(len(self) + 1))

    @cached_property
    def contents_digest(self) -> str:
        """SHA-256 of all that a figure can depend on: texts, categories and sizes, too."""
        order = self.keys.order
        state = sha256(self.digest.encode())
        if self.keys.phrase is not None:
            state.update("\0".join(self.keys.phrase.take(order).to_list()).encode())
        state.update("\0".join(self.categories).encode())
        kinds = np.diff(self.category_offsets)[order]
        sizes = self.image_sizes[self.keys.image.codes][order]
        for column in (kinds, self.category_codes, sizes):
            state.update(np.ascontiguousarray(column))
        return state.hexdigest()

    def _digest(self, boxes: FloatArray, offsets: IntArray) -> str:
        order = self.keys.order
        boxes, offsets = take_items(boxes, offsets, order)
        state = sha256()
        columns = [offsets, boxes]
        names = [self.keys.image]
        if self.keys.complete:
            _, sentence, _, entity = self.keys.parts
            columns.append(sentence[order])
            names.append(entity)
        for name in names:
            state.update("\0".join(sorted(name.values)).encode())
            state.update(name.ranks[order])
        for column in columns:
            state.update(np.ascontiguousarray(column))
        return state.hexdigest()


@dataclass(frozen=True, eq=False)
class Predictions:
    """N rows of ranked candidate boxes, best first, or of one point each.

    Parameters
    ----------
    keys : what identifies the rows; where it is not complete, they are in the ground truth's order
    offsets : (N + 1,) int64, row i has boxes[offsets[i]:offsets[i + 1]]
    boxes : (B, 4) float64, continuous pixels, or fractions of the image where ``space.relative``;
        a point is a box without size
    points : whether the rows are points
    scores : (B,) float64, higher is better; rows are sorted by them
    space : the convention of the file that the boxes came from
    source : the file's name, for messages
    rows : (N,) int64, the file's row numbers, for messages; counted from 1
    row_name : what the file calls a row: record or line
    degenerate : how many boxes without area were admitted
    labelled : whether the rows have categories, as ground truth has
    """

    keys: PhraseKeys
    offsets: IntArray
    boxes: FloatArray
    points: bool = False
    scores: FloatArray | None = None
    space: BoxSpace = field(default_factory=BoxSpace)
    source: str = "predictions"
    rows: IntArray | None = None
    row_name: str = "record"
    degenerate: int = 0
    labelled: bool = False

    def __len__(self) -> int:
        return len(self.keys)

    def where(self, row: int) -> str:
        """Name a row of the file, for messages."""
        number = row + 1 if self.rows is None else self.rows[row]
        return f"{self.row_name} {number}"

    def first_boxes(self, rows: IntArray, absent: float) -> FloatArray:
        """Give the first candidate (R, 4) of rows that have one; where a row is -1, one number."""
        boxes = np.append(self.boxes, np.full((1, 4), absent), axis=0)
        return boxes[np.where(rows < 0, -1, self.offsets[rows])]

    @property
    def ranked(self) -> bool:
        """Whether any row has more than one candidate."""
        return bool((np.diff(self.offsets) > 1).any())


def single_boxes(
    keys: PhraseKeys, boxes: FloatArray, space: BoxSpace | None = None, source: str = "predictions"
) -> Predictions:
    """Make predictions of one box a phrase, from continuous boxes (N, 4)."""
    return Predictions(
        keys,
        np.arange(len(keys) + 1, dtype=np.int64),
        np.asarray(boxes, dtype=np.float64),
        space=space or BoxSpace(),
        source=source,
    )


def check_boxes(
    problems: Problems,
    boxes: FloatArray,
    space: BoxSpace,
    where: Callable[[int], str],
    *,
    sizes: bool = True,
) -> BoolArray:
    """Note boxes (B, 4) that are not finite and, with ``sizes``, that have no area.

    Returns
    -------
    (B,) bool, the boxes without a finite, positive area
    """
    flat: BoolArray = (boxes[:, 2] <= boxes[:, 0]) | (boxes[:, 3] <= boxes[:, 1])
    if not flat.any() and np.isfinite(boxes).all():
        return flat
    finite = np.isfinite(boxes).all(axis=1)

    def described(box: int) -> str:
        x1, y1, x2, y2 = space.write(boxes[box]).ravel().tolist()
        return f"{where(box)}: found [{x1:g}, {y1:g}, {x2:g}, {y2:g}]"

    problems.add_rows("a box with a number that is not finite", np.flatnonzero(~finite), described)
    if sizes:
        hint = "is it xyxy?" if space.layout == "xywh" else "is it xywh?"
        problems.add_rows(
            f"a box whose width or height is zero or negative, read as {space.layout} ({hint})",
            np.flatnonzero(flat & finite),
            described,
        )
    return flat
