"""Invented scenes: what stands where in an image, and five captions of it.

``scenes.txt`` has them as a person writes them, in percent of the image. Reading moves every box
by a few pixels, drawn from a seed. Boxes are ``(left, top, right, bottom)``: pixel edges with
origin 0, all whole numbers, so that the same seed gives the same bytes on every platform.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TypeVar

SOURCE = Path(__file__).with_name("scenes.txt")
SEED = 30
NOT_VISUAL = "0"

Box = tuple[int, int, int, int]
Item = TypeVar("Item")

PARTS: dict[str, tuple[Box, ...]] = {
    "apron": ((22, 26, 56, 46),),
    "arms": ((0, 20, 22, 38), (78, 20, 22, 38)),
    "boots": ((18, 88, 32, 12), (50, 88, 32, 12)),
    "cap": ((27, 0, 46, 8),),
    "coat": ((10, 17, 80, 56),),
    "dress": ((14, 17, 72, 60),),
    "face": ((31, 4, 38, 13),),
    "glasses": ((30, 6, 40, 5),),
    "gloves": ((0, 50, 20, 9), (80, 50, 20, 9)),
    "hair": ((28, 0, 44, 16),),
    "hands": ((0, 50, 20, 9), (80, 50, 20, 9)),
    "hat": ((27, 0, 46, 8),),
    "head": ((28, 1, 44, 17),),
    "helmet": ((27, 0, 46, 11),),
    "jacket": ((8, 17, 84, 38),),
    "jeans": ((20, 50, 60, 44),),
    "overalls": ((16, 22, 68, 70),),
    "pants": ((20, 50, 60, 44),),
    "scarf": ((26, 16, 48, 8),),
    "shirt": ((10, 17, 80, 36),),
    "shorts": ((20, 48, 60, 20),),
    "skirt": ((16, 48, 68, 24),),
    "suit": ((10, 17, 80, 80),),
    "sweater": ((8, 17, 84, 36),),
    "vest": ((20, 17, 60, 36),),
}
"""Where clothes and parts are on a person: left, top, width, height in percent of the person."""

_MARK = re.compile(r"\[(\w+) ([^\]]+)\]")


class Draw:
    """Whole numbers from a seed, by ``Random.random`` alone: Python never changes its sequence."""

    def __init__(self, *seed: object) -> None:
        self._random = Random(" ".join(map(str, (SEED, *seed))))

    def between(self, low: int, high: int) -> int:
        """Draw a whole number from low to high, both included."""
        return low + int(self._random.random() * (high - low + 1))

    def chance(self, percent: int) -> bool:
        """Tell, true in so many of a hundred."""
        return self.between(0, 99) < percent

    def pick(self, items: Sequence[Item]) -> Item:
        """Draw one of the items."""
        return items[self.between(0, len(items) - 1)]


@dataclass(frozen=True)
class Thing:
    """Something in a scene; ``boxes`` is empty where there are none.

    Parameters
    ----------
    kind, colour : what a drawing shows; both empty for things made of others
    annotated : False where the annotations do not even say that there is no box
    """

    name: str
    categories: tuple[str, ...]
    kind: str = ""
    colour: str = ""
    boxes: tuple[Box, ...] = ()
    annotated: bool = True

    @property
    def union(self) -> Box:
        """The smallest box around all boxes."""
        left, top, right, bottom = zip(*self.boxes, strict=True)
        return min(left), min(top), max(right), max(bottom)


@dataclass(frozen=True)
class Phrase:
    """A marked phrase of a caption; ``thing`` is `NOT_VISUAL` or a thing's name."""

    sentence: int
    first_word: int
    thing: str
    text: str


@dataclass(frozen=True)
class Scene:
    """An image: its size in pixels, what it shows, and its captions as ``scenes.txt`` has them."""

    image: str
    width: int
    height: int
    backdrop: str
    things: dict[str, Thing]
    captions: tuple[str, ...]

    def phrases(self) -> Iterator[Phrase]:
        """Yield all marked phrases; a phrase's first word counts the words before it."""
        for sentence, caption in enumerate(self.captions):
            for match in _MARK.finditer(caption):
                before = len(_MARK.sub(r"\2", caption[: match.start()]).split())
                yield Phrase(sentence, before, match[1], match[2])

    def marked(self, identities: dict[str, int], sentence: int) -> str:
        """Give a caption with its phrases marked as the official release marks them."""

        def mark(match: re.Match[str]) -> str:
            if match[1] == NOT_VISUAL:
                return f"[/EN#0/notvisual {match[2]}]"
            categories = "/".join(self.things[match[1]].categories)
            return f"[/EN#{identities[match[1]]}/{categories} {match[2]}]"

        return _MARK.sub(mark, self.captions[sentence])


def read_scenes(path: Path = SOURCE) -> list[Scene]:
    """Read all scenes; the first block of the file explains its lines."""
    blocks = path.read_text(encoding="utf-8").strip().split("\n\n")
    return [_read_scene(block.splitlines()) for block in blocks[1:]]


def _read_scene(lines: Sequence[str]) -> Scene:
    image, size, backdrop = lines[0].split()
    width, height = map(int, size.split("x"))
    layout = _Layout(width, height, Draw("layout", image))
    captions = [line[2:] for line in lines[1:] if line.startswith(">")]
    for line in lines[1:]:
        if not line.startswith(">"):
            layout.add(line)
    return Scene(image, width, height, backdrop, layout.things, tuple(captions))


class _Layout:
    """The things of a scene while it is read; equal places in percent become equal boxes."""

    def __init__(self, width: int, height: int, draw: Draw) -> None:
        self.width = width
        self.height = height
        self.draw = draw
        self.things: dict[str, Thing] = {}
        self.placed: dict[str, Box] = {}

    def add(self, line: str) -> None:
        name, _, rest = line.partition(": ")
        category, first, *words = rest.split()
        categories = tuple(category.split("/"))
        if first in ("-", "?"):
            thing = Thing(name, categories, annotated=first == "-")
        elif first == "=":
            boxes = dict.fromkeys(box for part in words for box in self.things[part].boxes)
            thing = Thing(name, categories, boxes=tuple(boxes))
        elif words[1] == "of":
            worn = tuple(box for owner in words[2:] for box in self._parts(first, owner))
            thing = Thing(name, categories, first, words[0], worn)
        else:
            places = " ".join(words[1:]).split("; ")
            thing = Thing(name, categories, first, words[0], tuple(map(self._place, places)))
        self.things[name] = thing

    def _place(self, percents: str) -> Box:
        """Give the box of a place, moved by at most three pixels and kept inside the image."""
        if percents not in self.placed:
            left, top, width, height = map(int, percents.split())
            across, down = self.draw.between(-3, 3), self.draw.between(-3, 3)
            self.placed[percents] = (
                max(0, left * self.width // 100 + across),
                max(0, top * self.height // 100 + down),
                min(self.width, (left + width) * self.width // 100 + across),
                min(self.height, (top + height) * self.height // 100 + down),
            )
        return self.placed[percents]

    def _parts(self, kind: str, owner: str) -> Iterator[Box]:
        left, top, right, bottom = self.things[owner].boxes[0]
        for x, y, width, height in PARTS[kind]:
            yield (
                left + (right - left) * x // 100,
                top + (bottom - top) * y // 100,
                left + (right - left) * (x + width) // 100,
                top + (bottom - top) * (y + height) // 100,
            )
