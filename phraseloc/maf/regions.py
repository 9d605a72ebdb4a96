"""The region features of a task's objects, in memory-mapped files until a batch needs them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from phraseloc.columns import IntArray
from phraseloc.errors import InputError
from phraseloc.formats.proposals.features import RegionFeatures, check_all_features, open_features
from phraseloc.formats.proposals.mapped import mapped_rows
from phraseloc.proposals import Proposals


@dataclass(frozen=True, eq=False)
class Regions:
    """The features of B objects, in the order of their file.

    Parameters
    ----------
    files : (rows, F) arrays, mapped into memory
    file, row : (B,) int64, where each object's features are
    source : the files' names, for messages
    where : names an object, for messages
    """

    files: Sequence[npt.NDArray[Any]]
    file: IntArray
    row: IntArray
    source: str
    where: Callable[[int], str] = str

    @property
    def width(self) -> int:
        """How many numbers a feature has."""
        return int(self.files[0].shape[1])

    def take(self, objects: IntArray) -> npt.NDArray[Any]:
        """Read the features (objects, F) of some objects, in the type of their file."""
        file, row = self.file[objects], self.row[objects]
        found = np.empty((len(objects), self.width), self.files[0].dtype)
        for number, rows in enumerate(self.files):
            here = file == number
            found[here] = rows[row[here]]
        return found

    def check_width(self, width: int, source: str) -> None:
        """Refuse features that are not as wide as a checkpoint's.

        Raises
        ------
        InputError
            if they are not
        """
        if self.width != width:
            raise InputError(
                self.source,
                f"found features of {self.width:,} numbers, expected {width:,} as {source} has",
            )

    @cached_property
    def whole_digest(self) -> str:
        """The `digest` of all objects."""
        return self.digest(np.arange(len(self.row)))

    def digest(self, objects: IntArray) -> str:
        """SHA-256 of the features of some objects, in their order.

        Raises
        ------
        InputError
            if a number of them is not finite
        """
        state = sha256()
        for start in range(0, len(objects), _BLOCK):
            some = objects[start : start + _BLOCK]
            found = self.take(some)
            wrong = some[~np.isfinite(found).all(axis=1)]
            if len(wrong):
                where = self.where(int(wrong[0]))
                raise InputError(
                    self.source, f"found a feature that is not a finite number, of {where} first"
                )
            state.update(found)
        return state.hexdigest()


_BLOCK = 2**14
"""How many objects are read at a time."""


def load_regions(paths: Sequence[str | Path], proposals: Proposals) -> Regions:
    """Find the features of objects in MAF's HDF5 files.

    Parameters
    ----------
    proposals : the objects as their file has them, a row of features for each

    Raises
    ------
    InputError
        if an image's features are not there, are not one row a box, or files differ in width
    """
    with ExitStack() as stack:
        files = [stack.enter_context(open_features(path)) for path in paths]
        check_all_features(files, proposals)
        _check_alike(files)
        home, first = _places(files, proposals)
        arrays = [mapped_rows(file) for file in files]
    owners = proposals.owners
    row = first[owners] + np.arange(len(proposals)) - proposals.offsets[owners]
    source = " + ".join(file.source for file in files)
    return Regions(arrays, home[owners], row, source, proposals.where)


def _check_alike(files: Sequence[RegionFeatures]) -> None:
    for other in files[1:]:
        if other.shape[1] != files[0].shape[1]:
            raise InputError(
                other.source,
                f"found features of {other.shape[1]:,} numbers, expected {files[0].shape[1]:,} as "
                f"{files[0].source} has",
            )


def _places(files: Sequence[RegionFeatures], proposals: Proposals) -> tuple[IntArray, IntArray]:
    """Give each image its file and the row of its first object, any where it has no object."""
    home, first = np.zeros((2, len(proposals.images)), np.int64)
    for image, name in enumerate(proposals.images):
        for number, file in enumerate(files):
            if name in file.places:
                home[image], first[image] = number, file.spans[file.places[name], 0]
                break
    return home, first
