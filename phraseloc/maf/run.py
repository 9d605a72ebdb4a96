"""A run: what MAF is trained on and how, and its checkpoint before training."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from phraseloc.baselines import Task
from phraseloc.errors import OptionError
from phraseloc.maf.checkpoint import Checkpoint, Facts
from phraseloc.maf.regions import Regions
from phraseloc.maf.settings import Settings
from phraseloc.vectors import WordVectors


@dataclass(frozen=True, eq=False)
class Run:
    """What a run is made of.

    Parameters
    ----------
    task : the captions to train on
    vectors : the embeddings before training, of every word that the checkpoint shall know
    settings : how to train
    regions : the features of the task's proposals, where ``vfr`` has ``feature``
    validation, validation_regions : captions whose phrases are scored after each epoch
    device : ``cpu``, ``cuda``, or ``auto``
    """

    task: Task
    vectors: WordVectors
    settings: Settings
    regions: Regions | None = None
    validation: Task | None = None
    validation_regions: Regions | None = None
    device: str = "auto"

    def untrained(self) -> Checkpoint:
        """Make the checkpoint before training."""
        settings, size = self.settings, self.vectors.dimension
        draw = torch.Generator().manual_seed(settings.seed)
        identity = settings.init_p == "identity"
        feature = attribute = None
        phrase = np.eye(size, dtype=np.float32) if identity else _drawn(size, size, draw)
        zero = settings.init_f == "zero"
        if "feature" in settings.vfr:
            if self.regions is None:
                raise OptionError("vfr has feature: expected --features FILE")
            width = self.regions.width
            feature = np.zeros((size, width), np.float32) if zero else _drawn(size, width, draw)
        if "attribute" in settings.vfr:
            attribute = np.zeros((size, size), np.float32) if zero else _drawn(size, size, draw)
        facts = Facts(
            vfr=settings.vfr,
            tfr=settings.tfr,
            vectors=self.vectors.name,
            policy=vars(self.task.policy),
            settings=settings,
            inputs=self._inputs(),
        )
        words = list(self.vectors.words)
        return Checkpoint(
            words, self.vectors.matrix, phrase, facts, feature=feature, attribute=attribute
        )

    def _inputs(self) -> dict[str, Any]:
        """Name what is trained on, with digests."""
        truth, proposals = self.task.truth, self.task.proposals
        assert proposals is not None
        found: dict[str, Any] = {
            "ground truth": {"source": truth.source, "sha256": truth.contents_digest},
            "proposals": {"source": proposals.source, "sha256": proposals.digest},
            "vectors": {"source": self.vectors.source, "sha256": self.vectors.digest},
        }
        if self.validation is not None:
            truth = self.validation.truth
            found["validation"] = {"source": truth.source, "sha256": truth.contents_digest}
        if self.regions is not None and "feature" in self.settings.vfr:
            digest = self.regions.digest(proposals.canonical_rows)
            found["features"] = {"source": self.regions.source, "sha256": digest}
        return found


def _drawn(rows: int, columns: int, draw: torch.Generator) -> npt.NDArray[np.float32]:
    """Draw a weight as torch's linear layers do, uniform within the columns to the power -1/2."""
    bound = columns**-0.5
    found = torch.empty(rows, columns).uniform_(-bound, bound, generator=draw)
    weight: npt.NDArray[np.float32] = found.numpy()
    return weight


def device_of(name: str) -> torch.device:
    """Give the device of a name; under torchrun, the process's own GPU.

    Raises
    ------
    OptionError
        if there is no GPU
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        if not torch.cuda.is_available():
            raise OptionError("device is cuda, but torch finds no GPU; expected cpu or auto")
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device(name)
