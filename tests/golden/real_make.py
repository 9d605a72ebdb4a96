"""Make ``real_scores.json``: every preset's whole-number figures on the real test split.

Predictions are the whole image, and a seeded draw of ranked boxes on quarters of a pixel, where
sums are exact: the counts are the same on every machine. Run from the checkout, and commit what
changes only with the reason why::

    python tests/golden/real_make.py
"""

import json
import os
from pathlib import Path
from random import Random

import numpy as np

from phraseloc import (
    PROTOCOLS,
    Accuracy,
    GroundTruth,
    Predictions,
    load_ground_truth,
    score,
    single_boxes,
)
from phraseloc.columns import offsets_of

GOLDEN = Path(__file__).with_name("real_scores.json")
SEED = 20
MOST = 12


def whole_image(truth: GroundTruth) -> Predictions:
    """Predict the whole image for every phrase."""
    sizes = truth.image_sizes[truth.keys.image.codes]
    return single_boxes(truth.keys, np.concatenate([np.zeros_like(sizes), sizes], axis=1))


def random_ranked(truth: GroundTruth) -> Predictions:
    """Predict 1 to `MOST` boxes a phrase: some about its boxes, some anywhere in the image."""
    random = Random(SEED)
    unions = truth.union_boxes.tolist()
    sizes = truth.image_sizes[truth.keys.image.codes].tolist()
    rows = [
        [_draw(random, union, size) for _ in range(1 + int(MOST * random.random()))]
        for union, size in zip(unions, sizes, strict=True)
    ]
    boxes = np.array([box for row in rows for box in row])
    return Predictions(truth.keys, offsets_of([len(row) for row in rows]), boxes)


def _draw(random: Random, union: list[float], size: list[float]) -> list[float]:
    near = random.random() < 0.4
    sides = []
    for axis, limit in enumerate(size):
        low, high = union[axis], union[axis + 2]
        if near:
            slack = 0.5 * (high - low)
            low, high = (
                low + slack * (random.random() - 0.5),
                high + slack * (random.random() - 0.5),
            )
        else:
            low, high = sorted((limit * random.random(), limit * random.random()))
        low = int(4 * min(max(low, 0), limit - 1)) / 4
        sides.append((low, max(low + 1, int(4 * min(high, limit)) / 4)))
    (left, right), (top, bottom) = sides
    return [left, top, right, bottom]


PREDICTIONS = {"whole image": whole_image, "random ranked": random_ranked}


def figures(truth: GroundTruth, predictions: Predictions, protocol: str) -> dict[str, object]:
    """Give what a score counts, each figure as right of how many."""
    scores = score(truth, predictions, protocol, samples=1)
    groups = {
        "thresholds": {f"{t:.2f}": a for t, a in scores.thresholds.items()},
        "categories": dict(sorted(scores.categories.items())),
        "sizes": scores.sizes,
        "boxes": scores.boxes,
        "recall": {str(k): a for k, a in scores.recall.items()},
        "upper bound": {"all": scores.upper_bound} if scores.upper_bound else {},
    }
    return {
        "accuracy": _fraction(scores.accuracy),
        **{
            group: {name: _fraction(accuracy) for name, accuracy in counts.items()}
            for group, counts in groups.items()
            if counts
        },
    }


def _fraction(accuracy: Accuracy) -> str:
    return f"{accuracy.correct}/{accuracy.total}"


def main() -> None:
    """Write the file."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    folder = Path(os.environ.get("PHRASELOC_DATA") or beside) / "flickr30k_entities"
    truth = load_ground_truth(folder / "annotations.tar.xz", split=folder / "test.txt")
    golden = {
        name: {protocol: figures(truth, make(truth), protocol) for protocol in PROTOCOLS}
        for name, make in PREDICTIONS.items()
    }
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
