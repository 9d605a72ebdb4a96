"""The sample's object proposals, as if a detector had looked at the scenes.

The layout is that of MAF's released files (Wang et al., EMNLP 2020): for each image ``bboxes``
(0-based corners, clipped to the last pixel), ``classes``, ``attrs``, ``scores``, ``width`` and
``height``, highest score first. Most boxes are a little off, some are missed, some labels are
confused, and a few boxes show nothing. Coordinates are counted in tenths of a pixel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from scenes import Box, Draw, Scene, Thing

CONFUSED = {
    "bench": "table",
    "bicycle": "motorcycle",
    "boy": "man",
    "bus": "truck",
    "car": "truck",
    "coat": "jacket",
    "cow": "horse",
    "dog": "cat",
    "girl": "woman",
    "guitar": "violin",
    "helmet": "hat",
    "horse": "cow",
    "jacket": "shirt",
    "man": "woman",
    "motorcycle": "bicycle",
    "shirt": "jacket",
    "table": "bench",
    "train": "bus",
    "truck": "car",
    "vest": "shirt",
    "violin": "guitar",
    "woman": "girl",
}
NOTHING = ("tree", "sky", "wall", "sign", "pole", "window", "shadow", "light")
SMALLEST = 80


class Proposal(NamedTuple):
    """A detection; the box in tenths of a pixel, the score in hundredths."""

    score: int
    box: Box
    label: str
    attribute: str


def proposals_of(scene: Scene) -> list[Proposal]:
    """Detect the things of a scene, best first."""
    draw = Draw("proposals", scene.image)
    found = [p for thing in scene.things.values() for p in _detect(draw, scene, thing)]
    found += [_nothing(draw, scene) for _ in range(draw.between(4, 8))]
    return sorted(set(found), reverse=True)


def as_detections(scene: Scene, proposals: Sequence[Proposal]) -> dict[str, Any]:
    """Give an image's entry of ``test_detection_dict.json``."""
    return {
        "bboxes": [in_pixels(proposal.box) for proposal in proposals],
        "classes": [proposal.label for proposal in proposals],
        "attrs": [proposal.attribute for proposal in proposals],
        "scores": [proposal.score / 100 for proposal in proposals],
        "width": scene.width,
        "height": scene.height,
    }


def in_pixels(box: Box) -> list[float]:
    """Turn tenths of a pixel into pixels."""
    return [value / 10 for value in box]


def _detect(draw: Draw, scene: Scene, thing: Thing) -> Iterator[Proposal]:
    for box in thing.boxes if thing.kind else ():
        label = thing.kind
        if draw.chance(15):
            label = CONFUSED.get(label, label)
        if draw.chance(86):
            yield Proposal(draw.between(40, 98), moved(draw, scene, box, 9), label, thing.colour)
        if draw.chance(55):
            yield Proposal(draw.between(5, 50), moved(draw, scene, box, 35), label, thing.colour)
    if len(thing.boxes) > 1 and draw.chance(80):
        label = thing.kind or ("people" if "people" in thing.categories else "objects")
        yield Proposal(draw.between(10, 70), moved(draw, scene, thing.union, 8), label, "")


def _nothing(draw: Draw, scene: Scene) -> Proposal:
    left = draw.between(0, scene.width * 7)
    top = draw.between(0, scene.height * 7)
    right = left + draw.between(SMALLEST, scene.width * 3)
    bottom = top + draw.between(SMALLEST, scene.height * 3)
    box = _inside(scene, (left, top, right, bottom))
    return Proposal(draw.between(2, 40), box, draw.pick(NOTHING), "")


def moved(draw: Draw, scene: Scene, box: Box, percent: int) -> Box:
    """Move each side by at most a percentage of the box's size; the result is in tenths."""
    left, top, right, bottom = (10 * value for value in box)
    across = (right - left) * percent // 100
    down = (bottom - top) * percent // 100
    return _inside(
        scene,
        (
            left + draw.between(-across, across),
            top + draw.between(-down, down),
            right + draw.between(-across, across),
            bottom + draw.between(-down, down),
        ),
    )


def _inside(scene: Scene, box: Box) -> Box:
    """Clip to the last pixel, as the released files are."""
    left, top, right, bottom = box
    last_x, last_y = 10 * (scene.width - 1), 10 * (scene.height - 1)
    left, top = min(max(left, 0), last_x - 10), min(max(top, 0), last_y - 10)
    return left, top, max(min(right, last_x), left + 10), max(min(bottom, last_y), top + 10)
