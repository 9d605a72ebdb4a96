"""The cache of ground truth: columns in one memory-mapped file, keyed by its source's digest.

A file that is damaged is made anew.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from phraseloc._version import __version__
from phraseloc.columns import Strings
from phraseloc.data import GroundTruth, PhraseKeys
from phraseloc.errors import InputError
from phraseloc.formats.arrays import (
    UNUSABLE,
    Array,
    load_arrays,
    packed,
    store_arrays,
    unpacked,
)
from phraseloc.space import BoxSpace

LAYOUT = 2
"""Raised whenever readers or columns change, so that an old file is never taken for a new one."""

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
    except UNUSABLE:
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
    arrays: dict[str, Array] = {n: getattr(ground_truth, n) for n in _ARRAYS}
    arrays["categories"] = packed(list(ground_truth.categories))
    if ground_truth.sizes is not None:
        arrays["sizes"] = ground_truth.sizes
    arrays |= _key_arrays("keys", ground_truth.keys)
    if ground_truth.left_out is not None:
        arrays |= _key_arrays("left_out", ground_truth.left_out)
    if ground_truth.sentences is not None:
        arrays |= _string_arrays("sentences", ground_truth.sentences)
    metadata = {
        "source": ground_truth.source,
        "space": vars(ground_truth.space),
        "left_out_reasons": dict(ground_truth.left_out_reasons),
        "unions_only": ground_truth.unions_only,
        "digests": [ground_truth.digest, ground_truth.union_digest],
    }
    store_arrays(arrays, metadata, place)


def _load(place: Path) -> GroundTruth:
    arrays, metadata = load_arrays(place)
    ground_truth = GroundTruth(
        _keys_of("keys", arrays),
        **{name: arrays[name] for name in _ARRAYS},
        categories=unpacked(arrays["categories"]),
        sizes=arrays.get("sizes"),
        left_out=_keys_of("left_out", arrays) if "left_out.image" in arrays else None,
        left_out_reasons=metadata["left_out_reasons"],
        space=BoxSpace(**metadata["space"]),
        source=metadata["source"],
        unions_only=metadata["unions_only"],
        sentences=_strings_of("sentences", arrays),
        validated=True,
    )
    vars(ground_truth).update(digest=metadata["digests"][0], union_digest=metadata["digests"][1])
    return ground_truth


def _key_arrays(prefix: str, keys: PhraseKeys) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for name in ("image", "sentence", "first_word", "entity", "phrase"):
        column = getattr(keys, name)
        if isinstance(column, Strings):
            arrays |= _string_arrays(f"{prefix}.{name}", column)
        elif column is not None:
            arrays[f"{prefix}.{name}"] = column
    return arrays


def _keys_of(prefix: str, arrays: Mapping[str, Array]) -> PhraseKeys:
    columns: dict[str, Any] = {}
    for name in ("image", "sentence", "first_word", "entity", "phrase"):
        place = f"{prefix}.{name}"
        texts = _strings_of(place, arrays)
        columns[name] = arrays.get(place) if texts is None else texts
    return PhraseKeys(**columns)


def _string_arrays(name: str, column: Strings) -> dict[str, Array]:
    return {name: column.codes, f"{name}.values": packed(column.values)}


def _strings_of(name: str, arrays: Mapping[str, Array]) -> Strings | None:
    values = arrays.get(f"{name}.values")
    return None if values is None else Strings(unpacked(values), arrays[name])
