"""The sample's predictions: four invented methods, of different quality and file format.

======================  ================================================================
file                    what it is
======================  ================================================================
``good.json``           a good method: the reference scorer's records, one box a phrase
``ranked.jsonl``        a method that ranks proposals: continuous corners, with scores
``whole-image.tsv``     the whole image for every phrase, in the ground truth's order
``points.jsonl``        a method that points
======================  ================================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sample_proposals import Proposal, in_pixels
from sample_release import Identities
from scenes import NOT_VISUAL, Box, Draw, Phrase, Scene, Thing

RANKED = 6
NOISE = 135
"""How far a proposal's relevance is off, in hundredths: 0 ranks by overlap, more is worse."""

Proposals = Mapping[str, Sequence[Proposal]]


def good(scenes: Sequence[Scene], identities: Identities) -> str:
    """Predict a box a phrase: left, top, width, height, 1-based and inclusive."""
    records = []
    for scene in scenes:
        draw = Draw("good", scene.image)
        for phrase in _boxed(scene):
            left, top, right, bottom = _guess(draw, scene, scene.things[phrase.thing])
            box = [left + 1, top + 1, right - left, bottom - top]
            key = _key(scene, phrase, identities)
            records.append({**key, "phrase": phrase.text.split(), "box": box})
    return "[\n" + ",\n".join(map(_dumped, records)) + "\n]\n"


def ranked(scenes: Sequence[Scene], identities: Identities, proposals: Proposals) -> str:
    """Rank the proposals by their overlap with the truth, blurred by noise."""
    lines = [_header("xyxy", "continuous", 0)]
    for scene in scenes:
        draw = Draw("ranked", scene.image)
        for phrase in _boxed(scene):
            target = scene.things[phrase.thing].union
            best = sorted(
                ((_relevance(draw, p, target), p.box) for p in proposals[scene.image]),
                reverse=True,
            )[:RANKED]
            lines.append(
                _dumped(
                    {
                        **_key(scene, phrase, identities),
                        "boxes": [in_pixels(box) for _, box in best],
                        "scores": [relevance / 250 for relevance, _ in best],
                    }
                )
            )
    return "\n".join(lines) + "\n"


def whole_image(scenes: Sequence[Scene]) -> str:
    """Predict the whole image: a line a phrase, with the box in the last four columns."""
    return "".join(
        f"{scene.image}#{phrase.sentence}\t{phrase.text}\t1\t1\t{scene.width}\t{scene.height}\n"
        for scene in scenes
        for phrase in _boxed(scene)
    )


def points(scenes: Sequence[Scene], identities: Identities) -> str:
    """Point at a pixel, 1-based."""
    lines = [_header("xywh", "inclusive", 1)]
    for scene in scenes:
        draw = Draw("points", scene.image)
        things = [thing for thing in scene.things.values() if thing.boxes]
        for phrase in _boxed(scene):
            thing = scene.things[phrase.thing] if draw.chance(70) else draw.pick(things)
            left, top, right, bottom = draw.pick(thing.boxes)
            point = [draw.between(left + 1, right), draw.between(top + 1, bottom)]
            lines.append(_dumped({**_key(scene, phrase, identities), "point": point}))
    return "\n".join(lines) + "\n"


def _boxed(scene: Scene) -> Iterator[Phrase]:
    for phrase in scene.phrases():
        if phrase.thing != NOT_VISUAL and scene.things[phrase.thing].boxes:
            yield phrase


def _key(scene: Scene, phrase: Phrase, identities: Identities) -> dict[str, Any]:
    return {
        "image": f"{scene.image}#{phrase.sentence}",
        "start": phrase.first_word,
        "entity": str(identities[scene.image][phrase.thing]),
    }


def _header(layout: str, corners: str, origin: int) -> str:
    return _dumped({"phraseloc": {"layout": layout, "corners": corners, "origin": origin}})


def _dumped(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _guess(draw: Draw, scene: Scene, thing: Thing) -> Box:
    """Guess as methods do: mostly near, sometimes a part, one of several, or another thing."""
    others = [other for other in scene.things.values() if other.boxes and other != thing]
    roll = draw.between(0, 99)
    ways: Sequence[tuple[int, Callable[[], Box]]] = (
        (55, lambda: _near(draw, scene, thing.union, 10)),
        (57, lambda: _half(thing.union)),
        (68, lambda: _near(draw, scene, draw.pick(thing.boxes), 16)),
        (84, lambda: _near(draw, scene, thing.union, 50)),
        (100, lambda: _near(draw, scene, draw.pick(others).union, 5)),
    )
    return next(way() for below, way in ways if roll < below)


def _near(draw: Draw, scene: Scene, box: Box, percent: int) -> Box:
    left, top, right, bottom = box
    across, down = (right - left) * percent // 100, (bottom - top) * percent // 100
    left = min(max(left + draw.between(-across, across), 0), scene.width - 2)
    top = min(max(top + draw.between(-down, down), 0), scene.height - 2)
    right = max(min(right + draw.between(-across, across), scene.width), left + 1)
    bottom = max(min(bottom + draw.between(-down, down), scene.height), top + 1)
    return left, top, right, bottom


def _half(box: Box) -> Box:
    """Give the left half: of an even width, the one IoU that ``>=`` and ``>`` part over."""
    left, top, right, bottom = box
    return left, top, left + (right - left + 1) // 2, bottom


def _relevance(draw: Draw, proposal: Proposal, target: Box) -> int:
    """Give the overlap in hundredths plus noise, as whole numbers throughout."""
    left, top, right, bottom = (10 * value for value in target)
    overlap = _hundredths(proposal.box, (left, top, right, bottom))
    return overlap + draw.between(0, NOISE)


def _hundredths(one: Box, other: Box) -> int:
    """Give the IoU of two boxes, rounded down to hundredths."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    both = max(width, 0) * max(height, 0)
    return 100 * both // (_area(one) + _area(other) - both)


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
