"""Records: one object a phrase, the shape that the JSON, JSON Lines and Parquet formats share.

A record of the reference scorer: ``{"image": "1016887272#0", "phrase": ["the", "rock"],
"start": 7, "entity": "548", "box": [1, 54, 333, 447]}``, with image and sentence in one, tokens or
text of the phrase, and its first word.
phraseloc reads and writes more fields, all of them optional:

- ``sentence``, ``first_word``: instead of ``#0`` in the image, and of ``start``; ``phraseId`` (of
  referring expressions) is the sentence of an image without one, with first word 0.
- ``boxes``: several boxes, of the entity or ranked candidates, instead of ``box``; ``scores`` of
  them; or ``point``, ``[x, y]``.
- ``categories``; ``width`` and ``height`` of the image.

What the numbers of a box mean is a `BoxSpace`, declared by the caller or in the file's header.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import msgspec
import numpy as np

from phraseloc.columns import FloatArray, IntArray, Strings, offsets_of
from phraseloc.data import GroundTruth, PhraseKeys, Predictions, check_boxes
from phraseloc.errors import InputError, OptionError, Problems
from phraseloc.space import BoxSpace

Box = tuple[float, float, float, float]


class Record(msgspec.Struct, gc=False):
    """A record, as the module describes; fields of no use here are passed over."""

    image: str
    phrase: str | list[str] | None = None
    box: Box | None = None
    boxes: list[Box] | None = None
    scores: list[float] | None = None
    point: tuple[float, float] | None = None
    start: int | None = None
    first_word: int | None = None
    sentence: int | None = None
    entity: str | None = None
    phraseId: str | int | None = None  # noqa: N815 - the reference scorer's field
    categories: list[str] | None = None
    width: float | None = None
    height: float | None = None


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
    objects: Sequence[Any], row_name: str, first: int, problems: Problems
) -> tuple[list[Record], list[int]]:
    """Check plain objects field by field, note every problem, and keep the sound ones."""
    records, rows = [], []
    for row, item in enumerate(objects, start=first):
        wrong = list(_wrong(item))
        for kind, found in wrong:
            problems.add(kind, f"{row_name} {row}: found {found}")
        if not wrong:
            known = {name: item[name] for name in Record.__struct_fields__ if name in item}
            records.append(msgspec.convert(known, Record))
            rows.append(row)
    return records, rows


def _wrong(item: Any) -> Any:
    """Yield what is wrong with a record: the kind of problem, and what was found."""
    if not isinstance(item, dict):
        yield "a record that is not an object", _shown(item)
        return
    if item.get("image") is None:
        yield 'a record without "image"', _shown(item)
    for name, (check, expected) in _FIELDS.items():
        value = item.get(name)
        if value is not None and not check(value):
            yield f'"{name}" is not {expected}', _shown(value)
    for name in ("box", "boxes", "point"):
        value = item.get(name)
        if value is not None and _FIELDS[name][0](value):
            flat = value if name != "boxes" else chain.from_iterable(value)
            if not all(math.isfinite(number) for number in flat):
                yield f'"{name}" holds a number that is not finite', _shown(value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


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
    "scores": (lambda v: isinstance(v, list) and all(map(_number, v)), "a list of numbers"),
    "point": (lambda v: _numbers(v, 2), "2 numbers"),
    "start": (_whole, "a whole number from 0"),
    "first_word": (_whole, "a whole number from 0"),
    "sentence": (_whole, "a whole number from 0"),
    "entity": (_text, 'a string, such as "548"'),
    "phraseId": (lambda v: _text(v) or _whole(v), "a string or a whole number"),
    "categories": (_texts, "a list of strings"),
    "width": (_number, "a number"),
    "height": (_number, "a number"),
}


def to_ground_truth(
    file: RecordFile, space: BoxSpace, source: str, problems: Problems
) -> GroundTruth:
    """Make ground truth of records; ``boxes`` are all boxes of the entity."""
    records = file.records
    where = _where(file)
    if space.relative:
        raise OptionError(f"{source}: ground truth in units {space.units} is not supported")
    for name in ("point", "scores"):
        problems.add_rows(
            f'"{name}" in ground truth; is this a prediction file?',
            [row for row, record in enumerate(records) if getattr(record, name) is not None],
            where,
        )
    boxes, offsets = _boxes(file, problems)
    keys = _keys(file, problems)
    problems.raise_if_any()
    boxes = space.read(boxes)
    owner = np.repeat(np.arange(len(records)), np.diff(offsets))
    check_boxes(problems, boxes, space, lambda box: where(owner[box]))
    problems.raise_if_any()
    labels = [record.categories or () for record in records]
    categories = Strings.of(list(chain.from_iterable(labels)))
    return GroundTruth(
        keys,
        offsets,
        boxes,
        categories=categories.values,
        category_offsets=offsets_of([len(names) for names in labels]),
        category_codes=categories.codes,
        sizes=_sizes(records, keys.image),
        space=space,
        source=source,
        unions_only=not any(record.boxes for record in records),
    )


def to_predictions(
    file: RecordFile, space: BoxSpace, source: str, problems: Problems, *, degenerate: str = "error"
) -> Predictions:
    """Make predictions of records; ``boxes`` are ranked by ``scores``, or stand best first."""
    records = file.records
    points = bool(records) and records[0].point is not None
    keys = _keys(file, problems)
    where = _where(file)
    scores = None
    if points:
        boxes, offsets = _points(file, problems), np.arange(len(records) + 1)
        boxes = np.tile(space.read_points(boxes), 2)
    else:
        boxes, offsets = _boxes(file, problems)
        boxes = space.read(boxes)
        scores = _scores(file, offsets, problems)
    owner = np.repeat(np.arange(len(records)), np.diff(offsets))
    strict = degenerate == "error" and not points
    flat = check_boxes(problems, boxes, space, lambda box: where(owner[box]), sizes=strict)
    if len(boxes) and not space.relative and not points and boxes.max() <= 1:
        problems.add(
            "all boxes lie in the first pixel; are they fractions of the image (--units 0-1)?",
            f"found no coordinate above {boxes.max():g}",
        )
    if scores is not None:
        order = np.lexsort((-scores, owner))
        boxes, scores = boxes[order], scores[order]
    return Predictions(
        keys,
        offsets,
        boxes,
        points,
        scores,
        space,
        source,
        file.rows,
        file.row_name,
        0 if points else int(flat.sum()),
    )


def _where(file: RecordFile) -> Callable[[int], str]:
    return lambda row: f"{file.row_name} {file.rows[row]}"


def _keys(file: RecordFile, problems: Problems) -> PhraseKeys:
    """Make the columns of the key; ``image#sentence`` is split where no sentence is given."""
    records = file.records
    image = Strings.of([record.image for record in records])
    sentence = _column(file, "sentence", problems)
    if sentence is None:
        image, sentence = _split_captions(image)
    first_word = _column(file, "first_word", problems)
    if first_word is None:
        first_word = _column(file, "start", problems)
    if sentence is None:
        sentence = _column(file, "phraseId", problems)
        if sentence is not None and first_word is None:
            first_word = np.zeros(len(records), np.int64)
    entity = _column(file, "entity", problems)
    phrase = None
    if records and any(record.phrase is not None for record in records):
        phrase = Strings.of([_joined(record.phrase) for record in records])
    return PhraseKeys(image, sentence, first_word, entity, phrase)


def _joined(phrase: str | list[str] | None) -> str:
    return " ".join(phrase) if isinstance(phrase, list) else phrase or ""


def _column(file: RecordFile, name: str, problems: Problems) -> Any:
    """Give a column that all records have, None where none has it."""
    values = [getattr(record, name) for record in file.records]
    if all(value is None for value in values):
        return None
    lacking = [row for row, value in enumerate(values) if value is None]
    if lacking:
        problems.add_rows(f'"{name}" is missing where other records have it', lacking, _where(file))
        return None
    if name == "entity":
        return Strings.of(values)
    try:
        return np.array([int(value) for value in values], dtype=np.int64)
    except (ValueError, OverflowError):
        return None


def _split_captions(captions: Strings) -> tuple[Strings, IntArray | None]:
    """Split ``image#sentence``, where all rows are of that form."""
    parts = [value.rpartition("#") for value in captions.values]
    if not parts or not all(hash_ and image and text.isdecimal() for image, hash_, text in parts):
        return captions, None
    images = Strings.of([image for image, _, _ in parts])
    sentences = np.array([int(text) for _, _, text in parts], dtype=np.int64)
    return Strings(images.values, images.codes[captions.codes]), sentences[captions.codes]


def _boxes(file: RecordFile, problems: Problems) -> tuple[FloatArray, IntArray]:
    """Give the boxes as the file has them, flat, and the records' offsets."""
    single = [record.box for record in file.records]
    if not any(record.boxes is not None for record in file.records) and None not in single:
        flat = np.fromiter(chain.from_iterable(single), np.float64, 4 * len(single))  # type: ignore[arg-type]
        return flat.reshape(-1, 4), np.arange(len(single) + 1)
    lists: list[Sequence[Box]] = []
    for row, record in enumerate(file.records):
        if record.boxes is None and record.box is None:
            found = '"point"' if record.point else "neither"
            problems.add(
                'a record with neither "box" nor "boxes"', f"{_where(file)(row)}: found {found}"
            )
        lists.append(
            record.boxes if record.boxes is not None else [record.box] if record.box else []
        )
    return np.array(list(chain.from_iterable(lists)), np.float64).reshape(-1, 4), offsets_of(
        [len(boxes) for boxes in lists]
    )


def _points(file: RecordFile, problems: Problems) -> FloatArray:
    problems.add_rows(
        'a record without "point" among points',
        [row for row, record in enumerate(file.records) if record.point is None],
        _where(file),
    )
    points = [record.point or (math.inf, math.inf) for record in file.records]
    return np.array(points, np.float64)


def _scores(file: RecordFile, offsets: IntArray, problems: Problems) -> FloatArray | None:
    """Give the scores of all boxes, None where no record has them."""
    if not any(record.scores is not None for record in file.records):
        return None
    counts = np.diff(offsets).tolist()
    wrong = [r for r, record in enumerate(file.records) if len(record.scores or ()) != counts[r]]
    problems.add_rows(
        '"scores" are not one a box',
        wrong,
        lambda row: (
            f"{_where(file)(row)}: found {len(file.records[row].scores or ())} scores, "
            f"{counts[row]} boxes"
        ),
    )
    if wrong:
        return None
    scores = np.array(
        list(chain.from_iterable(record.scores or () for record in file.records)), np.float64
    )
    owner = np.repeat(np.arange(len(counts)), counts)
    problems.add_rows(
        "a score that is not finite",
        owner[~np.isfinite(scores)],
        lambda row: f"{_where(file)(row)}: found {file.records[row].scores}",
    )
    return scores


def _sizes(records: Sequence[Record], image: Strings) -> FloatArray | None:
    if not any(record.width is not None for record in records):
        return None
    sizes = np.full((len(image.values), 2), np.nan)
    pairs = [(record.width, record.height) for record in records]
    sizes[image.codes] = np.array(pairs, dtype=np.float64)
    return sizes


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
