"""Inputs: the Flickr30k Entities test split with seeded predictions, and files that repeat it.

The ground truth is real and lies outside the checkout: in the folder that ``$PHRASELOC_DATA``
names, or in ``../shared/data``.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent

Record = dict[str, Any]


def ground_truth_file() -> Path:
    """Find the ground truth of the test split: 14,481 phrases, one union box each.

    Raises
    ------
    FileNotFoundError
        if it is not there
    """
    given = os.environ.get("PHRASELOC_DATA")
    folder = Path(given) if given else ROOT.parent / "shared" / "data"
    path = folder / "phraseloceval" / "flickr30k_annotation_test.json"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there; set PHRASELOC_DATA to the data's folder")
    return path


def predicted_records(ground_truth: Path, seed: int = 0) -> list[Record]:
    """Predict each box with noise of 15% of its size on every side, rounded to 0.01 pixel."""
    draw = random.Random(seed)
    return [_predicted(record, draw) for record in json.loads(ground_truth.read_bytes())]


def _predicted(record: Record, draw: random.Random) -> Record:
    x, y, width, height = record["box"]
    box = [
        x + draw.gauss(0, 0.15) * width,
        y + draw.gauss(0, 0.15) * height,
        max(1.0, width + draw.gauss(0, 0.15) * width),
        max(1.0, height + draw.gauss(0, 0.15) * height),
    ]
    kept = {name: record[name] for name in ("image", "phrase", "start", "entity")}
    return {**kept, "box": [round(number, 2) for number in box]}


def repeated(records: list[Record], count: int) -> list[Record]:
    """Repeat records to ``count`` of them, with image ids of their own in every repetition."""
    size = len(records)
    return [
        {**records[row % size], "image": f"{row // size}{records[row % size]['image']}"}
        for row in range(count)
    ]


def write_json(records: list[Record], path: Path) -> Path:
    """Write records as a JSON array."""
    path.write_text(json.dumps(records))
    return path
