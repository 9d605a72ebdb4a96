"""Tables: columns and rows of text, laid out as plain text, Markdown or LaTeX."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import Any


@dataclass(frozen=True)
class Table:
    """A table; columns of figures are aligned to the right.

    Parameters
    ----------
    columns : the heads
    rows : the cells, one a column
    labels : how many columns from the left are names, not figures
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    labels: int = 1


def to_text(table: Table) -> str:
    """Lay a table out in columns of spaces.

    Examples
    --------
    >>> print(to_text(Table(("method", "accuracy"), (("whole-image", "21.99"),))))
    method       accuracy
    whole-image     21.99
    """
    lines = [table.columns, *table.rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    laid = [
        "  ".join(
            cell.ljust(width) if place < table.labels else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    ]
    return "\n".join(line.rstrip() for line in laid)


def to_markdown(table: Table) -> str:
    r"""Lay a table out as GitHub's Markdown has it.

    Examples
    --------
    >>> print(to_markdown(Table(("method", "accuracy"), (("a|b", "21.99"),))))
    | method | accuracy |
    | :-- | --: |
    | a\|b | 21.99 |
    """
    rule = [":--" if place < table.labels else "--:" for place in range(len(table.columns))]
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in (table.columns, *table.rows)]
    lines = [escaped[0], rule, *escaped[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def to_latex(table: Table) -> str:
    r"""Lay a table out for LaTeX with booktabs.

    Examples
    --------
    >>> print(to_latex(Table(("method", "accuracy"), (("a_b", "21.99"),))))
    \begin{tabular}{lr}
    \toprule
    method & accuracy \\
    \midrule
    a\_b & 21.99 \\
    \bottomrule
    \end{tabular}
    """
    kinds = "l" * table.labels + "r" * (len(table.columns) - table.labels)
    head, *rows = [" & ".join(map(_latex, line)) + r" \\" for line in (table.columns, *table.rows)]
    body = [rf"\begin{{tabular}}{{{kinds}}}", r"\toprule", head, r"\midrule", *rows]
    return "\n".join([*body, r"\bottomrule", r"\end{tabular}"])


LAYOUTS = {"table": to_text, "markdown": to_markdown, "latex": to_latex}
"""The styles of tables, by the name of the format."""

_TITLED = {"table": "{}\n{}", "markdown": "**{}**\n\n{}", "latex": "% {}\n{}"}


def titled(title: str, table: Table, style: str) -> str:
    """Lay a table out in one of `LAYOUTS`, under a title."""
    laid = LAYOUTS[style](table)
    return _TITLED[style].format(title, indent(laid, "  ") if style == "table" else laid)


def render_sections(tables: Sequence[tuple[str, Table]], notes: Sequence[str], style: str) -> str:
    """Lay out tables under their titles, and then the notes."""
    parts = [titled(title, table, style) for title, table in tables]
    if style == "table":
        parts.append("notes\n" + indent("\n".join(notes), "  "))
    elif style == "markdown":
        parts.append("\n".join(f"- {note}" for note in notes))
    else:
        parts += [f"% {note}" for note in notes]
    return "\n\n".join(parts)


def to_csv(lines: Sequence[Mapping[str, object]]) -> str:
    """Give one line for each mapping, a column for each key of any of them."""
    import csv
    import io

    heads = list(dict.fromkeys(head for line in lines for head in line))
    out = io.StringIO()
    writer = csv.DictWriter(out, heads, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue().removesuffix("\n")


def to_json(value: Any) -> str:
    """Give plain containers as JSON that a person can read."""
    import msgspec

    return msgspec.json.format(msgspec.json.encode(value)).decode()


_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}


def _latex(text: str) -> str:
    """Escape what LaTeX would read as a command."""
    return re.sub(
        r"[&%$#_{}<>\\~^≥]",
        lambda m: (
            {"<": "$<$", ">": "$>$", "≥": r"$\geq$"}.get(m[0]) or _LATEX.get(m[0], "\\" + m[0])
        ),
        text,
    )
