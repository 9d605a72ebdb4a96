"""Arrays in one memory-mapped file, as this project's caches are kept.

The layout is that of safetensors (a length, a JSON header, aligned arrays), so that other tools can
open it; a checksum tells a damaged file.
"""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from phraseloc.formats.source import replacing

Array = npt.NDArray[Any]

_DTYPES = {"I64": np.int64, "F64": np.float64, "F32": np.float32, "U8": np.uint8}
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}

UNUSABLE = (OSError, ValueError, KeyError, TypeError, msgspec.MsgspecError)
"""What `load_arrays` raises where the file is not there, or damaged."""


def store_arrays(arrays: Mapping[str, Array], metadata: Mapping[str, Any], place: Path) -> None:
    """Write named arrays and plain metadata, whole or not at all."""
    header: dict[str, Any] = {}
    blocks = []
    end = 0
    for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):
        low, end = end, end + array.nbytes
        kind = _NAMES[array.dtype]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [low, end]}
        blocks.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8))
    check = zlib.crc32(msgspec.json.encode([metadata, header]))
    for block in blocks:
        check = zlib.crc32(block, check)
    header["__metadata__"] = {
        "phraseloc": msgspec.json.encode(metadata).decode(),
        "crc32": str(check),
    }
    text = msgspec.json.encode(header)
    text += b" " * (-len(text) % 8)
    with replacing(place) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for block in blocks:
            file.write(block)


def load_arrays(place: Path) -> tuple[dict[str, Array], dict[str, Any]]:
    """Map the arrays of a file into memory; give them and the metadata.

    Raises
    ------
    UNUSABLE
        if the file is not there, or damaged
    """
    with place.open("rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    start = 8 + int.from_bytes(view[:8], "little")
    header = msgspec.json.decode(view[8:start], type=dict[str, Any])
    facts = header.pop("__metadata__")
    metadata = msgspec.json.decode(facts["phraseloc"])
    check = zlib.crc32(msgspec.json.encode([metadata, header]))
    if zlib.crc32(view[start:], check) != int(facts["crc32"]):
        raise ValueError("the file is damaged")
    arrays = {}
    for name, item in header.items():
        low, high = item["data_offsets"]
        array = np.frombuffer(view[start + low : start + high], _DTYPES[item["dtype"]])
        arrays[name] = array.reshape(item["shape"])
    return arrays, metadata


def packed(values: Sequence[str]) -> Array:
    """Pack strings into an array of bytes."""
    return np.frombuffer(msgspec.msgpack.encode(list(values)), np.uint8)


def unpacked(array: Array) -> list[str]:
    """Give the strings of an array of bytes."""
    return msgspec.msgpack.decode(array, type=list[str])
