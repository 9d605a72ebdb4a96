"""Show phraseloc at work on the bundled sample: ``make demo``, or ``python examples/demo.py``.

It needs no data, and no network but to install. Every command is printed before it runs, as one
would type it at the root of the checkout; the first that fails ends the demo with its exit code.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE = "examples/sample"
TRUTH = f"{SAMPLE}/annotations.zip"
SPLIT = f"--split {SAMPLE}/test.txt"

PROTOCOLS = ("flickr30k", "strict", "any-box", "maf-released", "pointing")

STEPS = {
    "Is a prediction file sound, and does it have every phrase?": (
        f"validate {SAMPLE}/good.json --ground-truth {TRUTH} {SPLIT}"
    ),
    "Three files, three formats, one protocol.": (
        f"score {TRUTH} {SAMPLE}/good.json {SAMPLE}/ranked.jsonl {SAMPLE}/whole-image.tsv {SPLIT}"
    ),
    "One file under five protocols: the same boxes, other figures.": " ".join(
        [f"score {TRUTH} {SAMPLE}/good.json {SPLIT}", *(f"--protocol {p}" for p in PROTOCOLS)]
    ),
    "A method that points instead of drawing boxes.": (
        f"score {TRUTH} {SAMPLE}/points.jsonl {SPLIT} --protocol pointing"
    ),
    "Every unsupervised baseline, beside prediction files and published figures.": (
        f"leaderboard {TRUTH} {SPLIT} --proposals {SAMPLE}/test_detection_dict.json "
        f"--predictions good={SAMPLE}/good.json --predictions ranked={SAMPLE}/ranked.jsonl"
    ),
}


def main() -> int:
    """Run the steps in turn; give the exit code of the first that fails, or 0."""
    for title, command in STEPS.items():
        print(f"\n# {title}\n$ phraseloc {command}\n", flush=True)
        done = subprocess.run([sys.executable, "-m", "phraseloc", *command.split()], cwd=ROOT)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
