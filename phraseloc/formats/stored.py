"""A leaderboard's folder, read back: its results, ground truth and predictions, as measured."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from phraseloc.data import GroundTruth, Predictions
from phraseloc.errors import InputError, OptionError
from phraseloc.formats import load_ground_truth, load_predictions
from phraseloc.formats.results import GROUND_TRUTH, RESULTS, Entry, Results, load_results
from phraseloc.formats.source import read_bytes
from phraseloc.protocol import Protocol


def is_results(path: Path) -> bool:
    """Tell whether a path is a folder of results."""
    return (path / RESULTS).is_file()


def load_folder(folder: Path) -> tuple[GroundTruth, Results]:
    """Read the results of a folder and the ground truth that they were measured on.

    Raises
    ------
    InputError
        if either cannot be read, or the ground truth is another one
    """
    results = load_results(folder)
    truth = load_ground_truth(folder / GROUND_TRUTH)
    expected = results.ground_truth["sha256"]
    if expected not in (truth.digest, truth.union_digest):
        raise InputError(
            str(folder / GROUND_TRUTH),
            f"is not what the results were measured on: found sha256 {truth.digest[:12]}, "
            f"expected {expected[:12]}; make the results anew",
        )
    return truth, results


def load_predicted(folder: Path, entry: Entry) -> Predictions:
    """Read the predictions of an entry.

    Raises
    ------
    InputError
        if they cannot be read, or are not those that were measured
    """
    if entry.predictions is None:
        raise InputError(
            str(folder), f"has no predictions of {entry.name}; run the leaderboard again"
        )
    place = folder / entry.predictions
    if sha256(read_bytes(place)).hexdigest() != entry.predictions_sha256:
        raise InputError(
            str(place), f"is not what {entry.name} was measured with; make the results anew"
        )
    return load_predictions(place, degenerate="count")


def protocol_of_results(results: Results) -> Protocol:
    """Give the protocol that results were measured under."""
    choices = dict(results.entries[0].scores["protocol"])
    return Protocol(**{**choices, "ranks": tuple(choices["ranks"])})


def find_stored(item: str) -> tuple[Path, str] | None:
    """Split ``FOLDER:NAME`` where there is such a folder of results; names may have colons.

    Raises
    ------
    OptionError
        if a folder of results stands alone
    """
    parts = item.split(":")
    for end in range(1, len(parts)):
        folder = Path(":".join(parts[:end]))
        if is_results(folder):
            return folder, ":".join(parts[end:])
    if is_results(Path(item)):
        names = ", ".join(entry.name for entry in load_results(Path(item)).entries)
        raise OptionError(f"{item} holds several methods: expected {item}:NAME, of {names}")
    return None


def find_named(results: Results, name: str, folder: Path) -> Entry:
    """Find a method of a folder by its name.

    Raises
    ------
    OptionError
        if there is none of that name
    """
    for entry in results.entries:
        if entry.name == name:
            return entry
    names = ", ".join(entry.name for entry in results.entries)
    raise OptionError(f"{folder} has no method {name!r}: expected one of {names}")
