"""The exceptions of phraseloc, and the collector that reports all problems of a file together.

::

    PhraselocError
    |-- InputError      a file or an array cannot be used: the command line exits with 2
    |-- OptionError     an option or an argument cannot be used: likewise
    `-- MissingExtra    an optional dependency is not installed: likewise
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

EXAMPLES = 10
"""How many rows of one kind of problem a message names."""


class PhraselocError(Exception):
    """The base of every error that phraseloc raises on purpose."""


class OptionError(PhraselocError, ValueError):
    """An option or an argument that cannot be used."""


class MissingExtra(PhraselocError, ImportError):  # noqa: N818 - reads as what happened
    """An optional dependency that this call needs and that is not installed.

    Parameters
    ----------
    package : the package that could not be imported
    extra : the extra of phraseloc that installs it
    purpose : what it was needed for, as the subject of "needs"
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}: pip install 'phraseloc[{extra}]'")
        self._made_of = (package, extra, purpose)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._made_of


class InputError(PhraselocError, ValueError):
    """A file or an array that cannot be used, with every problem found in it.

    Parameters
    ----------
    source : the file's name
    message : what is wrong, one line a problem

    Examples
    --------
    >>> print(InputError("p.json", "the file is empty"))
    p.json: the file is empty
    """

    def __init__(self, source: str, message: str) -> None:
        super().__init__(f"{source}: {message}")
        self.source = source
        self.message = message

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.source, self.message)


class Problems:
    """What is wrong with one file: kinds of problem, each with its rows, raised together.

    Parameters
    ----------
    source : the file's name

    Examples
    --------
    >>> problems = Problems("p.json")
    >>> problems.add("a box needs 4 numbers", "record 3: found 3 numbers, [1, 2, 3]")
    >>> problems.raise_if_any()
    Traceback (most recent call last):
    phraseloc.errors.InputError: p.json: a box needs 4 numbers (1)
      record 3: found 3 numbers, [1, 2, 3]
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[str]] = {}

    def __bool__(self) -> bool:
        return bool(self._counts)

    def __add__(self, other: Problems) -> Problems:
        both = Problems(self.source)
        for part in (self, other):
            for kind, count in part._counts.items():
                both._counts[kind] = both._counts.get(kind, 0) + count
                examples = both._examples.setdefault(kind, [])
                examples.extend(part._examples[kind][: EXAMPLES - len(examples)])
        return both

    def add(self, kind: str, example: str) -> None:
        """Note one problem: its kind, and the row with what was found there."""
        self.add_rows(kind, [example], str)

    def add_rows(
        self,
        kind: str,
        rows: Sequence[Any] | NDArray[Any],
        describe: Callable[[Any], str],
    ) -> None:
        """Note one problem a row; only the first rows are described."""
        if len(rows):
            self._counts[kind] = self._counts.get(kind, 0) + len(rows)
            examples = self._examples.setdefault(kind, [])
            examples.extend(describe(row) for row in rows[: EXAMPLES - len(examples)])

    def lines(self) -> Iterable[str]:
        """Yield the message: each kind with its count, then its first rows."""
        for kind, count in self._counts.items():
            yield f"{kind} ({count:,})"
            yield from (f"  {example}" for example in self._examples[kind])
            more = count - len(self._examples[kind])
            if more:
                yield f"  and {more:,} more"

    def raise_if_any(self) -> None:
        """Raise an InputError that holds every problem noted, if there is one."""
        if self:
            raise InputError(self.source, "\n".join(self.lines()))


@contextmanager
def noting(problems: Problems, kind: str) -> Iterator[None]:
    """Turn an InputError into one more problem of a larger file."""
    try:
        yield
    except InputError as error:
        problems.add(kind, str(error))
