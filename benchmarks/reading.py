"""Reading predictions: each format, against ``json`` and a list of boxes.

Ours decodes, checks and encodes every column of a prediction; the peer is what a script does:
``json.load``, then one NumPy array of all boxes. It reads the same records as JSON, or as JSON
Lines where ours does.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.inputs import ground_truth_file, predicted_records, repeated, write_json
from benchmarks.machine import version
from benchmarks.results import Row, Section, milliseconds, not_installed
from benchmarks.timing import take_turns
from phraseloc import load_predictions, save_predictions
from phraseloc.columns import FloatArray

SUFFIXES = (".json", ".jsonl", ".tsv", ".parquet")
SIZES = {14_481: 21, 1_000_000: 3}
"""Numbers of rows, each with its turns."""


def measure() -> Section:
    """Measure every format at every size."""
    records = predicted_records(ground_truth_file())
    rows: list[Row] = []
    for size, turns in SIZES.items():
        with TemporaryDirectory() as folder:
            source = write_json(repeated(records, size), Path(folder) / "predictions.json")
            rows += _rows(source, size, turns)
    notes = ["Files lie in the system's page cache; ours checks every row, json nothing."]
    return Section("Reading predictions", rows, notes)


def _rows(source: Path, size: int, turns: int) -> list[Row]:
    predictions = load_predictions(source)
    rows, tasks = [], {}
    for suffix in SUFFIXES:
        if suffix == ".parquet" and version("pyarrow") is None:
            rows.append(not_installed(f"{size:,} rows of Parquet", "pyarrow"))
            continue
        path = source.with_suffix(suffix)
        save_predictions(predictions, path)
        tasks[suffix] = _ours(path)
    tasks["json"] = lambda: _boxes(json.loads(source.read_bytes()))
    lines = source.with_suffix(".jsonl")
    tasks["json lines"] = lambda: _boxes_of_lines(lines)
    del predictions
    times = take_turns(tasks, turns)
    for suffix in tasks.keys() & set(SUFFIXES):
        peer = "json lines" if suffix == ".jsonl" else "json"
        rows.append(
            Row(
                f"{size:,} rows of {suffix}",
                milliseconds(times.median(suffix)),
                peer,
                milliseconds(times.median(peer)),
                times.ratio(suffix, peer),
            )
        )
    return sorted(rows, key=lambda row: row.what)


def _ours(path: Path) -> Callable[[], object]:
    return lambda: load_predictions(path)


def _boxes(records: list[dict[str, list[float]]]) -> FloatArray:
    return np.array([record["box"] for record in records], dtype=np.float64)


def _boxes_of_lines(path: Path) -> FloatArray:
    with path.open() as file:
        next(file)
        return _boxes([json.loads(line) for line in file])
