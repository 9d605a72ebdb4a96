"""The box algebra of `phraseloc.geometry` in Numba: arrays in, arrays out, the same bits.

Importing this package imports Numba (about 0.3 s); `phraseloc.score` does so for large inputs only.
"""

from phraseloc.kernels.overlap import (
    best_overlaps,
    paired_giou,
    paired_iou,
    paired_point,
    ragged_iou,
    ragged_union,
)

__all__ = [
    "best_overlaps",
    "paired_giou",
    "paired_iou",
    "paired_point",
    "ragged_iou",
    "ragged_union",
]
