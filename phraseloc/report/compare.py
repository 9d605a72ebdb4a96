"""Comparisons as tables: the difference with its tests, then the categories."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from phraseloc.report.scores import percent
from phraseloc.report.tables import Table, render_sections, to_csv, to_json

if TYPE_CHECKING:
    from phraseloc.comparison import Change, Comparison
    from phraseloc.scoring import Scores


def render_comparisons(scores: Sequence[Scores], found: Sequence[Comparison], style: str) -> str:
    """Render comparisons in one of `phraseloc.report.FORMATS`."""
    if style == "json":
        return to_json(_facts(scores, found))
    if style == "csv":
        return to_csv(list(_lines(found)))
    tables = [
        ("accuracy", _accuracies(scores)),
        (f"against {found[0].first}, in points", _differences(found)),
        ("by category: difference in points, wins and losses", _categories(found)),
    ]
    return render_sections(tables, list(_notes(scores, found)), style)


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


def _lines(found: Sequence[Comparison]) -> Iterator[dict[str, object]]:
    """Yield the figures of each comparison, of all phrases and then of each category."""
    for c in found:
        tests = {"permutation": c.permutation, "holm": c.adjusted, "mcnemar": c.mcnemar}
        yield {**_figures(c, "all", c.change), **tests}
        for name, change in c.categories.items():
            yield _figures(c, name, change)


def _figures(comparison: Comparison, group: str, change: Change) -> dict[str, object]:
    return {
        "first": comparison.first,
        "second": comparison.second,
        "group": group,
        "first_correct": change.first.correct,
        "second_correct": change.second.correct,
        "total": change.first.total,
        "difference": change.difference,
        "low": change.interval.low,
        "high": change.interval.high,
        "wins": change.wins,
        "losses": change.losses,
    }
