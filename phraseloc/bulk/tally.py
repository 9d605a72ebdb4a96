"""Tallies: what is kept of blocks of outcomes, as whole numbers that add up in any order.

A tally counts right and all phrases by category, for each group of images (`phraseloc.statistics`),
and for each image as long as there are no more images than groups. Overlaps are summed exactly, in
limbs of 30 bits, so that their sum is rounded once, at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from phraseloc.columns import FloatArray, IntArray
from phraseloc.kernels.counting import sum_limbs
from phraseloc.statistics import UNIT_NAMES, UNITS

LIMBS = 4
_BITS = 30

BINS = 2**16
"""How finely overlaps are counted, for their median."""


@dataclass(frozen=True, eq=False)
class Tally:
    """The sums of some phrases; tallies of no phrase, as ``Tally()``, add nothing.

    Parameters
    ----------
    names : the categories; row 0 of counts is all phrases, the next ones are theirs
    units : (1 + categories, groups, 2) int64, all and right phrases
    images : the ids of the images, None where there are too many
    by_image : (1 + categories, images, 2) int64, the same by image
    counts : further counts, by name
    limbs : (LIMBS,) the sum of the overlaps, in units of 2^-30, 2^-60 …
    bins : (BINS + 1,) int64, phrases by overlap
    digest : two sums modulo 2^64 that tell the ground truth
    """

    names: tuple[str, ...] = ()
    units: IntArray = field(default_factory=lambda: np.zeros((1, UNITS, 2), np.int64))
    images: tuple[str, ...] | None = ()
    by_image: IntArray = field(default_factory=lambda: np.zeros((1, 0, 2), np.int64))
    counts: dict[str, int] = field(default_factory=dict)
    limbs: tuple[int, ...] = (0,) * LIMBS
    bins: IntArray = field(default_factory=lambda: np.zeros(BINS + 1, np.int64))
    digest: tuple[int, int] = (0, 0)

    def __add__(self, other: Tally) -> Tally:
        names = tuple(dict.fromkeys((*self.names, *other.names)))
        images, by_image = _joined_images(self, other, names)
        one, two = self.digest, other.digest
        keys = {**self.counts, **other.counts}
        return Tally(
            names,
            _spread(self.units, self.names, names) + _spread(other.units, other.names, names),
            images,
            by_image,
            {key: self.counts.get(key, 0) + other.counts.get(key, 0) for key in keys},
            tuple(a + b for a, b in zip(self.limbs, other.limbs, strict=True)),
            self.bins + other.bins,
            ((one[0] + two[0]) % 2**64, (one[1] + two[1]) % 2**64),
        )

    def resampled(self) -> tuple[Sequence[str], IntArray, tuple[str, ...]]:
        """Give what is resampled, its counts (1 + categories, units, 2), and the categories.

        All are in an order that depends on their names alone.
        """
        names = tuple(sorted(self.names))
        if self.images is None:
            return UNIT_NAMES, _spread(self.units, self.names, names), names
        counts = _spread(self.by_image, self.names, names)
        order = sorted(range(len(self.images)), key=self.images.__getitem__)
        return [self.images[place] for place in order], counts[:, order], names

    @property
    def mean(self) -> float:
        """The mean overlap."""
        total = sum(
            Fraction(limb, 2 ** (_BITS * place)) for place, limb in enumerate(self.limbs, 1)
        )
        return float(total) / self.counts["phrases"]


def limbs_of(values: FloatArray) -> tuple[int, ...]:
    """Sum numbers from -1 to 1, exact to 2^-120, in limbs of 30 bits.

    Examples
    --------
    >>> limbs_of(np.array([0.5, 0.25, 2.0**-60]))
    (805306368, 1, 0, 0)
    """
    return tuple(sum_limbs(values, LIMBS, _BITS).tolist())


def median_of(bins: IntArray, low: float) -> float:
    """Give the median overlap to half a bin, of overlaps from a lowest one to 1."""
    total = int(bins.sum())
    ends = np.cumsum(bins)
    middle = [
        int(np.searchsorted(ends, place, "right")) for place in ((total - 1) // 2, total // 2)
    ]
    width = (1.0 - low) / BINS
    values = [
        low if place == 0 else 1.0 if place == BINS else low + (place + 0.5) * width
        for place in middle
    ]
    return sum(values) / 2


def _spread(counts: IntArray, names: tuple[str, ...], wanted: tuple[str, ...]) -> IntArray:
    """Lay rows of categories out as the wanted ones are."""
    if names == wanted:
        return counts
    out = np.zeros((1 + len(wanted), *counts.shape[1:]), np.int64)
    out[[0, *(1 + wanted.index(name) for name in names)]] = counts
    return out


def _joined_images(
    one: Tally, two: Tally, names: tuple[str, ...]
) -> tuple[tuple[str, ...] | None, IntArray]:
    """Join the counts by image, unless there are too many images."""
    none = np.zeros((1 + len(names), 0, 2), np.int64)
    if one.images is None or two.images is None:
        return None, none
    images = tuple(dict.fromkeys((*one.images, *two.images)))
    if len(images) > UNITS:
        return None, none
    place = {image: place for place, image in enumerate(images)}
    counts = np.zeros((1 + len(names), len(images), 2), np.int64)
    for part in (one, two):
        assert part.images is not None
        places = [place[image] for image in part.images]
        counts[:, places] += _spread(part.by_image, part.names, names)
    return images, counts
