"""The gate: whether accuracy really fell against a baseline, over all phrases or in a category.

A group of phrases fails when its accuracy falls by more points than are tolerated and, where the
baseline tells which phrases were right, the permutation test over images says that this is no
noise. All phrases are one family of tests and the categories another, which Holm's correction keeps
together: a figure that papers print is not to be diluted by ten others. Of each two-sided test
only falls count, and a category without a fall stands with p = 1: each family then raises a false
alarm in at most half of ``significance``, and both together in no more than that.

Falls are exact fractions of whole numbers, so that a fall of just the tolerance passes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np

from phraseloc._version import __version__
from phraseloc.columns import IntArray
from phraseloc.data import GroundTruth
from phraseloc.errors import InputError, OptionError
from phraseloc.formats.results import Entry, Results, marked_outcomes
from phraseloc.paired import holm, permutations
from phraseloc.scoring import Accuracy, counts_by_image
from phraseloc.statistics import SAMPLES, SEED

TOLERANCE = 0.2
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Group:
    """All phrases, or those of a category, before and after.

    Parameters
    ----------
    name : the category; None for all phrases
    before : None where there is nothing to judge by
    p : the p-value of the fall, of categories by Holm's correction; None where nothing fell, or the
        baseline does not tell which phrases were right
    fails : whether accuracy really fell
    """

    name: str | None
    before: Accuracy | None
    after: Accuracy
    p: float | None = None
    fails: bool = False

    @property
    def fall(self) -> Fraction:
        """How many points were lost, exactly; below 0 where some were won."""
        if self.before is None:
            return Fraction(0)
        return Fraction(100 * (self.before.correct - self.after.correct), self.after.total)


@dataclass(frozen=True)
class Verdict:
    """What the gate says.

    Parameters
    ----------
    name, baseline : what the predictions, and the entry that they were judged by, are called
    version : of the phraseloc that made the baseline
    tolerance : in points
    significance : what the p-value of a real fall lies below
    groups : all phrases, then each category
    """

    name: str
    baseline: str
    version: str
    tolerance: Fraction
    significance: float
    groups: tuple[Group, ...]

    @property
    def failed(self) -> list[Group]:
        """The groups that fail: all phrases if they do, then categories, the deepest fall first."""
        whole, *categories = self.groups
        found = sorted((g for g in categories if g.fails), key=lambda g: -g.fall)
        return [whole, *found] if whole.fails else found


def judge(
    ground_truth: GroundTruth,
    before: Entry,
    after: Entry,
    source: str,
    *,
    tolerance: float = TOLERANCE,
    significance: float = SIGNIFICANCE,
    samples: int = SAMPLES,
    seed: int = SEED,
) -> Verdict:
    """Judge an entry by another of the same ground truth and protocol.

    Parameters
    ----------
    source : the file that holds the entry before, for messages
    tolerance : the fall, in points, that always passes
    significance : what the p-value of a real fall lies below
    samples, seed : of the permutation test

    Raises
    ------
    InputError
        if the entry before is of something else, or contradicts itself
    OptionError
        if no fall could ever fail, as tolerance, significance and samples are
    """
    allowed = _tolerated(tolerance, significance)
    _check_alike(before, after, source)
    groups = _groups(before, after, source)
    if before.marks is not None and after.marks is not None:
        _check_samples(samples, significance, len(groups) - 1)
        lost = _lost(ground_truth, before, after, source)
        groups = _tested(ground_truth.keys.image.values, groups, lost, samples, seed)
    judged = tuple(
        replace(g, fails=g.fall > allowed and (g.p is None or g.p < significance)) for g in groups
    )
    version = _basis(before, source).version
    return Verdict(after.name, before.name, version, allowed, significance, judged)


def first_verdict(
    after: Entry, tolerance: float = TOLERANCE, significance: float = SIGNIFICANCE
) -> Verdict:
    """Give the verdict on an entry that there is nothing to judge by: it passes."""
    groups = tuple(Group(name, None, found) for name, found in _accuracies(after).items())
    allowed = _tolerated(tolerance, significance)
    return Verdict(after.name, after.name, __version__, allowed, significance, groups)


def with_entry(results: Results | None, before: Entry | None, after: Entry) -> Results:
    """Put an entry in another's place, or into new results."""
    facts: dict[str, Any] = {key: after.scores[key] for key in ("signature", "ground_truth")}
    if results is None or before is None:
        return Results(
            protocol=after.scores["protocol"]["name"],
            inputs={},
            images_without_objects=[],
            fallback="",
            policy="",
            entries=[after],
            **facts,
        )
    entries = [after if entry is before else entry for entry in results.entries]
    # What the entry before was made of is not what this one is made of.
    inputs = {n: i for n, i in results.inputs.items() if n not in (before.name, after.name)}
    changes = {"entries": entries, "inputs": inputs, "version": __version__}
    # The head of results is that of their first entry.
    return msgspec.structs.replace(results, **changes, **(facts if entries[0] is after else {}))


class _Truth(msgspec.Struct):
    sha256: str
    source: str = "unknown"


class _Basis(msgspec.Struct):
    """What an entry's score says that it was made of."""

    protocol: dict[str, Any]
    ground_truth: _Truth
    version: str = "unknown"


def _basis(entry: Entry, source: str) -> _Basis:
    try:
        return msgspec.convert(entry.scores, _Basis)
    except msgspec.ValidationError as error:
        raise InputError(
            source, f"the scores of {entry.name} do not say what was scored: {error}"
        ) from None


def _tolerated(tolerance: float, significance: float) -> Fraction:
    """Give the tolerance as it was written: 0.3 is three tenths, which no float is."""
    if not (0 <= tolerance < math.inf and 0 < significance < 1):
        raise OptionError(
            f"found tolerance {tolerance} and significance {significance}; expected points from 0, "
            "and a share between 0 and 1"
        )
    return Fraction(str(tolerance))


def _check_samples(samples: int, significance: float, categories: int) -> None:
    """Refuse a test whose lowest p-value is too high, which would pass whatever falls."""
    tests = max(1, categories)
    if tests / (1 + samples) >= significance:
        raise OptionError(
            f"{samples:,} samples find no fall of {tests} categories significant at "
            f"{significance:g}; expected at least {math.ceil(tests / significance):,}"
        )


def _check_alike(before: Entry, after: Entry, source: str) -> None:
    """Refuse an entry of other ground truth or another protocol; names aside."""
    there, here = _basis(before, source), _basis(after, after.source)
    was, now = _choices(there.protocol), _choices(here.protocol)
    differing = [
        f"protocol field {field} is {was.get(field, 'absent')} there and "
        f"{now.get(field, 'absent')} here"
        for field in {**now, **was}
        if was.get(field) != now.get(field)
    ]
    # Protocols of other targets look at other boxes, and so have another digest of the same file.
    if was.get("target") == now.get("target") and (
        there.ground_truth.sha256 != here.ground_truth.sha256
    ):
        truths = (f"{t.sha256[:12]} ({t.source})" for t in (there.ground_truth, here.ground_truth))
        differing.append("ground truth sha256 is {} there and {} here".format(*truths))
    if differing:
        raise InputError(
            source, f"{before.name} and {after.name} do not compare: {', '.join(differing)}"
        )


def _choices(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """Give a protocol's choices as JSON has them."""
    return {
        field: list(value) if isinstance(value, tuple) else value
        for field, value in protocol.items()
        if field != "name"
    }


def _groups(before: Entry, after: Entry, source: str) -> list[Group]:
    """Pair the accuracies of all phrases and of each category, which must be of as many phrases."""
    was, now = _accuracies(before), _accuracies(after)
    none = Accuracy(0, 0)
    pairs = {name: (was.get(name, none), now.get(name, none)) for name in {**now, **was}}
    differing = [
        f"{_called(name)} has {b.total:,} phrases there and {a.total:,} here"
        for name, (b, a) in pairs.items()
        if b.total != a.total
    ]
    if differing:
        raise InputError(
            source, f"{before.name} and {after.name} do not compare: {', '.join(differing)}"
        )
    return [Group(name, *pairs[name]) for name in now]


def _accuracies(entry: Entry) -> dict[str | None, Accuracy]:
    found = [(None, entry.accuracy), *entry.categories.items()]
    return {name: Accuracy(a.correct, a.total) for name, a in found}


def _called(group: str | None) -> str:
    return "the whole" if group is None else repr(group)


def _lost(
    ground_truth: GroundTruth, before: Entry, after: Entry, source: str
) -> dict[str | None, IntArray]:
    """Count how many phrases fewer are right in each image, for all phrases and each category.

    Counts (images,) are of the marks, which must be those that the entry's accuracies count.
    """
    assert before.marks is not None
    assert after.marks is not None
    was = marked_outcomes(ground_truth, before.marks, source)
    now = marked_outcomes(ground_truth, after.marks, after.source)
    if not np.array_equal(was.phrase, now.phrase):
        raise InputError(source, f"{before.name} and {after.name} are of different phrases")
    total, right = counts_by_image(ground_truth, was)
    _, right_now = counts_by_image(ground_truth, now)
    stated = _accuracies(before)
    names: list[str | None] = [None, *ground_truth.categories]
    for name, *counts in zip(names, right.sum(axis=1), total.sum(axis=1), strict=True):
        found, marked = stated.get(name, Accuracy(0, 0)), Accuracy(*map(int, counts))
        if found != marked:
            raise InputError(
                source,
                f"{before.name} says of {_called(name)} that {found.correct:,} of {found.total:,} "
                f"phrases are right, its marks that {marked.correct:,} of {marked.total:,} are",
            )
    return dict(zip(names, right - right_now, strict=True))


def _tested(
    images: Any, groups: list[Group], lost: Mapping[str | None, IntArray], samples: int, seed: int
) -> list[Group]:
    """Give each fall its p-value; those of categories are corrected among themselves."""
    drawn = permutations(images, np.stack([lost[g.name] for g in groups], axis=1), samples, seed)
    values = [p if g.fall > 0 else 1 for g, p in zip(groups, drawn, strict=True)]
    adjusted = [values[0], *holm(values[1:])]
    return [replace(g, p=p if g.fall > 0 else None) for g, p in zip(groups, adjusted, strict=True)]
