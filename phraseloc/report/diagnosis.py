"""A diagnosis as tables: the classes of errors, the same by group, and the worst phrases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from phraseloc.report.scores import percent
from phraseloc.report.tables import Table, render_sections, to_csv, to_json

if TYPE_CHECKING:
    from phraseloc.data import GroundTruth
    from phraseloc.diagnosis import Diagnosis
    from phraseloc.groups import Grouping

MEANING = {
    "missing": "no prediction",
    "no proposal": "no object of the image would be right",
    "one of a group": "one of the entity's boxes, not their union",
    "near miss": "overlap from 0.25 to the threshold",
    "same caption": "right for another entity of the caption",
    "same image": "right for another entity of the image",
    "part or whole": "one box inside the other",
    "background": "none of these",
}
"""What each class is, in a few words."""


def render_diagnosis(
    truth: GroundTruth,
    found: Diagnosis,
    groups: Sequence[Grouping],
    worst: int,
    style: str,
) -> str:
    """Render a diagnosis, with so many worst phrases, in one of `phraseloc.report.FORMATS`."""
    counted = {group.title: list(_lines(found, group)) for group in groups}
    phrases = list(worst_rows(truth, found, worst))
    if style == "json":
        return to_json({**_facts(found), "groups": counted, "worst": phrases})
    if style == "csv":
        whole = {"grouping": "all", **_line(found, "all", list(found.counts.values()))}
        return to_csv(
            [whole, *({"grouping": t, **line} for t, lines in counted.items() for line in lines)]
        )
    tables = [(f"errors of {found.scores.name}", _classes(found))]
    tables += [(f"errors by {t}", _table(found, lines)) for t, lines in counted.items()]
    if phrases:
        cells = [[f"{v:.4f}" if isinstance(v, float) else v for v in p.values()] for p in phrases]
        tables.append(("worst phrases", Table(list(phrases[0]), cells, labels=3)))
    return render_sections(tables, list(_notes(found)), style)


def worst_rows(truth: GroundTruth, found: Diagnosis, count: int) -> Iterator[dict[str, Any]]:
    """Yield the phrases whose predictions are farthest off."""
    keys = truth.keys
    for row in found.worst(count).tolist():
        phrase = int(found.outcomes.phrase[row])
        yield {
            "caption": keys.caption(phrase),
            "phrase": keys.phrase[phrase] if keys.phrase is not None else "",
            "class": tuple(MEANING)[found.codes[row]],
            "overlap": round(float(found.outcomes.overlap[row, 0]), 4),
            "GIoU": round(float(found.distance[row]), 4),
        }


def class_rows(truth: GroundTruth, found: Diagnosis) -> Iterator[dict[str, Any]]:
    """Yield every scored phrase with its overlap and its class, ``right`` among them."""
    from phraseloc.formats.per_phrase import key_rows

    outcomes = found.outcomes
    names = [*MEANING, "right"]
    keys = key_rows(truth, outcomes.phrase.tolist())
    for key, overlap, code in zip(
        keys, outcomes.overlap[:, 0].tolist(), found.codes.tolist(), strict=True
    ):
        yield {**key, "overlap": overlap, "class": names[code]}


def _classes(found: Diagnosis) -> Table:
    errors = sum(found.counts.values())
    heads = ["class", "what it is", "phrases", "of errors", "accuracy if mended", "gain"]
    kinds: list[tuple[str, ...]] = [(name,) for name in found.counts]
    rows = []
    for names in [*kinds, tuple(found.counts)]:
        title, meaning = (names[0], MEANING[names[0]]) if len(names) == 1 else ("all errors", "")
        count, mended = sum(found.counts[name] for name in names), found.mended(*names)
        gain = 100 * (mended.value - found.scores.accuracy.value)
        share = f"{100 * count / errors:.1f}%" if errors else "-"
        rows.append([title, meaning, f"{count:,}", share, f"{percent(mended)}%", f"{gain:+.2f}"])
    return Table(heads, rows, labels=2)


def _table(found: Diagnosis, lines: Sequence[Mapping[str, Any]]) -> Table:
    heads = ["group", "phrases", "accuracy", *found.counts]
    rows = [
        [
            line["group"],
            f"{line['total']:,}",
            f"{100 * line['correct'] / line['total']:.2f}%",
            *(f"{line[name]:,}" for name in found.counts),
        ]
        for line in lines
    ]
    return Table(heads, rows)


def _lines(found: Diagnosis, group: Grouping) -> Iterator[dict[str, Any]]:
    """Yield the counts of each group that has any phrase."""
    from phraseloc.diagnosis import CLASSES

    kept = [CLASSES.index(name) for name in found.counts]
    counts = group.count(found.codes + 1, len(CLASSES) + 1)
    for name, (right, *wrong) in zip(group.names, counts.tolist(), strict=True):
        if right + sum(wrong):
            yield _line(found, name, [wrong[code] for code in kept], right)


def _line(
    found: Diagnosis, name: str, wrong: Sequence[int], right: int | None = None
) -> dict[str, Any]:
    right = found.scores.accuracy.correct if right is None else right
    return {
        "group": name,
        "total": right + sum(wrong),
        "correct": right,
        **dict(zip(found.counts, wrong, strict=True)),
    }


def _facts(found: Diagnosis) -> dict[str, Any]:
    accuracy = found.scores.accuracy
    return {
        "predictions": found.scores.name,
        "accuracy": {"correct": accuracy.correct, "total": accuracy.total},
        "classes": {
            name: {
                "phrases": count,
                "meaning": MEANING[name],
                "accuracy_if_mended": found.mended(name).value,
            }
            for name, count in found.counts.items()
        },
        "signature": found.scores.signature,
    }


def _notes(found: Diagnosis) -> Iterator[str]:
    accuracy = found.scores.accuracy
    yield f"{found.scores.name}: {percent(accuracy)}% ({accuracy.correct}/{accuracy.total}) right"
    yield "a wrong phrase is in the first class that holds, in the order of the table"
    if found.without_objects:
        count = found.without_objects
        yield f"{count:,} wrong phrases are of images that the proposals do not have"
    if not found.with_proposals:
        yield "the detector's misses are told with --proposals"
    yield from found.scores.notes
    yield f"signature: {found.scores.signature}"
