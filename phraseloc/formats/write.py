"""Writing records: JSON, JSON Lines, CSV, TSV or Parquet by suffix, whole or not at all.

Files are written in the reference scorer's space (xywh, inclusive, origin 1), so that it reads the
JSON and TSV too; fractions of the image stay fractions, declared in the header.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from phraseloc.columns import FloatArray
from phraseloc.data import GroundTruth, PhraseKeys, Predictions
from phraseloc.errors import InputError
from phraseloc.formats.source import compressed, replacing, suffix_of
from phraseloc.formats.tsv import header_line
from phraseloc.space import BoxSpace

SUFFIXES = (".json", ".jsonl", ".csv", ".tsv", ".txt", ".parquet")


def save_predictions(
    predictions: Predictions, path: str | Path, space: BoxSpace | None = None
) -> None:
    """Write predictions to a file whose suffix names the format.

    Parameters
    ----------
    space : what the numbers of the file shall mean; by default the reference scorer's space

    Raises
    ------
    OptionError
        if the suffix names no format
    InputError
        if the format cannot hold the predictions, or the file cannot be written
    """
    if space is None:
        relative = BoxSpace("xyxy", "continuous", 0, "0-1")
        space = relative if predictions.space.relative else BoxSpace()
    _write(list(_prediction_rows(predictions, space)), space, Path(path))


def save_ground_truth(
    ground_truth: GroundTruth, path: str | Path, space: BoxSpace | None = None
) -> None:
    """Write ground truth to a file whose suffix names the format; ``box`` is the union box.

    Parameters
    ----------
    space : what the numbers of the file shall mean; by default the reference scorer's space
    """
    space = space or BoxSpace()
    _write(list(_ground_truth_rows(ground_truth, space)), space, Path(path))


def _prediction_rows(predictions: Predictions, space: BoxSpace) -> Iterator[dict[str, Any]]:
    if predictions.points:
        values = space.write_points(predictions.boxes[:, :2]).tolist()
    else:
        values = _plain(space.write(predictions.boxes))
    scores = None if predictions.scores is None else predictions.scores.tolist()
    bounds = predictions.offsets.tolist()
    for key, low, high in zip(_key_rows(predictions.keys), bounds, bounds[1:], strict=False):
        if predictions.points:
            yield {**key, "point": values[low]}
            continue
        several = scores is not None or high - low != 1
        yield {
            **key,
            **({"boxes": values[low:high]} if several else {"box": values[low]}),
            **({} if scores is None else {"scores": scores[low:high]}),
        }


def _ground_truth_rows(ground_truth: GroundTruth, space: BoxSpace) -> Iterator[dict[str, Any]]:
    unions, boxes = (
        _plain(space.write(ground_truth.union_boxes)),
        _plain(space.write(ground_truth.boxes)),
    )
    bounds, kinds = ground_truth.offsets.tolist(), ground_truth.category_offsets.tolist()
    names = [ground_truth.categories[code] for code in ground_truth.category_codes.tolist()]
    given = ground_truth.image_sizes[ground_truth.keys.image.codes]
    known = np.isfinite(given[:, 0])
    sizes = _plain(np.nan_to_num(given))
    for row, key in enumerate(_key_rows(ground_truth.keys)):
        record = {**key, "box": unions[row], "categories": names[kinds[row] : kinds[row + 1]]}
        if not ground_truth.unions_only:
            record["boxes"] = boxes[bounds[row] : bounds[row + 1]]
        if known[row]:
            record["width"], record["height"] = sizes[row]
        if ground_truth.sentences is not None:
            record["caption"] = ground_truth.sentences[row]
        yield record


def _key_rows(keys: PhraseKeys) -> Iterator[dict[str, Any]]:
    columns: dict[str, Sequence[Any]] = {"image": keys.image.to_list()}
    if keys.sentence is not None:
        pairs = zip(columns["image"], keys.sentence.tolist(), strict=True)
        columns["image"] = [f"{image}#{sentence}" for image, sentence in pairs]
    if keys.phrase is not None:
        columns["phrase"] = keys.phrase.to_list()
    if keys.first_word is not None:
        columns["start"] = keys.first_word.tolist()
    if keys.entity is not None:
        columns["entity"] = keys.entity.to_list()
    for values in zip(*columns.values(), strict=True):
        yield dict(zip(columns, values, strict=True))


def _plain(numbers: FloatArray) -> list[Any]:
    """Give whole numbers as int, as the reference scorer's files have them."""
    whole = np.trunc(numbers) == numbers
    plain: list[Any] = (numbers.astype(np.int64) if whole.all() else numbers).tolist()
    return plain


def _write(rows: list[dict[str, Any]], space: BoxSpace, path: Path) -> None:
    suffix = suffix_of(path, SUFFIXES)
    header = {} if space == BoxSpace() else vars(space)
    if suffix == ".json":
        data = msgspec.json.encode({"phraseloc": header, "records": rows} if header else rows)
    elif suffix == ".jsonl":
        data = msgspec.json.Encoder().encode_lines([{"phraseloc": vars(space)}, *rows])
    elif suffix == ".csv":
        from phraseloc.formats.table import write_table

        data = write_table(rows, space, path).encode()
    elif suffix in (".tsv", ".txt"):
        data = "".join(_tsv_lines(rows, header, path)).encode()
    else:
        from phraseloc.formats.parquet import write_parquet

        data = write_parquet(rows, vars(space))
    with replacing(path) as file:
        file.write(compressed(data, path))


def _tsv_lines(rows: list[dict[str, Any]], header: Mapping[str, Any], path: Path) -> Iterator[str]:
    if header or not rows[0]["image"][:1].isalnum():
        yield header_line(header)
    for row in rows:
        numbers = row.get("box") or row.get("point")
        texts = [row["image"], row.get("phrase", "")]
        if numbers is None:
            raise InputError(
                str(path), "TSV holds one box a phrase; these are ranked: expected .jsonl"
            )
        if any(mark in text for text in texts for mark in "\t\n\r"):
            raise InputError(str(path), f"TSV cannot hold the tab or line end in {texts}")
        yield "\t".join([*texts, *map(repr, numbers)]) + "\n"
