"""Draw the sample's images: ``python examples/draw_sample.py FOLDER`` writes ``<image>.png``.

The pictures are flat colour and simple shapes, made on the spot from the scenes; they have the
sizes that the annotations give, so that boxes drawn over them lie where they should.
"""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sample_shapes import COLOURS, KINDS, Colour, Shape, plain
from scenes import Scene, read_scenes

BACKDROPS: dict[str, tuple[Colour, Colour]] = {
    "beach": ((176, 216, 240), (232, 214, 164)),
    "farm": ((176, 212, 238), (142, 168, 92)),
    "field": ((170, 210, 240), (122, 172, 96)),
    "kitchen": ((236, 226, 206), (176, 142, 110)),
    "lake": ((180, 214, 236), (110, 156, 120)),
    "park": ((174, 214, 240), (134, 180, 104)),
    "road": ((180, 212, 236), (150, 170, 120)),
    "room": ((224, 214, 196), (168, 128, 94)),
    "site": ((190, 214, 232), (196, 178, 146)),
    "snow": ((160, 204, 240), (232, 240, 248)),
    "stage": ((66, 54, 88), (96, 70, 60)),
    "station": ((204, 214, 222), (120, 120, 124)),
    "street": ((190, 208, 222), (150, 150, 152)),
}


def draw(scene: Scene) -> npt.NDArray[np.uint8]:
    """Draw a scene as ``(height, width, 3)`` uint8, its things in the order they are listed."""
    upper, lower = BACKDROPS[scene.backdrop]
    pixels = np.empty((scene.height, scene.width, 3), np.uint8)
    horizon = scene.height * 55 // 100
    pixels[:horizon], pixels[horizon:] = upper, lower
    for thing in scene.things.values():
        for left, top, right, bottom in thing.boxes if thing.kind else ():
            for shape in KINDS.get(thing.kind, plain)(COLOURS[thing.colour]):
                _fill(pixels[top:bottom, left:right], shape)
    return pixels


def encode_png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Encode ``(height, width, 3)`` uint8 as PNG: 8 bits a channel, no filter, no interlacing."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 1 + 3 * width), np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 9))
    return b"\x89PNG\r\n\x1a\n" + body + chunk(b"IEND", b"")


def _fill(pixels: npt.NDArray[np.uint8], shape: Shape) -> None:
    """Colour the pixels of a thing's box ``(height, width, 3)`` whose centres lie in a shape."""
    name, (left, top, right, bottom), colour = shape
    height, width, _ = pixels.shape
    down, across = np.ogrid[0:height, 0:width]
    u = (100 * (across + 0.5) / width - left) / (right - left)
    v = (100 * (down + 0.5) / height - top) / (bottom - top)
    inside = (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
    if name == "oval":
        inside &= (u - 0.5) ** 2 + (v - 0.5) ** 2 <= 0.25
    elif name == "tri":
        inside &= abs(u - 0.5) <= v / 2
    elif name == "line":
        inside &= abs(u + v - 1) <= 0.04
    pixels[inside] = colour


def main(folder: Path) -> None:
    """Write a PNG an image into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for scene in read_scenes():
        (folder / f"{scene.image}.png").write_bytes(encode_png(draw(scene)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/draw_sample.py FOLDER")
    main(Path(sys.argv[1]))
