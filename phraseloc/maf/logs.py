"""What a training run tells: progress, ``history.csv``, and TensorBoard's logs."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from phraseloc.errors import MissingExtra
from phraseloc.formats.source import replacing
from phraseloc.maf.checkpoint import Checkpoint, History
from phraseloc.maf.method import measured
from phraseloc.maf.run import Run

Progress = Callable[[History], None]
"""Told of each epoch when it is there; epoch 0 is what holds before training."""

Tick = Callable[[int, int, int], None]
"""Told of each step within an epoch: the epoch, batches done, and batches in all."""


class Log:
    """What the first process tells: progress, a CSV file, and TensorBoard's."""

    def __init__(
        self, run: Run, output: Path, tensorboard: bool, progress: Progress | None
    ) -> None:
        self.run, self.output, self.progress = run, output, progress
        self.writer = _writer(output) if tensorboard else None

    def epoch(self, figures: History, checkpoint: Checkpoint) -> History:
        """Validate a checkpoint, and tell of its epoch."""
        task = self.run.validation
        if task is not None:
            accuracy = measured(checkpoint, task, self.run.validation_regions)
            figures = msgspec.structs.replace(
                figures, correct=accuracy.correct, total=accuracy.total
            )
        before = [h for h in checkpoint.facts.history if h.epoch < figures.epoch]
        with replacing(self.output / "history.csv") as file:
            file.write(_table([*before, figures]).encode())
        if self.writer is not None:
            for name, value in _figures(figures).items():
                self.writer.add_scalar(name, value, figures.epoch)
            self.writer.flush()
        if self.progress:
            self.progress(figures)
        return figures


def _figures(history: History) -> dict[str, float]:
    found = {"loss": history.loss, "retrieval": history.retrieval}
    if history.total:
        found["accuracy"] = (history.correct or 0) / history.total
    return {name: value for name, value in found.items() if value is not None}


def _table(history: list[History]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(History.__struct_fields__)
    writer.writerows(msgspec.structs.astuple(row) for row in history)
    return out.getvalue()


def _writer(output: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise MissingExtra("tensorboard", "maf", "--tensorboard") from None
    return SummaryWriter(str(output / "tensorboard"))
