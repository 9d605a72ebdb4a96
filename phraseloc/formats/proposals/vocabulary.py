"""Vocabularies: the labels that a detector's ids stand for.

A text file has a label a line, and line n names the id n - 1, as the lists of objects and
attributes of bottom-up attention (Anderson et al., CVPR 2018) do; a line of synonyms, such as
"stop sign,stopsign", is one label. A JSON file is a COCO annotation, whose ``categories`` name
their ids themselves: the way to give names to ids that do not count from 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from phraseloc.columns import Strings
from phraseloc.errors import InputError, Problems
from phraseloc.formats.source import lines_of, name_of, read_bytes


@dataclass(frozen=True)
class Vocabulary:
    """Labels by id.

    Parameters
    ----------
    names : the labels
    source : the file's name, for messages

    Examples
    --------
    >>> objects = Vocabulary({0: "yolk", 1: "goal"}, "objects.txt")
    >>> objects.labels([1, 1, 0], str, Problems("p.tsv")).to_list()
    ['goal', 'goal', 'yolk']
    """

    names: Mapping[int, str]
    source: str

    def labels(
        self, ids: Sequence[int], where: Callable[[int], str], problems: Problems
    ) -> Strings:
        """Look ids up; those without a label are noted, and named by ``where``."""
        unknown = [row for row, number in enumerate(ids) if number not in self.names]
        problems.add_rows(
            f"an id that {self.source} has no label for",
            unknown,
            lambda row: (
                f"{where(row)}: found id {ids[row]}, expected one of {len(self.names):,} ids from "
                f"{min(self.names)} to {max(self.names)}"
            ),
        )
        return Strings.of([self.names.get(number, "") for number in ids])


class _Category(msgspec.Struct):
    id: int
    name: str


class _Annotation(msgspec.Struct):
    categories: list[_Category]


def read_vocabulary(path: str | Path) -> Vocabulary:
    """Read a vocabulary of either kind, as the module says.

    Raises
    ------
    InputError
        if a line is empty, an id stands twice, or a JSON file has no ``categories``
    """
    source = name_of(path)
    data = read_bytes(path)
    problems = Problems(source)
    if data.lstrip().startswith((b"{", b"[")):
        names = _categories(data, source, problems)
    else:
        names = dict(enumerate(lines_of(data, source)))
        problems.add_rows(
            "a line without a label",
            [row for row, label in names.items() if not label.strip()],
            lambda row: f"line {row + 1}",
        )
    problems.raise_if_any()
    return Vocabulary(names, source)


def _categories(data: bytes, source: str, problems: Problems) -> dict[int, str]:
    try:
        categories = msgspec.json.decode(data, type=_Annotation).categories
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise InputError(
            source, f'expected a COCO annotation with "categories" of "id" and "name": {error}'
        ) from None
    if not categories:
        raise InputError(source, 'its "categories" are empty')
    counts = Counter(category.id for category in categories)
    repeated = [number for number, count in counts.items() if count > 1]
    problems.add_rows("an id that stands twice", repeated, lambda number: f"id {number}")
    return {category.id: category.name for category in categories}
