"""Pictures of phrases: the image with its boxes, the caption above, the overlaps below.

They look as Figures 4 and 5 of Wang et al., MAF, EMNLP 2020: the ground truth is red, the first
method blue, the second yellow. Lengths are in inches, widths of lines in points.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from phraseloc.columns import FloatArray
from phraseloc.errors import MissingExtra
from phraseloc.formats.images import Pixels, read_image
from phraseloc.formats.results import make_folder
from phraseloc.formats.source import replacing
from phraseloc.report.pictures import Answer, Picture

try:
    from matplotlib import style
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import Rectangle

    from phraseloc.report.lettering import Run, end_of, leading, wrapped, write
except ImportError:
    raise MissingExtra("matplotlib", "report", "drawing") from None

SUFFIXES = ("png", "pdf", "svg")
DPI = 200

TRUTH = "#e8000b"
COLOURS = ("#1755ff", "#ffe000", "#10a040", "#e01ee0", "#00b8d4", "#7a3e12")
"""Of the methods; from the seventh on they come again, in other dashes."""

_DASHES: tuple[Any, ...] = ("-", (0, (5, 1.2, 1, 1.2)), (0, (1.2, 1.2)))
_SINGLE = (0, (4, 2))
"""The dashes of an entity's boxes where the one around them counts."""

_CASED = {"#ffe000": "#3d3200"}
"""Colours that white around them would drown, and the dark line that parts them."""

_WIDEST, _STEP, _THINNEST, _THIN = 3.5, 0.9, 1.2, 1.2
"""Each method's line is thinner than the one before, so that of equal boxes all are seen."""

_SIDE, _NARROWEST, _PAD, _GAP, _SWATCH, _APART = 4.0, 2.7, 0.06, 0.07, 0.36, 0.2
_CAPTION, _LEGEND, _CROSS = 13, 11, 13
"""Sizes of letters and of the mark of a point, in points."""

_BLANK = "#f1f1f1"

_SETTINGS = {"svg.hashsalt": "phraseloc", "pdf.fonttype": 42, "text.hinting": "none"}
"""Letters as wide as they were measured; in PDF as TrueType, as publishers refuse Type 3."""


@dataclass(frozen=True)
class _Pen:
    """How boxes, or points, of the ground truth or a method are drawn, and in which layer."""

    name: str
    colour: str
    width: float
    dashes: Any = "-"
    rank: int = 0
    points: bool = False

    def layers(self) -> Iterator[tuple[float, str, float, Any, str]]:
        """Yield layer, colour, width, dashes and label: white, dark where needed, and its own."""
        dark = _CASED.get(self.colour)
        wide = self.width + 0.5 if dark else self.width
        yield 2, "white", wide + 1.6, "-", "_halo"
        if dark:
            yield 3, dark, wide, "-", "_casing"
        yield 4 + self.rank, self.colour, self.width, self.dashes, self.name


@dataclass(frozen=True)
class _Entry:
    """A line of the legend, or several; ``left`` and ``row`` say where it begins."""

    pen: _Pen
    lines: list[list[Run]]
    left: float
    row: int


def write_pictures(
    pictures: Sequence[Picture], files: Mapping[str, Path], folder: Path, suffix: str
) -> Iterator[Path]:
    """Write pictures into a folder, and yield the path of each when it is there.

    Parameters
    ----------
    files : the images' files by id; where there are none, canvases are blank
    suffix : one of `SUFFIXES`
    """
    make_folder(folder)
    for picture in pictures:
        pixels = read_image(files[picture.image]) if files else None
        data = encoded(picture, pixels, suffix)
        path = folder / f"{picture.stem}.{suffix}"
        with replacing(path) as file:
            file.write(data)
        yield path


def encoded(picture: Picture, pixels: Pixels | None, suffix: str) -> bytes:
    """Draw a picture as a file's bytes, the same at any time and under any settings of the user."""
    out = io.BytesIO()
    undated = {"png": {"Software": None}, "pdf": {"CreationDate": None}, "svg": {"Date": None}}
    with _settings():
        figure = figure_of(picture, pixels)
        if suffix != "png":  # the image's own pixels, for the reader's program to scale
            for image in figure.axes[0].images:
                image.set_interpolation("none")
        figure.savefig(out, format=suffix, dpi=DPI, metadata=undated[suffix])
    return out.getvalue()


def _settings() -> AbstractContextManager[None]:
    """Use matplotlib's defaults and a few settings, whatever the user's are."""
    return style.context(["default", _SETTINGS])


def figure_of(picture: Picture, pixels: Pixels | None = None) -> Figure:
    """Draw a picture; without the image's pixels (height, width, 3), on a blank canvas."""
    frame = _frame(picture, pixels)
    view = _hull(np.vstack([frame, picture.boxes, *_reaches(picture, frame)]))
    across, down = (view[2:] - view[:2]) * _SIDE / max(view[2:] - view[:2])
    width = float(max(across, _NARROWEST))
    before, phrase, after = picture.caption
    caption = wrapped([(before, False), (phrase, True), (after, False)], _CAPTION, width)
    legend = _legend(picture, width)
    rows = max(entry.row + len(entry.lines) for entry in legend)
    foot = _PAD + rows * leading(_LEGEND)
    top = foot + _GAP + down + _GAP + len(caption) * leading(_CAPTION)
    whole = np.array([width + 2 * _PAD, top + _PAD])
    figure = Figure(figsize=tuple(whole.tolist()), facecolor="white")
    write(figure, caption, _PAD, top, _CAPTION)
    corner = np.array([_PAD + (width - across) / 2, foot + _GAP])
    place = [*(corner / whole).tolist(), *([across, down] / whole).tolist()]
    _draw(figure.add_axes(tuple(place)), picture, view, frame, pixels)
    for entry in legend:
        _write_entry(figure, entry, foot)
    return figure


def _frame(picture: Picture, pixels: Pixels | None) -> FloatArray:
    """Give the image's place, (4,); where its size is not known, the boxes' with a margin."""
    if pixels is not None:
        return np.array([0.0, 0, pixels.shape[1], pixels.shape[0]])
    if picture.size is not None:
        return np.array([0.0, 0, *picture.size])
    boxes = _hull(np.vstack([picture.boxes, *(box for box, _ in _found(picture))]))
    margin = 0.1 * max(boxes[2:] - boxes[:2])
    frame: FloatArray = boxes + margin * np.array([-1, -1, 1, 1])
    return frame


def _found(picture: Picture) -> Iterator[tuple[FloatArray, Answer]]:
    return ((answer.box, answer) for answer in picture.answers if answer.box is not None)


def _reaches(picture: Picture, frame: FloatArray) -> Iterator[FloatArray]:
    """Yield how far the methods' boxes and crosses reach, (4,)."""
    arm = 0.5 * _CROSS / 72 * max(frame[2:] - frame[:2]) / _SIDE
    for box, answer in _found(picture):
        yield box
        if answer.points or answer.centre:
            yield np.tile((box[:2] + box[2:]) / 2, 2) + arm * np.array([-1, -1, 1, 1])


def _hull(boxes: FloatArray) -> FloatArray:
    return np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])


def _draw(
    axes: Axes, picture: Picture, view: FloatArray, frame: FloatArray, pixels: Pixels | None
) -> None:
    """Draw image and boxes into axes that show a view, (4,); what leaves the image is drawn too."""
    axes.set_axis_off()
    left, top, right, bottom = frame.tolist()
    if pixels is None:
        size = right - left, bottom - top
        axes.add_patch(Rectangle((left, top), *size, facecolor=_BLANK, label="_canvas"))
    else:
        axes.imshow(pixels, extent=(left, right, bottom, top), aspect="auto")
    axes.set_xlim(view[0], view[2])
    axes.set_ylim(view[3], view[1])
    truth, *pens = _pens(picture)
    several = picture.union and len(picture.boxes) > 1
    if several:
        for box in picture.boxes:
            _box(axes, box, _Pen("_single", TRUTH, _THIN, _SINGLE))
    for box in [_hull(picture.boxes)] if several else picture.boxes:
        _box(axes, box, truth)
    for pen, answer in zip(pens, picture.answers, strict=True):
        if answer.box is not None:
            _draw_answer(axes, answer.box, answer, pen)


def _pens(picture: Picture) -> Iterator[_Pen]:
    """Yield the pens of the ground truth, then of the methods."""
    count = len(picture.boxes)
    what = f" ({'union of ' if picture.union else ''}{count} boxes)" if count > 1 else ""
    yield _Pen(f"ground truth{what}", TRUTH, _WIDEST)
    for place, answer in enumerate(picture.answers):
        turn, colour = divmod(place, len(COLOURS))
        width = max(_THINNEST, _WIDEST - _STEP * (1 + place))
        dashes = _DASHES[turn % len(_DASHES)]
        yield _Pen(answer.name, COLOURS[colour], width, dashes, 1 + place, answer.points)


def _box(axes: Axes, box: FloatArray, pen: _Pen) -> None:
    (left, top), (width, height) = box[:2].tolist(), (box[2:] - box[:2]).tolist()
    for layer, colour, thick, dashes, label in pen.layers():
        axes.add_patch(
            Rectangle(
                (left, top),
                width,
                height,
                fill=False,
                edgecolor=colour,
                linewidth=thick,
                linestyle=dashes,
                clip_on=False,
                zorder=layer,
                label=label,
            )
        )


def _draw_answer(axes: Axes, box: FloatArray, answer: Answer, pen: _Pen) -> None:
    """Draw a method's box, or a cross where it points; both where the box's centre counts."""
    if not answer.points:
        _box(axes, box, pen)
    if answer.points or answer.centre:
        x, y = ((box[:2] + box[2:]) / 2).tolist()
        for line in _strokes([x], [y], pen, _CROSS):
            axes.add_line(line)


def _strokes(
    x: Sequence[float], y: Sequence[float], pen: _Pen, cross: float | None = None
) -> Iterator[Line2D]:
    """Yield the layers of a line, or of a cross of so many points."""
    for layer, colour, thick, dashes, label in pen.layers():
        line = Line2D(x, y, color=colour, clip_on=False, zorder=layer, label=label)
        if cross is None:
            line.set(linewidth=thick, linestyle=dashes)
        else:
            size = cross + (thick - pen.width) / 2
            line.set(linestyle="none", marker="x", markersize=size, markeredgewidth=thick)
        yield line


def _legend(picture: Picture, width: float) -> list[_Entry]:
    """Lay out the ground truth and the methods' verdicts, side by side where they are short."""
    unbroken = [answer.verdict.replace(" ", "\xa0") for answer in picture.answers]
    verdicts = ["", *(f" \xa0{verdict}" for verdict in unbroken)]
    entries: list[_Entry] = []
    left, row = 0.0, 0
    for pen, verdict in zip(_pens(picture), verdicts, strict=True):
        lines = wrapped([(pen.name + verdict, False)], _LEGEND, width - _SWATCH)
        right = _SWATCH + max(end_of(line, _LEGEND) for line in lines)
        if left and (left + right > width or len(lines) > 1):
            left, row = 0.0, row + 1
        entries.append(_Entry(pen, lines, left, row))
        if len(lines) > 1:
            left, row = 0.0, row + len(lines)
        else:
            left += right + _APART
    return entries


def _write_entry(figure: Figure, entry: _Entry, foot: float) -> None:
    """Write an entry of the legend, and draw its line before it."""
    top = foot - entry.row * leading(_LEGEND)
    left, height = _PAD + entry.left, top - leading(_LEGEND) / 2
    ends = [left + 0.03, left + _SWATCH - 0.09]
    if entry.pen.points:
        strokes = _strokes([sum(ends) / 2], [height], entry.pen, 7)
    else:
        strokes = _strokes(ends, [height, height], entry.pen)
    for stroke in strokes:
        stroke.set_transform(figure.dpi_scale_trans)
        figure.add_artist(stroke)
    write(figure, entry.lines, left + _SWATCH, top, _LEGEND)
