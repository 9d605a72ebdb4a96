"""Scoring a block: phrases paired with their predictions become outcomes, and these a tally.

The arithmetic is that of small files: the block becomes ground truth and predictions, and
`phraseloc.outcomes` does the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from phraseloc.alignment import Alignment, in_pixels
from phraseloc.bulk.boxes import given
from phraseloc.bulk.columns import Columns
from phraseloc.bulk.pairs import Pair
from phraseloc.bulk.phrases import Phrases
from phraseloc.bulk.tally import BINS, Tally, limbs_of
from phraseloc.columns import Strings, spread
from phraseloc.data import GroundTruth, PhraseKeys, Predictions, check_boxes
from phraseloc.errors import OptionError, Problems
from phraseloc.geometry import FLOOR
from phraseloc.kernels.counting import count_above, count_bins, count_several, count_sizes
from phraseloc.kernels.keys import digest_rows
from phraseloc.outcomes import Outcomes, outcomes_of_part
from phraseloc.protocol import Protocol
from phraseloc.scoring import SIZES, THRESHOLDS
from phraseloc.space import BoxSpace


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
class Scored:
    """A block with the outcomes of a method."""

    phrases: Phrases
    pair: Pair
    outcomes: Outcomes


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
    alignment = Alignment(pair.rows, predictions, pair.duplicate, pair.extra, pair.respanned)
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


def _predictions(block: Columns, rules: Rules, problems: Problems) -> tuple[Predictions, int]:
    """Give the predictions of a block, ranked, and how many boxes have no area."""
    space = rules.predictions
    if block.points:
        boxes = np.tile(space.read_points(block.boxes[:, :2]), 2)
    else:
        boxes = space.read(block.boxes)
    strict = rules.degenerate == "error" and not block.points
    flat = check_boxes(
        problems, boxes, space, lambda box: block.where(block.row_of(box)), sizes=strict
    )
    scores = block.scores
    if scores is not None:
        order = np.lexsort((-scores, spread(np.arange(len(block)), block.offsets)))
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
    boxes = predictions.boxes
    unknown = truth.sizes is None and not predictions.space.relative
    if unknown and boxes[:, 2:].min(initial=0.0) >= 0:  # all that an image must have of a box
        return predictions
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
    return replace(
        phrases.counts(outcomes),
        counts=_counts(scored, protocol, predictions, flat),
        limbs=limbs_of(first),
        bins=count_bins(first, FLOOR[protocol.overlap], BINS),
        digest=_digest(phrases, protocol),
    )


def _digest(phrases: Phrases, protocol: Protocol) -> tuple[int, int]:
    """Digest the phrases with the boxes that the protocol looks at."""
    block, truth = phrases.block, phrases.truth
    if protocol.target == "union":
        ends = np.arange(len(truth) + 1)
        return digest_rows(block.image, block.phrase, truth.union_boxes, ends)
    return digest_rows(block.image, block.phrase, truth.boxes, truth.offsets)


def _counts(
    scored: Scored, protocol: Protocol, predictions: Predictions, flat: int
) -> dict[str, int]:
    """Count everything that a score tells beside accuracy."""
    pair, truth, outcomes = scored.pair, scored.phrases.truth, scored.outcomes
    predicted, right = outcomes.prediction >= 0, outcomes.correct
    farthest = predictions.boxes.max(initial=0.0)
    counts = {
        "truth": len(pair.truth),
        "rows": len(pair.predictions),
        "phrases": len(outcomes.phrase),
        "multi": 0 if truth.unions_only else int((np.diff(truth.offsets) > 1).sum()),
        "missing": int((pair.rows < 0).sum()),
        "duplicate": pair.duplicate,
        "extra": pair.extra,
        "respanned": pair.respanned,
        "degenerate": flat,
        "candidates": len(predictions.boxes),
        "beyond": int(predictions.space.relative or predictions.points or farthest > 1),
        "ranked": int(predictions.ranked),
        "several": int(not truth.unions_only),
        "labelled": int(given(pair.predictions.table, "categories")),
    }
    strict = protocol.overlap == "point" or protocol.operator == ">"
    if protocol.overlap != "point":
        first = outcomes.overlap[:, 0]
        passed = count_above(first, predicted, np.array(THRESHOLDS), strict=strict)
        counts |= {
            f"at {t:.2f}": count for t, count in zip(THRESHOLDS, passed.tolist(), strict=True)
        }
    least = np.array([0.0 if protocol.overlap == "point" else protocol.threshold])
    for column, k in enumerate((*protocol.ranks, "all")):
        if predictions.ranked:
            overlap = outcomes.overlap[:, column]
            counts[f"rank {k}"] = int(count_above(overlap, predicted, least, strict=strict)[0])
        else:  # the first is all that there is
            counts[f"rank {k}"] = int(np.count_nonzero(right))
    ends = np.array([high for _, high in SIZES.values()])
    sizes = count_sizes(truth.union_boxes, outcomes.phrase, right, ends)
    boxes = count_several(truth.offsets, outcomes.phrase, right)
    for kind, names, found in (("size", SIZES, sizes), ("boxes", ("single", "multi"), boxes)):
        for name, (total, good) in zip(names, found.tolist(), strict=True):
            counts |= {f"{kind} {name} total": total, f"{kind} {name} right": good}
    return counts
