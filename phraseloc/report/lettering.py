"""Lettering: text broken into lines of a width, part of it marked, and set word by word in place.

Lengths are in inches, sizes of letters in points. Letters are matplotlib's own, so that a picture
has the same bytes whatever fonts are installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

from matplotlib import get_data_path
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.textpath import text_to_path

MARKED = "#c40010"

Run = tuple[float, str, bool]
"""A piece of a line: where it begins, what it says, and whether it is marked."""

_LEADING, _RISE = 1.24, 0.95
"""The height of a line, and of its letters above their foot, as shares of their size."""

_POINTS = 72

_WORD = re.compile(r"[^ \t\r\n\f\v]+")
"""What is not broken: a no-break space does not part words."""


def leading(size: float) -> float:
    """Give the height of a line."""
    return _LEADING * size / _POINTS


def wrapped(parts: Sequence[tuple[str, bool]], size: float, width: float) -> list[list[Run]]:
    """Break text into lines no wider than a width; a word that is wider is broken, too.

    Parameters
    ----------
    parts : pieces of the text in order, and whether each is marked

    Examples
    --------
    >>> lines = wrapped([("a man in", False), ("a red hat", True), ("sits .", False)], 12, 1.3)
    >>> [[text for _, text, _ in line] for line in lines]
    [['a man in', 'a red'], ['hat', 'sits .']]
    """
    lines: list[list[Run]] = [[]]
    end = 0.0
    for word, marked in _words(parts, size, width):
        start, text, before = lines[-1][-1] if lines[-1] else (0.0, "", marked)
        gap = width_of(" ", size, marked and before) if lines[-1] else 0.0
        if end + gap + width_of(word, size, marked) > width and lines[-1]:
            lines.append([(0.0, word, marked)])
            end = 0.0
            gap = 0.0
        elif text and before == marked:
            lines[-1][-1] = start, f"{text} {word}", marked
        else:
            lines[-1].append((end + gap, word, marked))
        end += gap + width_of(word, size, marked)
    return lines


def _words(
    parts: Sequence[tuple[str, bool]], size: float, width: float
) -> Iterator[tuple[str, bool]]:
    """Split text into words, and those that are wider than a line into pieces."""
    for text, marked in parts:
        for word in _WORD.findall(text):
            rest = _shown(word, marked)
            while width_of(rest, size, marked) > width and len(rest) > 1:
                ends = accumulate(width_of(letter, size, marked) for letter in rest)
                count = max(1, sum(end <= width for end in ends))
                yield rest[:count], marked
                rest = rest[count:]
            yield rest, marked


def end_of(line: Sequence[Run], size: float) -> float:
    """Tell where a line ends."""
    start, text, marked = line[-1]
    return start + width_of(text, size, marked)


def write(
    figure: Figure, lines: Sequence[Sequence[Run]], left: float, top: float, size: float
) -> None:
    """Set lines below each other, the first of them under a height of the figure."""
    for number, line in enumerate(lines):
        foot = top - number * leading(size) - _RISE * size / _POINTS
        for start, text, marked in line:
            figure.text(
                left + start,
                foot,
                text,
                transform=figure.dpi_scale_trans,
                fontproperties=_font(size, marked),
                color=MARKED if marked else "black",
                parse_math=False,
            )


@lru_cache(maxsize=2**14)
def width_of(text: str, size: float, marked: bool) -> float:
    """Measure text."""
    extent = text_to_path.get_text_width_height_descent(text, _font(size, marked), False)
    return float(extent[0]) / _POINTS


def _shown(word: str, marked: bool) -> str:
    """Put a sign in the place of letters that the font does not have, such as Chinese and emoji."""
    font = get_font(_file(marked))
    return "".join(c if font.get_char_index(ord(c)) else "\N{REPLACEMENT CHARACTER}" for c in word)


@lru_cache
def _font(size: float, marked: bool) -> FontProperties:
    return FontProperties(fname=_file(marked), size=size)


def _file(marked: bool) -> str:
    name = "DejaVuSans-Bold.ttf" if marked else "DejaVuSans.ttf"
    return str(Path(get_data_path(), "fonts", "ttf", name))
