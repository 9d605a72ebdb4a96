"""MAF checkpoints among the baselines: the same task in, a choice of boxes out."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from phraseloc.baselines import Baseline, Choice, Task, run_baseline
from phraseloc.errors import OptionError
from phraseloc.maf.as_released import choose_as_released
from phraseloc.maf.checkpoint import Checkpoint
from phraseloc.maf.predict import choose
from phraseloc.maf.regions import Regions
from phraseloc.scoring import Accuracy, score

READINGS = ("paper", "released")
"""The equations, or a released checkpoint as the released code runs it."""


def as_baseline(
    name: str, checkpoint: Checkpoint, regions: Regions | None = None, reading: str = "paper"
) -> Baseline:
    """Make a checkpoint a method that `run_baseline` and the leaderboard run.

    Parameters
    ----------
    regions : the features of the proposals that the method will choose among
    reading : a name of `READINGS`
    """
    if reading not in READINGS:
        raise OptionError(f"reading is {reading!r}; expected {' or '.join(READINGS)}")

    def chosen(task: Task) -> Choice:
        if task.policy != checkpoint.policy:
            task = replace(task, policy=checkpoint.policy)
        if reading == "paper":
            return choose(checkpoint, task, regions)
        return choose_as_released(checkpoint, task, needed(checkpoint, regions))

    state = sha256(f"{checkpoint.digest} {reading}".encode())
    if regions is not None:
        state.update(regions.whole_digest.encode())
    return Baseline(
        name,
        f"MAF, {checkpoint.facts.tfr}, {'+'.join(checkpoint.facts.vfr)}",
        f"Wang et al., MAF, EMNLP 2020, Eq. 1 to 7 ({checkpoint.source})",
        chosen,
        text_features=checkpoint.facts.vectors,
        digest=state.hexdigest(),
    )


def needed(checkpoint: Checkpoint, regions: Regions | None) -> Regions:
    """Give the features that a checkpoint needs.

    Raises
    ------
    OptionError
        if there are none
    """
    if regions is None:
        raise OptionError(f"{checkpoint.source} needs region features: expected --features FILE")
    return regions


def measured(checkpoint: Checkpoint, task: Task, regions: Regions | None = None) -> Accuracy:
    """Give the accuracy of a checkpoint under the task's protocol."""
    alignment = run_baseline(as_baseline("maf", checkpoint, regions), task).alignment
    return score(
        task.truth, alignment.predictions, task.protocol, alignment=alignment, samples=1
    ).accuracy
