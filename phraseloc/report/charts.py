"""Charts of the report's page as inline SVG, coloured by the page's style, not by themselves.

Every function takes numbers and gives an element. Classes name what a mark is (``s0`` is the first
series, ``k0`` the first kind of error), so that a theme can colour it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup

WIDTH, HEIGHT = 440, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 38, 8, 10, 34

Place = Callable[[float, float], tuple[float, float]]
"""Where a point of the data lies in the drawing."""

SERIES = 8
"""How many series have a colour of their own."""


def whisker(low: float, value: float, high: float, ends: tuple[float, float]) -> Markup:
    """Draw an interval with its value on a scale from one end to the other, all as fractions."""
    first, last = ends
    x = [100 * (v - first) / ((last - first) or 1) for v in (low, value, high)]
    label = f"{100 * value:.2f}%, {100 * low:.2f} to {100 * high:.2f}"
    return Markup(
        '<svg class="whisker" role="img" aria-label="{}" height="16">'
        '<line class="axis" x1="0" x2="100%" y1="8" y2="8"/>'
        '<line class="interval" x1="{:.2f}%" x2="{:.2f}%" y1="8" y2="8"/>'
        '<circle class="value" cx="{:.2f}%" cy="8" r="4"/></svg>'
    ).format(label, x[0], x[2], x[1])


def lines(
    series: Mapping[str, Mapping[float, float]], mark: float, x_label: str, y_label: str
) -> Markup:
    """Draw a line a series, of fractions (y) over x, with a rule at one x.

    Series are numbered in their order; those after `SERIES` share a quiet colour.
    """
    xs = sorted({x for points in series.values() for x in points})
    low, high = xs[0], xs[-1]

    def at(x: float, y: float) -> tuple[float, float]:
        across = (x - low) / (high - low)
        return (
            _LEFT + across * (WIDTH - _LEFT - _RIGHT),
            _TOP + (1 - y) * (HEIGHT - _TOP - _BOTTOM),
        )

    parts = [_grid(at, [x for x in xs if round(100 * x) % 10 == 0], x_label)]
    if low <= mark <= high:
        (x, top), (_, bottom) = at(mark, 1), at(mark, 0)
        parts.append(_line("rule", x, top, x, bottom))
    for place, (name, points) in reversed(list(enumerate(series.items()))):
        path = " ".join("{:.1f},{:.1f}".format(*at(x, y)) for x, y in sorted(points.items()))
        parts.append(
            Markup('<polyline class="series {}" points="{}"><title>{}</title></polyline>').format(
                _series(place), path, name
            )
        )
    return _svg("lines", f"{y_label} over {x_label}, a line a method", parts)


def histogram(counts: Sequence[int], ends: tuple[float, float], mark: float, name: str) -> Markup:
    """Draw bars of counts between two ends, with a rule at a value."""
    width, height, base = 220, 96, 80
    first, last = ends
    tallest, step = max([*counts, 1]), width / len(counts)
    parts = []
    for place, count in enumerate(counts):
        tall = (base - 4) * count / tallest
        low = first + (last - first) * place / len(counts)
        high = first + (last - first) * (place + 1) / len(counts)
        side = "right" if low >= mark - 1e-9 else "wrong"
        parts.append(
            Markup(
                '<rect class="{}" x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}">'
                "<title>{:.2f} to {:.2f}: {:,}</title></rect>"
            ).format(side, place * step + 0.5, base - tall, step - 1, tall, low, high, count)
        )
    across = width * (mark - first) / (last - first)
    parts += [_line("rule", across, 2, across, base), _line("axis", 0, base, width, base)]
    parts += [
        Markup('<text x="{:.1f}" y="{}" text-anchor="{}">{:g}</text>').format(x, 93, anchor, value)
        for x, anchor, value in (
            (0, "start", first),
            (across, "middle", mark),
            (width, "end", last),
        )
    ]
    label = f"{name}: phrases by overlap"
    return _svg("histogram", label, parts, width, height)


def stack(counts: Mapping[str, int], kinds: Sequence[str], total: int) -> Markup:
    """Draw counts one after another as shares of a total; a kind's place is its colour."""
    parts, begin = [], 0.0
    for name, count in counts.items():
        share = 100 * count / (total or 1)
        parts.append(
            Markup(
                '<rect class="k{}" x="{:.3f}%" width="{:.3f}%" height="18"><title>{}: {:,} '
                "({:.1f}%)</title></rect>"
            ).format(kinds.index(name), begin, share, name, count, share)
        )
        begin += share
    label = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return Markup('<svg class="stack" role="img" aria-label="{}" height="18">{}</svg>').format(
        label, Markup("").join(parts)
    )


def _grid(at: Place, xs: Sequence[float], x_label: str) -> Markup:
    parts = []
    for tenth in range(0, 11, 2):
        _, y = at(xs[0], tenth / 10)
        parts.append(_line("grid", _LEFT, y, WIDTH - _RIGHT, y))
        parts.append(_text(_LEFT - 6, y + 4, "end", f"{10 * tenth}%"))
    for x in xs:
        across, bottom = at(x, 0)
        parts.append(_text(across, bottom + 15, "middle", f"{x:g}"))
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(_text(middle, HEIGHT - 4, "middle", x_label))
    return Markup("").join(parts)


def _series(place: int) -> str:
    return f"s{place}" if place < SERIES else "rest"


def _line(kind: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        kind, x1, y1, x2, y2
    )


def _text(x: float, y: float, anchor: str, text: str) -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        x, y, anchor, text
    )


def _svg(
    kind: str, label: str, parts: Sequence[Markup], width: int = WIDTH, height: int = HEIGHT
) -> Markup:
    return Markup('<svg class="{}" role="img" aria-label="{}" viewBox="0 0 {} {}">{}</svg>').format(
        kind, label, width, height, Markup("").join(parts)
    )
