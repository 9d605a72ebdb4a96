"""The sample's ground truth, in the layout of the official Flickr30k Entities release.

``Annotations/<image>.xml`` has 1-based inclusive corners, and a box of several entities once, with
all their names; ``Sentences/<image>.txt`` has a caption a line. Plummer et al., ICCV 2015.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence

from scenes import NOT_VISUAL, Box, Scene, Thing

Identities = dict[str, dict[str, int]]


def identities_of(scenes: Sequence[Scene]) -> Identities:
    """Give each thing that a caption names a number, counted over all images."""
    numbers: Identities = {}
    count = 0
    for scene in scenes:
        own = numbers[scene.image] = {}
        for phrase in scene.phrases():
            if phrase.thing != NOT_VISUAL and phrase.thing not in own:
                count += 1
                own[phrase.thing] = count
    return numbers


def archive_of(files: Mapping[str, str]) -> bytes:
    """Make a zip archive whose bytes depend on the files alone.

    It is not compressed, since compressors may give other bytes in their next version.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.create_system = 3
            member.external_attr = 0o644 << 16
            archive.writestr(member, files[name].encode())
    return buffer.getvalue()


def release_of(scenes: Sequence[Scene]) -> dict[str, str]:
    """Give the release's files by name, the split among them."""
    files = {"test.txt": split_of(scenes)}
    for scene in scenes:
        own = identities_of(scenes)[scene.image]
        captions = [scene.marked(own, sentence) for sentence in range(len(scene.captions))]
        files[f"Sentences/{scene.image}.txt"] = "\n".join(captions) + "\n"
        files[f"Annotations/{scene.image}.xml"] = _annotation(scene, own)
    return files


def split_of(scenes: Sequence[Scene]) -> str:
    """List the images, an id a line."""
    return "".join(f"{scene.image}\n" for scene in scenes)


def _annotation(scene: Scene, identities: Mapping[str, int]) -> str:
    owners: dict[Box, list[int]] = {}
    for name, number in identities.items():
        for box in scene.things[name].boxes:
            owners.setdefault(box, []).append(number)
    lines = [
        "<annotation>",
        f"\t<filename>{scene.image}.jpg</filename>",
        "\t<size>",
        f"\t\t<width>{scene.width}</width>",
        f"\t\t<height>{scene.height}</height>",
        "\t\t<depth>3</depth>",
        "\t</size>",
    ]
    for box, numbers in owners.items():
        lines += _object(numbers, _corners(box))
    for name, number in identities.items():
        thing = scene.things[name]
        if not thing.boxes and thing.annotated:
            lines += _object([number], _boxless(thing))
    return "\n".join([*lines, "</annotation>"])


def _object(numbers: Sequence[int], content: Iterator[str]) -> list[str]:
    names = [f"\t\t<name>{number}</name>" for number in numbers]
    return ["\t<object>", *names, *(f"\t\t{line}" for line in content), "\t</object>"]


def _corners(box: Box) -> Iterator[str]:
    left, top, right, bottom = box
    yield "<bndbox>"
    for tag, value in zip(
        ("xmin", "ymin", "xmax", "ymax"), (left + 1, top + 1, right, bottom), strict=True
    ):
        yield f"\t<{tag}>{value}</{tag}>"
    yield "</bndbox>"


def _boxless(thing: Thing) -> Iterator[str]:
    scene = int("scene" in thing.categories)
    yield f"<scene>{scene}</scene>"
    yield f"<nobndbox>{1 - scene}</nobndbox>"
