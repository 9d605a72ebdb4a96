"""A second reading of the Flickr30k Entities release, with the standard library alone.

It takes a caption apart at its brackets and an annotation as a tree, and keeps corners as they are
written (1-based, the last pixel belongs). The parity tests score phraseloc against what it finds,
so that an error of phraseloc's own reader cannot hide on both sides.
"""

import tarfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

Corners = tuple[int, int, int, int]

SIDES = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class Phrase:
    """A phrase with boxes; sentence and first word count from 0."""

    image: str
    sentence: int
    first_word: int
    entity: str
    text: str
    categories: tuple[str, ...]
    boxes: tuple[Corners, ...]
    size: tuple[int, int]

    @property
    def union(self) -> Corners:
        """The corners of the smallest box around its boxes."""
        left, top, right, bottom = zip(*self.boxes, strict=True)
        return min(left), min(top), max(right), max(bottom)

    @property
    def union_xywh(self) -> Corners:
        """The union as the reference scorer writes it."""
        left, top, right, bottom = self.union
        return left, top, right - left + 1, bottom - top + 1


def read(archive: Path, split: Path) -> list[Phrase]:
    """Give the phrases with boxes of a split, in the order of its images, captions and words."""
    images = split.read_text().split()
    wanted = {f"Sentences/{image}.txt" for image in images}
    wanted |= {f"Annotations/{image}.xml" for image in images}
    found = {}
    with tarfile.open(archive) as members:
        for member in members:
            name = "/".join(member.name.split("/")[-2:])
            if name in wanted:
                found[name] = members.extractfile(member).read().decode()
    phrases = []
    for image in images:
        boxes, size = _boxes(found[f"Annotations/{image}.xml"])
        captions = found[f"Sentences/{image}.txt"].splitlines()
        for sentence, caption in enumerate(captions):
            phrases += _phrases(image, sentence, caption, boxes, size)
    return phrases


def _boxes(annotation: str) -> tuple[dict[str, list[Corners]], tuple[int, int]]:
    boxes: dict[str, list[Corners]] = {}
    root = ElementTree.fromstring(annotation)
    for item in root.findall("object"):
        if item.find("bndbox") is not None:
            sides = [int(item.find(f"bndbox/{side}").text) for side in SIDES]
            for name in item.findall("name"):
                boxes.setdefault(name.text, []).append(tuple(sides))
    return boxes, (int(root.find("size/width").text), int(root.find("size/height").text))


def _phrases(
    image: str,
    sentence: int,
    caption: str,
    boxes: dict[str, list[Corners]],
    size: tuple[int, int],
) -> list[Phrase]:
    before, *marked = caption.split("[")
    words = len(before.split())
    phrases = []
    for piece in marked:
        inside, after = piece.split("]")
        mark, *text = inside.split()
        entity, *categories = mark.removeprefix("/EN#").split("/")
        if entity in boxes:
            own = tuple(boxes[entity])
            key = (image, sentence, words, entity)
            phrases.append(Phrase(*key, " ".join(text), tuple(categories), own, size))
        words += len(text) + len(after.split())
    return phrases
