"""Region features in MAF's layout: ``{split}_features_compress.hdf5`` and its index.

``features`` has a row an object, in the order of the objects of `detection_dict`; ``pos_bboxes``
has the first row of each image and the row after its last; ``{split}_imgid2idx.pkl`` is a pickle
of ``{image: its row of pos_bboxes}``. Only the rows that are asked for are read. Needs h5py.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from phraseloc.columns import IntArray
from phraseloc.errors import InputError, MissingExtra, OptionError, Problems
from phraseloc.formats.plain_pickle import read_plain_pickle
from phraseloc.formats.source import name_of, read_bytes, reason_of
from phraseloc.proposals import Proposals


@dataclass(frozen=True, eq=False)
class RegionFeatures:
    """The features of the objects of I images, in a file that stays open until `close`.

    Parameters
    ----------
    places : each image's row of `spans`
    spans : (I, 2) int64, the first row of each image and the row after its last
    shape : how many rows, and how many numbers a row has
    dtype : what the file's numbers are
    source : the file's name, for messages
    data : the open dataset
    """

    places: Mapping[str, int]
    spans: IntArray
    shape: tuple[int, int]
    dtype: npt.DTypeLike
    source: str
    data: Any

    @property
    def images(self) -> list[str]:
        """The images' ids."""
        return list(self.places)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows each image has."""
        lengths = np.diff(self.spans, axis=1)[:, 0].tolist()
        return {image: lengths[place] for image, place in self.places.items()}

    def rows(self, image: str) -> npt.NDArray[Any]:
        """Read the features (objects, numbers) of an image, as the file has them.

        Raises
        ------
        InputError
            if there is no such image, or the file is damaged there
        """
        place = self.places.get(image)
        if place is None:
            raise InputError(self.source, f"found no features of image {image}")
        first, end = self.spans[place].tolist()
        try:
            return np.asarray(self.data[first:end])
        except Exception as error:  # HDF5 reports damage and closed files in many ways
            raise InputError(
                self.source, f"the features of image {image} cannot be read: {error}"
            ) from None

    def close(self) -> None:
        """Close the file."""
        if self.data:
            self.data.file.close()

    def __enter__(self) -> RegionFeatures:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def open_features(path: str | Path, index: str | Path | None = None) -> RegionFeatures:
    """Open region features; only their index is read.

    Parameters
    ----------
    index : the pickle of ``{image: row}``; by default the one beside the file, that of
        ``test_features_compress.hdf5`` being ``test_imgid2idx.pkl``

    Raises
    ------
    InputError
        if either file cannot be read, or they do not fit each other
    """
    source = name_of(path)
    places = _places(Path(path), index)
    h5py = _import()
    file = None
    try:
        Path(path).open("rb").close()
        file = h5py.File(path, "r")
        features, spans = (_dataset(h5py, file, name, source) for name in _DATASETS)
        found = RegionFeatures(
            places, np.asarray(spans[:], np.int64), features.shape, features.dtype, source, features
        )
        _check(found)
    except (InputError, OSError) as error:
        if file:
            file.close()
        if isinstance(error, InputError):
            raise
        if error.errno:
            raise InputError(str(path), reason_of(error)) from None
        raise InputError(source, f"not an HDF5 file that can be read: {error}") from None
    except Exception as error:  # HDF5 reports damage in many ways
        if file:
            file.close()
        raise InputError(source, f"not an HDF5 file that can be read: {error}") from None
    return found


def check_features(features: RegionFeatures, proposals: Proposals) -> None:
    """Check that every image has a row of features for each of its objects.

    Raises
    ------
    InputError
        with the images that have not
    """
    check_all_features([features], proposals)


def check_all_features(files: list[RegionFeatures], proposals: Proposals) -> None:
    """Check as `check_features` does, each image by the first file that has it."""
    rows = ChainMap(*(features.counts for features in files))
    boxes = dict(zip(proposals.images, np.diff(proposals.offsets).tolist(), strict=True))
    problems = Problems(" + ".join(features.source for features in files))
    problems.add_rows(
        f"an image of {proposals.source} without features",
        [image for image, count in boxes.items() if count and image not in rows],
        lambda image: f"image {image}",
    )
    problems.add_rows(
        f"an image whose features are not one row a box of {proposals.source}",
        [image for image, count in boxes.items() if rows.get(image, count) != count],
        lambda image: f"image {image}: found {boxes[image]} boxes, expected {rows[image]}",
    )
    problems.raise_if_any()


_DATASETS = {"features": (2, "f"), "pos_bboxes": (2, "iu")}


def _import() -> Any:
    try:
        import h5py
    except ImportError:
        raise MissingExtra("h5py", "maf", "HDF5 features") from None
    return h5py


def _dataset(h5py: Any, file: Any, name: str, source: str) -> Any:
    """Give a dataset of the file, of as many axes and the kind of numbers that it must have."""
    axes, kinds = _DATASETS[name]
    if name not in list(file):
        raise InputError(source, f'found datasets {sorted(file)}, expected "{name}" among them')
    data = file[name]
    if not isinstance(data, h5py.Dataset):
        raise InputError(source, f'found "{name}" as a group, expected a dataset')
    if data.ndim != axes or data.dtype.kind not in kinds:
        numbers = "floats" if kinds == "f" else "whole numbers"
        raise InputError(
            source,
            f'found "{name}" of shape {data.shape} and dtype {data.dtype}, expected a table of '
            f"{numbers}",
        )
    return data


def _check(features: RegionFeatures) -> None:
    """Check spans against features, and the index against spans."""
    problems = Problems(features.source)
    rows, spans = features.shape[0], features.spans
    if spans.shape[1] != 2:
        raise InputError(
            features.source, f'found "pos_bboxes" of shape {spans.shape}, expected two columns'
        )
    wrong = (spans[:, 0] < 0) | (spans[:, 1] < spans[:, 0]) | (spans[:, 1] > rows)
    problems.add_rows(
        'a row of "pos_bboxes" that is no range of features',
        np.flatnonzero(wrong),
        lambda row: f"row {row}: found {spans[row].tolist()}, expected it within 0 to {rows:,}",
    )
    problems.add_rows(
        'an image of the index whose row "pos_bboxes" does not have',
        [item for item in features.places.items() if not 0 <= item[1] < len(spans)],
        lambda item: f"image {item[0]}: found row {item[1]}, expected 0 to {len(spans) - 1}",
    )
    problems.raise_if_any()


def _places(path: Path, index: str | Path | None) -> dict[str, int]:
    """Read the index: an image id, mostly an int, and its row."""
    if index is None:
        stem, found, _ = path.name.rpartition("_features")
        if not found:
            raise OptionError(
                f"{path.name}: its index is not known by its name, which is not "
                "<split>_features_compress.hdf5; give it as index"
            )
        index = path.with_name(f"{stem}_imgid2idx.pkl")
    source = name_of(index)
    items = read_plain_pickle(read_bytes(index), source)
    if not isinstance(items, dict):
        raise InputError(source, f"found a pickle of {type(items).__name__}, expected a dict")
    problems = Problems(source)
    wrong = [(k, v) for k, v in items.items() if not (_is_id(k) and type(v) is int)]
    problems.add_rows(
        "an item that is not an image id and a whole number",
        wrong,
        lambda item: f"found {' and '.join(type(part).__name__ for part in item)}",
    )
    problems.raise_if_any()
    return {str(image): row for image, row in items.items()}


def _is_id(key: Any) -> bool:
    return isinstance(key, str) or type(key) is int
