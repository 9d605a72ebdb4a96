"""Comparisons as tables: the difference with its tests, then the categories."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from textwrap import indent
from typing import TYPE_CHECKING, Any

from phraseloc.report.scores import percent
from phraseloc.report.tables import Table, to_latex, to_markdown, to_text

if TYPE_CHECKING:
    from phraseloc.comparison import Change, Comparison
    from phraseloc.scoring import Scores

_LAYOUTS = {"table": to_text, "markdown": to_markdown, "latex": to_latex}


def render_comparisons(scores: Sequence[Scores], found: Sequence[Comparison], style: str) -> str:
    """Render comparisons in one of `phraseloc.report.FORMATS`."""
    if style == "json":
        import msgspec

        return msgspec.json.format(msgspec.json.encode(_facts(scores, found))).decode()
    if style == "csv":
        return _csv(found)
    tables = [
        ("accuracy", _accuracies(scores)),
        (f"against {found[0].first}, in points", _differences(found)),
        ("by category: difference in points, wins and losses", _categories(found)),
    ]
    layout, notes = _LAYOUTS[style], list(_notes(scores, found))
    if style == "table":
        parts = [f"{title}\n{indent(layout(table), '  ')}" for title, table in tables]
        return "\n\n".join([*parts, "notes\n" + indent("\n".join(notes), "  ")])
    if style == "markdown":
        parts = [f"**{title}**\n\n{layout(table)}" for title, table in tables]
        return "\n\n".join([*parts, "\n".join(f"- {note}" for note in notes)])
    parts = [f"% {title}\n{layout(table)}" for title, table in tables]
    return "\n\n".join([*parts, "\n".join(f"% {note}" for note in notes)])


def points(change: Change) -> str:
    """Give a difference of accuracies in points, with its sign."""
    return f"{100 * change.difference:+.2f}"


def p_value(value: float) -> str:
    """Give a p-value with two digits that count."""
    return f"{value:.2g}" if value >= 1e-4 else "<0.0001"


def _accuracies(scores: Sequence[Scores]) -> Table:
    rows = [
        [
            s.name,
            f"{percent(s.accuracy)}%",
            f"{100 * s.interval.low:.2f} to {100 * s.interval.high:.2f}",
            f"{s.accuracy.correct}/{s.accuracy.total}",
        ]
        for s in scores
    ]
    level = f"{100 * scores[0].interval.confidence:g}% interval"
    return Table(["predictions", "accuracy", level, "right/phrases"], rows)


def _differences(found: Sequence[Comparison]) -> Table:
    level = f"{100 * found[0].change.interval.confidence:g}% interval"
    heads = ["predictions", "difference", level, "wins", "losses", "p, images swapped"]
    heads += ["p, Holm"] if len(found) > 1 else []
    rows = [
        [
            c.second,
            points(c.change),
            _ends(c.change),
            f"{c.change.wins:,}",
            f"{c.change.losses:,}",
            p_value(c.permutation),
            *([p_value(c.adjusted)] if len(found) > 1 else []),
            p_value(c.mcnemar),
        ]
        for c in found
    ]
    return Table([*heads, "p, McNemar"], rows)


def _categories(found: Sequence[Comparison]) -> Table:
    names = list(found[0].categories)
    heads = ["category", *(text for c in found for text in (c.second, "interval", "+/-"))]
    rows = []
    for name in names:
        cells = [name]
        for comparison in found:
            change = comparison.categories[name]
            cells += [points(change), _ends(change), f"{change.wins}/{change.losses}"]
        rows.append(cells)
    return Table(heads, rows)


def _ends(change: Change) -> str:
    return f"{100 * change.interval.low:+.2f} to {100 * change.interval.high:+.2f}"


def _notes(scores: Sequence[Scores], found: Sequence[Comparison]) -> Iterator[str]:
    for c in found:
        real = c.adjusted < 1 - c.change.interval.confidence
        better = c.second if c.change.difference > 0 else c.first
        yield f"{c.first}, {c.second}: " + (
            f"{better} is better, by more than chance" if real else "no difference beyond chance"
        )
    yield "McNemar's test takes phrases for independent; captions share images, so trust the other"
    yield f"signature: {scores[0].signature}"


def _facts(scores: Sequence[Scores], found: Sequence[Comparison]) -> dict[str, Any]:
    return {
        "scores": [s.to_dict() for s in scores],
        "comparisons": [
            {
                **asdict(c),
                "difference": c.change.difference,
            }
            for c in found
        ],
    }


def _csv(found: Sequence[Comparison]) -> str:
    lines = [
        {
            "first": c.first,
            "second": c.second,
            "group": group,
            "first_correct": change.first.correct,
            "second_correct": change.second.correct,
            "total": change.first.total,
            "difference": change.difference,
            "low": change.interval.low,
            "high": change.interval.high,
            "wins": change.wins,
            "losses": change.losses,
            **tests,
        }
        for c in found
        for group, change, tests in (
            (
                "all",
                c.change,
                {"permutation": c.permutation, "holm": c.adjusted, "mcnemar": c.mcnemar},
            ),
            *((name, change, {}) for name, change in c.categories.items()),
        )
    ]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue().removesuffix("\n")
