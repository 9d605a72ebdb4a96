"""From a tally to the score that users see, as `phraseloc.scoring` makes it of small files."""

from __future__ import annotations

from collections.abc import Sequence

from phraseloc.bulk.tally import Tally, median_of
from phraseloc.comparison import Comparison, comparison_of, corrected
from phraseloc.geometry import FLOOR
from phraseloc.protocol import Protocol
from phraseloc.scoring import (
    SIZES,
    THRESHOLDS,
    Accuracy,
    Bootstrap,
    Coverage,
    Scores,
    notes_on,
    signed,
)
from phraseloc.statistics import bootstrap_ratios


def scores_of(
    tally: Tally, protocol: Protocol, bootstrap: Bootstrap, truth: str, predictions: str
) -> Scores:
    """Make the score of a tally.

    It has no outcomes of single phrases, and its median is that of overlaps in 2^16 bins. The
    ground truth's digest is a sum over its rows (``sum-…``), whatever their order and shards.
    """
    counts = tally.counts
    units, by_group, names = tally.resampled()
    kept = [row for row in range(len(by_group)) if row == 0 or by_group[row, :, 0].any()]
    samples, seed, confidence = bootstrap
    intervals = bootstrap_ratios(
        units,
        by_group[kept, :, 1].T,
        by_group[kept, :, 0].T,
        samples=samples,
        seed=seed,
        confidence=confidence,
    )
    sums = by_group.sum(axis=1).tolist()
    categories = {names[row - 1]: Accuracy(sums[row][1], sums[row][0]) for row in kept[1:]}
    accuracy = Accuracy(sums[0][1], sums[0][0])
    digest = f"sum-{tally.digest[0]:016x}{tally.digest[1]:016x}"
    ranked = bool(counts["ranked"])

    def group(kind: str, keys: list[str]) -> dict[str, Accuracy]:
        return {
            key: Accuracy(counts[f"{kind} {key} right"], counts[f"{kind} {key} total"])
            for key in keys
        }

    def at(key: object) -> Accuracy:
        return Accuracy(counts[f"rank {key}"], accuracy.total)

    thresholds = THRESHOLDS if protocol.overlap != "point" else ()
    return Scores(
        name=predictions,
        protocol=protocol,
        accuracy=accuracy,
        interval=intervals[0],
        mean=tally.mean,
        median=median_of(tally.bins, FLOOR[protocol.overlap]),
        thresholds={t: Accuracy(counts[f"at {t:.2f}"], accuracy.total) for t in thresholds},
        categories=categories,
        category_intervals=dict(zip(categories, intervals[1:], strict=True)),
        sizes=group("size", list(SIZES)),
        boxes=group("boxes", ["single", "multi"]),
        recall={k: at(k) for k in protocol.ranks if ranked},
        upper_bound=at("all") if ranked else None,
        coverage=Coverage(
            counts["truth"] - counts["missing"],
            counts["missing"],
            counts["duplicate"],
            counts["extra"],
            counts["respanned"],
            counts["degenerate"],
        ),
        signature=signed(protocol, accuracy.total, digest[:16], bootstrap),
        ground_truth={
            "source": truth,
            "sha256": digest,
            "phrases": counts["truth"],
            "captions": None,
            "images": None if tally.images is None else len(tally.images),
            "multi_box": counts["multi"],
            "left_out": {},
        },
        notes=notes_on(
            truth, not counts["several"], names, predictions, bool(counts["labelled"]), protocol
        ),
    )


def changes_of(
    names: Sequence[str],
    tallies: Sequence[Tally],
    changes: Sequence[tuple[Tally, Tally]],
    bootstrap: Bootstrap,
) -> list[Comparison]:
    """Compare each further method with the first, as `phraseloc.comparison` does of small files.

    Parameters
    ----------
    names, tallies : of all methods
    changes : the wins and the losses of each but the first
    """
    units, counts, categories = tallies[0].resampled()
    found = []
    for name, (wins, losses) in zip(names[1:], changes, strict=True):
        won, lost = (part.resampled()[1][..., 1] for part in (wins, losses))
        columns = (counts[..., 0], counts[..., 1], won, lost)
        found.append(comparison_of((names[0], name), units, categories, columns, bootstrap))
    return corrected(found)
