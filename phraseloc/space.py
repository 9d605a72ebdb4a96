"""Coordinate spaces: what the numbers of a box mean in a file, and what they mean inside.

Inside, a box is ``[x1, y1, x2, y2]`` in continuous pixels with origin 0, so that its area is
``(x2 - x1) * (y2 - y1)`` and no ``+1`` exists. A file's own convention is a `BoxSpace`:

- *layout*: ``xywh`` (left, top, width, height) or ``xyxy`` (left, top, right, bottom).
- *corners*: ``inclusive`` (right and bottom pixels belong to the box, width is right - left + 1)
  or ``continuous`` (edges, width is right - left).
- *origin*: the coordinate of the first pixel, 0 or 1.
- *units*: ``pixel``, or fractions of the image's width and height as ``0-1`` or ``0-1000``.

The default is the reference scorer's: ``xywh``, inclusive, origin 1, pixels.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phraseloc.errors import OptionError

if TYPE_CHECKING:
    from phraseloc.columns import FloatArray

CHOICES: Mapping[str, tuple[Any, ...]] = {
    "layout": ("xywh", "xyxy"),
    "corners": ("inclusive", "continuous"),
    "origin": (0, 1),
    "units": ("pixel", "0-1", "0-1000"),
}
_SCALE = {"0-1": 1.0, "0-1000": 1000.0}


@dataclass(frozen=True)
class BoxSpace:
    """The convention of a file's boxes.

    Parameters
    ----------
    layout, corners, origin, units : as the module says; fractions of the image (``0-1``,
        ``0-1000``) are always continuous with origin 0

    Raises
    ------
    OptionError
        if a value is not one of `CHOICES`, or corners and origin contradict the units

    Examples
    --------
    >>> BoxSpace("xyxy", "inclusive", 1).read([[1, 1, 10, 20]])
    array([[ 0.,  0., 10., 20.]])
    >>> BoxSpace().write([[0, 0, 10, 20]])
    array([[ 1.,  1., 10., 20.]])
    """

    layout: str = "xywh"
    corners: str = "inclusive"
    origin: int = 1
    units: str = "pixel"

    def __post_init__(self) -> None:
        for field, choices in CHOICES.items():
            value = getattr(self, field)
            if value not in choices or isinstance(value, bool):
                raise OptionError(f"{field} is {value!r}; expected one of {_listed(choices)}")
        if self.relative and (self.corners, self.origin) != ("continuous", 0):
            raise OptionError(
                f"boxes in units {self.units} are continuous with origin 0; "
                f"found corners {self.corners!r}, origin {self.origin}"
            )

    @classmethod
    def declared(cls, fields: Mapping[str, Any]) -> BoxSpace:
        """Make the space of the fields that were declared; the others take their default."""
        unknown = sorted(set(fields) - set(CHOICES))
        if unknown:
            raise OptionError(f"unknown {_listed(unknown)}; expected {_listed(CHOICES)}")
        known = {name: value for name, value in fields.items() if value is not None}
        if known.get("units", "pixel") != "pixel":
            known = {"corners": "continuous", "origin": 0} | known
        return cls(**known)

    @property
    def relative(self) -> bool:
        """Whether coordinates are fractions of the image's size."""
        return self.units != "pixel"

    @property
    def corner_shift(self) -> tuple[int, int]:
        """What turns continuous edges (low, high) into the file's corner numbers."""
        return self.origin, self.origin - self.plus_one

    @property
    def plus_one(self) -> int:
        """What an inclusive right or bottom corner lacks to the edge of its pixel."""
        return int(self.corners == "inclusive")

    def read(self, boxes: FloatArray | list[list[float]]) -> FloatArray:
        """Turn a file's boxes (N, 4) into continuous ``x1, y1, x2, y2``, float64.

        Relative boxes become fractions 0 to 1; their pixels need the image's size.
        """
        import numpy as np

        out = np.array(boxes, dtype=np.float64).reshape(-1, 4)
        if self.relative:
            out /= _SCALE[self.units]
        for low, high in ((0, 2), (1, 3)):  # a column at a time, which NumPy does much faster
            out[:, low] -= self.origin
            if self.layout == "xywh":
                out[:, high] += out[:, low]
            elif self.plus_one != self.origin:
                out[:, high] += self.plus_one - self.origin
        out += 0.0  # -0.0 becomes 0.0: equal boxes have equal bits
        return out

    def read_points(self, points: FloatArray | list[list[float]]) -> FloatArray:
        """Turn a file's points (N, 2) into continuous ``x, y``; a pixel is its centre."""
        import numpy as np

        out = np.array(points, dtype=np.float64).reshape(-1, 2)
        if self.relative:
            return out / _SCALE[self.units]
        return out + (self.plus_one / 2 - self.origin)

    def write(self, boxes: FloatArray | list[list[float]]) -> FloatArray:
        """Turn continuous boxes (N, 4) into this space: the inverse of `read`."""
        import numpy as np

        out = np.array(boxes, dtype=np.float64).reshape(-1, 4)
        if self.layout == "xywh":
            out[:, 2:] -= out[:, :2]
        elif self.plus_one != self.origin:
            out[:, 2:] -= self.plus_one - self.origin
        out[:, :2] += self.origin
        return out * _SCALE[self.units] if self.relative else out

    def write_points(self, points: FloatArray) -> FloatArray:
        """Turn continuous points (N, 2) into this space: the inverse of `read_points`."""
        if self.relative:
            return points * _SCALE[self.units]
        return points - (self.plus_one / 2 - self.origin)


def _listed(choices: Any) -> str:
    return ", ".join(str(choice) for choice in choices)
