"""JSON and JSON Lines: records as an array, or one a line.

A header declares what boxes mean: ``{"phraseloc": {"layout": "xyxy"}, "records": [...]}`` in JSON,
a first line ``{"phraseloc": {"layout": "xyxy"}}`` in JSON Lines. Sound files take the typed, fast
road; in others, every record is checked by itself, so that all problems are named together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np

from phraseloc.errors import InputError, Problems, noting
from phraseloc.formats.records import Record, RecordFile, check_objects
from phraseloc.formats.source import check_text

_ARRAY = msgspec.json.Decoder(list[Record])
_LINE = msgspec.json.Decoder(Record)


class _Wrapped(msgspec.Struct):
    records: list[Record]
    phraseloc: dict[str, Any] = {}


class _Probe(msgspec.Struct):
    """The keys of an object that is no record, with what they hold left as it is."""

    records: msgspec.Raw = msgspec.Raw()
    phraseloc: msgspec.Raw = msgspec.Raw()


_WRAPPED = msgspec.json.Decoder(_Wrapped)
_PROBE = msgspec.json.Decoder(_Probe)


def is_lines(data: bytes) -> bool:
    """Tell JSON Lines from JSON: the first line is an object, and does not hold all records."""
    first_line = data.lstrip().partition(b"\n")[0]
    if not first_line.startswith(b"{"):
        return False
    try:
        return not _PROBE.decode(first_line).records
    except (msgspec.DecodeError, RecursionError):
        return first_line.rstrip().endswith(b"}") and b"\n{" in data


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
    except (msgspec.DecodeError, RecursionError) as error:
        objects = _parse(text, source)
        header = {}
        if isinstance(objects, dict):
            header = objects.get("phraseloc", {})
            objects = objects.get("records")
        if not isinstance(objects, list) or not isinstance(header, dict):
            raise InputError(
                source, 'expected an array of records, or {"records": [...]}'
            ) from None
        rows = range(1, len(objects) + 1)
        return _checked(objects, "record", rows, header, problems, str(error))


def read_json_lines(data: bytes, source: str, problems: Problems, first: int = 1) -> RecordFile:
    """Read a record a line, after an optional header line; the first line has a number.

    Raises
    ------
    InputError
        if a line is not JSON; wrong records are noted in ``problems``
    """
    text = check_text(data, source, first)
    first_line, _, rest = data.partition(b"\n")
    header: Mapping[str, Any] = {}
    begin = first
    with suppress(msgspec.DecodeError, RecursionError):
        declared = _PROBE.decode(first_line).phraseloc
        if declared:
            header, data, begin = _header(declared, source), rest, first + 1
    try:
        records = _LINE.decode_lines(data)
        if len(records) == data.count(b"\n") + bool(data and not data.endswith(b"\n")):
            return _sound(records, "line", begin, header)
        reason = "a blank line"
    except (msgspec.DecodeError, RecursionError) as error:
        reason = str(error)
    objects, rows = [], []
    lines = text.removesuffix("\n").split("\n")[begin - first :]
    for row, line in enumerate(lines, start=begin):
        with noting(problems, "a line that is not a record"):
            objects.append(_parse(line, f"line {row}"))
            rows.append(row)
    return _checked(objects, "line", rows, header, problems, reason)


def _header(text: msgspec.Raw, source: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise InputError(source, f"line 1: the header cannot be read: {error}") from None


def _sound(
    records: Sequence[Record], row_name: str, first: int, header: Mapping[str, Any]
) -> RecordFile:
    return RecordFile(records, np.arange(first, first + len(records)), row_name, header)


def _checked(
    objects: list[Any],
    row_name: str,
    rows: Sequence[int],
    header: Mapping[str, Any],
    problems: Problems,
    reason: str,
) -> RecordFile:
    records, sound = check_objects(objects, row_name, rows, problems)
    if not problems:
        problems.add("a record that cannot be read", reason)
    return RecordFile(records, np.array(sound, dtype=np.int64), row_name, header)


def _parse(text: str, where: str) -> Any:
    """Parse JSON as the standard library does, which admits NaN, so that its row can be named."""
    import json

    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if not text.strip():
            raise InputError(where, "found a blank line, expected a record") from None
        place = f"column {error.colno}"
        if "\n" in text:
            place = f"line {error.lineno}, {place}"
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
            begun = len(re.findall(r'"image"\s*:', text))
            place += f", in record {begun}" if begun > 1 else ""
            raise InputError(where, f"the text breaks off at {place}") from None
        raise InputError(where, f"not JSON at {place}: {error.msg}") from None
    except (RecursionError, ValueError) as error:
        raise InputError(where, f"not JSON that can be read: {error}") from None
