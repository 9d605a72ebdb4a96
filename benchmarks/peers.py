"""Peers: how other packages compute the overlaps of every box of a row with every target of it.

Each takes what its users have in hand: boxes in its own layout and container, row by row, because
rows have different numbers of boxes. Turning boxes into that layout is not timed. Every peer gives
IoU (or, powerboxes, 1 - IoU), which `total` sums, so that a run can check that all did the same.

torchvision's ``box_iou``, which torchmetrics uses, is written here from its formula in plain torch:
it has no build that could be installed beside the CPU build of torch that this run uses.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from benchmarks.machine import version
from phraseloc.columns import FloatArray, IntArray, offsets_of

Total = Callable[[Any], float]


@dataclass(frozen=True)
class Rows:
    """Ragged rows of boxes and of targets, continuous ``x1, y1, x2, y2``."""

    boxes: FloatArray
    offsets: IntArray
    targets: FloatArray
    target_offsets: IntArray

    @property
    def pairs(self) -> int:
        """How many overlaps there are."""
        return int((np.diff(self.offsets) * np.diff(self.target_offsets)).sum())

    def split(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Give boxes and targets of each row."""
        boxes = np.split(self.boxes, self.offsets[1:-1])
        targets = np.split(self.targets, self.target_offsets[1:-1])
        return zip(boxes, targets, strict=True)


@dataclass(frozen=True)
class Peer:
    """A package's way to do it.

    Parameters
    ----------
    package : what must be installed
    prepare : makes the function to time of rows, off the clock
    one_less : whether it gives 1 - IoU
    """

    package: str
    prepare: Callable[[Rows], Callable[[], list[Any]]]
    one_less: bool = False

    @property
    def installed(self) -> bool:
        """Whether the package is there."""
        return version(self.package) is not None

    def total(self, results: list[Any]) -> float:
        """Sum all overlaps of a result."""
        total = sum(float(result.sum()) for result in results)
        pairs = sum(int(np.prod(result.shape)) for result in results)
        return pairs - total if self.one_less else total


def random_rows(counts: IntArray, target_counts: IntArray, seed: int = 0) -> Rows:
    """Make rows of boxes of 1 to 201 pixels a side, with corners within 200 pixels."""
    draw = np.random.default_rng(seed)
    offsets, target_offsets = offsets_of(counts), offsets_of(target_counts)
    return Rows(
        random_boxes(int(offsets[-1]), draw),
        offsets,
        random_boxes(int(target_offsets[-1]), draw),
        target_offsets,
    )


def random_boxes(count: int, draw: np.random.Generator) -> FloatArray:
    """Make boxes (N, 4) of 1 to 201 pixels a side."""
    boxes = draw.random((count, 4)) * 200
    boxes[:, 2:] += boxes[:, :2] + 1
    return boxes


def _pycocotools(rows: Rows) -> Callable[[], list[Any]]:
    mask = import_module("pycocotools.mask")
    ready = [(_xywh(b), _xywh(t), [0] * len(t)) for b, t in rows.split()]
    return lambda: [mask.iou(boxes, targets, crowd) for boxes, targets, crowd in ready]


def _powerboxes(rows: Rows) -> Callable[[], list[Any]]:
    distance = import_module("powerboxes").iou_distance
    ready = list(rows.split())
    return lambda: [distance(boxes, targets) for boxes, targets in ready]


def _supervision(rows: Rows) -> Callable[[], list[Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        overlap = import_module("supervision").box_iou_batch
    ready = list(rows.split())
    return lambda: [overlap(boxes, targets) for boxes, targets in ready]


def _torch_rows(rows: Rows) -> Callable[[], list[Any]]:
    torch = import_module("torch")
    ready = [(torch.from_numpy(b), torch.from_numpy(t)) for b, t in rows.split()]
    return lambda: [_box_iou(torch, boxes, targets) for boxes, targets in ready]


def _torch_padded(rows: Rows) -> Callable[[], list[Any]]:
    torch = import_module("torch")
    boxes = torch.from_numpy(_padded(rows.boxes, rows.offsets))
    targets = torch.from_numpy(_padded(rows.targets, rows.target_offsets))
    return lambda: [_box_iou(torch, boxes, targets)]


def _box_iou(torch: Any, boxes: Any, targets: Any) -> Any:
    """Give IoU (…, N, M) of boxes (…, N, 4) and targets (…, M, 4), as torchvision defines it."""
    low = torch.maximum(boxes[..., :, None, :2], targets[..., None, :, :2])
    high = torch.minimum(boxes[..., :, None, 2:], targets[..., None, :, 2:])
    sides = (high - low).clamp(min=0)
    both = sides[..., 0] * sides[..., 1]
    area = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
    other = (targets[..., 2] - targets[..., 0]) * (targets[..., 3] - targets[..., 1])
    return both / (area[..., :, None] + other[..., None, :] - both)


def _padded(boxes: FloatArray, offsets: IntArray) -> FloatArray:
    """Give rows of equal length (N, longest, 4), filled up with boxes far from all others."""
    counts = np.diff(offsets)
    out = np.full((len(counts), int(counts.max()), 4), [-9.0, -9.0, -8.0, -8.0])
    out[np.arange(out.shape[1]) < counts[:, None]] = boxes
    return out


def _xywh(boxes: FloatArray) -> FloatArray:
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


PEERS: dict[str, Peer] = {
    "pycocotools.mask.iou, a call a row": Peer("pycocotools", _pycocotools),
    "powerboxes.iou_distance, a call a row": Peer("powerboxes", _powerboxes, one_less=True),
    "supervision.box_iou_batch, a call a row": Peer("supervision", _supervision),
    "torch, the box_iou formula, a call a row": Peer("torch", _torch_rows),
    "torch, the box_iou formula, padded to one batch": Peer("torch", _torch_padded),
}
