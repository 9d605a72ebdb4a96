"""The paper's ablations, Tables 3 and 4: a grid of choices, several seeds each.

Every run has a folder of its own and is gone on with where it was left, so that a grid can be
stopped at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from phraseloc.errors import OptionError
from phraseloc.maf.checkpoint import History
from phraseloc.maf.run import Run
from phraseloc.maf.settings import Settings
from phraseloc.maf.training import STATE, train

Progress = Callable[[str, int, History], None]
"""Told of each run's last epoch: its cell, seed and figures."""


@dataclass(frozen=True)
class Cell:
    """One row of a table: its choices, and the published figure where it could be checked."""

    choices: Mapping[str, Any]
    published: str = ""
    source: str = ""

    @property
    def name(self) -> str:
        """What tables and folders call it."""
        return "_".join(v if isinstance(v, str) else "+".join(v) for v in self.choices.values())


_ISSUE = "issue 1 of the released code"
_PUBLISHED = {
    ("average", ("label", "feature")): ("59.51", _ISSUE),
    ("attention", ("label", "feature", "attribute")): ("61.43", f"first author's page; {_ISSUE}"),
}
_VFR = (("label",), ("feature",), ("label", "feature"), ("label", "feature", "attribute"))

GRIDS: Mapping[str, Sequence[Cell]] = {
    "tfr-vfr": [
        Cell({"tfr": tfr, "vfr": vfr}, *_PUBLISHED.get((tfr, vfr), ()))
        for tfr in ("average", "attention")
        for vfr in _VFR
    ],
    "init": [
        Cell({"init_p": init_p, "init_f": init_f})
        for init_p in ("random", "identity")
        for init_f in ("random", "zero")
    ],
}
"""Tables 3 (text and visual features) and 4 (initial weights) of the paper."""


@dataclass(frozen=True)
class Summary:
    """A cell's runs: the accuracy of each seed, as counts of right phrases of ``total``."""

    cell: Cell
    correct: Sequence[int]
    total: int

    @property
    def mean(self) -> float:
        """Mean accuracy."""
        return mean(self.correct) / self.total

    @property
    def deviation(self) -> float:
        """Standard deviation of the accuracy over seeds; NaN of one."""
        return stdev(self.correct) / self.total if len(self.correct) > 1 else float("nan")


def ablate(
    run: Run, grid: str, seeds: int, output: Path, progress: Progress | None = None
) -> list[Summary]:
    """Train every cell of a grid with each seed, as far as that has not been done.

    Parameters
    ----------
    run : what all runs share; it needs ``validation``, whose accuracy is the figure
    grid : a name of `GRIDS`
    seeds : how many runs each, seeded from that of the run's settings on

    Raises
    ------
    OptionError
        if the grid is unknown, or there is nothing to measure on
    """
    if grid not in GRIDS:
        raise OptionError(f"grid is {grid!r}; expected {' or '.join(GRIDS)}")
    if run.validation is None:
        raise OptionError("an ablation is measured on --validation FILE")
    if run.regions is None:
        raise OptionError("an ablation has rows with features: expected --features FILE")
    attributed = run.task.objects.attributes is not None
    found = []
    for cell in GRIDS[grid]:
        if "attribute" in cell.choices.get("vfr", ()) and not attributed:
            continue
        last = []
        for seed in range(run.settings.seed, run.settings.seed + seeds):
            settings = replace(run.settings, **cell.choices, seed=seed)
            folder = output / grid / cell.name / f"seed-{seed}"
            last.append(_last(run, settings, folder))
            if progress:
                progress(cell.name, seed, last[-1])
        found.append(Summary(cell, [epoch.correct or 0 for epoch in last], int(last[0].total or 0)))
    return found


def _last(run: Run, settings: Settings, folder: Path) -> History:
    """Give the last epoch of a run, which is made or gone on with where it is not whole."""
    checkpoint = train(replace(run, settings=settings), folder, resume=(folder / STATE).exists())
    return checkpoint.facts.history[-1]
