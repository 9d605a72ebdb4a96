"""The cache of ground truth: columns in one memory-mapped file, keyed by its source's digest.

The file is in the safetensors layout (a length, a JSON header, aligned arrays), so that other tools
can open it; strings are MessagePack in byte arrays. A file whose checksum is wrong is made anew.
"""

from __future__ import annotations

import mmap
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from phraseloc._version import __version__
from phraseloc.columns import Strings
from phraseloc.data import GroundTruth, PhraseKeys
from phraseloc.errors import InputError
from phraseloc.formats.source import replacing
from phraseloc.space import BoxSpace

LAYOUT = 1
"""Raised whenever readers or columns change, so that an old file is never taken for a new one."""

_DTYPES = {"I64": np.int64, "F64": np.float64, "U8": np.uint8}
_NAMES = {np.dtype(dtype): name for name, dtype in _DTYPES.items()}
_ARRAYS = ("offsets", "boxes", "category_offsets", "category_codes")


def cache_folder() -> Path | None:
    """Give the cache's folder: ``$PHRASELOC_CACHE``, or the user's; None where it is ``off``."""
    given = os.environ.get("PHRASELOC_CACHE")
    if given == "off":
        return None
    if given:
        return Path(given)
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", "~")).expanduser() / "phraseloc"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "phraseloc"


def cached(path: Path, choices: Sequence[object], read: Callable[[], GroundTruth]) -> GroundTruth:
    """Give the ground truth of a file from the cache, or read it and store it there.

    Parameters
    ----------
    path : the source; a folder counts by its files' names, sizes and times of change
    choices : whatever else the ground truth depends on
    read : reads the source
    """
    folder = cache_folder()
    if folder is None:
        return read()
    place = folder / f"{_digest(path, choices)}.safetensors"
    try:
        return _load(place)
    except (OSError, ValueError, KeyError, TypeError, msgspec.MsgspecError):
        pass
    ground_truth = read()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _store(ground_truth, place)
    except (OSError, InputError):
        pass
    return ground_truth


def _digest(path: Path, choices: Sequence[object]) -> str:
    state = sha256(repr((LAYOUT, __version__, path.name, *choices)).encode())
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            facts = file.lstat()
            state.update(f"{file}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    else:
        with path.open("rb") as stream:
            while block := stream.read(2**20):
                state.update(block)
    return state.hexdigest()


def _store(ground_truth: GroundTruth, place: Path) -> None:
    arrays: dict[str, np.ndarray[Any, Any]] = {n: getattr(ground_truth, n) for n in _ARRAYS}
    arrays["categories"] = _packed(list(ground_truth.categories))
    if ground_truth.sizes is not None:
        arrays["sizes"] = ground_truth.sizes
    arrays |= _key_arrays("keys", ground_truth.keys)
    if ground_truth.left_out is not None:
        arrays |= _key_arrays("left_out", ground_truth.left_out)
    metadata = {
        "source": ground_truth.source,
        "space": vars(ground_truth.space),
        "left_out_reasons": dict(ground_truth.left_out_reasons),
        "unions_only": ground_truth.unions_only,
        "digests": [ground_truth.digest, ground_truth.union_digest],
    }
    header: dict[str, Any] = {}
    blocks = []
    end = 0
    for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):
        low, end = end, end + array.nbytes
        kind = _NAMES[array.dtype]
        header[name] = {"dtype": kind, "shape": array.shape, "data_offsets": [low, end]}
        blocks.append(np.ascontiguousarray(array).tobytes())
    facts = msgspec.json.encode([metadata, header])
    check = zlib.crc32(b"".join(blocks), zlib.crc32(facts))
    header["__metadata__"] = {
        "phraseloc": msgspec.json.encode(metadata).decode(),
        "crc32": str(check),
    }
    text = msgspec.json.encode(header)
    text += b" " * (-len(text) % 8)
    with replacing(place) as file:
        file.write(len(text).to_bytes(8, "little") + text + b"".join(blocks))


def _load(place: Path) -> GroundTruth:
    with place.open("rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    start = 8 + int.from_bytes(view[:8], "little")
    header = msgspec.json.decode(view[8:start], type=dict[str, Any])
    facts = header.pop("__metadata__")
    metadata = msgspec.json.decode(facts["phraseloc"])
    check = zlib.crc32(msgspec.json.encode([metadata, header]))
    if zlib.crc32(view[start:], check) != int(facts["crc32"]):
        raise ValueError("the cache is damaged")
    arrays = {}
    for name, item in header.items():
        low, high = item["data_offsets"]
        array = np.frombuffer(view[start + low : start + high], _DTYPES[item["dtype"]])
        arrays[name] = array.reshape(item["shape"])
    ground_truth = GroundTruth(
        _keys_of("keys", arrays),
        **{name: arrays[name] for name in _ARRAYS},
        categories=msgspec.msgpack.decode(arrays["categories"]),
        sizes=arrays.get("sizes"),
        left_out=_keys_of("left_out", arrays) if "left_out.image" in arrays else None,
        left_out_reasons=metadata["left_out_reasons"],
        space=BoxSpace(**metadata["space"]),
        source=metadata["source"],
        unions_only=metadata["unions_only"],
        validated=True,
    )
    vars(ground_truth).update(digest=metadata["digests"][0], union_digest=metadata["digests"][1])
    return ground_truth


def _packed(values: Sequence[str]) -> np.ndarray[Any, Any]:
    return np.frombuffer(msgspec.msgpack.encode(list(values)), np.uint8)


def _key_arrays(prefix: str, keys: PhraseKeys) -> dict[str, np.ndarray[Any, Any]]:
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    for name in ("image", "sentence", "first_word", "entity", "phrase"):
        column = getattr(keys, name)
        if isinstance(column, Strings):
            arrays[f"{prefix}.{name}"] = column.codes
            arrays[f"{prefix}.{name}.values"] = _packed(column.values)
        elif column is not None:
            arrays[f"{prefix}.{name}"] = column
    return arrays


def _keys_of(prefix: str, arrays: Mapping[str, np.ndarray[Any, Any]]) -> PhraseKeys:
    columns: dict[str, Any] = {}
    for name in ("image", "sentence", "first_word", "entity", "phrase"):
        column = arrays.get(f"{prefix}.{name}")
        values = arrays.get(f"{prefix}.{name}.values")
        columns[name] = (
            column
            if values is None or column is None
            else Strings(msgspec.msgpack.decode(values), column)
        )
    return PhraseKeys(**columns)
