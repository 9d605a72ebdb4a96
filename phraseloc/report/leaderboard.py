"""The leaderboard as tables: what was measured, then, apart from it, what papers published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phraseloc.report.published import TITLE, published_table
from phraseloc.report.tables import Table, render_sections, to_csv, to_json

if TYPE_CHECKING:
    from phraseloc.formats.results import Entry, Fraction, Results

FILES = {"leaderboard.md": "markdown", "leaderboard.tex": "latex", "leaderboard.csv": "csv"}
"""What a folder of results holds beside `results.json`."""


def render_leaderboard(results: Results, style: str) -> str:
    """Render results in one of `phraseloc.report.FORMATS`."""
    if style == "json":
        return to_json(results)
    if style == "csv":
        return to_csv([dict(_figures(entry)) for entry in results.entries])
    tables = [("measured", _measured(results)), ("measured, by category", _categories(results))]
    tables.append((TITLE, published_table()))
    return render_sections(tables, list(_notes(results)), style)


def save_leaderboard(results: Results, folder: Path) -> None:
    """Write `results.json` and the tables into a folder."""
    from phraseloc.formats.results import save_results
    from phraseloc.formats.source import replacing

    save_results(results, folder)
    for name, style in FILES.items():
        with replacing(folder / name) as file:
            file.write(render_leaderboard(results, style).encode() + b"\n")


def _measured(results: Results) -> Table:
    heads = ["method", "text features", "detector", "accuracy", _level(results), "right/phrases"]
    heads += ["upper bound", "fallback", "no objects", "seconds"]
    rows = []
    for e in results.entries:
        low, high = ("-" if end is None else f"{100 * end:.2f}" for end in (e.low, e.high))
        rows.append(
            [
                e.name,
                e.text_features or "-",
                e.detector or "-",
                f"{percent(e.accuracy)}%",
                f"{low} to {high}",
                f"{e.accuracy.correct}/{e.accuracy.total}",
                percent(e.upper_bound) if e.upper_bound else "-",
                f"{e.undecided:,}",
                f"{e.without_objects:,}",
                "-" if e.seconds is None else f"{e.seconds:.3f}",
            ]
        )
    return Table(heads, rows, labels=3)


def _level(results: Results) -> str:
    return f"{100 * results.entries[0].scores['interval']['confidence']:g}% interval"


def _categories(results: Results) -> Table:
    names = list(dict.fromkeys(name for e in results.entries for name in e.categories))
    rows = [
        [e.name, *(percent(e.categories[n]) if n in e.categories else "-" for n in names)]
        for e in results.entries
    ]
    return Table(["method", *names], rows)


def percent(fraction: Fraction) -> str:
    """Give a fraction in percent with two decimals, a dash of none."""
    return f"{100 * fraction.value:.2f}" if fraction.total else "-"


def _notes(results: Results) -> Iterator[str]:
    """Say what the figures rest on, and what may surprise in them."""
    for entry in results.entries:
        if entry.expected is not None:
            yield f"{entry.name}: {100 * entry.expected:.2f}% expected over all draws"
    if any(entry.undecided for entry in results.entries):
        yield f"phrases that a method has no opinion about got the fallback, {results.fallback}"
    missing = results.images_without_objects
    if missing:
        shown = ", ".join(missing[:10]) + (", …" if len(missing) > 10 else "")
        yield f"{len(missing):,} images without proposals, whose phrases are wrong: {shown}"
    yield from _word_notes(results.inputs.get("vectors"), results.policy)
    for name, facts in results.inputs.items():
        yield f"input {name}: {facts['source']} sha256:{facts['sha256'][:12]}"
    yield f"signature: {results.signature}"


def _word_notes(vectors: Mapping[str, Any] | None, policy: str) -> Iterator[str]:
    if vectors is None:
        return
    c = vectors["coverage"]
    yield (
        f"{vectors['name']} knows {c['known_words']:,} of {c['words']:,} words of the phrases "
        f"({c['known_distinct_words']:,} of {c['distinct_words']:,} distinct ones), "
        f"{c['labels'] - c['silent_labels']:,} of {c['labels']:,} labels; "
        f"{c['silent_phrases']:,} phrases have no known word"
    )
    if c["unknown"]:
        yield "unknown words: " + ", ".join(f"{w} ({n})" for w, n in c["unknown"].items())
    if c["silent"]:
        yield "unknown labels: " + ", ".join(c["silent"])
    yield f"words: {policy}"


def _figures(entry: Entry) -> Iterator[tuple[str, object]]:
    yield from (("method", entry.name), ("text_features", entry.text_features))
    yield from (("detector", entry.detector), ("accuracy", entry.accuracy.value))
    yield from (("correct", entry.accuracy.correct), ("total", entry.accuracy.total))
    yield from (("low", entry.low), ("high", entry.high))
    yield "upper_bound_correct", entry.upper_bound.correct if entry.upper_bound else None
    yield from (("expected", entry.expected), ("undecided", entry.undecided))
    yield from (("without_objects", entry.without_objects), ("seconds", entry.seconds))
    for name, fraction in entry.categories.items():
        yield f"category.{name}.correct", fraction.correct
        yield f"category.{name}.total", fraction.total
    yield "signature", entry.scores["signature"]
