"""Results: `results.json`, and in a leaderboard's folder ground truth, predictions and tables.

An entry's `Marks` tell which phrases are right, so that methods can be compared, and a fall in
accuracy told from noise, without its predictions.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from phraseloc._version import __version__
from phraseloc.data import GroundTruth, Predictions
from phraseloc.errors import InputError
from phraseloc.formats.source import compressed, read_bytes, reason_of, replacing
from phraseloc.formats.write import save_ground_truth, save_predictions
from phraseloc.outcomes import Outcomes
from phraseloc.scoring import Accuracy, Scores
from phraseloc.space import BoxSpace

LAYOUT = 2
"""Raised when the meaning of `results.json` changes, so that no old one is taken for a new one."""

RESULTS = "results.json"
PREDICTIONS = "predictions"
GROUND_TRUTH = "ground_truth.jsonl.zst"


class Fraction(msgspec.Struct, frozen=True):
    """How many phrases are right, of how many."""

    correct: int
    total: int

    def __post_init__(self) -> None:
        if not 0 <= self.correct <= self.total:
            raise ValueError(f"{self.correct} of {self.total} cannot be right")

    @property
    def value(self) -> float:
        """The share that is right, NaN of none."""
        return self.correct / self.total if self.total else float("nan")


class Marks(msgspec.Struct, frozen=True):
    """Which phrases are right, and which were scored at all where not all were.

    Both are bits, packed, of the phrases in the order of their keys, so that they mean the same
    whatever the order of a file is; JSON has them as base64.
    """

    correct: bytes
    scored: bytes | None = None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One method's line of the leaderboard.

    ``key`` is the digest of all that the entry depends on, and ``source`` the method's paper or
    file. ``expected`` is the exact mean of a random method's accuracy over all draws; ``undecided``
    phrases got the fallback's box; ``without_objects`` counts the phrases of images without
    proposals, which are wrong. ``seconds`` is how long the method took to choose, of several
    workers all of them together. ``scores`` has every figure, as ``score --format json`` has it.
    """

    name: str
    key: str
    source: str
    accuracy: Fraction
    low: float | None
    high: float | None
    categories: dict[str, Fraction]
    scores: dict[str, Any]
    marks: Marks | None = None
    text_features: str = ""
    detector: str = ""
    upper_bound: Fraction | None = None
    expected: float | None = None
    undecided: int = 0
    without_objects: int = 0
    seconds: float | None = None
    predictions: str | None = None
    predictions_sha256: str | None = None


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """A leaderboard, with the digests of what it was made of."""

    protocol: str
    signature: str
    ground_truth: dict[str, Any]
    inputs: dict[str, dict[str, Any]]
    images_without_objects: list[str]
    fallback: str
    policy: str
    entries: list[Entry]
    layout: int = LAYOUT
    version: str = __version__


def entry_of(
    ground_truth: GroundTruth,
    scores: Scores,
    *,
    upper_bound: Accuracy | None = None,
    **facts: Any,
) -> Entry:
    """Make an entry of a score."""
    assert scores.outcomes is not None
    return Entry(
        name=scores.name,
        accuracy=_fraction(scores.accuracy),
        low=scores.interval.low,
        high=scores.interval.high,
        upper_bound=_fraction(upper_bound) if upper_bound else None,
        categories={name: _fraction(a) for name, a in scores.categories.items()},
        scores=scores.to_dict(),
        marks=marks_of(ground_truth, scores.outcomes),
        **facts,
    )


def _fraction(accuracy: Accuracy) -> Fraction:
    return Fraction(accuracy.correct, accuracy.total)


def marks_of(ground_truth: GroundTruth, outcomes: Outcomes) -> Marks:
    """Give which phrases are right, as an entry stores it."""
    order = ground_truth.keys.order
    scored, correct = np.zeros((2, len(order)), bool)
    scored[outcomes.phrase] = True
    correct[outcomes.phrase] = outcomes.correct
    absent = None if scored.all() else np.packbits(scored[order]).tobytes()
    return Marks(np.packbits(correct[order]).tobytes(), absent)


def marked_outcomes(ground_truth: GroundTruth, marks: Marks, source: str) -> Outcomes:
    """Give outcomes as stored: which phrases are right; of overlaps they know no more.

    Raises
    ------
    InputError
        if the marks are not those of so many phrases
    """
    order = ground_truth.keys.order
    scored, correct = np.ones((2, len(order)), bool)
    for column, packed in ((scored, marks.scored), (correct, marks.correct)):
        if packed is not None:
            if len(packed) != -(-len(order) // 8):
                raise InputError(
                    source, f"found marks of {8 * len(packed):,} phrases, expected {len(order):,}"
                )
            column[order] = np.unpackbits(np.frombuffer(packed, np.uint8), count=len(order))
    phrase = np.flatnonzero(scored)
    right = correct[phrase]
    return Outcomes(phrase, np.zeros_like(phrase), right[:, None].astype(np.float64), right)


def write_ground_truth(ground_truth: GroundTruth, folder: Path) -> None:
    """Write the ground truth into a folder of results, which then needs nothing else."""
    make_folder(folder)
    own = ground_truth.space
    space = BoxSpace("xyxy", own.corners, own.origin)
    save_ground_truth(ground_truth, folder / GROUND_TRUTH, space)


def write_predictions(predictions: Predictions, folder: Path, name: str) -> tuple[str, str]:
    """Write a method's predictions into a folder of results; give their place and digest.

    The corners are those of the predictions' own space, so that reading them gives the same bits.
    """
    place = Path(PREDICTIONS) / f"{name.replace(':', '-')}.jsonl"
    make_folder(folder / PREDICTIONS)
    own = predictions.space
    save_predictions(predictions, folder / place, BoxSpace("xyxy", own.corners, own.origin))
    digest = sha256((folder / place).read_bytes()).hexdigest()
    return place.as_posix(), digest


def save_results(results: Results, folder: Path) -> None:
    """Write `results.json`."""
    write_results(results, folder / RESULTS)


def write_results(results: Results, place: Path) -> None:
    """Write results to a file of any name, whole or not at all."""
    make_folder(place.parent)
    data = msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n"
    with replacing(place) as file:
        file.write(compressed(data, place))


def place_of(path: Path) -> Path:
    """Give the file that holds the results: `results.json` of a folder, or the file itself."""
    return path / RESULTS if path.is_dir() else path


def load_results(path: Path) -> Results:
    """Read `results.json`, of a folder or by its own name.

    Raises
    ------
    InputError
        if it breaks off, has another layout, or is something else
    """
    place = place_of(path)
    data = read_bytes(place)
    layout = _layout_of(data)
    if layout not in (None, LAYOUT):
        raise InputError(
            str(place), f"found layout {layout}, expected {LAYOUT}; make the results anew"
        )
    try:
        return msgspec.json.decode(data, type=Results)
    except _UNREADABLE as error:
        raise InputError(str(place), f"found no results of a leaderboard: {error}") from None


def find_entry(results: Results, name: str, source: str) -> Entry:
    """Find the entry to judge by: the only one, or the one of that name.

    Raises
    ------
    InputError
        if there are several and not one is called so, or none at all
    """
    if len(results.entries) == 1:
        return results.entries[0]
    found = [entry for entry in results.entries if entry.name == name]
    if len(found) != 1:
        names = ", ".join(entry.name for entry in results.entries) or "nothing"
        raise InputError(
            source,
            f"found {len(found)} entries called {name!r}, expected one; it holds {names}, "
            "and predictions are called by one of its names as NAME=FILE",
        )
    return found[0]


def stored_entries(folder: Path) -> dict[str, Entry]:
    """Give the entries of a folder by key, as far as their prediction files are intact.

    Results of another layout are made anew; a `results.json` of another kind is an error.
    """
    place = folder / RESULTS
    if not place.exists() or _layout_of(read_bytes(place)) not in (None, LAYOUT):
        return {}
    return {entry.key: entry for entry in load_results(folder).entries if _intact(entry, folder)}


_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What msgspec raises of bytes that are no such JSON; the last of lists in lists without end."""


def _layout_of(data: bytes) -> int | None:
    try:
        return msgspec.json.decode(data, type=_Layout).layout
    except _UNREADABLE:
        return None


class _Layout(msgspec.Struct):
    layout: int


def _intact(entry: Entry, folder: Path) -> bool:
    if entry.predictions is None:
        return False
    try:
        data = (folder / entry.predictions).read_bytes()
    except OSError:
        return False
    return sha256(data).hexdigest() == entry.predictions_sha256


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it.

    Raises
    ------
    InputError
        if that cannot be done
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(str(folder), f"cannot be made: {reason_of(error)}") from None
