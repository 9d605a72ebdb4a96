"""JSON and JSON Lines: records as an array, or one a line.

A header declares what boxes mean: ``{"phraseloc": {"layout": "xyxy"}, "records": [...]}`` in JSON,
a first line ``{"phraseloc": {"layout": "xyxy"}}`` in JSON Lines. Sound files take the typed, fast
road; in others, every record is checked by itself, so that all problems are named together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from phraseloc.errors import InputError, Problems
from phraseloc.formats.records import Record, RecordFile, check_objects
from phraseloc.formats.source import check_text

_ARRAY = msgspec.json.Decoder(list[Record])
_LINE = msgspec.json.Decoder(Record)


class _Header(msgspec.Struct):
    phraseloc: dict[str, Any]


class _Wrapped(msgspec.Struct):
    phraseloc: dict[str, Any]
    records: list[Record]


_WRAPPED = msgspec.json.Decoder(_Wrapped)
_HEADER = msgspec.json.Decoder(_Header)


def read_json(data: bytes, source: str, problems: Problems) -> RecordFile:
    """Read an array of records, or an object with a header and ``records``.

    Raises
    ------
    InputError
        if the text is not JSON; wrong records are noted in ``problems``
    """
    text = check_text(data, source)
    try:
        if data.lstrip().startswith(b"{"):
            wrapped = _WRAPPED.decode(data)
            return _sound(wrapped.records, "record", 1, wrapped.phraseloc)
        return _sound(_ARRAY.decode(data), "record", 1, {})
    except msgspec.DecodeError as error:
        objects = _parse(text, source)
        header = {}
        if isinstance(objects, dict):
            header = objects.get("phraseloc", {})
            objects = objects.get("records")
        if not isinstance(objects, list) or not isinstance(header, dict):
            raise InputError(
                source, 'expected an array of records, or {"records": [...]}'
            ) from None
        return _checked(objects, "record", 1, header, problems, error)


def read_json_lines(data: bytes, source: str, problems: Problems) -> RecordFile:
    """Read a record a line, after an optional header line.

    Raises
    ------
    InputError
        if a line is not JSON; wrong records are noted in ``problems``
    """
    text = check_text(data, source)
    first_line, _, rest = data.partition(b"\n")
    header: Mapping[str, Any] = {}
    first = 1
    if b'"phraseloc"' in first_line:
        try:
            header, data, first = _HEADER.decode(first_line).phraseloc, rest, 2
        except msgspec.DecodeError as error:
            raise InputError(source, f"line 1: the header cannot be read: {error}") from None
    try:
        return _sound(_LINE.decode_lines(data), "line", first, header)
    except msgspec.DecodeError as error:
        lines = text.removesuffix("\n").split("\n")[first - 1 :]
        objects = [
            _parse(line, f"{source}, line {row}") for row, line in enumerate(lines, start=first)
        ]
        return _checked(objects, "line", first, header, problems, error)


def _sound(
    records: Sequence[Record], row_name: str, first: int, header: Mapping[str, Any]
) -> RecordFile:
    return RecordFile(records, np.arange(first, first + len(records)), row_name, header)


def _checked(
    objects: list[Any],
    row_name: str,
    first: int,
    header: Mapping[str, Any],
    problems: Problems,
    error: msgspec.DecodeError,
) -> RecordFile:
    records, rows = check_objects(objects, row_name, first, problems)
    if not problems:
        problems.add("a record that cannot be read", str(error))
    return RecordFile(records, np.array(rows, dtype=np.int64), row_name, header)


def _parse(text: str, source: str) -> Any:
    """Parse JSON as the standard library does, which admits NaN, so that its row can be named."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()):
            raise InputError(
                source, f"the text breaks off at line {error.lineno}, column {error.colno}"
            ) from None
        raise InputError(
            source, f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from None
    except RecursionError:
        raise InputError(source, "not JSON that can be read: it is nested too deeply") from None
