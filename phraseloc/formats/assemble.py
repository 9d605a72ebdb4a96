"""From records to data: columns of keys, boxes, scores and sizes, with every problem noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from operator import attrgetter
from typing import Any

import numpy as np

from phraseloc.columns import BoolArray, FloatArray, IntArray, Strings, offsets_of
from phraseloc.data import GroundTruth, PhraseKeys, Predictions, check_boxes
from phraseloc.errors import OptionError, Problems
from phraseloc.formats.records import LARGEST, NOT_FINITE, Record, RecordFile
from phraseloc.space import BoxSpace


def to_ground_truth(
    file: RecordFile, space: BoxSpace, source: str, problems: Problems
) -> GroundTruth:
    """Make ground truth of records; ``boxes`` are all boxes of the entity."""
    records = file.records
    where = _where(file)
    if space.relative:
        raise OptionError(f"{source}: ground truth in units {space.units} is not supported")
    for name in ("point", "scores"):
        given = _field(records, name)
        if given.count(None) < len(given):
            rows = [row for row, value in enumerate(given) if value is not None]
            problems.add_rows(f'"{name}" in ground truth; is this a prediction file?', rows, where)
    boxes, offsets = _boxes(file, problems)
    keys = _keys(file, problems)
    sizes = _sizes(file, keys.image, problems)
    problems.raise_if_any()
    boxes = space.read(boxes)
    owner = np.repeat(np.arange(len(records)), np.diff(offsets))
    check_boxes(problems, boxes, space, lambda box: where(owner[box]))
    problems.raise_if_any()
    labels = [names or () for names in _field(records, "categories")]
    categories = Strings.of(list(chain.from_iterable(labels)))
    return GroundTruth(
        keys,
        offsets,
        boxes,
        categories=categories.values,
        category_offsets=offsets_of([len(names) for names in labels]),
        category_codes=categories.codes,
        sizes=sizes,
        space=space,
        source=source,
        unions_only=not any(_field(records, "boxes")),
        sentences=_captions(records),
    )


def _captions(records: Sequence[Record]) -> Strings | None:
    """Give the captions where every record has one; what is no text is of no use."""
    captions = _field(records, "caption")
    return Strings.of(captions) if all(type(text) is str for text in captions) else None


def to_predictions(
    file: RecordFile, space: BoxSpace, source: str, problems: Problems, *, degenerate: str = "error"
) -> Predictions:
    """Make predictions of records; ``boxes`` are ranked by ``scores``, or stand best first."""
    records = file.records
    if not len(records) and not problems:
        problems.add("no record", "found 0 records, expected one a phrase")
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
        labelled=bool(records) and records[0].categories is not None,
    )


def _where(file: RecordFile) -> Callable[[int], str]:
    return lambda row: f"{file.row_name} {file.rows[row]}"


def _keys(file: RecordFile, problems: Problems) -> PhraseKeys:
    """Make the columns of the key; ``image#sentence`` is split where no sentence is given."""
    records = file.records
    image = Strings.of(_field(records, "image"))
    sentence = _column(file, "sentence", problems)
    if sentence is None:
        image, sentence = _split_captions(file, image, problems)
    first_word = _column(file, "first_word", problems)
    if first_word is None:
        first_word = _column(file, "start", problems)
    if sentence is None:
        sentence = _column(file, "phraseId", problems)
        if sentence is not None and first_word is None:
            first_word = np.zeros(len(records), np.int64)
    entity = _column(file, "entity", problems)
    phrases = _field(records, "phrase")
    phrase = None
    if phrases.count(None) < len(phrases):
        texts = [" ".join(text) if type(text) is list else text or "" for text in phrases]
        phrase = Strings.of(texts)
    return PhraseKeys(image, sentence, first_word, entity, phrase)


def _field(records: Sequence[Record], name: str) -> list[Any]:
    return list(map(attrgetter(name), records))


def _column(file: RecordFile, name: str, problems: Problems) -> Any:
    """Give a column that all records have, None where none has it."""
    values = _field(file.records, name)
    lacking = values.count(None)
    if lacking == len(values):
        return None
    if lacking:
        rows = [row for row, value in enumerate(values) if value is None]
        problems.add_rows(f'"{name}" is missing where other records have it', rows, _where(file))
        return None
    if name == "entity":
        return Strings.of(values)
    try:
        return np.array(values, dtype=np.int64)
    except (ValueError, OverflowError):
        return None


def _split_captions(
    file: RecordFile, captions: Strings, problems: Problems
) -> tuple[Strings, IntArray | None]:
    """Split ``image#sentence``, which all rows have or none."""
    parts = [value.rpartition("#") for value in captions.values]
    split = [bool(image) and text.isdecimal() and len(text) < 19 for image, _, text in parts]
    if not any(split):
        return captions, None
    if not all(split):
        problems.add_rows(
            'an image without "#sentence" where others have it',
            np.flatnonzero(~np.array(split)[captions.codes]),
            lambda row: f"{_where(file)(row)}: found {captions[row]!r}",
        )
        return captions, None
    images = Strings.of([image for image, _, _ in parts])
    sentences = np.array([int(text) for _, _, text in parts], dtype=np.int64)
    return Strings(images.values, images.codes[captions.codes]), sentences[captions.codes]


def _boxes(file: RecordFile, problems: Problems) -> tuple[FloatArray, IntArray]:
    """Give the boxes as the file has them, flat, and the records' offsets."""
    single = _field(file.records, "box")
    several = _field(file.records, "boxes")
    if several.count(None) == len(several) and not single.count(None):
        flat = np.fromiter(chain.from_iterable(single), np.float64, 4 * len(single))
        offsets = np.arange(len(single) + 1)
    else:
        lacking = [row for row, pair in enumerate(zip(single, several, strict=True)) if pair == _NO]
        problems.add_rows(
            'a record with neither "box" nor "boxes"', lacking, lambda row: _where(file)(row)
        )
        lists = [
            boxes if boxes is not None else [box] if box is not None else []
            for box, boxes in zip(single, several, strict=True)
        ]
        flat = np.array(list(chain.from_iterable(lists)), np.float64)
        offsets = offsets_of([len(boxes) for boxes in lists])
    boxes = flat.reshape(-1, 4)
    return _finite(file, boxes, offsets, problems), offsets


_NO = (None, None)


def _finite(
    file: RecordFile, numbers: FloatArray, offsets: IntArray, problems: Problems
) -> FloatArray:
    """Note boxes or points with a number that is no coordinate; ones take their place."""
    wrong: BoolArray = np.any(~(np.abs(numbers) <= LARGEST), axis=1)
    if not wrong.any():
        return numbers
    owner = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
    problems.add_rows(
        NOT_FINITE,
        np.flatnonzero(wrong),
        lambda box: f"{_where(file)(owner[box])}: found {numbers[box].tolist()}",
    )
    return np.where(wrong[:, None], 1.0, numbers)


def _points(file: RecordFile, problems: Problems) -> FloatArray:
    problems.add_rows(
        'a record without "point" among points',
        [row for row, record in enumerate(file.records) if record.point is None],
        _where(file),
    )
    points = np.array([record.point or (1.0, 1.0) for record in file.records], np.float64)
    return _finite(file, points, np.arange(len(points) + 1), problems)


def _scores(file: RecordFile, offsets: IntArray, problems: Problems) -> FloatArray | None:
    """Give the scores of all boxes, None where no record has them."""
    given = _field(file.records, "scores")
    if given.count(None) == len(given):
        return None
    counts = np.diff(offsets).tolist()
    wrong = [row for row, scores in enumerate(given) if len(scores or ()) != counts[row]]
    problems.add_rows(
        '"scores" are not one a box',
        wrong,
        lambda row: (
            f"{_where(file)(row)}: found {len(given[row] or ())} scores, {counts[row]} boxes"
        ),
    )
    if wrong:
        return None
    scores = np.array(list(chain.from_iterable(scores or () for scores in given)), np.float64)
    owner = np.repeat(np.arange(len(counts)), counts)
    problems.add_rows(
        "a score that is not finite",
        owner[~np.isfinite(scores)],
        lambda row: f"{_where(file)(row)}: found {given[row]}",
    )
    return scores


def _sizes(file: RecordFile, image: Strings, problems: Problems) -> FloatArray | None:
    """Give the images' sizes, NaN where unknown; all records of an image must agree."""
    given = list(zip(_field(file.records, "width"), _field(file.records, "height"), strict=True))
    if given.count(_NO) == len(given):
        return None
    sizes: dict[int, tuple[float, float]] = {}
    for row, (code, size) in enumerate(zip(image.codes.tolist(), given, strict=True)):
        if size == _NO:
            continue
        found = f"{_where(file)(row)}: found"
        if not all(side is not None and 0 < side <= LARGEST for side in size):
            problems.add('"width" and "height" that are no size', f"{found} {_sides(size)}")
        elif sizes.setdefault(code, size) != size:
            before = _sides(sizes[code])
            problems.add("two sizes of one image", f"{found} {_sides(size)}, and {before} before")
    return np.array([sizes.get(code, (np.nan, np.nan)) for code in range(len(image.values))])


def _sides(size: tuple[float | None, float | None]) -> str:
    return " ".join("nan" if side is None else f"{side:g}" for side in size)
