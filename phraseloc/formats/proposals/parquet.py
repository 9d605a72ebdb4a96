"""Proposals as Parquet: a row an image, its boxes, labels and scores as lists.

Columns: ``image`` (string), ``boxes`` (lists of 4 doubles) and ``labels`` (strings); and, where
they are known, ``attributes`` (strings), ``scores`` (doubles, null where unknown), ``width`` and
``height`` (doubles). The file's metadata say what the numbers of a box mean, as in
`phraseloc.formats.parquet`; without them, what detectors mean by default. Needs pyarrow.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from phraseloc.columns import FloatArray, IntArray, Strings, offsets_of
from phraseloc.errors import InputError, Problems
from phraseloc.formats.parquet import METADATA, import_pyarrow
from phraseloc.formats.proposals.assemble import Detections, declared_over
from phraseloc.formats.records import declared_space
from phraseloc.proposals import DETECTOR_SPACE, Proposals
from phraseloc.space import BoxSpace

SPACE = BoxSpace("xyxy", "continuous", 0)
"""How boxes are written: as they are inside, so that not a bit of them changes."""


def read_proposal_table(
    data: bytes, source: str, declared: Mapping[str, Any], problems: Problems
) -> tuple[Detections, BoxSpace]:
    """Read the objects of all images, and what their boxes mean; problems are noted.

    Raises
    ------
    InputError
        if the file cannot be read, lacks a column, or has one of another type
    """
    pyarrow, parquet = import_pyarrow()
    try:
        table = parquet.read_table(io.BytesIO(data))
        found = {name: _typed(pyarrow, table, name, kind) for name, kind in _kinds(pyarrow).items()}
        lacking = [name for name in ("image", "boxes", "labels") if found[name] is None]
        if lacking:
            names = ", ".join(lacking)
            raise InputError(
                source, f"found columns {table.column_names}, expected {names} among them"
            )
        detections = _detections(found, problems)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(source, f"not a Parquet file that can be read: {error}") from None
    return detections, _space_of(table.schema.metadata, declared, source)


def _detections(found: Mapping[str, Any], problems: Problems) -> Detections:
    images = _texts(found["image"])
    counts = _lengths(found["boxes"])
    _note_counts(images, counts, found, problems)
    problems.raise_if_any()
    attributes, scores = found["attributes"], found["scores"]
    return Detections(
        images,
        counts,
        _boxes(images, counts, found["boxes"], problems),
        Strings.of(_texts(found["labels"].flatten())),
        None if attributes is None else Strings.of(_texts(attributes.flatten())),
        None if scores is None else _numbers(scores.flatten()),
        _sizes(found, len(images)),
    )


def write_proposal_table(proposals: Proposals) -> bytes:
    """Write proposals as Parquet bytes."""
    pyarrow, parquet = import_pyarrow()
    offsets = pyarrow.array(proposals.offsets, pyarrow.int32())
    corners = pyarrow.array(np.arange(len(proposals) + 1) * 4, pyarrow.int32())

    def ragged(values: Any) -> Any:
        return pyarrow.ListArray.from_arrays(offsets, values)

    flat = pyarrow.array(proposals.boxes.ravel())
    columns = {
        "image": pyarrow.array(list(proposals.images), pyarrow.string()),
        "boxes": ragged(pyarrow.ListArray.from_arrays(corners, flat)),
        "labels": ragged(pyarrow.array(proposals.labels.to_list(), pyarrow.string())),
    }
    if proposals.attributes is not None:
        texts = pyarrow.array(proposals.attributes.to_list(), pyarrow.string())
        columns["attributes"] = ragged(texts)
    if proposals.scores is not None:
        columns["scores"] = ragged(pyarrow.array(proposals.scores, from_pandas=True))
    if proposals.sizes is not None:
        for place, name in enumerate(("width", "height")):
            columns[name] = pyarrow.array(proposals.sizes[:, place], from_pandas=True)
    table = pyarrow.table(columns)
    table = table.replace_schema_metadata({METADATA: msgspec.json.encode(vars(SPACE))})
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def _kinds(pyarrow: Any) -> dict[str, Any]:
    text, number = pyarrow.string(), pyarrow.float64()
    return {
        "image": text,
        "boxes": pyarrow.list_(pyarrow.list_(number)),
        "labels": pyarrow.list_(text),
        "attributes": pyarrow.list_(text),
        "scores": pyarrow.list_(number),
        "width": number,
        "height": number,
    }


def _typed(pyarrow: Any, table: Any, name: str, kind: Any) -> Any:
    """Give a column in one piece and of its type, None where the table does not have it."""
    if table.column_names.count(name) != 1:
        return None
    column = table.column(name).cast(kind)
    return pyarrow.concat_arrays(column.chunks) if column.num_chunks else pyarrow.array([], kind)


def _space_of(metadata: Any, declared: Mapping[str, Any], source: str) -> BoxSpace:
    text = (metadata or {}).get(METADATA)
    if text is None:
        return declared_over(DETECTOR_SPACE, declared)
    try:
        header = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise InputError(source, f"its phraseloc metadata cannot be read: {error}") from None
    return declared_space(header, declared, source)


def _lengths(column: Any) -> IntArray:
    """Give the length of each list; a null has none."""
    lengths: IntArray = np.asarray(column.value_lengths().fill_null(0), np.int64)
    return lengths


def _texts(column: Any) -> list[str]:
    """Give texts; nulls are noted elsewhere."""
    texts: list[str] = column.fill_null("").to_pylist()
    return texts


def _numbers(column: Any) -> FloatArray:
    """Give numbers, NaN for nulls."""
    numbers: FloatArray = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return numbers


def _note_counts(
    images: list[str], counts: IntArray, found: Mapping[str, Any], problems: Problems
) -> None:
    nulls = np.flatnonzero(np.asarray(found["image"].is_null()))
    problems.add_rows("a row without an image", nulls, lambda row: f"row {row + 1}")
    for name in ("labels", "attributes", "scores"):
        if found[name] is None:
            continue
        lengths = _lengths(found[name])
        problems.add_rows(
            f'"{name}" that are not one a box',
            np.flatnonzero(lengths != counts),
            lambda row, name=name, lengths=lengths: (  # type: ignore[misc]
                f"image {images[row]}: found {lengths[row]} {name}, expected {counts[row]}"
            ),
        )


def _boxes(images: list[str], counts: IntArray, column: Any, problems: Problems) -> FloatArray:
    """Give the boxes (B, 4); those of another length are noted, and none take their place."""
    boxes = column.flatten()
    lengths = _lengths(boxes)
    numbers = _numbers(boxes.flatten())
    wrong = np.flatnonzero(lengths != 4)
    if not len(wrong):
        return numbers.reshape(-1, 4)
    offsets = offsets_of(counts)
    owners = np.repeat(np.arange(len(images)), counts)
    problems.add_rows(
        "a box that is not 4 numbers",
        wrong,
        lambda row: (
            f"image {images[owners[row]]} object {row - offsets[owners[row]] + 1}: "
            f"found {lengths[row]} numbers"
        ),
    )
    return np.tile([0.0, 0.0, 1.0, 1.0], (len(lengths), 1))


def _sizes(found: Mapping[str, Any], count: int) -> FloatArray:
    sides = [
        np.full(count, np.nan) if found[name] is None else _numbers(found[name])
        for name in ("width", "height")
    ]
    return np.stack(sides, axis=1)
