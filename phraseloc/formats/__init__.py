"""Formats: the only code that opens data files. Which one a file has is found by its content.

=====================  ============  ============================================================
format                 read as       written by suffix
=====================  ============  ============================================================
official release       ground truth  (a folder, ``.zip`` or ``.tar.*``)
JSON                   both          ``.json``
JSON Lines             both          ``.jsonl``
CSV, TSV with names    both          ``.csv``
TSV                    both          ``.tsv``, ``.txt``
Parquet                both          ``.parquet``
=====================  ============  ============================================================

Proposals and word vectors have packages of their own, `formats.proposals` and `formats.vectors`.
All but the release may be compressed by gzip or zstd (``.gz``, ``.zst``), or come from ``-``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from phraseloc.data import GroundTruth, Predictions
from phraseloc.errors import InputError, OptionError, Problems
from phraseloc.formats.assemble import to_ground_truth, to_predictions
from phraseloc.formats.records import RecordFile, declared_space
from phraseloc.formats.source import (
    STDIN,
    foreign_kind,
    is_archive,
    name_of,
    read_bytes,
    reason_of,
)

__all__ = [
    "load_ground_truth",
    "load_predictions",
    "read_predictions",
]

Reader = Callable[[bytes, str, Problems], RecordFile]


def load_ground_truth(
    path: str | Path,
    *,
    split: str | Path | None = None,
    unrelated: str | Path | None = None,
    **declared: Any,
) -> GroundTruth:
    """Load ground truth: an official release (folder, zip, tar), or a file of records.

    Parameters
    ----------
    split : a file of image ids, one a line; the others are left aside
    unrelated : the release's ``UNRELATED_CAPTIONS``, whose captions are then left out
    declared : ``layout``, ``corners``, ``origin`` or ``units`` of a file that is not a release

    Raises
    ------
    InputError
        with everything that is wrong in the file
    """
    from phraseloc.formats.cache import cached
    from phraseloc.formats.lists import read_split, read_unrelated

    images = None if split is None else read_split(split)
    captions = frozenset() if unrelated is None else read_unrelated(unrelated)
    declared = {name: value for name, value in declared.items() if value is not None}
    if str(path) == STDIN:
        return _from_records(path, images, declared)
    place = Path(path)

    def read() -> GroundTruth:
        if not is_archive(place):
            if unrelated is not None:
                raise OptionError(f"{place.name}: unrelated captions are left out of releases only")
            return _from_records(place, images, declared)
        if declared:
            raise OptionError(f"{place.name}: the boxes of a release are fixed, found {declared}")
        from phraseloc.formats.flickr30k_entities import read_release

        return read_release(place, images, captions)

    choices = (images, sorted(captions), sorted(declared.items()))
    try:
        return cached(place, choices, read)
    except OSError as error:
        raise InputError(str(path), reason_of(error)) from None


def _from_records(
    path: str | Path, images: list[str] | None, declared: Mapping[str, Any]
) -> GroundTruth:
    source = name_of(path)
    data = read_bytes(path)
    problems = Problems(source)
    file = find_reader(data, source, "ground truth")(data, source, problems)
    problems.raise_if_any()
    space = declared_space(file.header, declared, source)
    ground_truth = to_ground_truth(file, space, source, problems)
    if images is None:
        return ground_truth
    import numpy as np

    place = {image: i for i, image in enumerate(images)}
    places = np.array([place.get(i, -1) for i in ground_truth.keys.image.values])
    rows = np.flatnonzero(places[ground_truth.keys.image.codes] >= 0)
    if not len(rows):
        raise InputError(source, "no image of the split is in it")
    return ground_truth.take(rows)


def load_predictions(
    path: str | Path, *, degenerate: str = "error", **declared: Any
) -> Predictions:
    """Load predictions: JSON, JSON Lines, CSV, TSV or Parquet.

    Parameters
    ----------
    degenerate : what a box without area is, ``error`` or ``count`` (then it is wrong)
    declared : ``layout``, ``corners``, ``origin`` or ``units``, where the file has no header;
        by default xywh, inclusive, origin 1, pixels, as the reference scorer's files

    Raises
    ------
    InputError
        with everything that is wrong in the file
    """
    problems = Problems(name_of(path))
    predictions = read_predictions(path, problems, degenerate=degenerate, **declared)
    problems.raise_if_any()
    return predictions


def read_predictions(
    path: str | Path, problems: Problems, *, degenerate: str = "error", **declared: Any
) -> Predictions:
    """Read predictions as `load_predictions` does, but note problems and keep the sound rows."""
    source = name_of(path)
    data = read_bytes(path)
    file = find_reader(data, source, "predictions")(data, source, problems)
    space = declared_space(file.header, declared, source)
    return to_predictions(file, space, source, problems, degenerate=degenerate)


def find_reader(data: bytes, source: str, expected: str) -> Reader:
    """Find the reader of a file by its content, or by what it begins with.

    Raises
    ------
    InputError
        if it is something else than ``expected``, predictions or ground truth
    """
    start = data[:4096].lstrip(b" \n\r\t\xef\xbb\xbf")
    if data.startswith(b"PAR1"):
        from phraseloc.formats.parquet import read_parquet

        return read_parquet
    if start.startswith((b"[", b"{")):
        from phraseloc.formats.json_records import is_lines, read_json, read_json_lines

        return read_json_lines if is_lines(data) else read_json
    found = foreign_kind(start)
    if not found and _has_names(start):
        from phraseloc.formats.table import read_table

        return read_table
    if not found and (b"\t" in start.partition(b"\n")[0] or start.startswith(b"#phraseloc")):
        from phraseloc.formats.tsv import read_tsv

        return read_tsv
    raise InputError(
        source,
        f"found {found or 'a file of no known format'}, expected {expected} as JSON, JSON Lines, "
        "CSV with a line of names, TSV or Parquet"
        + (", or an official release" if expected == "ground truth" else ""),
    )


def _has_names(start: bytes) -> bool:
    """Tell whether text begins with the names of columns, perhaps after a header."""
    first, _, rest = start.partition(b"\n")
    line = rest.partition(b"\n")[0] if first.startswith(b"#phraseloc") else first
    if b"image" not in line:
        return False
    from phraseloc.formats.table import find_names

    return find_names(line.decode(errors="replace")) is not None
