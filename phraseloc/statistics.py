"""Uncertainty: bootstrap intervals over images.

Five captions share an image and its boxes, so phrases depend on each other: images are resampled,
never phrases. Each image's weight in each sample is drawn from a Poisson distribution of mean 1
(Chamandy et al., Estimating Uncertainty for Massive Data Streams, 2012), by a counter-based
generator whose key is the image's id: the weights depend on seed and id alone, not on the order of
rows, the number of threads or how data are divided. Counts and weights are whole numbers, so every
sum is exact and every figure has the same bits everywhere.

Of more than `UNITS` images, those of one hash are resampled together (the random groups of Wolter,
Introduction to Variance Estimation, 2007, ch. 2): images are independent, so that the sums of
groups are too, and 4,096 of them tell the width of an interval within a percent or so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from threading import Thread
from typing import Any
from zlib import crc32

import numpy as np
import numpy.typing as npt

from phraseloc.columns import FloatArray, IntArray
from phraseloc.errors import OptionError

SAMPLES = 10_000
SEED = 0
CONFIDENCE = 0.95

UNITS = 4096
"""How many images are resampled one by one; of more, the groups that they fall into by hash."""

_BLOCK = 64
"""How many images' weights are drawn at once."""

_THREADS = 2
"""How many threads draw weights; sums of whole numbers are the same at any number."""

_KEPT = 32
"""How many blocks of weights are kept, for further scores on the same images."""

_POISSON = bytes(
    weight for weight, places in enumerate((94, 95, 46, 16, 4, 1)) for _ in range(places)
)
"""The Poisson distribution of mean 1 in 256 places, with mean and variance 1 exactly."""


@dataclass(frozen=True)
class Interval:
    """The ends of a percentile bootstrap interval; NaN where nothing could be resampled."""

    low: float
    high: float
    confidence: float = CONFIDENCE
    samples: int = SAMPLES
    seed: int = SEED


def bootstrap_ratios(
    images: Sequence[str],
    correct: IntArray,
    total: IntArray,
    *,
    samples: int = SAMPLES,
    seed: int = SEED,
    confidence: float = CONFIDENCE,
) -> list[Interval]:
    """Give the interval of each column's ratio sum(correct) / sum(total) over resampled images.

    Parameters
    ----------
    images : the ids of M images
    correct, total : (M, C) int64, counts of each image, a column a ratio; differences of counts
        give the interval of a difference
    samples, seed, confidence : the number of bootstrap samples, their seed, the interval's mass

    Examples
    --------
    >>> counts = np.full((400, 1), 10)
    >>> ids = [str(i) for i in range(400)]
    >>> [interval] = bootstrap_ratios(ids, counts * (np.arange(400) % 2)[:, None], counts)
    >>> round(interval.low, 2), round(interval.high, 2)
    (0.45, 0.55)
    """
    if not (samples >= 1 and 0 <= seed < 2**63 and 0 < confidence < 1):
        raise OptionError(
            f"found {samples} samples, seed {seed}, confidence {confidence}; expected at least "
            "one sample, a seed from 0 to 2**63 - 1, a confidence between 0 and 1"
        )
    images, joined = pooled(images, np.concatenate([correct, total], axis=1))
    counts = joined.T
    exact_in_single = np.abs(counts).sum(axis=1).max(initial=0) * max(_POISSON) < 2**24
    counts = counts.astype(np.float32 if exact_in_single else np.float64)
    right, of = np.split(_resampled(images, counts, samples, seed), 2)
    tail = (1 - confidence) / 2
    intervals = []
    for ratios in (np.sort(r[o > 0] / o[o > 0]) for r, o in zip(right, of, strict=True)):
        low, high = percentile(ratios, tail), percentile(ratios, 1 - tail)
        intervals.append(Interval(low, high, confidence, samples, seed))
    return intervals


def pooled(images: Sequence[str], counts: IntArray) -> tuple[Sequence[str], IntArray]:
    """Sum the counts (M, C) of more than `UNITS` images by group; fewer stay as they are.

    Examples
    --------
    >>> names, sums = pooled([str(i) for i in range(10_000)], np.ones((10_000, 1), int))
    >>> len(names), int(sums.sum())
    (4096, 10000)
    """
    if len(images) <= UNITS:
        return images, counts
    units = np.fromiter(map(unit_of, images), np.int64, len(images))
    sums = [np.bincount(units, column, UNITS) for column in counts.T]
    return UNIT_NAMES, np.stack(sums, axis=1).astype(np.int64)


def unit_of(image: str) -> int:
    """Give the group of an image, 0 to `UNITS` - 1, by the CRC-32 of its id."""
    return crc32(image.encode()) % UNITS


UNIT_NAMES = tuple(f"group {unit}" for unit in range(UNITS))
"""What the groups are called where images have ids."""


def _resampled(
    images: Sequence[str], counts: npt.NDArray[Any], samples: int, seed: int
) -> FloatArray:
    """Sum counts (C, M) over the images as each sample weights them, (C, samples)."""
    parts: list[npt.NDArray[Any]] = []

    def add_up(turn: int) -> None:
        sums = np.zeros((len(counts), samples), counts.dtype)
        for start in range(turn * _BLOCK, len(images), _THREADS * _BLOCK):
            block = slice(start, start + _BLOCK)
            weights = poisson_weights(tuple(images[block]), samples, seed)
            sums += counts[:, block] @ weights.astype(counts.dtype)
        parts.append(sums)

    threads = [Thread(target=add_up, args=(turn,)) for turn in range(_THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total: FloatArray = np.sum(parts, axis=0, dtype=np.float64)
    return total


def percentile(ordered: FloatArray, share: float) -> float:
    """Give the value below which a share of sorted numbers lies, as np.quantile interpolates it.

    NumPy's own function imports all of numpy.ma, a tenth of the time that a score takes.
    """
    if not len(ordered):
        return math.nan
    place = share * (len(ordered) - 1)
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    return float(low + (high - low) * (place - math.floor(place)))


@lru_cache(maxsize=_KEPT)
def poisson_weights(images: tuple[str, ...], samples: int, seed: int) -> npt.NDArray[np.uint8]:
    """Draw the weight of each of M images in each bootstrap sample, (M, samples) uint8.

    Sample 8j + i of an image with key k has byte i of splitmix64's output at counter
    k + (j + 1) * 0x9E3779B97F4A7C15 (Steele et al., Fast Splittable Pseudorandom Number
    Generators, OOPSLA 2014), looked up in the Poisson distribution rounded to 1/256.
    """
    outputs = _outputs(images, -(-samples // 8), seed)
    weights = np.frombuffer(outputs.tobytes().translate(_POISSON), np.uint8)
    return weights.reshape(len(images), -1)[:, :samples]


def random_bits(images: Sequence[str], samples: int, seed: int) -> npt.NDArray[np.uint8]:
    """Draw a fair bit for each of M images in each of so many samples, (M, samples) uint8.

    Bits are those of splitmix64's outputs, of other keys than those of `poisson_weights`.
    """
    outputs = _outputs(images, -(-samples // 64), seed, person=b"bits")
    return np.unpackbits(outputs.view(np.uint8), axis=1, count=samples)


def _outputs(
    images: Sequence[str], count: int, seed: int, person: bytes = b""
) -> npt.NDArray[np.uint64]:
    """Give the first outputs (M, count) of splitmix64 for each image's key."""
    salt = seed.to_bytes(8, "little")
    digests = b"".join(
        blake2b(i.encode(), digest_size=8, key=salt, person=person).digest() for i in images
    )
    keys = np.frombuffer(digests, dtype="<u8").astype(np.uint64)
    steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return _splitmix64(keys[:, None] + steps).astype("<u8", copy=False)


def _splitmix64(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state ^= state >> np.uint64(30)
    state *= np.uint64(0xBF58476D1CE4E5B9)
    state ^= state >> np.uint64(27)
    state *= np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return state
