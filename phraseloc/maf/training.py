"""Training MAF: Adam on Eq. 4 over batches of captions, an epoch after another.

A run is a folder: ``epoch-NNN.safetensors`` after each epoch, ``history.csv``, and
``state.safetensors``, from which an interrupted run goes on to the same bits (on a CPU). Batches
depend on seed and epoch alone; of an epoch, what does not fill a batch is left out.
"""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from phraseloc.columns import IntArray
from phraseloc.errors import InputError, OptionError
from phraseloc.formats.results import make_folder
from phraseloc.maf.batches import Texts, batches_of
from phraseloc.maf.checkpoint import (
    SUFFIX,
    Checkpoint,
    History,
    read_checkpoint,
    save_checkpoint,
)
from phraseloc.maf.distributed import gather_images, processes, total
from phraseloc.maf.inputs import Inputs, inputs_of
from phraseloc.maf.logs import Log, Progress, Tick
from phraseloc.maf.model import Model
from phraseloc.maf.predict import model_of
from phraseloc.maf.run import Run, device_of
from phraseloc.maf.settings import Settings

STATE = f"state{SUFFIX}"
_RESUME = "--resume goes on from there"


class Interrupted(Exception):  # noqa: N818 - reads as what happened
    """Training was stopped from outside; what was done is kept."""


def train(
    run: Run,
    output: Path,
    *,
    resume: bool = False,
    tensorboard: bool = False,
    progress: Progress | None = None,
    tick: Tick | None = None,
) -> Checkpoint:
    """Train MAF, or go on with a run; give the checkpoint of the last epoch.

    Raises
    ------
    OptionError
        if the folder holds a run and ``resume`` is not set, or one of other settings or inputs
    InputError
        if inputs cannot be used, or the folder cannot be written
    Interrupted
        after Ctrl-C; the folder has what ``resume`` needs
    """
    gc.enable()  # the command line runs without; a graph of a model may hold cycles
    device = device_of(run.device)
    with processes(device) as (rank, count), _watch() as stopping:
        place = _Place(device, rank, count)
        return _train(run, output, place, stopping, resume, tensorboard, progress, tick)


@dataclass(frozen=True)
class _Place:
    """Where a process trains: its device, its rank, and how many processes there are."""

    device: torch.device
    rank: int
    count: int


def _train(
    run: Run,
    output: Path,
    place: _Place,
    stopping: Callable[[], bool],
    resume: bool,
    tensorboard: bool,
    progress: Progress | None,
    tick: Tick | None,
) -> Checkpoint:
    """Train in one of the processes; what it made is gone before their group ends."""
    start = run.untrained()
    state = _State.load(output / STATE) if resume else _State()
    if not resume and (output / STATE).exists():
        raise OptionError(f"{output} holds a run already: expected --resume, or another folder")
    start = start if state.checkpoint is None else _continued(start, state.checkpoint)
    trainer = _Trainer(run, start, state, place)
    log = None
    if place.rank == 0:
        make_folder(output)
        log = Log(run, output, tensorboard, progress)
    if log and not state.history:
        trainer.keep(log.epoch(History(0, None, None), start), output)
    while trainer.epoch < run.settings.epochs:
        began = perf_counter()
        if trainer.run_epoch(stopping, tick):
            if log:
                trainer.save(output / STATE)
            raise Interrupted(f"stopped in epoch {trainer.epoch + 1}; {_RESUME}")
        figures = trainer.end_epoch(perf_counter() - began)
        if log:
            trainer.keep(log.epoch(figures, trainer.checkpoint()), output)
        if trainer.epoch < run.settings.epochs and total(stopping())[0]:
            raise Interrupted(f"stopped after epoch {trainer.epoch}; {_RESUME}")
    return trainer.checkpoint()


@dataclass
class _State:
    """Where a run stands: epochs and batches done, sums of the epoch, Adam's moments."""

    checkpoint: Checkpoint | None = None
    epoch: int = 0
    batch: int = 0
    sums: tuple[float, float, float] = (0.0, 0.0, 0.0)
    steps: float = 0.0
    moments: Mapping[str, npt.NDArray[Any]] | None = None

    @property
    def history(self) -> tuple[History, ...]:
        return () if self.checkpoint is None else tuple(self.checkpoint.facts.history)

    @classmethod
    def load(cls, path: Path) -> _State:
        """Read the state of a run; where there is none, the run begins."""
        if not path.exists():
            return cls()
        checkpoint, arrays = read_checkpoint(path)
        try:
            epoch, batch, *sums, steps = arrays.pop("progress").tolist()
        except (KeyError, ValueError):
            raise InputError(path.name, "found no state of a run in it") from None
        return cls(checkpoint, int(epoch), int(batch), tuple(sums), steps, arrays)


class _Trainer:
    """A model, its optimizer and where they stand."""

    def __init__(self, run: Run, start: Checkpoint, state: _State, place: _Place) -> None:
        self.run, self.start = run, start
        self.device, self.rank, self.count = place.device, place.rank, place.count
        self.inputs = _train_inputs(run, start, self.count)
        self.epoch, self.batch, self.sums = state.epoch, state.batch, np.array(state.sums)
        self.history = state.history
        self.model = model_of(start).to(self.device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=run.settings.learning_rate)
        if state.moments is not None:
            _restore(self.model, self.optimizer, state.moments, state.steps)
        self.texts = tuple(
            Texts.of(bags, self.device)
            for bags in (self.inputs.label_bags, self.inputs.attribute_bags)
        )
        self.parallel: nn.Module = self.model
        if self.count > 1:
            self.parallel = nn.parallel.DistributedDataParallel(self.model)

    def run_epoch(self, stopping: Callable[[], bool], tick: Tick | None = None) -> bool:
        """Go through what is left of an epoch; tell whether it was stopped."""
        settings = self.run.settings
        order = _batches(self.inputs, settings, self.epoch, self.count)
        gather = gather_images if self.count > 1 else None
        mine = [np.array_split(captions, self.count)[self.rank] for captions in order]
        todo = mine[self.batch :]
        autocast = torch.autocast(
            self.device.type, torch.bfloat16, enabled=settings.precision == "bfloat16"
        )
        self.model.train()
        sums = torch.tensor(self.sums if self.rank == 0 else np.zeros(3), device=self.device)
        for captions, batch in batches_of(self.inputs, todo, self.device):
            with autocast:
                step = self.parallel(batch, *self.texts, gather)
            (step.loss / settings.accumulate).backward()
            loss = step.loss.detach().double() * len(captions)
            sums += torch.stack([loss, step.found, torch.full_like(loss, len(captions))])
            self.batch += 1
            if self.batch % settings.accumulate == 0 or self.batch == len(order):
                self.optimizer.step()
                self.optimizer.zero_grad()
                if tick:
                    tick(self.epoch + 1, self.batch, len(order))
                if self.batch < len(order) and total(stopping())[0]:
                    break
        self.sums = np.array(total(*sums))
        return self.batch < len(order)

    def end_epoch(self, seconds: float) -> History:
        """Close an epoch; give its figures."""
        loss, found, seen = self.sums.tolist()
        self.epoch, self.batch, self.sums = self.epoch + 1, 0, np.zeros(3)
        if not np.isfinite(loss):
            raise OptionError(
                f"the loss is {loss} in epoch {self.epoch}: expected a lower learning rate than "
                f"{self.run.settings.learning_rate:g}"
            )
        return History(self.epoch, loss / seen, found / seen, seconds=seconds)

    def checkpoint(self) -> Checkpoint:
        """Give the weights as they are now."""
        weights: dict[str, Any] = {
            name: p.detach().cpu().numpy().copy() for name, p in self._weights()
        }
        facts = msgspec.structs.replace(
            self.start.facts, settings=self.run.settings, history=self.history
        )
        return replace(self.start, facts=facts, **weights)

    def keep(self, figures: History, output: Path) -> None:
        """Write what there is after an epoch."""
        self.history += (figures,)
        save_checkpoint(self.checkpoint(), output / f"epoch-{figures.epoch:03d}{SUFFIX}")
        self.save(output / STATE)

    def save(self, path: Path) -> None:
        """Write what a resumed run needs."""
        arrays, steps = {}, 0.0
        for name, parameter in self._weights():
            kept = self.optimizer.state.get(parameter)
            if kept:
                steps = float(kept["step"])
                for key in _MOMENTS:
                    arrays[f"{name}.{key}"] = kept[key].cpu().numpy()
        arrays["progress"] = np.array([self.epoch, self.batch, *self.sums, steps])
        save_checkpoint(self.checkpoint(), path, arrays)

    def _weights(self) -> Iterator[tuple[str, nn.Parameter]]:
        for name, parameter in self.model.named_parameters():
            yield _NAMES[name], parameter


_NAMES = {
    "words.weight": "vectors",
    "phrase.weight": "phrase",
    "feature.weight": "feature",
    "attribute.weight": "attribute",
}
_MOMENTS = ("exp_avg", "exp_avg_sq")


def _restore(
    model: Model,
    optimizer: torch.optim.Optimizer,
    moments: Mapping[str, npt.NDArray[Any]],
    steps: float,
) -> None:
    if not steps:
        return
    state = {
        number: {
            "step": torch.tensor(steps),
            **{key: torch.tensor(moments[f"{_NAMES[name]}.{key}"]) for key in _MOMENTS},
        }
        for number, (name, _) in enumerate(model.named_parameters())
    }
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _train_inputs(run: Run, start: Checkpoint, count: int) -> Inputs:
    settings = run.settings
    inputs = inputs_of(run.task, start.words, settings.vfr, run.regions)
    if settings.batch % count:
        raise OptionError(f"batch is {settings.batch}; expected a multiple of {count} processes")
    if len(inputs) < 2 * count:
        raise InputError(
            run.task.truth.source,
            f"found captions to train on: {len(inputs):,}, expected {2 * count} or more",
        )
    return inputs


def _batches(inputs: Inputs, settings: Settings, epoch: int, count: int) -> list[IntArray]:
    """Draw the batches of an epoch; the same for any number of processes."""
    order = np.random.default_rng([settings.seed, epoch]).permutation(len(inputs))
    size = min(settings.batch, len(order) // count * count)
    return [order[low : low + size] for low in range(0, len(order) - size + 1, size)]


def _continued(start: Checkpoint, stored: Checkpoint) -> Checkpoint:
    """Check that a stored run is the one that is asked for."""
    given, known = start.facts, stored.facts
    assert given.settings is not None
    assert known.settings is not None
    wanted = {**vars(given.settings), **given.policy}
    for name, other in {**vars(known.settings), **known.policy}.items():
        if name != "epochs" and wanted[name] != other:
            one, other = (",".join(v) if name == "vfr" else v for v in (wanted[name], other))
            raise OptionError(f"the run has {name} {other}; expected the same, not {one}")
    done = known.history[-1].epoch
    if given.settings.epochs < done:
        raise OptionError(f"the run has {done} epochs already: expected --epochs {done} or more")
    for name in sorted({*given.inputs, *known.inputs}):
        one, other = given.inputs.get(name, {}), known.inputs.get(name, {})
        if one.get("sha256") != other.get("sha256"):
            raise OptionError(
                f"the run was made with other {name}, of {other.get('source', 'no file')}: "
                f"expected the same, not {one.get('source', 'no file')}"
            )
    return stored


@contextmanager
def _watch() -> Iterator[Callable[[], bool]]:
    """Note Ctrl-C, and the end that torchrun asks for, until the step is done; the second acts."""
    asked: list[int] = []

    def note(number: int, _frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    try:
        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread
        before = {}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
