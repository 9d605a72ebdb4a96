"""Proposals: what a detector found in each image, as frozen columns, validated when made.

An object is a box with a label ("traffic light", "gray,grey"), and perhaps an attribute and a
score. Boxes are continuous ``x1, y1, x2, y2`` with origin 0 (see `phraseloc.space`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256

import numpy as np

from phraseloc.columns import BoolArray, FloatArray, IntArray, Strings, offsets_of, take_ragged
from phraseloc.data import check_boxes
from phraseloc.errors import Problems
from phraseloc.geometry import areas
from phraseloc.space import BoxSpace

DETECTOR_SPACE = BoxSpace("xyxy", "inclusive", 0)
"""What detectors' files mean by default: corners counted from 0, the last pixel included."""


@dataclass(frozen=True, eq=False)
class Proposals:
    """The objects of I images, B in all.

    Parameters
    ----------
    images : the images' ids, each once
    offsets : (I + 1,) int64, image i has the objects offsets[i] to before offsets[i + 1]
    boxes : (B, 4) float64, continuous pixels
    labels : B labels; synonyms are split by commas
    attributes : B attributes, empty where an object has none; None where the file has none
    scores : (B,) float64, a detector's confidence, NaN where unknown
    sizes : (I, 2) float64, width and height of each image, NaN where unknown
    space : the convention of the file that the boxes came from
    source : the file's name, for messages

    Raises
    ------
    InputError
        if an image stands twice, or a box is not finite or has no area

    Examples
    --------
    >>> found = Proposals(
    ...     ["7"], np.array([0, 2]), np.array([[0.0, 0, 5, 5], [0, 0, 9, 9]]),
    ...     Strings.of(["dog", "tree"]))
    >>> found.canonical.labels.to_list()
    ['tree', 'dog']
    """

    images: Sequence[str]
    offsets: IntArray
    boxes: FloatArray
    labels: Strings
    attributes: Strings | None = None
    scores: FloatArray | None = None
    sizes: FloatArray | None = None
    space: BoxSpace = field(default=DETECTOR_SPACE)
    source: str = "proposals"
    validated: bool = field(default=False, repr=False)

    def __post_init__(self) -> None:
        if self.validated:
            return
        problems = Problems(self.source)
        if not len(self.images):
            problems.add("no image", "found 0 images, expected at least one")
        counts = Counter(self.images)
        repeated = [image for image, count in counts.items() if count > 1]
        problems.add_rows("an image that stands twice", repeated, lambda image: f"image {image}")
        check_boxes(problems, self.boxes, self.space, self.where)
        problems.raise_if_any()
        object.__setattr__(self, "validated", True)

    def __len__(self) -> int:
        return len(self.boxes)

    def where(self, row: int) -> str:
        """Name an object, for messages."""
        image = int(np.searchsorted(self.offsets, row, side="right")) - 1
        return f"image {self.images[image]} object {row - self.offsets[image] + 1}"

    @property
    def owners(self) -> IntArray:
        """The image (B,) of each object."""
        return np.repeat(np.arange(len(self.images)), np.diff(self.offsets))

    @property
    def image_sizes(self) -> FloatArray:
        """Width and height (I, 2) of each image, NaN where unknown."""
        return np.full((len(self.images), 2), np.nan) if self.sizes is None else self.sizes

    def rows_of(self, images: Sequence[str]) -> IntArray:
        """Look images up; -1 where there is no such image."""
        return Strings.of(images).codes_in(self.images)

    def take(self, rows: IntArray) -> Proposals:
        """Select images by index."""
        places, offsets = take_ragged(self.offsets, rows)
        return replace(
            self._objects(places),
            images=[self.images[row] for row in rows.tolist()],
            offsets=offsets,
            sizes=None if self.sizes is None else self.sizes[rows],
        )

    def _objects(self, places: IntArray) -> Proposals:
        """Select objects by index; which image they belong to is the caller's affair."""
        return replace(
            self,
            boxes=self.boxes[places],
            labels=self.labels.take(places),
            attributes=None if self.attributes is None else self.attributes.take(places),
            scores=None if self.scores is None else self.scores[places],
        )

    @cached_property
    def canonical(self) -> Proposals:
        """The same objects whatever their order was: images by name, the largest boxes first.

        An object that stands twice (box, label and attribute) is one; the better score stays.
        """
        by_name, kept, _ = self._canonical
        counts = np.bincount(by_name.owners[kept], minlength=len(by_name.images))
        return replace(by_name._objects(kept), offsets=offsets_of(counts))

    @property
    def canonical_rows(self) -> IntArray:
        """Which object of these each of the canonical ones is."""
        _, kept, places = self._canonical
        return places[kept]

    @cached_property
    def _canonical(self) -> tuple[Proposals, IntArray, IntArray]:
        """The objects with images by name, which of them stay, and which of these they are."""
        by_name = np.array(sorted(range(len(self.images)), key=self.images.__getitem__), np.int64)
        found = self.take(by_name)
        keys = found._identity()
        scores = [] if found.scores is None else [-np.nan_to_num(found.scores, nan=-np.inf)]
        order = np.lexsort([*scores, *keys[::-1]])
        same: BoolArray = np.ones(len(order), bool)
        same[:1] = False
        for key in keys:
            same[1:] &= key[order][1:] == key[order][:-1]
        return found, order[~same], take_ragged(self.offsets, by_name)[0]

    def _identity(self) -> list[FloatArray | IntArray]:
        """Give what tells objects apart, most significant first: image, area, box, texts."""
        texts = [self.labels] if self.attributes is None else [self.labels, self.attributes]
        return [self.owners, -areas(self.boxes), *self.boxes.T, *(text.ranks for text in texts)]

    @cached_property
    def digest(self) -> str:
        """SHA-256 of images and objects, whatever their order."""
        found = self.canonical
        state = sha256("\0".join(found.images).encode())
        for text in (found.labels, found.attributes):
            if text is not None:
                used = text.take(np.arange(len(text)))
                state.update("\0".join(sorted(used.values)).encode())
                state.update(used.ranks)
        for column in (found.offsets, found.boxes, found.scores, found.sizes):
            if column is not None:
                state.update(np.ascontiguousarray(column))
        return state.hexdigest()


def merge_proposals(parts: Sequence[Proposals]) -> Proposals:
    """Join the objects of several detectors, image by image.

    Raises
    ------
    InputError
        if two parts disagree about an image's size

    Examples
    --------
    >>> dog = Proposals(["1"], np.array([0, 1]), np.array([[0.0, 0, 5, 5]]), Strings.of(["dog"]))
    >>> sky = Proposals(["1"], np.array([0, 1]), np.array([[0.0, 0, 9, 3]]), Strings.of(["sky"]))
    >>> merge_proposals([dog, sky]).labels.to_list()
    ['dog', 'sky']
    """
    first, *others = parts
    if not others:
        return first
    images = list(dict.fromkeys(image for part in parts for image in part.images))
    homes = [Strings.of(part.images).codes_in(images) for part in parts]
    owners = np.concatenate([h[part.owners] for h, part in zip(homes, parts, strict=True)])
    order = np.argsort(owners, kind="stable")
    return Proposals(
        images,
        offsets_of(np.bincount(owners, minlength=len(images))),
        np.concatenate([part.boxes for part in parts])[order],
        Strings.of([text for part in parts for text in part.labels.to_list()]).take(order),
        None
        if all(part.attributes is None for part in parts)
        else Strings.of([text for part in parts for text in _attributes(part)]).take(order),
        None
        if all(part.scores is None for part in parts)
        else np.concatenate([_scores(part) for part in parts])[order],
        _merged_sizes(parts, homes, images),
        first.space,
        " + ".join(dict.fromkeys(part.source for part in parts)),
        validated=True,
    )


def _attributes(part: Proposals) -> list[str]:
    return [""] * len(part) if part.attributes is None else part.attributes.to_list()


def _scores(part: Proposals) -> FloatArray:
    return np.full(len(part), np.nan) if part.scores is None else part.scores


def _merged_sizes(
    parts: Sequence[Proposals], homes: Sequence[IntArray], images: Sequence[str]
) -> FloatArray:
    """Give each image the size that any part knows; all that know it must agree."""
    sizes = np.full((len(images), 2), np.nan)
    for part, home in zip(parts, homes, strict=True):
        known, given = sizes[home], part.image_sizes
        wrong = (np.isfinite(known) & np.isfinite(given) & (known != given)).any(axis=1)
        problems = Problems(part.source)
        problems.add_rows(
            "an image of another size than in the files before",
            [
                f"image {part.images[row]}: found {given[row]}, expected {known[row]}"
                for row in np.flatnonzero(wrong).tolist()
            ],
            str,
        )
        problems.raise_if_any()
        sizes[home] = np.where(np.isfinite(known), known, given)
    return sizes
