"""Explanations: which phrases flip between two protocols, and which choice is the reason.

A phrase is right, wrong or not scored under a protocol, and *flips* when that differs between the
two. The reason is found by changing one field of the first protocol at a time to its value in the
second: the fields that alone take the phrase to its state under the second are its reason, where
there are several each of them suffices, and where there is none only fields together do.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from phraseloc.alignment import Alignment
from phraseloc.columns import BoolArray, FloatArray, IntArray
from phraseloc.data import GroundTruth
from phraseloc.errors import OptionError
from phraseloc.outcomes import find_outcomes
from phraseloc.protocol import Protocol, find_protocol, parse_overrides
from phraseloc.scoring import Accuracy, notes_of, signature_of

STATES = ("not scored", "wrong", "right")
"""What a phrase may be under a protocol; arrays hold the places."""

NOT_SCORED, WRONG, RIGHT = range(3)

MEANING: Mapping[str, str] = {
    "target": "union, any or each box",
    "overlap": "measure of overlap",
    "threshold": "overlap that passes",
    "operator": "strictness (>= or >)",
    "corners": "+1 on corners",
    "frame": "origin as written",
    "truncate": "truncation",
    "skip_zero_corner": "filter of zero corners",
    "missing": "phrases without prediction",
    "min_area_share": "filter of small boxes",
}
"""The fields that can flip a phrase, in plain words; ranks cannot, an entity is no phrase."""

Reason = tuple[str, ...]
"""The fields of which each alone suffices; none where only fields together do."""

Transition = tuple[str, str]
"""A phrase's states before and after."""


@dataclass(frozen=True)
class Side:
    """One of the two protocols, what it is called with its overrides, and what it gives."""

    name: str
    protocol: Protocol
    accuracy: Accuracy
    signature: str


@dataclass(frozen=True)
class Difference:
    """A field in which two protocols differ.

    Parameters
    ----------
    field : its name
    first, second : its values
    alone : how many phrases it changes when it alone has its second value, whether or not they
        flip between the protocols; None where no protocol can be so
    obstacle : why it cannot be tried alone
    """

    field: str
    first: Any
    second: Any
    alone: int | None
    obstacle: str = ""


@dataclass(frozen=True, eq=False)
class Explanation:
    """The phrases that flip between two protocols, F of them, each with its reason.

    Parameters
    ----------
    predictions : what was scored
    first, second : the protocols, each with its accuracy
    differences : the D fields in which they differ and that can matter
    phrase : (F,) int64, the rows of the ground truth
    states : (F, 2) int64, places in `STATES`, under each
    overlaps : (F, 2) float64, under each; NaN where the phrase is not scored
    suffices : (F, D) bool, whether a field alone takes the phrase to its second state
    notes : what may surprise
    """

    predictions: str
    first: Side
    second: Side
    differences: tuple[Difference, ...]
    phrase: IntArray
    states: IntArray
    overlaps: FloatArray
    suffices: BoolArray
    notes: tuple[str, ...] = ()

    def reasons(self) -> list[Reason]:
        """Give the reason of each phrase that flips."""
        fields = [difference.field for difference in self.differences]
        return [
            tuple(field for field, alone in zip(fields, row, strict=True) if alone)
            for row in self.suffices.tolist()
        ]

    def by_reason(self) -> dict[Reason, Counter[Transition]]:
        """Count the flips of each reason by their states before and after.

        Every single field comes first, then several that each suffice, then fields together.
        """
        counts: dict[Reason, Counter[Transition]] = {
            (difference.field,): Counter() for difference in self.differences
        }
        for reason, (before, after) in zip(self.reasons(), self.states.tolist(), strict=True):
            counts.setdefault(reason, Counter())[STATES[before], STATES[after]] += 1
        order = sorted(counts, key=lambda reason: (not reason, len(reason)))
        return {reason: counts[reason] for reason in order}


def read_protocol(text: str | Protocol) -> Protocol:
    """Find a protocol by name, with overrides after commas; a Protocol is returned as it is.

    Raises
    ------
    OptionError
        if there is no such protocol or field, a value cannot be, or the protocol counts entities,
        under which a phrase has no state of its own

    Examples
    --------
    >>> read_protocol("flickr30k,operator=>,ranks=1,5").signature  # doctest: +ELLIPSIS
    'flickr30k+|target:union|overlap:iou|pass:>0.5|...'
    """
    if isinstance(text, str):
        name, comma, settings = text.partition(",")
        parts = re.split(r",(?=[^,=]*=)", settings) if comma else []
        protocol = find_protocol(name).override(**parse_overrides(tuple(parts)))
    else:
        protocol = text
    if protocol.unit != "phrase":
        raise OptionError(
            f"protocol {protocol.name} has unit {protocol.unit}, under which a phrase has no state "
            "of its own; expected unit phrase"
        )
    return protocol


def explain(
    ground_truth: GroundTruth,
    alignment: Alignment,
    first: str | Protocol,
    second: str | Protocol,
    *,
    names: Sequence[str] | None = None,
) -> Explanation:
    """Tell which phrases flip between two protocols, and for which reason.

    Parameters
    ----------
    alignment : predictions, as laid onto the ground truth
    first, second : protocols, or their names, with overrides after commas
    names : what they are called; by default their names

    Raises
    ------
    OptionError
        if a protocol is unknown or counts entities, of which phrases have no state
    InputError
        if the predictions do not fit one of the protocols

    Examples
    --------
    >>> import phraseloc
    >>> keys = phraseloc.PhraseKeys(phraseloc.Strings.of(["1", "2"]))
    >>> truth = phraseloc.GroundTruth(
    ...     keys, np.array([0, 1, 2]), np.array([[0.0, 0, 10, 10], [0, 0, 9, 9]]))
    >>> guesses = phraseloc.single_boxes(keys, np.array([[0.0, 0, 10, 5], [0, 0, 9, 9]]))
    >>> found = explain(truth, phraseloc.align(truth, guesses), "flickr30k", "strict")
    >>> found.phrase.tolist(), found.reasons(), found.overlaps.tolist()
    ([0], [('operator',)], [[0.5, 0.5]])
    """
    protocols = read_protocol(first), read_protocol(second)
    seen = [_states(ground_truth, alignment, protocol) for protocol in protocols]
    states, overlaps = (np.stack(columns, axis=1) for columns in zip(*seen, strict=True))
    tried = [
        _tried(ground_truth, alignment, protocols, states, field)
        for field in MEANING
        if getattr(protocols[0], field) != getattr(protocols[1], field)
    ]
    flips = np.flatnonzero(states[:, 0] != states[:, 1])
    suffices = np.array([reached[flips] for _, reached in tried], bool)
    called = names or (protocols[0].name, protocols[1].name)
    one, two = map(partial(_side, ground_truth), called, protocols, states.T)
    noted = [notes_of(ground_truth, alignment.predictions, protocol) for protocol in protocols]
    return Explanation(
        predictions=alignment.predictions.source,
        first=one,
        second=two,
        differences=tuple(difference for difference, _ in tried),
        phrase=flips,
        states=states[flips],
        overlaps=overlaps[flips],
        suffices=suffices.reshape(len(tried), len(flips)).T,
        notes=tuple(dict.fromkeys(note for notes in noted for note in notes)),
    )


def _states(
    ground_truth: GroundTruth, alignment: Alignment, protocol: Protocol
) -> tuple[IntArray, FloatArray]:
    """Give each phrase's state (N,) and overlap (N,), which is NaN where it is not scored."""
    outcomes = find_outcomes(ground_truth, alignment, replace(protocol, ranks=(1,)))
    state = np.full(len(ground_truth), NOT_SCORED, np.int64)
    overlap = np.full(len(ground_truth), np.nan)
    state[outcomes.phrase] = np.where(outcomes.correct, RIGHT, WRONG)
    overlap[outcomes.phrase] = outcomes.overlap[:, 0]
    return state, overlap


def _tried(
    ground_truth: GroundTruth,
    alignment: Alignment,
    protocols: tuple[Protocol, Protocol],
    states: IntArray,
    field: str,
) -> tuple[Difference, BoolArray]:
    """Give one field its second value; tell which phrases (N,) have their second state by that."""
    first, second = protocols
    values = getattr(first, field), getattr(second, field)
    try:
        changed = replace(first, **{field: values[1]})
    except OptionError as error:
        return Difference(field, *values, None, str(error)), np.zeros(len(states), bool)
    try:
        state, _ = _states(ground_truth, alignment, changed)
    except OptionError:
        # Both protocols could be scored, so what is left to refuse is that no phrase counts.
        state = np.full(len(states), NOT_SCORED)
    alone = int((state != states[:, 0]).sum())
    return Difference(field, *values, alone), state == states[:, 1]


def _side(ground_truth: GroundTruth, name: str, protocol: Protocol, state: IntArray) -> Side:
    accuracy = Accuracy(int((state == RIGHT).sum()), int((state != NOT_SCORED).sum()))
    return Side(name, protocol, accuracy, signature_of(ground_truth, protocol, accuracy.total))
