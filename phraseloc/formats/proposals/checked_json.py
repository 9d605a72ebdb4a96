"""JSON read by the slow road: what a typed decoder refused, taken apart to name what is wrong."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import msgspec

from phraseloc.errors import InputError

SHOWN = 80
"""How many characters of a wrong value a message shows."""


def parse(text: str, source: str) -> tuple[Any, list[str]]:
    """Parse JSON as the standard library does, which admits NaN.

    Returns
    -------
    the value, and the names that stand twice in the outermost object

    Raises
    ------
    InputError
        if the text is not JSON, or breaks off

    Examples
    --------
    >>> parse('{"7": {"a": NaN}, "8": 1, "7": 2}', "p.json")
    ({'7': 2, '8': 1}, ['7'])
    """
    outermost: list[tuple[str, Any]] = []

    def noted(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        outermost[:] = pairs  # the outermost object ends last
        return dict(pairs)

    try:
        value = json.loads(text, object_pairs_hook=noted)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
            raise InputError(source, f"the text breaks off at {place}") from None
        raise InputError(source, f"not JSON at {place}: {error.msg}") from None
    except (RecursionError, ValueError) as error:
        raise InputError(source, f"not JSON that can be read: {error}") from None
    counts = Counter(name for name, _ in outermost)
    return value, [name for name, count in counts.items() if count > 1]


def fits(value: Any, kind: Any) -> bool:
    """Tell whether a parsed value has a type, as a typed decoder would.

    Examples
    --------
    >>> fits([1, 2.5], list[float]), fits([1, "2"], list[float]), fits(True, float)
    (True, False, False)
    """
    try:
        msgspec.convert(value, kind)
    except (msgspec.ValidationError, OverflowError, RecursionError):
        return False
    return True


def shown(value: Any) -> str:
    """Show a value, shortened."""
    text = repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
