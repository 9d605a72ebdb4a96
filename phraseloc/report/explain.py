"""Explanations as tables: both accuracies, then the flips by reason; and each flip as a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from phraseloc.explanation import MEANING, STATES, Reason, Transition
from phraseloc.formats.per_phrase import key_rows
from phraseloc.report.scores import percent
from phraseloc.report.tables import Table, render_sections, to_csv, to_json

if TYPE_CHECKING:
    from phraseloc.data import GroundTruth
    from phraseloc.explanation import Difference, Explanation, Side

TOGETHER = "together"
"""The reason where no field alone suffices."""

TRANSITIONS: tuple[Transition, ...] = (
    ("right", "wrong"),
    ("wrong", "right"),
    ("right", "not scored"),
    ("wrong", "not scored"),
    ("not scored", "right"),
    ("not scored", "wrong"),
)
"""The ways to flip; tables show those with phrases that are not scored where there are any."""

FLIP_COLUMNS = ("overlap_a", "overlap_b", "state_a", "state_b", "reasons")


def render_explanation(found: Explanation, style: str) -> str:
    """Render an explanation in one of `phraseloc.report.FORMATS`."""
    if style == "json":
        return to_json(_facts(found))
    if style == "csv":
        return to_csv(list(_lines(found)))
    tables = [
        (f"accuracy of {found.predictions}", _accuracies(found)),
        (f"phrases that flip from {found.first.name} to {found.second.name}", _reasons(found)),
    ]
    return render_sections(tables, list(_notes(found)), style)


def flip_columns(ground_truth: GroundTruth) -> list[str]:
    """Give the heads of `flip_rows`, which a file has even where no phrase flips."""
    return [*next(key_rows(ground_truth, [0])), *FLIP_COLUMNS]


def flip_rows(ground_truth: GroundTruth, found: Explanation) -> Iterator[dict[str, Any]]:
    """Yield what names each phrase that flips, its overlaps and states, and its reasons."""
    keys = key_rows(ground_truth, found.phrase.tolist())
    columns = (found.overlaps.tolist(), found.states.tolist(), found.reasons())
    for key, overlaps, states, reason in zip(keys, *columns, strict=True):
        known = [overlap if overlap == overlap else None for overlap in overlaps]
        cells = (*known, *(STATES[state] for state in states), list(reason or (TOGETHER,)))
        yield {**key, **dict(zip(FLIP_COLUMNS, cells, strict=True))}


def _accuracies(found: Explanation) -> Table:
    rows = [
        [side.name, f"{percent(side.accuracy)}%", f"{side.accuracy.correct}/{side.accuracy.total}"]
        for side in (found.first, found.second)
    ]
    return Table(["protocol", "accuracy", "right/phrases"], rows)


def _reasons(found: Explanation) -> Table:
    """Lay the flips out: a row a reason, and their sum, which counts each phrase once."""
    counted = found.by_reason()
    total = sum(counted.values(), start=Counter[Transition]())
    shown = [way for way in TRANSITIONS if total[way] or "not scored" not in way]
    known = {difference.field: difference for difference in found.differences}
    rows = [
        [*_said(reason, known), *_cells(counts, shown), _alone(reason, known)]
        for reason, counts in counted.items()
    ]
    rows.append(["all", "", "", *_cells(total, shown), ""])
    heads = ["reason", "what it is", "from -> to", *(" to ".join(way) for way in shown)]
    return Table([*heads, "flips", "alone changes"], rows, labels=3)


def _said(reason: Reason, known: Mapping[str, Difference]) -> list[str]:
    if len(reason) == 1:
        [field] = reason
        first, second = known[field].first, known[field].second
        return [field, MEANING[field], f"{_shown(first)} -> {_shown(second)}"]
    if reason:
        return [_name(reason), "each of them alone", ""]
    return [TOGETHER, "only fields together", ""]


def _name(reason: Reason) -> str:
    return " or ".join(reason) if reason else TOGETHER


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _cells(counts: Counter[Transition], shown: list[Transition]) -> list[str]:
    return [*(f"{counts[way]:,}" for way in shown), f"{counts.total():,}"]


def _alone(reason: Reason, known: Mapping[str, Difference]) -> str:
    if len(reason) != 1:
        return ""
    alone = known[reason[0]].alone
    return "-" if alone is None else f"{alone:,}"


def _notes(found: Explanation) -> Iterator[str]:
    first, second = found.first.name, found.second.name
    if found.differences:
        yield (
            "a reason is a field that alone takes a phrase from its result under "
            f"{first} to that under {second}"
        )
        yield (
            f"alone changes: the phrases whose result under {first} changes with that field alone, "
            "flips or not"
        )
    else:
        yield f"{first} and {second} differ in nothing that can flip a phrase"
    for difference in found.differences:
        if difference.alone is None:
            yield f"{difference.field} cannot be tried alone: {difference.obstacle}"
    yield from found.notes
    yield from (f"signature: {side.signature}" for side in (found.first, found.second))


def _facts(found: Explanation) -> dict[str, Any]:
    return {
        "predictions": found.predictions,
        "first": _side(found.first),
        "second": _side(found.second),
        "fields": [
            {**vars(difference), "meaning": MEANING[difference.field]}
            for difference in found.differences
        ],
        "reasons": [
            {"fields": list(reason), "reason": _name(reason), **_counts(counts)}
            for reason, counts in found.by_reason().items()
        ],
        "flips": len(found.phrase),
        "notes": list(found.notes),
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "name": side.name,
        "protocol": {"name": side.protocol.name, **side.protocol.choices()},
        "accuracy": {
            "correct": side.accuracy.correct,
            "total": side.accuracy.total,
            "value": side.accuracy.value if side.accuracy.total else None,
        },
        "signature": side.signature,
    }


def _counts(counts: Counter[Transition]) -> dict[str, int]:
    named = {" to ".join(way).replace(" ", "_"): counts[way] for way in TRANSITIONS}
    return {**named, "flips": counts.total()}


def _lines(found: Explanation) -> Iterator[dict[str, object]]:
    """Yield a line for each reason, then one of all flips with both accuracies."""
    known = {difference.field: difference for difference in found.differences}
    counted = found.by_reason()
    names = {"first": found.first.name, "second": found.second.name}
    for reason, counts in counted.items():
        line: dict[str, object] = {**names, "reason": _name(reason), "from": "", "to": ""}
        one = known[reason[0]] if len(reason) == 1 else None
        if one is not None:
            line |= {"from": _shown(one.first), "to": _shown(one.second)}
        yield {**line, **_counts(counts), "alone": one.alone if one is not None else ""}
    total = sum(counted.values(), start=Counter[Transition]())
    sides = {
        f"{place}_{figure}": getattr(side.accuracy, figure)
        for place, side in (("first", found.first), ("second", found.second))
        for figure in ("correct", "total")
    }
    yield {**names, "reason": "all", "from": "", "to": "", **_counts(total), **sides}
