"""The script that a scorer must not be slower than: ``json`` and plain loops, no dependency.

It does the central part of ``phraseloc score``: accuracy at IoU 0.5, overall and by category, of
predictions that stand in the ground truth's order. Boxes are ``x, y, w, h`` whose width counts
both edge pixels. With ``--bootstrap N`` it adds 95% intervals over N samples of the images.

Usage: ``python -m benchmarks.stdlib_scorer ground_truth.json predictions.json [--bootstrap N]``
"""

import json
import random
import sys
from typing import Any

Record = dict[str, Any]

ALL = "all"


def iou(box: list[float], other: list[float]) -> float:
    x, y, w, h = box
    u, v, p, q = other
    across = min(x + w, u + p) - max(x, u)
    down = min(y + h, v + q) - max(y, v)
    if across <= 0 or down <= 0:
        return 0.0
    both = across * down
    return both / (w * h + p * q - both)


def count(truths: list[Record], guesses: list[Record]) -> dict[str, dict[str, list[int]]]:
    """Count right and all phrases, by group (all, or a category) and image."""
    counts: dict[str, dict[str, list[int]]] = {}
    for truth, guess in zip(truths, guesses, strict=True):
        if (truth["image"], truth["entity"]) != (guess["image"], guess["entity"]):
            raise SystemExit(f"found {guess['image']}, expected {truth['image']}")
        right = iou(truth["box"], guess["box"]) >= 0.5
        image = truth["image"].partition("#")[0]
        for group in (ALL, *truth["categories"]):
            cell = counts.setdefault(group, {}).setdefault(image, [0, 0])
            cell[0] += right
            cell[1] += 1
    return counts


def interval(cells: list[list[int]], picks: list[list[int]]) -> list[float]:
    """Give the middle 95% of right / total over the samples."""
    ratios = []
    for pick in picks:
        right = total = 0
        for place in pick:
            cell = cells[place]
            right += cell[0]
            total += cell[1]
        if total:
            ratios.append(right / total)
    ratios.sort()
    return [ratios[int(0.025 * len(ratios))], ratios[int(0.975 * len(ratios))]]


def main(arguments: list[str]) -> None:
    truth_file, guess_file, *options = arguments
    with open(truth_file, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes longer to import
        truths = json.load(file)
    with open(guess_file, encoding="utf-8") as file:  # noqa: PTH123
        guesses = json.load(file)
    counts = count(truths, guesses)
    images = list(counts[ALL])
    picks = []
    if options[:1] == ["--bootstrap"]:
        places = range(len(images))
        picks = [random.choices(places, k=len(images)) for _ in range(int(options[1]))]
    scores, intervals = {}, {}
    for group, by_image in counts.items():
        cells = list(by_image.values())
        scores[group] = {"correct": sum(c[0] for c in cells), "total": sum(c[1] for c in cells)}
        if picks:
            intervals[group] = interval([by_image.get(i, [0, 0]) for i in images], picks)
    print(json.dumps({"scores": scores, "intervals": intervals}))


if __name__ == "__main__":
    main(sys.argv[1:])
