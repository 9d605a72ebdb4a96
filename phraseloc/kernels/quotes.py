"""The quotes of a table of text (RFC 4180), looked at in its bytes."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Bytes = npt.NDArray[np.uint8]

_QUOTE = ord('"')
_LINE_END = ord("\n")


def has_loose_quotes(text: Bytes, delimiter: str) -> bool:
    r"""Tell whether a line ends within quotes, or has a cell that goes on after its closing quote.

    Examples
    --------
    >>> def look(text):
    ...     return has_loose_quotes(np.frombuffer(text, np.uint8), ",")
    >>> look(b'1,"a ""b"", c",5" wide\n'), look(b'1,"a\n'), look(b'1,"a"b\n')
    (False, True, True)
    """
    return bool((text == _QUOTE).any() and _is_loose(text, ord(delimiter)))


_START, _PLAIN, _QUOTED, _AFTER = range(4)
"""Where a byte stands: at a cell's start, in a plain or a quoted cell, after a quote in such."""


@njit(cache=True, nogil=True)
def _is_loose(text: Any, delimiter: Any) -> Any:
    state = _START
    for byte in text:
        if state == _QUOTED:
            if byte == _LINE_END:
                return True
            if byte == _QUOTE:
                state = _AFTER
        elif byte in (_LINE_END, delimiter):
            state = _START
        elif state == _AFTER:
            if byte != _QUOTE:
                return True
            state = _QUOTED
        elif state == _START:
            state = _QUOTED if byte == _QUOTE else _PLAIN
    return state == _QUOTED
