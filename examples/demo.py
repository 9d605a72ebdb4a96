"""Show phraseloc at work on the bundled sample: ``make demo``, or ``python examples/demo.py``.

It needs no data, and no network but to install. Every command is printed before it runs, as one
would type it at the root of the checkout; the first that fails ends the demo with its exit code.
What they write is in ``build/demo``; the last line is the path of a report to open.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLE = "examples/sample"
TRUTH = f"{SAMPLE}/annotations.zip"
SPLIT = f"--split {SAMPLE}/test.txt"
OBJECTS = f"--proposals {SAMPLE}/test_detection_dict.json"
OUTPUT = "build/demo"

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
    "Which phrases do two protocols judge differently, and why?": (
        f"protocols --explain {TRUTH} {SAMPLE}/good.json flickr30k any-box {SPLIT}"
    ),
    "Is one method better than another?": (
        f"compare {TRUTH} {SAMPLE}/good.json {SAMPLE}/ranked.jsonl {SPLIT}"
    ),
    "Where does it fail?": f"diagnose {TRUTH} {SAMPLE}/good.json {SPLIT} {OBJECTS} --worst 5",
    "May a change merge? First the baseline, then the check.": (
        f"gate {TRUTH} {SAMPLE}/good.json {SPLIT} --against {OUTPUT}/baseline.json --update"
    ),
    "The same file has not fallen.": (
        f"gate {TRUTH} {SAMPLE}/good.json {SPLIT} --against {OUTPUT}/baseline.json"
    ),
    "Pictures of phrases that one of two methods has right.": (
        f"draw {TRUTH} {SAMPLE}/good.json {SAMPLE}/ranked.jsonl {SPLIT} --images {OUTPUT}/images "
        f"--select flipped --limit 3 -o {OUTPUT}/pictures"
    ),
    "Every unsupervised baseline, beside prediction files and published figures.": (
        f"leaderboard {TRUTH} {SPLIT} {OBJECTS} --predictions good={SAMPLE}/good.json "
        f"--predictions ranked={SAMPLE}/ranked.jsonl -o {OUTPUT}/results"
    ),
    "All of it as one page.": f"report {OUTPUT}/results {OBJECTS} -o {OUTPUT}/report.html",
}


def main() -> int:
    """Run the steps in turn; give the exit code of the first that fails, or 0."""
    draw_sample = [sys.executable, "examples/draw_sample.py", f"{OUTPUT}/images"]
    subprocess.run(draw_sample, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    for title, command in STEPS.items():
        print(f"\n# {title}\n$ phraseloc {command}\n", flush=True)
        done = subprocess.run([sys.executable, "-m", "phraseloc", *command.split()], cwd=ROOT)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
