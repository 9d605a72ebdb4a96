"""Scoring a block: phrases paired with their predictions become outcomes, and these a tally.

The arithmetic is that of small files: the block becomes ground truth and predictions, and
`phraseloc.outcomes` does the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from phraseloc.alignment import Alignment, in_pixels
from phraseloc.bulk.columns import Columns, ragged, text_bytes
from phraseloc.bulk.pairs import Pair
from phraseloc.bulk.tally import BINS, Tally, limbs_of
from phraseloc.columns import FloatArray, IntArray, Strings, take_ragged
from phraseloc.data import GroundTruth, PhraseKeys, Predictions, check_boxes
from phraseloc.errors import OptionError, Problems
from phraseloc.geometry import FLOOR, areas
from phraseloc.kernels.keys import digest_rows, units_of_captions
from phraseloc.outcomes import Outcomes, outcomes_of_part, passes
from phraseloc.protocol import Protocol
from phraseloc.scoring import SIZES, THRESHOLDS
from phraseloc.space import BoxSpace
from phraseloc.statistics import UNITS


@dataclass(frozen=True)
class Rules:
    """How blocks are read and scored.

    Parameters
    ----------
    predictions : the convention of the predictions' boxes
    protocol : as everywhere
    degenerate : what a predicted box without area is, ``error`` or ``count``
    extra : what a row of an unknown image or phrase is, ``error`` or ``count``
    """

    predictions: BoxSpace
    protocol: Protocol
    degenerate: str = "error"
    extra: str = "error"


@dataclass(frozen=True, eq=False)
class Phrases:
    """A block of the ground truth.

    Parameters
    ----------
    block : its rows
    truth : the same as ground truth; its images have no names
    units : (N,) int64, the group of each phrase's image
    images : the ids of its images and (N,) int64, each phrase's; None where there are too many
    """

    block: Columns
    truth: GroundTruth
    units: IntArray
    images: tuple[list[str], IntArray] | None

    def counts(self, outcomes: Outcomes) -> Tally:
        """Tally which outcomes are right, by group and by image."""
        names, by_image = None, np.zeros((1 + len(self.truth.categories), 0, 2), np.int64)
        if self.images is not None:
            names = tuple(self.images[0])
            by_image = _counted(self.truth, outcomes, self.images[1], len(names))
        by_unit = _counted(self.truth, outcomes, self.units, UNITS)
        return Tally(tuple(self.truth.categories), by_unit, names, by_image)


@dataclass(frozen=True, eq=False)
class Scored:
    """A block with the outcomes of a method."""

    phrases: Phrases
    pair: Pair
    outcomes: Outcomes


def read_phrases(block: Columns, space: BoxSpace, problems: Problems) -> Phrases:
    """Read a block of the ground truth, and note what is wrong with its rows."""
    truth = _ground_truth(block, space, problems)
    return Phrases(block, truth, *_units(block, truth.keys.image.codes))


def score_pair(
    phrases: Phrases, pair: Pair, rules: Rules, problems: Problems
) -> tuple[Scored, Tally]:
    """Score a block of predictions, and note what is wrong with its rows."""
    truth = phrases.truth
    predictions, flat = _predictions(pair.predictions, rules, problems)
    predictions = _in_pixels(truth, predictions, pair, problems)
    if rules.protocol.missing == "error":
        absent = np.flatnonzero(pair.rows < 0)
        problems.add_rows("a phrase without prediction", absent, pair.truth.describe)
    alignment = Alignment(pair.rows, predictions, pair.duplicate, pair.extra)
    if rules.protocol.missing == "error":  # noted above, and told with all other rows
        rules = replace(rules, protocol=replace(rules.protocol, missing="wrong"))
    outcomes = outcomes_of_part(truth, alignment, rules.protocol)
    scored = Scored(phrases, pair, outcomes)
    return scored, _tally(scored, rules.protocol, predictions, flat)


def tally_changes(first: Scored, second: Scored) -> tuple[Tally, Tally]:
    """Tally the phrases that the second method alone has right, and the first alone.

    Raises
    ------
    OptionError
        if they were scored on different phrases
    """
    one, two = first.outcomes, second.outcomes
    if not np.array_equal(one.phrase, two.phrase):
        raise OptionError("the methods were scored on different phrases")
    wins = replace(two, correct=two.correct & ~one.correct)
    losses = replace(one, correct=one.correct & ~two.correct)
    return first.phrases.counts(wins), first.phrases.counts(losses)


def _ground_truth(block: Columns, space: BoxSpace, problems: Problems) -> GroundTruth:
    if block.scores is not None or block.points:
        name = "point" if block.points else "scores"
        problems.add(f'"{name}" in ground truth; is this a prediction file?', block.where(0))
        problems.raise_if_any()
    boxes = space.read(block.boxes)
    problems.add_rows(
        "a phrase of the ground truth without a box",
        np.flatnonzero(np.diff(block.offsets) == 0),
        block.describe,
    )
    owner = np.repeat(np.arange(len(block)), np.diff(block.offsets))
    check_boxes(problems, boxes, space, lambda box: block.describe(owner[box]))
    problems.raise_if_any()
    starts = np.ones(len(block), bool)
    starts[1:] = block.image[1:] != block.image[:-1]
    runs, codes = np.flatnonzero(starts), np.cumsum(starts) - 1
    names, offsets, kinds = _categories(block.table)
    return GroundTruth(
        PhraseKeys(Strings([""] * len(runs), codes)),
        block.offsets,
        boxes,
        names,
        offsets,
        kinds,
        _sizes(block.table, runs),
        space=space,
        unions_only=block.single,
        validated=True,
    )


def _categories(table: Any) -> tuple[Sequence[str], IntArray, IntArray]:
    rows = len(table)
    if "categories" not in table.schema.names:
        return (), np.zeros(rows + 1, np.int64), np.zeros(0, np.int64)
    items, offsets = ragged(table.column("categories"))
    encoded = items.dictionary_encode()
    return encoded.dictionary.to_pylist(), offsets, encoded.indices.to_numpy().astype(np.int64)


def _sizes(table: Any, runs: IntArray) -> FloatArray | None:
    if not {"width", "height"} <= set(table.schema.names):
        return None
    sides = [table.column(n).to_numpy(zero_copy_only=False)[runs] for n in ("width", "height")]
    return np.stack(sides, axis=1).astype(np.float64)


def _predictions(block: Columns, rules: Rules, problems: Problems) -> tuple[Predictions, int]:
    """Give the predictions of a block, ranked, and how many boxes have no area."""
    space = rules.predictions
    owner = np.repeat(np.arange(len(block)), np.diff(block.offsets))
    if block.points:
        boxes = np.tile(space.read_points(block.boxes[:, :2]), 2)
    else:
        boxes = space.read(block.boxes)
    strict = rules.degenerate == "error" and not block.points
    flat = check_boxes(problems, boxes, space, lambda box: block.where(owner[box]), sizes=strict)
    scores = block.scores
    if scores is not None:
        order = np.lexsort((-scores, owner))
        boxes, scores = boxes[order], scores[order]
    keys = PhraseKeys(Strings([""], np.zeros(len(block), np.int64)))
    found = Predictions(
        keys,
        block.offsets,
        boxes,
        block.points,
        scores,
        space,
        problems.source,
        block.origin.number,
    )
    return found, 0 if block.points else int(flat.sum())


def _in_pixels(
    truth: GroundTruth, predictions: Predictions, pair: Pair, problems: Problems
) -> Predictions:
    """Scale relative boxes by their image's size, and check that boxes lie about their image."""
    block = pair.predictions
    known = np.zeros(len(block), bool)
    found = np.flatnonzero(pair.rows >= 0)
    known[pair.rows[found]] = True
    sizes = np.broadcast_to(np.nan, (len(block), 2))
    if truth.sizes is not None:
        sizes = np.full((len(block), 2), np.nan)
        sizes[pair.rows[found]] = truth.sizes[truth.keys.image.codes[found]]
    return in_pixels(
        predictions,
        sizes,
        known,
        problems,
        lambda row: f"{block.where(row)}: {block.describe(row)}",
    )


def _tally(scored: Scored, protocol: Protocol, predictions: Predictions, flat: int) -> Tally:
    phrases, outcomes = scored.phrases, scored.outcomes
    first = outcomes.overlap[:, 0]
    low = FLOOR[protocol.overlap]
    places = ((first - low) * (BINS / (1.0 - low))).astype(np.int64)
    return replace(
        phrases.counts(outcomes),
        counts=_counts(scored, protocol, predictions, flat),
        limbs=limbs_of(first),
        bins=np.bincount(places, minlength=BINS + 1),
        digest=_digest(phrases, protocol),
    )


def _digest(phrases: Phrases, protocol: Protocol) -> tuple[int, int]:
    """Digest the phrases with the boxes that the protocol looks at."""
    block, truth = phrases.block, phrases.truth
    if protocol.target == "union":
        ends = np.arange(len(truth) + 1)
        return digest_rows(block.image, block.phrase, truth.union_boxes, ends)
    return digest_rows(block.image, block.phrase, truth.boxes, truth.offsets)


def _units(block: Columns, runs: IntArray) -> tuple[IntArray, tuple[list[str], IntArray] | None]:
    """Give each phrase's group; and where there are few images, their ids and each phrase's."""
    starts = np.flatnonzero(np.diff(runs, prepend=-1))
    data, offsets = text_bytes(block.table.column("image"))
    units = units_of_captions(data, offsets[starts], offsets[starts + 1], UNITS)
    distinct, place, code = np.unique(block.image[starts], return_index=True, return_inverse=True)
    if len(distinct) > UNITS:
        return units[runs], None
    texts = block.table.column("image").take(starts[place]).to_pylist()
    split = [text.rpartition("#") for text in texts]
    names = [
        image if mark and number.isdecimal() and image else text
        for text, (image, mark, number) in zip(texts, split, strict=True)
    ]
    return units[runs], (names, code[runs])


def _counted(truth: GroundTruth, outcomes: Outcomes, unit: IntArray, units: int) -> IntArray:
    """Count all and right phrases by category and by the unit (N,) of each phrase of the block."""
    places, offsets = take_ragged(truth.category_offsets, outcomes.phrase)
    every = np.arange(len(outcomes.phrase))
    row = np.concatenate([every, np.repeat(every, np.diff(offsets))])
    group = np.concatenate([0 * every, truth.category_codes[places] + 1])
    cell = group * units + unit[outcomes.phrase[row]]
    size = (1 + len(truth.categories)) * units
    total = np.bincount(cell, minlength=size)
    right = np.bincount(cell[outcomes.correct[row]], minlength=size)
    return np.stack([total, right], axis=1).reshape(-1, units, 2)


def _counts(
    scored: Scored, protocol: Protocol, predictions: Predictions, flat: int
) -> dict[str, int]:
    """Count everything that a score tells beside accuracy."""
    pair, truth, outcomes = scored.pair, scored.phrases.truth, scored.outcomes
    predicted, right = outcomes.prediction >= 0, outcomes.correct
    counts = {
        "truth": len(pair.truth),
        "phrases": len(outcomes.phrase),
        "multi": int((np.diff(truth.offsets) > 1).sum()),
        "missing": int((pair.rows < 0).sum()),
        "duplicate": pair.duplicate,
        "extra": pair.extra,
        "degenerate": flat,
        "ranked": int(predictions.ranked),
        "unions_only": int(truth.unions_only),
    }
    if protocol.overlap != "point":
        some = outcomes.overlap[predicted, 0]
        for threshold in THRESHOLDS:
            passed = passes(some, protocol, threshold)
            counts[f"at {threshold:.2f}"] = int(np.count_nonzero(passed))
    for column, k in enumerate((*protocol.ranks, "all")):
        passed = passes(outcomes.overlap[:, column], protocol, protocol.threshold) & predicted
        counts[f"rank {k}"] = int(np.count_nonzero(passed))
    ends = [high for _, high in SIZES.values()]
    size = np.searchsorted(ends, areas(truth.union_boxes)[outcomes.phrase], "right")
    several = (np.diff(truth.offsets)[outcomes.phrase] > 1).astype(np.int64)
    for kind, names, codes in (("size", SIZES, size), ("boxes", ("single", "multi"), several)):
        total = np.bincount(codes, minlength=len(names))
        good = np.bincount(codes[right], minlength=len(names))
        for name, of, correct in zip(names, total.tolist(), good.tolist(), strict=True):
            counts |= {f"{kind} {name} total": of, f"{kind} {name} right": correct}
    return counts
