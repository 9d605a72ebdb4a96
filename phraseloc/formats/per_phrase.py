"""Per-phrase results: rows of facts, as CSV, TSV, JSON Lines or Parquet by suffix."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from phraseloc.formats.source import compressed, replacing, suffix_of

if TYPE_CHECKING:
    from phraseloc.data import GroundTruth
    from phraseloc.scoring import Scores

SUFFIXES = (".csv", ".tsv", ".jsonl", ".parquet")


def write_per_phrase(ground_truth: GroundTruth, scores: Sequence[Scores], path: Path) -> None:
    """Write every phrase's overlap and whether it is right, under each score, as `write_rows`."""
    write_rows([row for score in scores for row in _rows(ground_truth, score)], path)


def write_rows(rows: Sequence[dict[str, Any]], path: Path, columns: Sequence[str] = ()) -> None:
    """Write rows that all have the same columns; in CSV and TSV, lists are split by spaces.

    Parameters
    ----------
    columns : the heads of CSV and TSV where there may be no row

    Raises
    ------
    OptionError
        if the suffix names no format
    InputError
        if the file cannot be written
    """
    suffix = suffix_of(path, SUFFIXES)
    if suffix == ".jsonl":
        data = msgspec.json.Encoder().encode_lines(rows)
    elif suffix == ".parquet":
        from phraseloc.formats.parquet import write_parquet

        data = write_parquet(list(rows), {})
    else:
        out = io.StringIO()
        dialect = "excel" if suffix == ".csv" else "excel-tab"
        heads = list(rows[0]) if rows else columns
        writer = csv.DictWriter(out, heads, dialect=dialect, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
        data = out.getvalue().encode()
    with replacing(path) as file:
        file.write(compressed(data, path))


def _cell(value: Any) -> Any:
    return " ".join(value) if isinstance(value, list) else value


def key_rows(ground_truth: GroundTruth, phrases: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Yield what names each phrase, and its categories and number of boxes."""
    keys = ground_truth.keys
    kinds = ground_truth.category_offsets.tolist()
    names = [ground_truth.categories[code] for code in ground_truth.category_codes.tolist()]
    for phrase in phrases:
        yield {
            "image": keys.image[phrase],
            "sentence": None if keys.sentence is None else int(keys.sentence[phrase]),
            "first_word": None if keys.first_word is None else int(keys.first_word[phrase]),
            "entity": None if keys.entity is None else keys.entity[phrase],
            "phrase": None if keys.phrase is None else keys.phrase[phrase],
            "categories": names[kinds[phrase] : kinds[phrase + 1]],
            "boxes": int(ground_truth.offsets[phrase + 1] - ground_truth.offsets[phrase]),
        }


def _rows(ground_truth: GroundTruth, scores: Scores) -> Iterator[dict[str, Any]]:
    outcomes = scores.outcomes
    assert outcomes is not None
    best = outcomes.overlap.max(axis=1).tolist()
    columns = (outcomes.prediction, outcomes.overlap[:, 0], outcomes.correct)
    lists = (column.tolist() for column in columns)
    keys = key_rows(ground_truth, outcomes.phrase.tolist())
    for key, prediction, overlap, correct, most in zip(keys, *lists, best, strict=True):
        yield {
            "predictions": scores.name,
            "protocol": scores.protocol.name,
            **key,
            "predicted": prediction >= 0,
            "overlap": overlap,
            "best_overlap": most,
            "correct": correct,
        }
