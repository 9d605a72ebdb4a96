"""Make ``real_diagnosis.json``: the classes of errors of predictions on the real test split.

Predictions are those of ``real_make.py``, and the first box of each phrase's entity; coordinates
lie on quarters of a pixel, where sums are exact. Run from the checkout, and commit what changes
only with the reason why::

    python -m tests.golden.diagnosis_make
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from phraseloc import (
    PROTOCOLS,
    GroundTruth,
    Predictions,
    Protocol,
    align,
    load_ground_truth,
    score,
    single_boxes,
)
from phraseloc.diagnosis import diagnose
from tests.golden import real_make

GOLDEN = Path(__file__).with_name("real_diagnosis.json")

FLICKR30K = PROTOCOLS["flickr30k"]
CHOICES: Mapping[str, Protocol] = {
    **{name: PROTOCOLS[name] for name in ("flickr30k", "strict", "any-box", "maf-released")},
    "threshold=0.7": FLICKR30K.override(threshold=0.7),
    "unit=entity": FLICKR30K.override(unit="entity"),
}


def first_box(truth: GroundTruth) -> Predictions:
    """Predict the first box of each phrase's entity."""
    return single_boxes(truth.keys, truth.boxes[truth.offsets[:-1]])


PREDICTIONS = {**real_make.PREDICTIONS, "first box": first_box}


def classes(truth: GroundTruth, predictions: Predictions, protocol: Protocol) -> dict[str, int]:
    """Count the right phrases, and the wrong ones of each class."""
    laid = align(truth, predictions)
    scores = score(truth, predictions, protocol, alignment=laid, samples=1)
    return {"right": scores.accuracy.correct, **diagnose(truth, scores, laid).counts}


def main() -> None:
    """Write the file."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("PHRASELOC_DATA") or beside) / "flickr30k_entities"
    truth = load_ground_truth(folder / "annotations.tar.xz", split=folder / "test.txt")
    golden = {
        kind: {name: classes(truth, make(truth), choice) for name, choice in CHOICES.items()}
        for kind, make in PREDICTIONS.items()
    }
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
