"""The leaderboard: baselines and prediction files on one ground truth, scored alike.

What was measured is a list of `Entry`, plain enough to be stored: `results.json` holds it with the
digests of every input, and each method's predictions lie beside it. An entry is made again only
where something that it depends on has changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from phraseloc._version import __version__
from phraseloc.alignment import Alignment
from phraseloc.baselines import Baseline, Task, find_baseline
from phraseloc.baselines.run import Choosing, Chosen, check_fallback, choose_here, complete
from phraseloc.data import Predictions
from phraseloc.errors import OptionError
from phraseloc.formats.results import (
    Entry,
    Results,
    entry_of,
    stored_entries,
    write_ground_truth,
    write_predictions,
)
from phraseloc.scoring import Accuracy, Scores, score
from phraseloc.statistics import CONFIDENCE, SAMPLES

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]*")

Progress = Callable[[Entry, bool], None]
"""Told of each entry when it is there, and whether it was reused."""


@dataclass(frozen=True, eq=False)
class Plan:
    """What a leaderboard shall hold.

    Parameters
    ----------
    task : the phrases, objects and vectors; its seed is also that of the bootstrap
    baselines : names, in order
    predictions : prediction files by name, laid onto the ground truth
    detector : what tables call the source of the proposals; by default their file
    fallback : a name of `phraseloc.baselines.FALLBACKS`
    samples, confidence : of the bootstrap
    trained : methods of no table, such as MAF checkpoints

    Raises
    ------
    OptionError
        if baseline or fallback are unknown, or a name stands twice or cannot be part of a file's
    """

    task: Task
    baselines: Sequence[str]
    predictions: Mapping[str, Alignment] = field(default_factory=dict)
    detector: str = ""
    fallback: str = "whole-image"
    samples: int = SAMPLES
    confidence: float = CONFIDENCE
    trained: Sequence[Baseline] = ()

    def __post_init__(self) -> None:
        check_fallback(self.fallback)
        names = [*(method.name for method in self.methods), *self.predictions]
        for name in names:
            if not _NAME.fullmatch(name):
                raise OptionError(
                    f"{name!r} cannot name a method: expected letters, digits and . _ + - alone"
                )
            if names.count(name) > 1:
                raise OptionError(
                    f"two methods are called {name!r}: expected NAME=FILE with another"
                )

    @cached_property
    def methods(self) -> list[Baseline]:
        """The baselines, then what was trained."""
        return [*map(find_baseline, self.baselines), *self.trained]

    def upper_bound(self, chosen: Chosen) -> Accuracy:
        """Give the accuracy of what the oracle chose."""
        run = complete(_oracle(), self.task, chosen, "none")
        return self.score(run.alignment, "oracle", samples=1).accuracy

    def score(self, alignment: Alignment, name: str, samples: int | None = None) -> Scores:
        """Score predictions under the plan's protocol."""
        return score(
            self.task.truth,
            alignment.predictions,
            self.task.protocol,
            alignment=alignment,
            name=name,
            samples=samples or self.samples,
            seed=self.task.seed,
            confidence=self.confidence,
        )

    @cached_property
    def basis(self) -> dict[str, Any]:
        """What every entry depends on."""
        return {
            "version": __version__,
            "ground_truth": self.task.truth.contents_digest,
            "protocol": self.task.protocol.choices(),
            "bootstrap": [self.samples, self.task.seed, self.confidence],
        }

    def key(self, baseline: Baseline) -> str:
        """Give the digest of all that a baseline's entry depends on."""
        task = self.task
        facts: dict[str, Any] = {**self.basis, "baseline": baseline.name, "of": baseline.source}
        if baseline.proposals and task.proposals is not None:
            facts |= {
                "proposals": task.proposals.digest,
                "space": vars(task.proposals.space),
                "fallback": self.fallback,
                "policy": task.policy.signature,
            }
        if baseline.vectors and task.vectors is not None:
            facts["vectors"] = task.vectors.digest
        if baseline.digest:
            facts["digest"] = baseline.digest
        return _digest(facts)


def run_leaderboard(
    plan: Plan,
    output: Path | None = None,
    progress: Progress | None = None,
    choosing: Choosing = choose_here,
) -> Results:
    """Measure every method of a plan; with ``output``, store what was measured in that folder.

    Entries that are there already, from the same inputs, are used again; ``choosing`` lets the
    others choose, as `phraseloc.baselines.sharded.choose_on` does on many workers.
    """
    stored = {} if output is None else stored_entries(output)
    known = [stored.get(plan.key(method)) if method.fixed else None for method in plan.methods]
    fresh = [method for method, entry in zip(plan.methods, known, strict=True) if entry is None]
    bounded = any(method.proposals for method in fresh)
    choices = choosing(plan.task, [_oracle()] * bounded + fresh) if fresh else iter(())
    if output is not None:
        write_ground_truth(plan.task.truth, output)
    bound = plan.upper_bound(next(choices)) if bounded else None
    entries = []
    for method, entry in zip(plan.methods, known, strict=True):
        entries.append(entry or _measured(plan, method, output, next(choices), bound))
        if progress:
            progress(entries[-1], entry is not None)
    for name, alignment in plan.predictions.items():
        key = _digest({**plan.basis, "predictions": [name, _alignment_digest(alignment)]})
        entry = stored.get(key)
        entries.append(entry or _scored(plan, name, alignment, key, output))
        if progress:
            progress(entries[-1], entry is not None)
    return _results(plan, entries)


def _oracle() -> Baseline:
    return find_baseline("oracle")


def _measured(
    plan: Plan, baseline: Baseline, output: Path | None, chosen: Chosen, bound: Accuracy | None
) -> Entry:
    run = complete(baseline, plan.task, chosen, plan.fallback)
    vectors, objects = plan.task.vectors, plan.task.proposals
    return _entry(
        plan,
        baseline.name,
        run.alignment,
        output,
        key=plan.key(baseline),
        source=baseline.source,
        text_features=vectors.name if baseline.vectors and vectors else baseline.text_features,
        detector=(plan.detector or objects.source) if baseline.proposals and objects else "",
        upper_bound=bound if baseline.proposals else None,
        expected=None if chosen.chances is None else float(chosen.chances.mean()),
        undecided=run.undecided,
        without_objects=len(run.without_objects),
        seconds=run.seconds,
    )


def _scored(plan: Plan, name: str, alignment: Alignment, key: str, output: Path | None) -> Entry:
    source = alignment.predictions.source
    return _entry(plan, name, alignment, output, key=key, source=source)


def _entry(
    plan: Plan,
    name: str,
    alignment: Alignment,
    output: Path | None,
    *,
    upper_bound: Accuracy | None = None,
    **facts: Any,
) -> Entry:
    """Score predictions for an entry; with ``output``, write them there."""
    place = digest = None
    if output is not None:
        place, digest = write_predictions(alignment.predictions, output, name)
    scores = plan.score(alignment, name)
    return entry_of(
        plan.task.truth,
        scores,
        upper_bound=upper_bound or scores.upper_bound,
        predictions=place,
        predictions_sha256=digest,
        **facts,
    )


def _results(plan: Plan, entries: Sequence[Entry]) -> Results:
    task = plan.task
    inputs: dict[str, dict[str, Any]] = {
        name: {"source": a.predictions.source, "sha256": _alignment_digest(a)}
        for name, a in plan.predictions.items()
    }
    inputs |= {
        method.name: {"source": method.source, "sha256": method.digest}
        for method in plan.trained
        if method.digest
    }
    missing: list[str] = []
    if task.proposals is not None:
        objects = task.objects
        inputs["proposals"] = {
            "source": objects.source,
            "sha256": task.proposals.digest,
            "images": len(objects.images),
            "objects": len(objects),
            "repeated_objects": len(task.proposals) - len(objects),
            "labels": len(objects.labels.values),
        }
        lacking = np.unique(task.keys.image.codes[task.images < 0])
        missing = [task.keys.image.values[code] for code in lacking.tolist()]
    if task.vectors is not None:
        inputs["vectors"] = {
            "name": task.vectors.name,
            "source": task.vectors.source,
            "sha256": task.vectors.digest,
            "dimension": task.vectors.dimension,
            "coverage": msgspec.to_builtins(task.text.coverage),
        }
    return Results(
        ground_truth=entries[0].scores["ground_truth"],
        protocol=task.protocol.name,
        signature=entries[0].scores["signature"],
        inputs=inputs,
        images_without_objects=missing,
        fallback=plan.fallback,
        policy=task.policy.signature,
        entries=list(entries),
    )


def _alignment_digest(alignment: Alignment) -> str:
    """Digest predictions as they lie on the ground truth."""
    predictions: Predictions = alignment.predictions
    state = sha256(repr(sorted(vars(predictions.space).items())).encode())
    for column in (alignment.rows, predictions.offsets, predictions.boxes, predictions.scores):
        if column is not None:
            state.update(np.ascontiguousarray(column))
    return state.hexdigest()


def _digest(facts: Mapping[str, Any]) -> str:
    return sha256(msgspec.json.encode(facts, order="sorted")).hexdigest()
