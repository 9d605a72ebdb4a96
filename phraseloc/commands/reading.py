"""Reading what the options name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phraseloc.errors import OptionError
from phraseloc.protocol import Protocol

if TYPE_CHECKING:
    from phraseloc.alignment import Alignment
    from phraseloc.baselines import Baseline, Task
    from phraseloc.data import GroundTruth
    from phraseloc.proposals import Proposals
    from phraseloc.scoring import Scores

TASK_OPTIONS = (
    "split",
    "unrelated",
    "truth_boxes",
    "objects",
    "attributes",
    "proposal_boxes",
    "vectors",
    "policies",
)
"""The options that say what a task is made of."""


def named_file(item: str) -> tuple[str, str]:
    """Split ``NAME=FILE``; the file alone is called by its stem.

    A name has no slash, so that ``runs/rate=0.1/mine.json`` is a file.

    Examples
    --------
    >>> named_file("mine=out/new.json"), named_file("runs/rate=0.1/mine.json.gz")
    (('mine', 'out/new.json'), ('mine', 'runs/rate=0.1/mine.json.gz'))
    """
    name, equals, path = item.partition("=")
    if equals and not {"/", "\\"} & set(name):
        return name, path
    return Path(item).name.partition(".")[0], item


def aligned(truth: GroundTruth, path: str, extra: str, reading: dict[str, Any]) -> Alignment:
    """Read predictions and lay them onto ground truth; all problems of the file come together."""
    from phraseloc.alignment import align
    from phraseloc.errors import Problems
    from phraseloc.formats import read_predictions
    from phraseloc.formats.source import name_of

    problems = Problems(name_of(path))
    predictions = read_predictions(path, problems, **reading)
    if not problems or predictions.keys.complete:
        alignment = align(truth, predictions, extra=extra, problems=problems)
    problems.raise_if_any()
    return alignment


def scored(
    truth: GroundTruth,
    files: Sequence[str],
    protocols: Sequence[Protocol],
    extra: str,
    reading: dict[str, Any],
    bootstrap: dict[str, Any],
) -> list[Scores]:
    """Score files under protocols; they are called by their names where those are told apart."""
    from phraseloc.formats.source import names_of
    from phraseloc.scoring import score

    alignments = [aligned(truth, path, extra, reading) for path in files]
    return [
        score(
            truth,
            alignment.predictions,
            protocol,
            alignment=alignment,
            name=label,
            **bootstrap,
        )
        for alignment, label in zip(alignments, names_of(files), strict=True)
        for protocol in protocols
    ]


def measured(
    truth: GroundTruth,
    items: Sequence[str],
    protocol: Protocol,
    extra: str,
    reading: dict[str, Any],
    bootstrap: dict[str, Any],
) -> list[Scores]:
    """Score files as `scored` does; ``FOLDER:NAME`` is a method as a leaderboard measured it."""
    from phraseloc.formats.stored import find_stored

    stored = {item: found for item in items if (found := find_stored(item)) is not None}
    files = [item for item in items if item not in stored]
    fresh = iter(scored(truth, files, [protocol], extra, reading, bootstrap))
    return [
        _again(truth, *stored[item], protocol, bootstrap) if item in stored else next(fresh)
        for item in items
    ]


def _again(
    truth: GroundTruth, folder: Path, name: str, protocol: Protocol, bootstrap: dict[str, Any]
) -> Scores:
    """Score a leaderboard's method, which must have been measured just so."""
    from dataclasses import replace

    from phraseloc.alignment import align
    from phraseloc.comparison import check_alike
    from phraseloc.formats.results import load_results
    from phraseloc.formats.stored import find_named, load_predicted
    from phraseloc.scoring import score

    results = load_results(folder)
    entry = find_named(results, name, folder)
    alignment = align(truth, load_predicted(folder, entry))
    predictions = alignment.predictions
    found = score(truth, predictions, protocol, alignment=alignment, name=name, **bootstrap)
    measured = replace(found, name=f"{folder}:{name}", signature=entry.scores["signature"])
    check_alike((measured, found))
    return found


def chosen_baselines(names: str | None, with_proposals: bool) -> list[Baseline]:
    """Give the baselines of a comma-separated list; by default all that can run."""
    from phraseloc.baselines import baselines, find_baseline

    if names is not None:
        return [find_baseline(name.strip()) for name in names.split(",") if name.strip()]
    table = [find_baseline(name) for item in baselines().values() for name in item.variants]
    able = [baseline for baseline in table if with_proposals or not baseline.proposals]
    if len(able) < len(table):
        click.echo(f"{len(table) - len(able)} baselines need --proposals", err=True)
    return able


def read_objects(
    truth: GroundTruth,
    files: Sequence[str],
    objects: str | None,
    attributes: str | None,
    proposal_boxes: dict[str, Any],
) -> Proposals:
    """Read the objects of the ground truth's images."""
    from phraseloc.baselines import of_images
    from phraseloc.formats.proposals import load_proposals

    sizes = {
        image: (width, height)
        for image, (width, height) in zip(
            truth.keys.image.values, truth.image_sizes.tolist(), strict=True
        )
        if width == width
    }
    found = load_proposals(
        files, sizes=sizes, objects=objects, attributes=attributes, **proposal_boxes
    )
    return of_images(found, truth)


def read_task(
    ground_truth: str,
    baselines: Sequence[Baseline],
    protocol: Protocol,
    seed: int,
    *,
    split: str | None,
    unrelated: str | None,
    truth_boxes: dict[str, Any],
    files: Sequence[str],
    objects: str | None,
    attributes: str | None,
    proposal_boxes: dict[str, Any],
    vectors: str | None,
    policies: Sequence[str],
) -> Task:
    """Read what baselines look at: ground truth, and proposals and vectors if one needs them."""
    from phraseloc.baselines import Task, wanted_words
    from phraseloc.formats import load_ground_truth
    from phraseloc.words import parse_policy

    policy = parse_policy(policies)
    needy = [baseline.name for baseline in baselines if baseline.proposals]
    if needy and not files:
        raise OptionError(f"{needy[0]} chooses among proposals: expected --proposals FILE")
    truth = load_ground_truth(ground_truth, split=split, unrelated=unrelated, **truth_boxes)
    found = known = None
    if files:
        found = read_objects(truth, files, objects, attributes, proposal_boxes)
    if found is not None and any(baseline.vectors for baseline in baselines):
        from phraseloc.formats.vectors import load_vectors

        known = load_vectors(vectors, wanted_words(truth, found, policy))
    return Task(truth, found, known, policy, seed, protocol)


def need_torch() -> None:
    """Say what to install where torch, which all of MAF needs, is not.

    Raises
    ------
    MissingExtra
        if it is not installed
    """
    from importlib.util import find_spec

    from phraseloc.errors import MissingExtra

    if find_spec("torch") is None:
        raise MissingExtra("torch", "maf", "MAF")


def trained_methods(
    task: Task,
    checkpoints: Iterable[tuple[str, str]],
    features: Sequence[str],
    vectors: str | None,
) -> list[Baseline]:
    """Load MAF checkpoints as methods; torch is only loaded where there is one."""
    named = list(checkpoints)
    if not named:
        return []
    need_torch()
    if task.proposals is None:
        raise OptionError("MAF chooses among proposals: expected --proposals FILE")
    from phraseloc.maf.loading import load_for
    from phraseloc.maf.method import as_baseline
    from phraseloc.maf.regions import load_regions

    regions = load_regions(features, task.proposals) if features else None
    return [as_baseline(name, load_for(path, task, vectors), regions) for name, path in named]
