"""Comparing methods on the same phrases: whether a difference is real, and in which categories.

Everything is a reduction of the outcome columns that `phraseloc.scoring` made: images are
resampled, and swapped, never phrases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from phraseloc.columns import IntArray
from phraseloc.data import GroundTruth
from phraseloc.errors import OptionError
from phraseloc.outcomes import Outcomes
from phraseloc.paired import holm, mcnemar, permutation
from phraseloc.scoring import Accuracy, Bootstrap, Scores, counts_by_image
from phraseloc.statistics import Interval, bootstrap_ratios


@dataclass(frozen=True)
class Change:
    """What a second method has right that the first has not, and the other way round.

    Parameters
    ----------
    first, second : the accuracies
    wins, losses : phrases that the second alone has right, and the first alone
    interval : of the difference of accuracy, from the paired bootstrap over images
    """

    first: Accuracy
    second: Accuracy
    wins: int
    losses: int
    interval: Interval

    @property
    def difference(self) -> float:
        """The second's accuracy less the first's, -1 to 1."""
        return self.second.value - self.first.value


@dataclass(frozen=True)
class Comparison:
    """A second method against a first on the same phrases.

    Parameters
    ----------
    first, second : the methods' names
    change : over all phrases
    mcnemar : the exact test, which takes phrases for independent
    permutation : the p-value of swapping whole images
    adjusted : `permutation` by Holm's correction for all comparisons made together
    categories : the change in each category
    """

    first: str
    second: str
    change: Change
    mcnemar: float
    permutation: float
    adjusted: float
    categories: Mapping[str, Change]


def compare(ground_truth: GroundTruth, scores: Sequence[Scores]) -> list[Comparison]:
    """Compare each further method with the first.

    Parameters
    ----------
    scores : two or more, of one ground truth under one protocol and bootstrap

    Raises
    ------
    OptionError
        if there are fewer than two, or their signatures differ; the message says in what

    Examples
    --------
    >>> import numpy as np, phraseloc
    >>> keys = phraseloc.PhraseKeys(phraseloc.Strings.of([str(n) for n in range(40)]))
    >>> boxes = np.tile([0.0, 0, 10, 10], (40, 1))
    >>> truth = phraseloc.GroundTruth(keys, np.arange(41), boxes)
    >>> half = np.where(np.arange(40)[:, None] % 2, boxes, boxes + 20)
    >>> guesses = [phraseloc.single_boxes(keys, found) for found in (half, boxes)]
    >>> [found] = compare(truth, [phraseloc.score(truth, guess) for guess in guesses])
    >>> found.change.wins, found.change.losses, found.change.difference
    (20, 0, 0.5)
    """
    if len(scores) < 2:
        raise OptionError("expected two or more methods to compare")
    check_alike(scores)
    first, *others = scores
    return corrected([_compared(ground_truth, first, other) for other in others])


def corrected(found: Sequence[Comparison]) -> list[Comparison]:
    """Correct the p-values of comparisons that are made together."""
    adjusted = holm([comparison.permutation for comparison in found])
    return [replace(c, adjusted=value) for c, value in zip(found, adjusted, strict=True)]


def check_alike(scores: Sequence[Scores]) -> None:
    """Refuse scores that say different things."""
    first, *others = scores
    known = _fields(first.signature)
    for other in others:
        found = _fields(other.signature)
        differing = [
            f"{name} is {known.get(name, 'absent')} and {found.get(name, 'absent')}"
            for name in {**known, **found}
            if known.get(name) != found.get(name)
        ]
        if differing:
            raise OptionError(
                f"{first.name} and {other.name} cannot be compared, as their signatures differ: "
                f"{', '.join(differing)}"
            )


def _fields(signature: str) -> dict[str, str]:
    """Split a signature; a part without a colon, as the protocol's name, is called by its place."""
    parts = [part.partition(":") for part in signature.split("|")]
    return {
        name if colon else ("program", "protocol")[place]: value if colon else name
        for place, (name, colon, value) in enumerate(parts)
    }


def _compared(ground_truth: GroundTruth, first: Scores, second: Scores) -> Comparison:
    one, two = _outcomes(first), _outcomes(second)
    if not np.array_equal(one.phrase, two.phrase):
        raise OptionError(f"{first.name} and {second.name} were scored on different phrases")
    only_second = replace(two, correct=two.correct & ~one.correct)
    only_first = replace(one, correct=one.correct & ~two.correct)
    total, right_first = counts_by_image(ground_truth, one)
    _, wins = counts_by_image(ground_truth, only_second)
    _, losses = counts_by_image(ground_truth, only_first)
    interval = second.interval
    return comparison_of(
        (first.name, second.name),
        ground_truth.keys.image.values,
        ground_truth.categories,
        (total, right_first, wins, losses),
        (interval.samples, interval.seed, interval.confidence),
    )


def comparison_of(
    names: tuple[str, str],
    units: Sequence[str],
    categories: Sequence[str],
    counts: tuple[IntArray, IntArray, IntArray, IntArray],
    bootstrap: Bootstrap,
) -> Comparison:
    """Compare two methods by their counts alone; its p-value stands uncorrected.

    Parameters
    ----------
    units : the ids of what is resampled and swapped, images or groups of them
    counts : (1 + categories, units) int64 each, all phrases, what the first method has right, the
        wins and the losses; all categories in the first row
    """
    total, _, wins, losses = counts
    samples, seed, confidence = bootstrap
    kept = np.flatnonzero(total.any(axis=1))
    intervals = bootstrap_ratios(
        units,
        (wins - losses)[kept].T,
        total[kept].T,
        samples=samples,
        seed=seed,
        confidence=confidence,
    )
    sums = [column[kept].sum(axis=1).tolist() for column in counts]
    change, *by_category = (
        Change(Accuracy(good, of), Accuracy(good + up - down, of), up, down, interval)
        for of, good, up, down, interval in zip(*sums, intervals, strict=True)
    )
    p = permutation(units, (wins - losses)[0], samples, seed)
    kinds = [categories[row - 1] for row in kept[1:].tolist()]
    return Comparison(
        *names,
        change,
        mcnemar(change.wins, change.losses),
        p,
        p,
        dict(zip(kinds, by_category, strict=True)),
    )


def _outcomes(scores: Scores) -> Outcomes:
    if scores.outcomes is None:
        raise OptionError(f"{scores.name} has no outcomes of phrases to compare")
    return scores.outcomes
