"""Score the bundled sample: ``python tests/golden/sample_scores.py`` pins what it finds.

``sample_scores.json`` beside this file has, for each prediction file and protocol, how many phrases
are right at each rank, of how many. Run this after a change that is meant to move a score, and look
at the difference.
"""

from __future__ import annotations

import json
from pathlib import Path

from phraseloc import PROTOCOLS, Protocol, Scores, load_ground_truth, load_predictions, score

SAMPLE = Path(__file__).parents[2] / "examples" / "sample"
PINNED = Path(__file__).with_suffix(".json")
FILES = ("good.json", "ranked.jsonl", "whole-image.tsv", "points.jsonl")

Counts = dict[str, dict[str, dict[str, list[int]]]]


def score_sample() -> Counts:
    """Score every file under every protocol that can score it."""
    truth = load_ground_truth(SAMPLE / "annotations.zip", split=SAMPLE / "test.txt")
    counts: Counts = {}
    for name in FILES:
        predictions = load_predictions(SAMPLE / name)
        counts[name] = {
            protocol.name: _counts(score(truth, predictions, protocol, samples=1))
            for protocol in PROTOCOLS.values()
            if not predictions.points or _takes_points(protocol)
        }
    return counts


def _takes_points(protocol: Protocol) -> bool:
    return protocol.overlap == "point"


def _counts(scores: Scores) -> dict[str, list[int]]:
    ranks = {f"R@{k}": accuracy for k, accuracy in scores.recall.items()}
    found = {"right": scores.accuracy, **ranks}
    return {name: [accuracy.correct, accuracy.total] for name, accuracy in found.items()}


def dumped(counts: Counts) -> str:
    """Give the pinned file's text, a line a protocol."""
    blocks = []
    for name, protocols in counts.items():
        lines = (f"    {json.dumps(p)}: {json.dumps(found)}" for p, found in protocols.items())
        blocks.append(f"  {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(blocks) + "\n}\n"


if __name__ == "__main__":
    PINNED.write_text(dumped(score_sample()), encoding="utf-8")
