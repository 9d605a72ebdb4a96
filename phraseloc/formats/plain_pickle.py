"""Pickles of plain values, read by an unpickler that imports nothing.

A pickle is a program: what it imports, it can call. Here every import is looked up in a table of
stand-ins, which is empty but for NumPy's whole numbers and what a caller admits; any other ends the
reading before anything of it has run.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from typing import Any

from phraseloc.errors import InputError


class _RefusedError(Exception):
    """The name of something that a pickle would import."""


class _PlainUnpickler(pickle.Unpickler):
    def __init__(self, data: bytes, admitted: Mapping[str, Callable[..., Any]]) -> None:
        super().__init__(io.BytesIO(data), encoding="latin-1")
        self._admitted = admitted

    def find_class(self, module: str, name: str) -> Any:
        """Give the stand-in of what the pickle would import."""
        path = f"{module}.{name}"
        if path not in self._admitted:
            raise _RefusedError(path)
        found = self._admitted[path]
        return found if isinstance(found, type) else _StandIn(found)


class _StandIn:
    """A function that a pickle can call, and not change."""

    __slots__ = ("_call",)

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __call__(self, *arguments: Any) -> Any:
        return self._call(*arguments)

    def __setstate__(self, state: object) -> None:
        raise TypeError(f"a state for a function: {state!r}")


class _Dtype:
    """A stand-in for the dtype of a whole number."""

    def __init__(self, kind: str, *_: object) -> None:
        if not (isinstance(kind, str) and kind[:1] in "iu" and kind[1:] in "1248"):
            raise _RefusedError(f"numpy.dtype({kind!r})")
        self.signed = kind[0] == "i"

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.order = "big" if state[1] == ">" else "little"


def _whole_number(dtype: _Dtype, data: str | bytes) -> int:
    raw = data.encode("latin-1") if isinstance(data, str) else data
    return int.from_bytes(raw, dtype.order, signed=dtype.signed)  # type: ignore[arg-type]


WHOLE_NUMBERS: Mapping[str, Callable[..., Any]] = {
    "numpy.dtype": _Dtype,
    "numpy.core.multiarray.scalar": _whole_number,
    "numpy._core.multiarray.scalar": _whole_number,
    "_codecs.encode": lambda text, _: text.encode("latin-1"),
}
"""Stand-ins for NumPy's whole numbers, which become plain ones."""


def read_plain_pickle(
    data: bytes, source: str, admitted: Mapping[str, Callable[..., Any]] = WHOLE_NUMBERS
) -> Any:
    r"""Read a pickle of dicts, lists, tuples, numbers, texts, None and booleans.

    Parameters
    ----------
    admitted : stand-ins for what the pickle may import, by module and name

    Raises
    ------
    InputError
        if it breaks off, or would import anything else

    Examples
    --------
    >>> read_plain_pickle(pickle.dumps({7: [1, "a"]}), "idx.pkl")
    {7: [1, 'a']}
    >>> read_plain_pickle(b"cos\nsystem\n(S'ls'\ntR.", "idx.pkl")
    Traceback (most recent call last):
    phraseloc.errors.InputError: idx.pkl: found a pickle that imports os.system; expected...
    """
    try:
        return _PlainUnpickler(data, admitted).load()
    except _RefusedError as error:
        raise InputError(
            source,
            f"found a pickle that imports {error}; expected plain containers and numbers alone; "
            "nothing was run",
        ) from None
    except Exception as error:  # a damaged program can end in any error
        raise InputError(source, f"not a pickle that can be read: {error}") from None
