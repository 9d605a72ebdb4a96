"""Make the bundled sample: ``python examples/make_sample.py [FOLDER]``.

The sample is the size of a test, not of a benchmark: 24 invented images with five captions each,
their annotations in the official release's layout, object proposals and four prediction files.
The same bytes come out on every platform; ``tests/golden/test_sample.py`` says so.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import sample_predictions as methods
from sample_proposals import as_detections, proposals_of
from sample_release import archive_of, identities_of, release_of, split_of
from scenes import read_scenes

FOLDER = Path(__file__).with_name("sample")


def sample_files() -> dict[str, bytes]:
    """Make all files of the sample, by name."""
    scenes = read_scenes()
    identities = identities_of(scenes)
    proposals = {scene.image: proposals_of(scene) for scene in scenes}
    detections = {scene.image: as_detections(scene, proposals[scene.image]) for scene in scenes}
    texts = {
        "test.txt": split_of(scenes),
        "test_detection_dict.json": json.dumps(detections, separators=(",", ":")) + "\n",
        "good.json": methods.good(scenes, identities),
        "ranked.jsonl": methods.ranked(scenes, identities, proposals),
        "whole-image.tsv": methods.whole_image(scenes),
        "points.jsonl": methods.points(scenes, identities),
    }
    release = {"annotations.zip": archive_of(release_of(scenes))}
    return release | {name: text.encode() for name, text in texts.items()}


def main(folder: Path) -> None:
    """Write the sample into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in sample_files().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
