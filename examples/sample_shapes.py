"""What the things of the sample look like: each kind as a few flat shapes, back to front."""

from __future__ import annotations

from collections.abc import Callable, Iterator

Colour = tuple[int, int, int]
Shape = tuple[str, tuple[float, float, float, float], Colour]
"""``rect``, ``oval``, ``tri`` or ``line``; left, top, right, bottom in percent of
the thing's box, which cuts off what leaves it; colour."""

COLOURS: dict[str, Colour] = {
    "black": (40, 40, 44),
    "blue": (58, 110, 190),
    "brown": (128, 84, 48),
    "green": (70, 142, 74),
    "grey": (132, 136, 142),
    "orange": (232, 140, 48),
    "pink": (232, 134, 168),
    "purple": (124, 78, 160),
    "red": (200, 54, 48),
    "silver": (184, 190, 196),
    "tan": (214, 180, 136),
    "white": (240, 240, 236),
    "yellow": (236, 200, 62),
}
SKIN, DARK, GLASS, TRUNK = (224, 176, 140), (44, 44, 48), (196, 224, 238), (104, 72, 44)


def _shade(colour: Colour, percent: int) -> Colour:
    red, green, blue = (value * percent // 100 for value in colour)
    return red, green, blue


def plain(colour: Colour) -> Iterator[Shape]:
    """Draw a rectangle with a rim, for kinds that have no drawing of their own."""
    yield "rect", (0, 0, 100, 100), _shade(colour, 84)
    yield "rect", (3, 3, 97, 97), colour


def _oval(colour: Colour) -> Iterator[Shape]:
    yield "oval", (0, 0, 100, 100), _shade(colour, 80)
    yield "oval", (6, 6, 94, 94), colour


def _flat(colour: Colour) -> Iterator[Shape]:
    yield "rect", (0, 0, 100, 100), colour


def _person(colour: Colour) -> Iterator[Shape]:
    for left in (24, 53):
        yield "rect", (left, 48, left + 23, 94), (64, 74, 104)
        yield "oval", (left - 4, 92, left + 25, 100), DARK
    for left in (6, 80):
        yield "rect", (left, 20, left + 14, 54), _shade(colour, 85)
        yield "oval", (left - 2, 51, left + 16, 58), SKIN
    yield "rect", (20, 17, 80, 52), colour
    yield "rect", (43, 12, 57, 19), SKIN
    yield "oval", (30, 0, 70, 15), TRUNK
    yield "oval", (32, 3, 68, 17), SKIN
    for left in (41, 54):
        yield "oval", (left, 8, left + 5, 10), DARK


def _quadruped(colour: Colour) -> Iterator[Shape]:
    for left in (22, 32, 60, 70):
        yield "rect", (left, 55, left + 7, 100), _shade(colour, 80)
    yield "rect", (8, 30, 18, 62), _shade(colour, 80)
    yield "oval", (12, 26, 82, 68), colour
    yield "rect", (70, 14, 82, 48), colour
    yield "oval", (68, 2, 100, 34), colour
    yield "tri", (70, 0, 80, 14), _shade(colour, 70)
    yield "oval", (84, 12, 88, 17), DARK


def _bird(colour: Colour) -> Iterator[Shape]:
    yield "rect", (44, 70, 50, 100), COLOURS["orange"]
    yield "oval", (0, 26, 84, 82), colour
    yield "oval", (58, 4, 94, 46), _shade(colour, 85)
    yield "tri", (90, 20, 100, 34), COLOURS["orange"]


def _wheels(*lefts: int, size: tuple[int, int] = (18, 36)) -> Iterator[Shape]:
    width, height = size
    for left in lefts:
        yield "oval", (left, 100 - height, left + width, 100), DARK
        quarter = width / 4, height / 4
        hub = left + quarter[0], 100 - height + quarter[1], left + width - quarter[0]
        yield "oval", (*hub, 100 - quarter[1]), COLOURS["silver"]


def _car(colour: Colour) -> Iterator[Shape]:
    yield "oval", (16, 0, 84, 92), colour
    yield "oval", (22, 8, 78, 80), GLASS
    yield "rect", (0, 42, 100, 84), colour
    yield from _wheels(12, 70)


def _truck(colour: Colour) -> Iterator[Shape]:
    yield "rect", (0, 0, 66, 82), _shade(colour, 92)
    yield "rect", (67, 24, 100, 82), colour
    yield "rect", (76, 32, 98, 54), GLASS
    yield from _wheels(10, 72, size=(18, 30))


def _coach(colour: Colour) -> Iterator[Shape]:
    yield "rect", (0, 0, 100, 90), colour
    for left in (4, 23, 42, 61, 80):
        yield "rect", (left, 14, left + 15, 46), GLASS
    yield "rect", (0, 58, 100, 64), COLOURS["white"]
    yield from _wheels(12, 72, size=(14, 24))


def _tractor(colour: Colour) -> Iterator[Shape]:
    yield "rect", (20, 0, 58, 50), GLASS
    yield "rect", (20, 0, 58, 8), colour
    yield "rect", (14, 42, 96, 74), colour
    yield from _wheels(0, size=(46, 58))
    yield from _wheels(70, size=(26, 34))


def _two_wheels(colour: Colour) -> Iterator[Shape]:
    yield from _wheels(0, 60, size=(40, 62))
    yield "rect", (18, 38, 84, 50), colour
    yield "rect", (28, 22, 48, 32), DARK
    yield "rect", (36, 28, 40, 66), colour
    yield "rect", (74, 8, 80, 70), colour
    yield "rect", (66, 4, 88, 12), DARK


def _boat(colour: Colour) -> Iterator[Shape]:
    yield "oval", (0, -100, 100, 100), colour
    yield "rect", (0, 0, 100, 16), _shade(colour, 75)


def _tree(colour: Colour) -> Iterator[Shape]:
    yield "rect", (42, 50, 58, 100), TRUNK
    yield "oval", (0, 18, 70, 72), _shade(colour, 88)
    yield "oval", (30, 18, 100, 72), _shade(colour, 94)
    yield "oval", (14, 0, 86, 60), colour


def _building(colour: Colour) -> Iterator[Shape]:
    yield "tri", (0, 0, 100, 26), _shade(colour, 66)
    yield "rect", (4, 24, 96, 100), colour
    for left in (14, 44, 74):
        yield "rect", (left, 36, left + 14, 56), GLASS
    yield "rect", (40, 66, 62, 100), _shade(colour, 60)


def _umbrella(colour: Colour) -> Iterator[Shape]:
    yield "rect", (48, 30, 52, 100), DARK
    yield "oval", (0, 0, 100, 120), colour


def _guitar(colour: Colour) -> Iterator[Shape]:
    yield "rect", (40, 40, 100, 52), TRUNK
    yield "oval", (0, 4, 40, 96), colour
    yield "oval", (26, 16, 56, 84), colour
    yield "oval", (28, 36, 42, 60), DARK


def _drum(colour: Colour) -> Iterator[Shape]:
    yield "rect", (4, 14, 96, 88), colour
    yield "oval", (4, 76, 96, 100), colour
    yield "oval", (0, 0, 100, 32), COLOURS["white"]
    yield "oval", (6, 4, 94, 28), COLOURS["tan"]


def _drums(colour: Colour) -> Iterator[Shape]:
    yield "rect", (12, 16, 15, 96), COLOURS["silver"]
    yield "rect", (84, 16, 87, 96), COLOURS["silver"]
    yield "oval", (0, 4, 28, 18), COLOURS["yellow"]
    yield "oval", (72, 0, 100, 16), COLOURS["yellow"]
    yield "oval", (26, 30, 74, 100), _shade(colour, 70)
    yield "oval", (31, 38, 69, 92), COLOURS["white"]
    yield "rect", (18, 26, 46, 48), colour
    yield "rect", (54, 26, 82, 48), colour


def _table(colour: Colour) -> Iterator[Shape]:
    yield "rect", (4, 14, 12, 100), _shade(colour, 75)
    yield "rect", (88, 14, 96, 100), _shade(colour, 75)
    yield "rect", (0, 0, 100, 22), colour


def _seat(colour: Colour) -> Iterator[Shape]:
    yield "rect", (4, 0, 96, 14), colour
    yield "rect", (4, 22, 96, 36), colour
    for left in (4, 88):
        yield "rect", (left, 0, left + 8, 100), _shade(colour, 75)
    yield "rect", (0, 50, 100, 64), _shade(colour, 90)


def _outline(colour: Colour) -> Iterator[Shape]:
    yield "rect", (0, 0, 100, 8), colour
    yield "rect", (0, 0, 6, 100), colour
    yield "rect", (94, 0, 100, 100), colour


def _castle(colour: Colour) -> Iterator[Shape]:
    yield "rect", (10, 40, 90, 100), colour
    for left in (0, 36, 74):
        yield "rect", (left, 22, left + 26, 100), _shade(colour, 88)
        yield "tri", (left, 0, left + 26, 24), _shade(colour, 76)
    yield "oval", (42, 64, 56, 120), _shade(colour, 50)


def _bucket(colour: Colour) -> Iterator[Shape]:
    yield "oval", (8, 0, 92, 60), _shade(colour, 60)
    yield "rect", (6, 34, 94, 100), colour
    yield "rect", (0, 30, 100, 42), _shade(colour, 80)


def _board(colour: Colour) -> Iterator[Shape]:
    yield "rect", (0, 0, 100, 55), colour
    for left in (16, 72):
        yield "oval", (left, 40, left + 12, 100), DARK


def _ladder(colour: Colour) -> Iterator[Shape]:
    yield "rect", (0, 0, 14, 100), colour
    yield "rect", (86, 0, 100, 100), colour
    for top in range(6, 100, 12):
        yield "rect", (14, top, 86, top + 3), colour


def _hill(colour: Colour) -> Iterator[Shape]:
    yield "tri", (-30, 20, 70, 100), _shade(colour, 92)
    yield "tri", (20, 0, 130, 100), colour


def _slanted(colour: Colour) -> Iterator[Shape]:
    yield "line", (0, 0, 100, 100), colour


def _fountain(colour: Colour) -> Iterator[Shape]:
    yield "oval", (20, 0, 80, 110), GLASS
    yield "rect", (44, 20, 56, 80), COLOURS["grey"]
    yield "oval", (0, 66, 100, 100), COLOURS["grey"]
    yield "oval", (8, 69, 92, 88), colour


def _flag(colour: Colour) -> Iterator[Shape]:
    yield "rect", (0, 0, 6, 100), TRUNK
    yield "rect", (6, 0, 100, 62), colour


def _dress(colour: Colour) -> Iterator[Shape]:
    yield "rect", (18, 0, 82, 50), colour
    yield "tri", (0, -10, 100, 100), colour


def _glasses(colour: Colour) -> Iterator[Shape]:
    yield "rect", (0, 36, 100, 56), colour
    for left in (4, 56):
        yield "oval", (left, 0, left + 40, 100), colour
        yield "oval", (left + 7, 20, left + 33, 80), GLASS


def _nothing(_colour: Colour) -> Iterator[Shape]:
    """Draw nothing: a part that the person's drawing shows."""
    return iter(())


KINDS: dict[str, Callable[[Colour], Iterator[Shape]]] = {
    **dict.fromkeys(("man", "woman", "boy", "girl", "child"), _person),
    **dict.fromkeys(("horse", "dog", "cow"), _quadruped),
    **dict.fromkeys(("bus", "train"), _coach),
    **dict.fromkeys(("bicycle", "motorcycle"), _two_wheels),
    **dict.fromkeys(("guitar", "violin"), _guitar),
    **dict.fromkeys(("ball", "orange", "melon", "flower", "bread", "pan"), _oval),
    **dict.fromkeys(("bench", "chair"), _seat),
    **dict.fromkeys(("goal", "arch"), _outline),
    **dict.fromkeys(("head", "face", "hands", "arms", "hair"), _nothing),
    **dict.fromkeys(("grass", "floor", "road", "water", "pole"), _flat),
    **dict.fromkeys(("leash", "rod"), _slanted),
    "bird": _bird,
    "boat": _boat,
    "bucket": _bucket,
    "building": _building,
    "car": _car,
    "castle": _castle,
    "dress": _dress,
    "drum": _drum,
    "drums": _drums,
    "flag": _flag,
    "fountain": _fountain,
    "glasses": _glasses,
    "ladder": _ladder,
    "mountain": _hill,
    "skateboard": _board,
    "table": _table,
    "tractor": _tractor,
    "tree": _tree,
    "truck": _truck,
    "umbrella": _umbrella,
}
