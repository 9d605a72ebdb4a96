"""Scores as tables: accuracy with its interval, then where it comes from, then what was covered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from textwrap import indent
from typing import TYPE_CHECKING

from phraseloc.report.tables import Table, titled, to_csv, to_json, to_text

if TYPE_CHECKING:
    from phraseloc.scoring import Accuracy, Scores

FORMATS = ("table", "json", "csv", "markdown", "latex")


def render_scores(scores: Sequence[Scores], style: str) -> str:
    """Render scores in one of `FORMATS`, a row for each of them in every table."""
    if style == "json":
        return to_json([s.to_dict() for s in scores])
    if style == "csv":
        return to_csv([dict(_figures(s)) for s in scores])
    signatures = [f"{s.name}: {s.signature}" for s in scores]
    notes = sorted({note for s in scores for note in s.notes})
    if style == "latex":
        comments = "\n".join(f"% {line}" for line in [*signatures, *notes])
        return "\n\n".join([*(titled(t, table, style) for t, table in _wide(scores)), comments])
    if style == "markdown":
        parts = [titled(t, table, style) for t, table in _wide(scores)]
        return "\n\n".join([*parts, *(f"`{line}`" for line in signatures), *notes])
    sections = [(title, to_text(table)) for title, table in _tall(scores)]
    sections.append(("signature", "\n".join(signatures)))
    if notes:
        sections.append(("note", "\n".join(notes)))
    return "\n\n".join(f"{title}\n{indent(text, '  ')}" for title, text in sections)


def percent(accuracy: Accuracy) -> str:
    """Give an accuracy in percent with two decimals, a dash of no phrases."""
    return f"{100 * accuracy.value:.2f}" if accuracy.total else "-"


def _fraction(accuracy: Accuracy) -> str:
    return f"{percent(accuracy)} ({accuracy.correct}/{accuracy.total})"


Group = Callable[["Scores"], Mapping[str, "Accuracy"]]


def _wide(scores: Sequence[Scores]) -> Iterator[tuple[str, Table]]:
    """Lay scores out for a paper: a row each."""
    yield "accuracy", _accuracy(scores)
    groups: tuple[tuple[str, Group], ...] = (
        ("by category", lambda s: s.categories),
        ("recall at k", _recall),
    )
    for title, group in groups:
        heads = _heads(scores, group)
        rows = [[s.name, s.protocol.name, *_cells(group(s), heads, percent)] for s in scores]
        if heads:
            yield title, Table(["predictions", "protocol", *heads], rows, labels=2)


def _tall(scores: Sequence[Scores]) -> Iterator[tuple[str, Table]]:
    """Lay scores out for a terminal: a column each, but for the first table."""
    yield "accuracy", _accuracy(scores)
    columns = _labels(scores)
    groups: tuple[tuple[str, Group], ...] = (
        ("category", lambda s: s.categories),
        ("size of the union box (32², 96² pixels), number of boxes", _sizes),
        ("threshold", _thresholds),
        ("recall at k", _recall),
    )
    for title, group in groups:
        heads = _heads(scores, group)
        cells = [_cells(group(s), heads, _fraction) for s in scores]
        if heads:
            yield f"by {title}", Table(["", *columns], list(zip(heads, *cells, strict=True)))
    coverage = [[f"{n:,}" for n in vars(s.coverage).values()] for s in scores]
    names = list(vars(scores[0].coverage))
    yield "coverage", Table(["", *columns], list(zip(names, *coverage, strict=True)))


def _labels(scores: Sequence[Scores]) -> list[str]:
    """Name each score by what tells it from the others: predictions, protocol or both."""
    names, protocols = ({s.name for s in scores}, {s.protocol.name for s in scores})
    if len(protocols) == 1:
        return [s.name for s in scores]
    if len(names) == 1:
        return [s.protocol.name for s in scores]
    return [f"{s.name} {s.protocol.name}" for s in scores]


def _heads(scores: Sequence[Scores], group: Group) -> list[str]:
    return list(dict.fromkeys(name for s in scores for name in group(s)))


def _cells(
    group: Mapping[str, Accuracy], heads: Sequence[str], show: Callable[[Accuracy], str]
) -> list[str]:
    return [show(group[head]) if head in group else "-" for head in heads]


def _accuracy(scores: Sequence[Scores]) -> Table:
    level = f"{100 * scores[0].interval.confidence:g}% interval"
    averages = any(s.protocol.overlap != "point" for s in scores)
    heads = ["predictions", "protocol", "accuracy", level, "right/phrases"]
    rows = []
    for s in scores:
        interval = f"{100 * s.interval.low:.2f} to {100 * s.interval.high:.2f}"
        right = f"{s.accuracy.correct}/{s.accuracy.total}"
        row = [s.name, s.protocol.name, f"{percent(s.accuracy)}%", interval, right]
        if averages:
            point = s.protocol.overlap == "point"
            row += ["-", "-"] if point else [f"{s.mean:.4f}", f"{s.median:.4f}"]
        rows.append(row)
    measures = {s.protocol.overlap for s in scores} - {"point"}
    name = {"iou": "IoU", "giou": "GIoU"}[measures.pop()] if len(measures) == 1 else "overlap"
    return Table(heads + [f"mean {name}", f"median {name}"] * averages, rows, labels=2)


def _sizes(scores: Scores) -> Mapping[str, Accuracy]:
    return {**scores.sizes, **{f"{name}-box": a for name, a in scores.boxes.items()}}


def _recall(scores: Scores) -> Mapping[str, Accuracy]:
    recall = {f"R@{k}": accuracy for k, accuracy in scores.recall.items()}
    return {**recall, "upper bound": scores.upper_bound} if scores.upper_bound else recall


def _thresholds(scores: Scores) -> Mapping[str, Accuracy]:
    return {f"{threshold:.2f}": accuracy for threshold, accuracy in scores.thresholds.items()}


def _figures(scores: Scores) -> Iterator[tuple[str, object]]:
    yield from (("predictions", scores.name), ("protocol", scores.protocol.name))
    yield "accuracy", scores.accuracy.value
    yield from (("correct", scores.accuracy.correct), ("total", scores.accuracy.total))
    yield from (("low", scores.interval.low), ("high", scores.interval.high))
    yield f"mean_{scores.protocol.overlap}", scores.mean
    groups = (
        ("category", scores.categories),
        ("at", _thresholds(scores)),
        ("size", _sizes(scores)),
        ("recall", _recall(scores)),
    )
    for prefix, group in groups:
        for name, accuracy in group.items():
            yield f"{prefix}.{name}.correct", accuracy.correct
            yield f"{prefix}.{name}.total", accuracy.total
    yield from vars(scores.coverage).items()
    yield "signature", scores.signature
