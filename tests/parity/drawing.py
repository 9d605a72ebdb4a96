"""Random predictions: boxes about a phrase's own, on a grid, and files of them.

Grids: whole pixels and quarters of a pixel are exact in binary, so that every order of a sum gives
the same bits; hundredths are not. A fifth of the boxes are one half of the target, whose IoU is
exactly 0.5, so that ``>=`` and ``>`` part. Draws use `random.Random.random` alone, whose
sequence Python keeps from release to release.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from tests.parity.release import Phrase

Box = tuple[float, float, float, float]
Snap = Callable[[float], float]

GRIDS: dict[str, Snap] = {
    "whole": lambda number: int(number),
    "quarter": lambda number: int(4 * number) / 4,
    "hundredth": lambda number: round(number, 2),
}


def draw_box(random: Random, phrase: Phrase, snap: Snap, least: float = 1) -> Box:
    """Draw a box ``x, y, w, h``, 1-based inclusive, in a phrase's image; ``least`` bounds sides."""
    x, y, w, h = phrase.union_xywh
    width, height = phrase.size
    kind = random.random()
    if kind < 0.2:
        halved = (snap(w / 2), h) if w % 2 == 0 or h % 2 else (w, snap(h / 2))
        return x, y, *(max(least, side) for side in halved)
    if kind < 0.7:
        x, w = _moved(random, x, w, width)
        y, h = _moved(random, y, h, height)
    else:
        x, w = _anywhere(random, width)
        y, h = _anywhere(random, height)
    return snap(x), snap(y), max(least, snap(w)), max(least, snap(h))


def _moved(random: Random, low: float, size: float, limit: int) -> tuple[float, float]:
    start = max(1, low + 0.3 * size * (random.random() - 0.5))
    return start, min(size * (0.7 + 0.6 * random.random()), limit - start + 1)


def _anywhere(random: Random, limit: int) -> tuple[float, float]:
    start = 1 + 0.9 * limit * random.random()
    return start, (limit - start + 1) * random.random()


def write_json(path: Path, phrases: Sequence[Phrase], boxes: Sequence[list[Box]], **space) -> Path:
    """Write one record a phrase, with its ranked boxes, in a space that the header declares."""
    records = [
        {
            "image": f"{phrase.image}#{phrase.sentence}",
            "phrase": phrase.text,
            "start": phrase.first_word,
            "entity": phrase.entity,
            **({"boxes": candidates} if len(candidates) > 1 else {"box": candidates[0]}),
        }
        for phrase, candidates in zip(phrases, boxes, strict=True)
    ]
    content = {"phraseloc": space, "records": records} if space else records
    path.write_text(json.dumps(content))
    return path


def write_lines(path: Path, phrases: Sequence[Phrase], boxes: Sequence[list[Box]]) -> Path:
    """Write the reference scorer's TSV, one box a phrase, in the order of the phrases."""
    with path.open("w") as file:
        for phrase, (box, *_) in zip(phrases, boxes, strict=True):
            file.write(
                "\t".join([f"{phrase.image}#{phrase.sentence}", phrase.text, *map(str, box)])
            )
            file.write("\n")
    return path
