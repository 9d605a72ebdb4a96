"""Shards: the files that one name stands for, and whether they are so large that they are streamed.

A name is a file, a pattern (``runs/*.parquet``), or a folder of files of one format; here, or at an
address (``s3://bucket/run-7/*.parquet``), whose files are streamed whatever their size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob, has_magic  # a name may hold folders, which Path.glob takes apart
from pathlib import Path

from phraseloc.bulk.addresses import find_files, is_address, size_of
from phraseloc.errors import InputError
from phraseloc.formats.source import STDIN, reason_of, stat_of

LARGE = {"parquet": 8_000_000, "json": 50_000_000, "text": 10_000_000}
"""From how many bytes on a file of a format is streamed; Parquet packs what JSON writes out."""

_FORMATS = {
    ".parquet": "parquet",
    ".jsonl": "json",
    ".ndjson": "json",
    ".json": "json",
    ".jsonl.gz": "json",
    ".json.gz": "json",
    ".jsonl.zst": "json",
    ".json.zst": "json",
    ".csv": "text",
    ".csv.gz": "text",
    ".csv.zst": "text",
    ".tsv": "text",
    ".tsv.gz": "text",
    ".tsv.zst": "text",
}


@dataclass(frozen=True)
class Shards:
    """Files of one format, in the order of their names, which is that of their rows.

    Parameters
    ----------
    name : what was asked for, for messages
    files : their paths, or addresses
    format : parquet; json, an array or lines; or text, a CSV or TSV
    """

    name: str
    files: tuple[str, ...]
    format: str

    @property
    def size(self) -> int:
        """How many bytes they have.

        Raises
        ------
        InputError
            if one is not there
        """
        return sum(map(_size, self.files))


def find_shards(name: str) -> Shards | None:
    """Find the shards of a name; None where it is nothing that could be streamed.

    Raises
    ------
    InputError
        if a pattern or a folder has no file, or files of several formats; or an address has none
        that can be streamed
    """
    if name == STDIN:
        return None
    if is_address(name):
        return _at_address(name)
    place = Path(name)
    try:
        if has_magic(name) and not place.exists():
            files = sorted(filter(_is_shard, glob(name)))  # noqa: PTH207
        elif place.is_dir():
            files = sorted(str(file) for file in place.iterdir() if _format(file.name))
            if not files:
                return None
        else:
            files = [name] if place.exists() else []
    except OSError as error:
        raise InputError(name, reason_of(error)) from None
    if not files:
        if has_magic(name):
            raise InputError(name, "no file matches")
        return None
    return _of_one_format(name, files)


def is_large(shards: Shards) -> bool:
    """Tell whether shards are to be streamed: they are large, elsewhere or several."""
    if shards.files != (shards.name,) or is_address(shards.name):
        return True
    return shards.size >= LARGE[shards.format]


def _at_address(name: str) -> Shards:
    """Find the shards of an address, which must have some: there is no other reader for it."""
    found = find_files(name)
    files = found if found == [name] else [file for file in found if _format(file)]
    shards = _of_one_format(name, files) if files else None
    if shards is None:
        expected = ", ".join(_FORMATS)
        raise InputError(name, f"found no file whose name ends in one of {expected}")
    return shards


def _is_shard(file: str) -> bool:
    """Tell whether what matches is no mere folder; what is called as a shard is must be one."""
    return not Path(file).is_dir() or _format(Path(file).name) is not None


def _size(file: str) -> int:
    return size_of(file) if is_address(file) else stat_of(file).st_size


def _of_one_format(name: str, files: Sequence[str]) -> Shards | None:
    formats = {_format(Path(file).name) for file in files}
    if len(formats) > 1:
        found = ", ".join(sorted({Path(file).suffix or "none" for file in files}))
        raise InputError(name, f"found files of several formats ({found}), expected one")
    (form,) = formats
    return None if form is None else Shards(name, tuple(files), form)


def _format(file: str) -> str | None:
    found = (s for s in sorted(_FORMATS, key=len, reverse=True) if file.endswith(s))
    return _FORMATS.get(next(found, ""))
