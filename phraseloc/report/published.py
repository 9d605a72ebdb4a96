"""Published figures, to stand beside measured ones and never among them.

They were measured by their authors, on other proposals and by other scripts. `published.json` says
of each row which table of MAF (Wang et al., EMNLP 2020) it belongs to, and where it was read: only
figures that could be checked in a public text are here, so the tables are not whole.
"""

from __future__ import annotations

from importlib.resources import files

import msgspec

from phraseloc.report.tables import Table

TITLE = "published on Flickr30k Entities, not measured here"


class Figure(msgspec.Struct, frozen=True):
    """One row of a published table; the percentage as printed."""

    table: str
    method: str
    accuracy: str
    source: str
    text_features: str = "-"
    detector: str = "-"


def published_figures() -> list[Figure]:
    """Give the published figures.

    Examples
    --------
    >>> [row.accuracy for row in published_figures() if row.method == "MAF"]
    ['61.43']
    """
    data = files("phraseloc.report").joinpath("published.json").read_bytes()
    return msgspec.json.decode(data, type=list[Figure])


def published_table() -> Table:
    """Lay the published figures out, each with its table and where it was read."""
    heads = ["method", "accuracy", "text features", "detector", "table", "read in"]
    rows = [
        [row.method, f"{row.accuracy}%", row.text_features, row.detector, row.table, row.source]
        for row in published_figures()
    ]
    return Table(heads, rows, labels=len(heads))
