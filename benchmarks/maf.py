"""MAF: a training step at the paper's size, and what training on real data reaches.

Each side of a step runs in a process of its own, so that its peak memory can be told: what the
process had at most, less what it had with torch loaded. Turns alternate.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median
from tempfile import TemporaryDirectory
from time import perf_counter

import msgspec
import numpy as np

from benchmarks.inputs import ground_truth_file
from benchmarks.machine import version
from benchmarks.results import Row, Section, megabytes, milliseconds, not_installed

BATCH, OBJECTS, FEATURES, SIZE = 64, 100, 2048, 300
TABLE, OCCURRING, LABELS = 400_002, 14_000, 1_600
STEPS, TURNS = 5, 5

EPOCHS, LEARNING_RATE, SEEDS = 20, 1e-4, 3
REACHED = (999, 1005)
"""What a throwaway implementation got right at least and at most, as the data's README says."""


class Measured(msgspec.Struct):
    """What a side took: seconds of a step, bytes above the process with torch loaded."""

    seconds: float
    memory: float


def measure() -> list[Section]:
    """Measure a step against the padded one, and train on real data."""
    if version("torch") is None:
        return [Section("MAF", [not_installed("a training step", "torch")])]
    return [_steps(), _training()]


def _steps() -> Section:
    turns = [{side: _in_process(side) for side in _SIDES} for _ in range(TURNS)]
    what = f"a step of {BATCH} captions, {OBJECTS} objects, {FEATURES:,}-d features"
    ours, theirs = ([turn[side] for turn in turns] for side in _SIDES)
    pairs = list(zip(ours, theirs, strict=True))
    peer = f"padded, with {TABLE - 2:,} embeddings, in torch"
    rows = [
        Row(
            what,
            milliseconds(median(m.seconds for m in ours)),
            peer,
            milliseconds(median(m.seconds for m in theirs)),
            median(b.seconds / a.seconds for a, b in pairs),
            10,
        ),
        Row(
            f"{what}: peak memory",
            megabytes(median(m.memory for m in ours)),
            peer,
            megabytes(median(m.memory for m in theirs)),
            median(b.memory / a.memory for a, b in pairs),
            10,
        ),
    ]
    notes = [
        f"Medians of {TURNS} turns of a process each, {STEPS} steps after the first.",
        f"{SIZE}-d words; batches are ready on both sides; a step is forward, backward and Adam.",
        f"Ours has the {OCCURRING:,} words that occur, and phrases of 1 to 4 words as they are.",
    ]
    return Section("MAF: a training step", rows, notes)


def _in_process(side: str) -> Measured:
    command = [sys.executable, "-m", "benchmarks.maf", side]
    done = subprocess.run(command, capture_output=True, check=True)
    return msgspec.json.decode(done.stdout, type=Measured)


def _ours() -> Callable[[], None]:
    import torch

    from phraseloc.columns import offsets_of
    from phraseloc.maf.batches import Texts, make_batch
    from phraseloc.maf.inputs import Bags, Inputs
    from phraseloc.maf.model import Model
    from phraseloc.maf.regions import Regions

    draw = np.random.default_rng(0)
    captions = offsets_of(draw.integers(1, 6, BATCH))
    count = int(captions[-1])
    offsets = offsets_of(draw.integers(1, 5, count))
    objects = BATCH * OBJECTS
    features = np.empty((objects, FEATURES), np.float16)
    for row in features:  # so that drawing takes no memory that a file would not
        row[:] = draw.standard_normal(FEATURES)
    one = np.arange(LABELS + 1)
    inputs = Inputs(
        offsets,
        draw.integers(0, OCCURRING, offsets[-1]),
        captions,
        np.arange(count),
        np.arange(BATCH),
        OBJECTS * np.arange(BATCH + 1),
        np.arange(objects),
        draw.integers(0, LABELS, objects),
        np.full(objects, -1),
        Bags(one, one[:-1], np.ones(LABELS)),
        Bags(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0)),
        Regions([features], np.zeros(objects, np.int64), np.arange(objects), "features"),
        np.arange(objects),
    )
    device = torch.device("cpu")
    model = Model(torch.randn(OCCURRING, SIZE), FEATURES)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
    batch = make_batch(inputs, np.arange(BATCH))
    texts = [Texts.of(bags, device) for bags in (inputs.label_bags, inputs.attribute_bags)]

    def step() -> None:
        model(batch, *texts).loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    return step


def _theirs() -> Callable[[], None]:
    import torch

    from benchmarks.padded_maf import PHRASES, WORDS, PaddedModel

    draw = torch.Generator().manual_seed(0)
    model = PaddedModel(TABLE, SIZE, FEATURES)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
    counts = torch.randint(1, 6, (BATCH,), generator=draw)
    words = torch.randint(2, OCCURRING, (BATCH, PHRASES, WORDS), generator=draw)
    lengths = torch.randint(1, 5, (BATCH, PHRASES), generator=draw)
    words[torch.arange(WORDS) >= lengths[..., None]] = 0
    words[torch.arange(PHRASES) >= counts[:, None]] = 0
    labels = torch.randint(2, LABELS, (BATCH, OBJECTS), generator=draw)
    features = torch.randn(BATCH, OBJECTS, FEATURES, generator=draw)

    def step() -> None:
        optimizer.zero_grad()
        model(words, labels, features, counts).backward()
        optimizer.step()

    return step


_SIDES = {"ours": _ours, "padded": _theirs}


def _run_side(side: str) -> Measured:
    """Run a side in this process."""
    _warm_up()
    before = _peak()
    step = _SIDES[side]()
    step()
    seconds = []
    for _ in range(STEPS):
        start = perf_counter()
        step()
        seconds.append(perf_counter() - start)
    return Measured(median(seconds), _peak() - before)


def _warm_up() -> None:
    """Load what either side needs, as torch does on first use; it does not count."""
    import torch

    import phraseloc.maf.model  # noqa: F401

    weight = torch.zeros(256, 256, requires_grad=True)
    torch.autograd.backward((weight @ weight).sum())
    torch.optim.Adam([weight]).step()


def _peak() -> float:
    """Give the most memory that this process had; of `resource`, it would be its parent's, too."""
    status = Path("/proc/self/status").read_text()
    return 1024.0 * int(status.partition("VmHWM:")[2].split()[0])


def _training() -> Section:
    """Train on the real train split, and count what is right in the test split."""
    start = perf_counter()
    runs = [_trained(seed) for seed in range(SEEDS)]
    seconds = (perf_counter() - start) / SEEDS
    reached = [after for _, after, _ in runs]
    rows = [
        Row(
            f"right after {EPOCHS} epochs, of {runs[0][2]:,}, seeds 0 to {SEEDS - 1}",
            ", ".join(map(str, reached)),
            "a throwaway implementation, three seeds",
            f"{min(REACHED)} to {max(REACHED)}",
            mean(reached) / mean(REACHED),
            1,
        )
    ]
    notes = [
        f"683 images of proposals/flickr1k, GloVe 50d, learning rate {LEARNING_RATE:g}.",
        f"Counts are of its test split; untrained, {runs[0][0]} are right (the peer: 902 or 903).",
        "The ratio is of the mean of our runs to the middle of the peer's range.",
        f"A run takes {seconds:.0f} s on this machine, reading included.",
    ]
    return Section("MAF: training on real data", rows, notes)


def _trained(seed: int) -> tuple[int, int, int]:
    """Train with the command line, as a user would; give counts before and after."""
    from phraseloc.maf.checkpoint import load_checkpoint

    data = ground_truth_file().parents[1]
    folder = data / "proposals" / "flickr1k"
    with TemporaryDirectory() as output:
        arguments = [
            str(data / "flickr30k_entities" / "annotations.tar.xz"),
            *("--split", str(folder / "train.txt"), "--validation", str(folder / "test.txt")),
            *("--epochs", str(EPOCHS), "--learning-rate", str(LEARNING_RATE)),
            *("--seed", str(seed), "--device", "cpu", "-o", f"{output}/run"),
        ]
        for part in ("train", "test"):
            arguments += ["--proposals", str(folder / f"{part}_detection_dict.json")]
            arguments += ["--features", str(folder / f"{part}_features_compress.hdf5")]
        command = [sys.executable, "-m", "phraseloc", "maf", "train", *arguments]
        subprocess.run(command, capture_output=True, check=True)
        last = load_checkpoint(Path(output) / "run" / f"epoch-{EPOCHS:03d}.safetensors")
        history = last.facts.history
        return history[0].correct or 0, history[-1].correct or 0, history[-1].total or 0


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(_run_side(sys.argv[1])))
