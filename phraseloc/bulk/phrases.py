"""Phrases: a block of the ground truth, with the images and groups that its rows belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from phraseloc.bulk.boxes import absent, given, ragged
from phraseloc.bulk.columns import Columns, splits_captions, text_bytes
from phraseloc.bulk.tally import Tally
from phraseloc.columns import FloatArray, IntArray, Strings
from phraseloc.data import GroundTruth, PhraseKeys, check_boxes
from phraseloc.errors import Problems
from phraseloc.formats.records import LARGEST
from phraseloc.kernels.counting import count_by_unit
from phraseloc.kernels.keys import units_of_captions
from phraseloc.outcomes import Outcomes
from phraseloc.space import BoxSpace
from phraseloc.statistics import UNITS


@dataclass(frozen=True, eq=False)
class Phrases:
    """A block of the ground truth.

    Parameters
    ----------
    block : its rows
    truth : the same as ground truth; its images have no names
    units : (N,) int64, the group of each phrase's image
    images : the ids of its images and (N,) int64, each phrase's; None where there are too many
    """

    block: Columns
    truth: GroundTruth
    units: IntArray
    images: tuple[list[str], IntArray] | None

    def counts(self, outcomes: Outcomes) -> Tally:
        """Tally which outcomes are right, by group and by image."""
        names, by_image = None, np.zeros((1 + len(self.truth.categories), 0, 2), np.int64)
        if self.images is not None:
            names = tuple(self.images[0])
            by_image = _counted(self.truth, outcomes, self.images[1], len(names))
        by_unit = _counted(self.truth, outcomes, self.units, UNITS)
        return Tally(tuple(self.truth.categories), by_unit, names, by_image)


def read_phrases(block: Columns, space: BoxSpace, problems: Problems) -> Phrases:
    """Read a block of the ground truth, and note what is wrong with its rows."""
    units, names, image = _images(block)
    truth = _ground_truth(block, space, image, len(units), problems)
    return Phrases(block, truth, units[image], None if names is None else (names, image))


def _ground_truth(
    block: Columns, space: BoxSpace, image: IntArray, images: int, problems: Problems
) -> GroundTruth:
    """Make ground truth of a block, whose rows have so many images."""
    if block.scores is not None or block.points:
        name = "point" if block.points else "scores"
        problems.add(f'"{name}" in ground truth; is this a prediction file?', block.where(0))
        problems.raise_if_any()
    boxes = space.read(block.boxes)
    problems.add_rows(
        "a phrase of the ground truth without a box",
        np.flatnonzero(np.diff(block.offsets) == 0),
        block.describe,
    )
    check_boxes(problems, boxes, space, lambda box: block.describe(block.row_of(box)))
    problems.raise_if_any()
    names, offsets, kinds = _categories(block, problems)
    sizes = _sizes(block, image, images, problems)
    problems.raise_if_any()
    return GroundTruth(
        PhraseKeys(Strings([""] * images, image)),
        block.offsets,
        boxes,
        names,
        offsets,
        kinds,
        sizes,
        space=space,
        unions_only=block.single,
        validated=True,
    )


def _categories(block: Columns, problems: Problems) -> tuple[Sequence[str], IntArray, IntArray]:
    rows = len(block)
    if "categories" not in block.table.schema.names:
        return (), np.zeros(rows + 1, np.int64), np.zeros(0, np.int64)
    column = block.table.column("categories")
    items, offsets = ragged(column)
    if items.null_count:
        lacking = absent(items)
        problems.add_rows(
            '"categories" is not a list of strings',
            np.unique(np.repeat(np.arange(rows), np.diff(offsets))[lacking]),
            lambda row: f"{block.where(row)}: found {column[int(row)].as_py()}",
        )
        problems.raise_if_any()
    encoded = items.dictionary_encode()
    return encoded.dictionary.to_pylist(), offsets, encoded.indices.to_numpy().astype(np.int64)


def _sizes(block: Columns, image: IntArray, images: int, problems: Problems) -> FloatArray | None:
    """Give the images' sizes, NaN where unknown; all rows of an image must agree."""
    table = block.table
    here = [given(table, name) for name in ("width", "height")]
    if not any(here):
        return None
    unknown = np.full(len(block), np.nan)
    found = np.stack(
        [
            table.column(name).to_numpy(zero_copy_only=False) if is_here else unknown
            for name, is_here in zip(("width", "height"), here, strict=True)
        ],
        axis=1,
    )
    known = ~np.isnan(found).all(axis=1)
    sound = ((found > 0) & (found <= LARGEST)).all(axis=1)
    rows = np.flatnonzero(sound)[::-1]  # of an image's rows, the first comes last, and stays
    sizes = np.full((images, 2), np.nan)
    sizes[image[rows]] = found[rows]
    problems.add_rows(
        '"width" and "height" that are no size',
        np.flatnonzero(known & ~sound),
        lambda row: f"{block.where(row)}: found {found[row, 0]:g} {found[row, 1]:g}",
    )
    first = sizes[image]
    problems.add_rows(
        "two sizes of one image",
        np.flatnonzero(sound & (found != first).any(axis=1)),
        lambda row: (
            f"{block.where(row)}: found {found[row, 0]:g} {found[row, 1]:g}, "
            f"and {first[row, 0]:g} {first[row, 1]:g} before"
        ),
    )
    return sizes


def _images(block: Columns) -> tuple[IntArray, list[str] | None, IntArray]:
    """Give the groups and ids of a block's images, and each row's image (N,).

    Ids are None where there are more images than groups.
    """
    starts = np.ones(len(block), bool)
    starts[1:] = block.image[1:] != block.image[:-1]
    runs = np.flatnonzero(starts)
    distinct, place, code = np.unique(block.image[runs], return_index=True, return_inverse=True)
    captions = block.table.column("image")
    data, offsets = text_bytes(captions)
    splits = splits_captions(block.table)
    rows = runs[place]
    units = units_of_captions(data, offsets[rows], offsets[rows + 1], UNITS, splits=splits)
    names = None
    if len(distinct) <= UNITS:
        names = captions.take(rows).to_pylist()
        names = [_image_of(name) for name in names] if splits else names
    return units, names, code[np.cumsum(starts) - 1]


def _image_of(caption: str) -> str:
    """Give the image of ``image#sentence``, split where `phraseloc.kernels.keys` splits it."""
    image, _, number = caption.rpartition("#")
    split = image and number.isascii() and number.isdecimal() and len(number) < 19
    return image if split else caption


def _counted(truth: GroundTruth, outcomes: Outcomes, unit: IntArray, units: int) -> IntArray:
    """Count all and right phrases, (1 + categories, units, 2)."""
    categories = truth.category_offsets, truth.category_codes
    shape = (1 + len(truth.categories), units)
    return count_by_unit(unit, outcomes.phrase, outcomes.correct, categories, shape)
