"""Results: a row for each comparison, and the Markdown that a whole run leaves behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One comparison.

    Parameters
    ----------
    what : the work that both sides did
    ours, theirs : what each side reached, with its unit
    peer : who the other side is
    ratio : how many times better ours is; None where the peer is not installed
    goal : the ratio to reach, None where the row only informs
    """

    what: str
    ours: str
    peer: str
    theirs: str
    ratio: float | None
    goal: float | None = None

    @property
    def verdict(self) -> str:
        """Say the goal, and whether it is reached."""
        if self.goal is None or self.ratio is None:
            return "-"
        return f"{self.goal:g} {'reached' if self.ratio >= self.goal else '**missed**'}"


@dataclass(frozen=True)
class Section:
    """Rows that were measured in one go, and what a reader must know of them."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()


def not_installed(what: str, peer: str) -> Row:
    """Give the row of a peer that is not there."""
    return Row(what, "-", peer, "not installed", None)


def milliseconds(seconds: float) -> str:
    """Show a time in milliseconds, three digits or more."""
    value = 1000 * seconds
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


def to_markdown(section: Section) -> str:
    """Render a section as a title, a table and its notes."""
    heads = [
        "| what | ours | peer | theirs | ratio | goal |",
        "|---|---:|---|---:|---:|---|",
    ]
    lines = []
    for row in section.rows:
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        cells = (row.what, row.ours, row.peer, row.theirs, ratio, row.verdict)
        lines.append("| " + " | ".join(cells) + " |")
    table = [*heads, *lines, ""] if lines else []
    return "\n".join([f"## {section.title}", "", *table, *(f"- {n}" for n in section.notes), ""])
