"""Two processes have the loss and the gradient of one, and train the same checkpoints."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit import gradients_of_a_rank as one

SCRIPT = Path(one.__file__)
ROOT = SCRIPT.parents[2]


def start(*arguments):
    """Run something in two processes of torchrun."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += ["--nproc-per-node", "2", *map(str, arguments)]
    started = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        _, told = started.communicate(timeout=240)
    except subprocess.TimeoutExpired:
        started.terminate()  # asked, torchrun ends the processes that it started, too
        started.communicate(timeout=60)
        raise
    assert started.returncode == 0, told[-2000:]
    return told


def test_loss_and_gradients_of_two_processes_are_those_of_one(tmp_path):
    start("-m", "tests.unit.gradients_of_a_rank", tmp_path / "two.pt")
    two = torch.load(tmp_path / "two.pt", weights_only=True)
    alone = one.computed(np.arange(len(one.inputs())), 0, 1)
    assert two["loss"] == pytest.approx(alone["loss"], rel=1e-6)
    assert two["found"] == alone["found"]
    assert two["gradients"].keys() == alone["gradients"].keys() >= {"words.weight"}
    for name, gradient in alone["gradients"].items():
        assert gradient.abs().max() > 1e-3
        torch.testing.assert_close(two["gradients"][name], gradient, rtol=1e-5, atol=1e-6)


def test_training_in_two_processes(tmp_path, run):
    sample = ROOT / "examples" / "sample"
    arguments = [
        sample / "annotations.zip",
        *("--split", sample / "test.txt", "--validation", sample / "test.txt"),
        *("--proposals", sample / "test_detection_dict.json"),
        *("--epochs", 2, "--batch", 16, "--learning-rate", "1e-4", "--device", "cpu"),
    ]
    told = start("-m", "phraseloc.maf.train", *arguments, "-o", tmp_path / "two")
    assert told.count("epoch   2") == 1
    assert run("maf", "train", *arguments, "-o", tmp_path / "one").exit_code == 0
    alone, shared = (history(tmp_path / name) for name in ("one", "two"))
    assert [row["epoch"] for row in shared] == ["0", "1", "2"]
    for row, other in zip(alone[1:], shared[1:], strict=True):
        assert float(row["loss"]) == pytest.approx(float(other["loss"]), rel=1e-5)
        assert row["retrieval"] == other["retrieval"]


def history(folder):
    with (folder / "history.csv").open(newline="") as file:
        return list(csv.DictReader(file))
