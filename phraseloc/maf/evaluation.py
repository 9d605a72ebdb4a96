"""Evaluating a checkpoint: its accuracy and retrieval, under each reading that it has."""

from __future__ import annotations

from dataclasses import dataclass

from phraseloc.baselines import Task, run_baseline
from phraseloc.maf.as_released import retrieval_as_released
from phraseloc.maf.checkpoint import Checkpoint
from phraseloc.maf.method import READINGS, as_baseline, needed
from phraseloc.maf.predict import caption_retrieval
from phraseloc.maf.regions import Regions
from phraseloc.scoring import Accuracy, Scores, score


@dataclass(frozen=True)
class Evaluation:
    """What a checkpoint reaches under one reading.

    ``retrieval`` counts the captions that find their own image among those of 64 captions.
    """

    reading: str
    scores: Scores
    retrieval: Accuracy
    undecided: int


def evaluate(
    checkpoint: Checkpoint,
    task: Task,
    regions: Regions | None = None,
    *,
    fallback: str = "whole-image",
    samples: int,
    seed: int = 0,
    confidence: float = 0.95,
) -> list[Evaluation]:
    """Evaluate a checkpoint as the paper's equations say, a released one as its code does, too.

    Parameters
    ----------
    regions : the features of the task's proposals
    fallback : what a phrase gets that the model has no opinion about, see `run_baseline`
    samples, seed, confidence : of the bootstrap; the seed also shuffles captions
    """
    readings = READINGS if checkpoint.padding is not None else READINGS[:1]
    found = []
    for reading in readings:
        run = run_baseline(as_baseline(reading, checkpoint, regions, reading), task, fallback)
        scores = score(
            task.truth,
            run.alignment.predictions,
            task.protocol,
            alignment=run.alignment,
            name=f"{checkpoint.source} ({reading})",
            samples=samples,
            seed=seed,
            confidence=confidence,
        )
        right = (
            caption_retrieval(checkpoint, task, regions, seed)
            if reading == "paper"
            else retrieval_as_released(checkpoint, task, needed(checkpoint, regions), seed)
        )
        found.append(Evaluation(reading, scores, Accuracy(*right), run.undecided))
    return found
