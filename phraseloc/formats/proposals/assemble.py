"""From a file's objects to proposals: boxes into pixels, sizes joined, every problem noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phraseloc.columns import BoolArray, FloatArray, IntArray, Strings, offsets_of
from phraseloc.data import check_boxes
from phraseloc.errors import Problems
from phraseloc.formats.records import LARGEST, NOT_FINITE
from phraseloc.geometry import OVERSHOOT, far_outside
from phraseloc.proposals import Proposals
from phraseloc.space import BoxSpace

Sizes = Mapping[str, tuple[float, float]]


@dataclass(frozen=True)
class Detections:
    """The objects of a file of I images, B in all, with boxes in the file's own numbers.

    Parameters
    ----------
    images : the images' ids
    counts : (I,) int64, how many objects each image has
    boxes : (B, 4) float64
    labels, attributes, scores, sizes : as those of `phraseloc.proposals.Proposals`
    """

    images: Sequence[str]
    counts: IntArray
    boxes: FloatArray
    labels: Strings
    attributes: Strings | None = None
    scores: FloatArray | None = None
    sizes: FloatArray | None = None

    def where(self, row: int) -> str:
        """Name an object, for messages."""
        offsets = offsets_of(self.counts)
        image = int(np.searchsorted(offsets, row, side="right")) - 1
        return f"image {self.images[image]} object {row - offsets[image] + 1}"


def declared_over(default: BoxSpace, declared: Mapping[str, Any]) -> BoxSpace:
    """Lay the fields that the caller declares over what a format means by itself.

    Examples
    --------
    >>> declared_over(BoxSpace("xyxy", "inclusive", 0), {"origin": 1, "layout": None})
    BoxSpace(layout='xyxy', corners='inclusive', origin=1, units='pixel')
    """
    given = {name: value for name, value in declared.items() if value is not None}
    in_pixels = given.get("units", "pixel") == "pixel"
    base = vars(default) if in_pixels else {"layout": default.layout}
    return BoxSpace.declared({**base, **given})


def to_proposals(
    found: Detections, space: BoxSpace, sizes: Sizes, source: str, problems: Problems
) -> Proposals:
    """Make proposals of a file's objects.

    Parameters
    ----------
    space : what the numbers of the boxes mean
    sizes : width and height of images, beside those that the file has
    problems : what the reader noted; it is raised with what is found here

    Raises
    ------
    InputError
        with every problem of the file
    """
    _note_numbers(found, problems)
    joined = _joined_sizes(found, sizes, problems)
    problems.raise_if_any()
    boxes = space.read(found.boxes)
    offsets = offsets_of(found.counts)
    of_box = np.repeat(joined, found.counts, axis=0)
    if space.relative:
        _note_unknown_sizes(found, joined, space, problems)
        check_boxes(problems, boxes, space, found.where)
        problems.raise_if_any()
        boxes = boxes * np.tile(of_box, 2)
        space = BoxSpace(space.layout, "continuous", 0)
    proposals = Proposals(
        found.images,
        offsets,
        boxes,
        found.labels,
        found.attributes,
        found.scores,
        joined if np.isfinite(joined).any() else None,
        space,
        source,
    )
    _note_outside(proposals, of_box, problems)
    problems.raise_if_any()
    return proposals


def note_fractions(found: Detections, space: BoxSpace, problems: Problems) -> None:
    """Note a file whose boxes can only be fractions, though they are read as pixels."""
    if len(found.boxes) and not space.relative and found.boxes.max() <= 1:
        problems.add(
            "all boxes lie in the first pixel; are they fractions of the image (units 0-1)?",
            f"found no coordinate above {found.boxes.max():g}",
        )


def in_order(found: Detections, owners: IntArray) -> Detections:
    """Bring objects that stand in any order together by image; those of one keep their order.

    Parameters
    ----------
    found : its counts are not looked at
    owners : (B,) int64, the image of each object, as an index
    """
    order = np.argsort(owners, kind="stable")
    return replace(
        found,
        counts=np.bincount(owners, minlength=len(found.images)).astype(np.int64),
        boxes=found.boxes[order],
        labels=found.labels.take(order),
        attributes=None if found.attributes is None else found.attributes.take(order),
        scores=None if found.scores is None else found.scores[order],
    )


def _note_numbers(found: Detections, problems: Problems) -> None:
    wrong: BoolArray = np.any(~(np.abs(found.boxes) <= LARGEST), axis=1)
    problems.add_rows(
        NOT_FINITE,
        np.flatnonzero(wrong),
        lambda row: f"{found.where(row)}: found {found.boxes[row].tolist()}",
    )
    if found.scores is not None:
        scores = found.scores
        problems.add_rows(
            "a score that is not finite",
            np.flatnonzero(np.isinf(scores)),
            lambda row: f"{found.where(row)}: found {scores[row]:g}",
        )


def _joined_sizes(found: Detections, sizes: Sizes, problems: Problems) -> FloatArray:
    """Give each image (I, 2) the size of the file, or else the caller's, who must not disagree."""
    unknown = (np.nan, np.nan)
    given = np.array([sizes.get(image, unknown) for image in found.images], np.float64)
    given = given.reshape(-1, 2)
    if found.sizes is None:
        return given
    sound = np.isnan(found.sizes).all(axis=1) | ((found.sizes > 0) & (found.sizes <= LARGEST)).all(
        axis=1
    )
    both = np.isfinite(given[:, 0]) & np.isfinite(found.sizes[:, 0])
    wrong = both & (given != found.sizes).any(axis=1)
    read = found.sizes
    problems.add_rows(
        "a width and height that are no size",
        np.flatnonzero(~sound),
        lambda row: f"image {found.images[row]}: found {_shown(read[row])}",
    )
    problems.add_rows(
        "an image of another size than the sizes given",
        np.flatnonzero(wrong),
        lambda row: (
            f"image {found.images[row]}: found {_shown(read[row])}, expected {_shown(given[row])}"
        ),
    )
    return np.where(np.isfinite(found.sizes), found.sizes, given)


def _note_unknown_sizes(
    found: Detections, sizes: FloatArray, space: BoxSpace, problems: Problems
) -> None:
    lacking = np.isnan(sizes[:, 0]) & (found.counts > 0)
    problems.add_rows(
        f"boxes in units {space.units} need the images' sizes (sizes=)",
        np.flatnonzero(lacking),
        lambda row: f"image {found.images[row]}",
    )


def _note_outside(proposals: Proposals, sizes: FloatArray, problems: Problems) -> None:
    """Note boxes that leave their image so far that their numbers must mean something else."""
    boxes = proposals.boxes
    problems.add_rows(
        f"a box that leaves its image by more than {OVERSHOOT:.0%} of its side; are layout, "
        "origin and units as the file means them?",
        np.flatnonzero(far_outside(boxes, sizes) & np.isfinite(sizes[:, 0])),
        lambda row: (
            f"{proposals.where(row)}: found x {boxes[row, 0]:g} to {boxes[row, 2]:g}, "
            f"y {boxes[row, 1]:g} to {boxes[row, 3]:g} in an image of {_shown(sizes[row])}"
        ),
    )


def _shown(size: FloatArray) -> str:
    return f"{size[0]:g} x {size[1]:g}"
