"""Pin what every baseline gets right: ``python tests/golden/baseline_counts.py``.

``baseline_counts.json`` has the number of right phrases of each baseline under two protocols, on
real detections of 203 images and on the bundled sample. Run this after a change that is meant to
move a choice, and look at the difference.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from phraseloc import load_ground_truth, score  # noqa: E402
from phraseloc.baselines import Task, baselines, find_baseline, run_baseline  # noqa: E402
from phraseloc.protocol import find_protocol  # noqa: E402
from tests.grounding import real_task, task_of  # noqa: E402

PINNED = Path(__file__).with_suffix(".json")
PROTOCOLS = ("flickr30k", "maf-released")


def sample_task():
    """Make the task of the bundled sample."""
    folder = ROOT / "examples" / "sample"
    truth = load_ground_truth(folder / "annotations.zip", split=folder / "test.txt")
    return task_of(truth, folder / "test_detection_dict.json")


def counts(task: Task) -> dict[str, dict[str, int]]:
    """Count the right phrases of every baseline under every protocol."""
    names = [name for baseline in baselines().values() for name in baseline.variants]
    return {
        protocol: {
            name: _right(replace(task, protocol=find_protocol(protocol)), name) for name in names
        }
        for protocol in PROTOCOLS
    }


def _right(task: Task, name: str) -> int:
    alignment = run_baseline(find_baseline(name), task).alignment
    scores = score(task.truth, alignment.predictions, task.protocol, alignment=alignment, samples=1)
    return scores.accuracy.correct


def main() -> None:
    """Write the file."""
    beside = ROOT.parent / "shared" / "data"
    data = Path(os.environ.get("PHRASELOC_DATA") or beside)
    pinned = {"real": counts(real_task(data)), "sample": counts(sample_task())}
    PINNED.write_text(json.dumps(pinned, indent=1) + "\n")


if __name__ == "__main__":
    main()
