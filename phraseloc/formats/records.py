"""Records: one object a phrase, the shape that the JSON, JSON Lines and Parquet formats share.

A record of the reference scorer: ``{"image": "1016887272#0", "phrase": ["the", "rock"],
"start": 7, "entity": "548", "box": [1, 54, 333, 447]}``, with image and sentence in one, tokens or
text of the phrase, and its first word.
phraseloc reads and writes more fields, all of them optional:

- ``sentence``, ``first_word``: instead of ``#0`` in the image, and of ``start``; ``phraseId`` (of
  referring expressions) is the sentence of an image without one, with first word 0.
- ``boxes``: several boxes, of the entity or ranked candidates, instead of ``box``; ``scores`` of
  them; or ``point``, ``[x, y]``.
- ``categories``; ``width`` and ``height`` of the image; ``caption``, the whole text.

What the numbers of a box mean is a `BoxSpace`, declared by the caller or in the file's header.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Annotated, Any

import msgspec

from phraseloc.columns import IntArray
from phraseloc.errors import InputError, OptionError, Problems
from phraseloc.space import BoxSpace

Box = tuple[float, float, float, float]
Whole = Annotated[int, msgspec.Meta(ge=0, le=2**62)]

LARGEST = 1e15
"""Coordinates beyond it are refused as infinite ones are: their areas would not be exact."""


class Record(msgspec.Struct, gc=False):
    """A record, as the module describes; fields of no use here are passed over."""

    image: str
    phrase: str | list[str] | None = None
    box: Box | None = None
    boxes: list[Box] | None = None
    scores: list[float] | None = None
    point: tuple[float, float] | None = None
    start: Whole | None = None
    first_word: Whole | None = None
    sentence: Whole | None = None
    entity: str | None = None
    phraseId: str | Whole | None = None  # noqa: N815 - the reference scorer's field
    categories: list[str] | None = None
    width: float | None = None
    height: float | None = None
    caption: Any = None


@dataclass(frozen=True)
class RecordFile:
    """The records of a file, with what its messages call them.

    Parameters
    ----------
    records : the sound records
    rows : their numbers in the file, counted from 1
    row_name : record or line
    header : the space that the file declares
    """

    records: Sequence[Record]
    rows: IntArray
    row_name: str
    header: Mapping[str, Any]


def check_objects(
    objects: Sequence[Any], row_name: str, rows: Sequence[int], problems: Problems
) -> tuple[list[Record], list[int]]:
    """Check plain objects field by field, note every problem, and keep the sound ones."""
    records, sound = [], []
    for row, item in zip(rows, objects, strict=True):
        wrong = list(_wrong(item))
        for kind, found in wrong:
            problems.add(kind, f"{row_name} {row}: found {found}")
        if not wrong:
            known = {name: item[name] for name in Record.__struct_fields__ if name in item}
            records.append(msgspec.convert(known, Record))
            sound.append(row)
    return records, sound


def _wrong(item: Any) -> Any:
    """Yield what is wrong with a record: the kind of problem, and what was found."""
    if not isinstance(item, dict):
        yield "a record that is not an object", shown(item)
        return
    if item.get("image") is None:
        yield 'a record without "image"', shown(item)
    for name, (check, expected) in _FIELDS.items():
        value = item.get(name)
        if value is not None and not check(value):
            yield f'"{name}" is not {expected}', shown(value)
    for name in ("box", "boxes", "point"):
        value = item.get(name)
        if value is not None and _FIELDS[name][0](value):
            flat = value if name != "boxes" else chain.from_iterable(value)
            if not all(abs(number) <= LARGEST for number in flat):
                yield NOT_FINITE, shown(value)


NOT_FINITE = f"a box with a number that is not finite, or beyond {LARGEST:g}"


def shown(value: Any) -> str:
    """Show what was found, cut where it is long."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2**62


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _coordinate(value: Any) -> bool:
    return _number(value) and abs(value) <= LARGEST


def _numbers(value: Any, count: int) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == count and all(map(_number, value))


_FIELDS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "image": (_text, 'a string, such as "1016887272#0"'),
    "phrase": (lambda v: _text(v) or _texts(v), "a string or a list of tokens"),
    "box": (lambda v: _numbers(v, 4), "4 numbers"),
    "boxes": (
        lambda v: isinstance(v, list) and all(_numbers(b, 4) for b in v),
        "a list of boxes of 4 numbers",
    ),
    "scores": (
        lambda v: isinstance(v, list) and all(map(_coordinate, v)),
        "a list of finite numbers",
    ),
    "point": (lambda v: _numbers(v, 2), "2 numbers"),
    "start": (_whole, "a whole number from 0"),
    "first_word": (_whole, "a whole number from 0"),
    "sentence": (_whole, "a whole number from 0"),
    "entity": (_text, 'a string, such as "548"'),
    "phraseId": (lambda v: _text(v) or _whole(v), "a string or a whole number"),
    "categories": (_texts, "a list of strings"),
    "width": (_coordinate, "a finite number"),
    "height": (_coordinate, "a finite number"),
}


def declared_space(header: Mapping[str, Any], declared: Mapping[str, Any], source: str) -> BoxSpace:
    """Join what the file's header and the caller declare; they must not contradict each other."""
    given = {name: value for name, value in declared.items() if value is not None}
    for name, value in given.items():
        if name in header and header[name] != value:
            raise InputError(
                source, f"its header declares {name} {header[name]!r}, but {value!r} was asked for"
            )
    try:
        return BoxSpace.declared({**header, **given})
    except OptionError as error:
        raise InputError(source, str(error)) from None
