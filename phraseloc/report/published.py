"""Published figures, to stand beside measured ones and never among them.

They were measured by their authors, on other proposals and by other scripts; `published.json` names
the table that each comes from.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

import msgspec

from phraseloc.report.tables import Table


class Figure(msgspec.Struct, frozen=True):
    """One row of a published table; percentages as printed."""

    method: str
    accuracy: str
    text_features: str = "-"
    detector: str = "-"
    upper_bound: str = "-"


class PublishedTable(msgspec.Struct, frozen=True):
    """Rows of one table of one paper."""

    title: str
    source: str
    rows: list[Figure]


def published() -> list[PublishedTable]:
    """Give the published tables.

    Examples
    --------
    >>> any(row.method == "Whole Image" for table in published() for row in table.rows)
    True
    """
    data = files("phraseloc.report").joinpath("published.json").read_bytes()
    return msgspec.json.decode(data, type=list[PublishedTable])


def published_tables() -> Iterator[tuple[str, Table]]:
    """Yield each published table, ready to be laid out, with its title and source."""
    for table in published():
        rows = [
            [row.method, row.text_features, row.detector, row.accuracy, row.upper_bound]
            for row in table.rows
        ]
        heads = ["method", "text features", "detector", "accuracy", "upper bound"]
        yield f"{table.title} ({table.source})", Table(heads, rows, labels=3)
