"""Reading what the options of MAF's commands name: a checkpoint and its task, or a training run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from phraseloc.commands.options import protocol_of
from phraseloc.commands.reading import read_objects
from phraseloc.errors import OptionError

if TYPE_CHECKING:
    from phraseloc.baselines import Task
    from phraseloc.maf.checkpoint import Checkpoint
    from phraseloc.maf.regions import Regions
    from phraseloc.maf.run import Run
    from phraseloc.protocol import Protocol


def loaded(
    path: str,
    ground_truth: str,
    protocol: Protocol,
    *,
    split: str | None,
    unrelated: str | None,
    truth_boxes: dict[str, Any],
    files: tuple[str, ...],
    objects: str | None,
    attributes: str | None,
    proposal_boxes: dict[str, Any],
    features: tuple[str, ...],
    vectors: str | None,
) -> tuple[Checkpoint, Task, Regions | None]:
    """Load a checkpoint, and the task that it is for."""
    from dataclasses import replace

    _need(files)
    from phraseloc.baselines import Task
    from phraseloc.formats import load_ground_truth
    from phraseloc.maf.loading import coverage_of, load_for
    from phraseloc.maf.regions import load_regions

    truth = load_ground_truth(ground_truth, split=split, unrelated=unrelated, **truth_boxes)
    found = read_objects(truth, files, objects, attributes, proposal_boxes)
    task = Task(truth, found, protocol=protocol)
    checkpoint = load_for(path, task, vectors)
    task = replace(task, policy=checkpoint.policy)
    lacking = coverage_of(checkpoint, task)
    if lacking.unknown:
        click.echo(
            f"{checkpoint.source} lacks {lacking.unknown:,} of {lacking.words:,} words of the "
            f"phrases: {', '.join(lacking.first)}{', …' if lacking.unknown > 10 else ''}",
            err=True,
        )
    return checkpoint, task, load_regions(features, found) if features else None


def read_run(
    ground_truth: str,
    *,
    split: str | None,
    unrelated: str | None,
    truth_boxes: dict[str, Any],
    validation: str | None,
    files: tuple[str, ...],
    objects: str | None,
    attributes: str | None,
    proposal_boxes: dict[str, Any],
    features: tuple[str, ...],
    vectors: str | None,
    policies: tuple[str, ...],
    name: str,
    settings: tuple[str, ...],
    vfr: str | None,
    device: str,
    **choices: Any,
) -> Run:
    """Read what a run is made of; the words are those of all of the ground truth."""
    _need(files)
    from phraseloc.baselines import Task, wanted_words
    from phraseloc.formats import load_ground_truth
    from phraseloc.formats.vectors import load_vectors
    from phraseloc.maf.regions import load_regions
    from phraseloc.maf.run import Run
    from phraseloc.maf.settings import Settings
    from phraseloc.words import parse_policy

    policy, protocol = parse_policy(policies), protocol_of(name, settings)
    reading = {"unrelated": unrelated, **truth_boxes}

    def part(images: str | None) -> Task:
        truth = load_ground_truth(ground_truth, split=images, **reading)
        found = read_objects(truth, files, objects, attributes, proposal_boxes)
        return Task(truth, found, None, policy, protocol=protocol)

    task = part(split)
    valid = part(validation) if validation else None
    parts = _all_parts(task, features) if vfr is None else tuple(vfr.split(","))
    chosen = Settings(vfr=parts, **choices)
    words = wanted_words(load_ground_truth(ground_truth, **reading), task.objects, policy)
    if valid is not None:
        words |= wanted_words(valid.truth, valid.objects, policy)

    def regions_of(part: Task | None) -> Regions | None:
        if part is None or part.proposals is None or not features:
            return None
        return load_regions(features, part.proposals)

    known = load_vectors(vectors, words)
    return Run(task, known, chosen, regions_of(task), valid, regions_of(valid), device)


def _all_parts(task: Task, features: tuple[str, ...]) -> tuple[str, ...]:
    """Give the parts that objects can have from what was given."""
    there = {"label": True, "feature": features, "attribute": task.objects.attributes is not None}
    return tuple(part for part, given in there.items() if given)


def _need(files: tuple[str, ...]) -> None:
    if not files:
        raise OptionError("MAF chooses among proposals: expected --proposals FILE")
