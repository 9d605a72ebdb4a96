"""Results: a row for each comparison, plain tables, and the Markdown that a run leaves behind."""

from __future__ import annotations

import re
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
        return f"{self.goal:.3g} {'reached' if self.ratio >= self.goal else '**missed**'}"


@dataclass(frozen=True)
class Section:
    """Rows that were measured in one go, and what a reader must know of them."""

    title: str
    rows: Sequence[Row]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Table:
    """Rows that are compared with nobody; the first column names them, the others are numbers."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


def not_installed(what: str, peer: str) -> Row:
    """Give the row of a peer that is not there."""
    return Row(what, "-", peer, "not installed", None)


def megabytes(size: float) -> str:
    """Show a number of bytes in megabytes."""
    return f"{size / 1e6:,.0f} MB"


def milliseconds(seconds: float) -> str:
    """Show a time in milliseconds, three digits or more."""
    value = 1000 * seconds
    return f"{value:,.0f} ms" if value >= 100 else f"{value:.3g} ms"


def to_markdown(section: Section | Table) -> str:
    """Render a section as a title, a table and its notes."""
    table = _plain(section) if isinstance(section, Table) else _compared(section)
    lines = [*table, ""] if len(table) > 2 else []
    return "\n".join([f"## {section.title}", "", *lines, *(f"- {n}" for n in section.notes), ""])


def _compared(section: Section) -> list[str]:
    lines = ["| what | ours | peer | theirs | ratio | goal |", "|---|---:|---|---:|---:|---|"]
    for row in section.rows:
        ratio = "-" if row.ratio is None else f"{row.ratio:.2f}"
        lines.append(_line((row.what, row.ours, row.peer, row.theirs, ratio, row.verdict)))
    return lines


def _plain(table: Table) -> list[str]:
    rule = "|---|" + "---:|" * (len(table.heads) - 1)
    return [_line(table.heads), rule, *map(_line, table.rows)]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def replace_sections(text: str, sections: Sequence[str]) -> str:
    """Put rendered sections in the place of those with their titles; new ones at the end."""
    opening, *old = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    kept = {_title(section): section for section in old} | {_title(s): s for s in sections}
    return "\n".join(part.rstrip() + "\n" for part in (opening, *kept.values()))


def _title(section: str) -> str:
    return section.partition("\n")[0]
