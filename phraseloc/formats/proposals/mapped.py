"""Region features as an array in memory-mapped form, whatever way HDF5 has them.

Rows that lie in one piece are mapped where they are. Compressed or chunked ones, of which every row
would cost the unpacking of many, are unpacked once into the cache.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from phraseloc.errors import InputError
from phraseloc.formats.cache import cache_folder
from phraseloc.formats.proposals.features import RegionFeatures
from phraseloc.formats.source import replacing

_BLOCK = 2**14
"""How many rows are unpacked at a time."""


def mapped_rows(features: RegionFeatures) -> npt.NDArray[Any]:
    """Give all rows (objects, numbers) of a features file; only those that are used are read.

    Without a cache, compressed rows are unpacked into memory.

    Raises
    ------
    InputError
        if the file is damaged
    """
    data = features.data
    offset = data.id.get_offset()
    if offset is not None:
        return np.memmap(data.file.filename, data.dtype, "r", offset, data.shape)
    folder = cache_folder()
    if folder is None:
        return _read(features, slice(None))
    path = Path(data.file.filename)
    facts = path.stat()
    identity = repr((str(path.resolve()), facts.st_size, facts.st_mtime_ns))
    place = folder / f"features-{sha256(identity.encode()).hexdigest()}.npy"
    try:
        return _open(place, features)
    except (OSError, ValueError):
        folder.mkdir(parents=True, exist_ok=True)
        _unpack(features, place)
        return _open(place, features)


def _open(place: Path, features: RegionFeatures) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = np.load(place, mmap_mode="r", allow_pickle=False)
    if found.shape != features.shape or found.dtype != features.dtype:
        raise ValueError("another file's rows")
    return found


def _unpack(features: RegionFeatures, place: Path) -> None:
    with replacing(place) as file:
        header = {
            "descr": np.lib.format.dtype_to_descr(np.dtype(features.dtype)),
            "fortran_order": False,
            "shape": features.shape,
        }
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, features.shape[0], _BLOCK):
            file.write(np.ascontiguousarray(_read(features, slice(start, start + _BLOCK))))


def _read(features: RegionFeatures, rows: slice) -> npt.NDArray[Any]:
    try:
        return np.asarray(features.data[rows])
    except Exception as error:  # HDF5 reports damage in many ways
        raise InputError(features.source, f"the features cannot be read: {error}") from None
