"""What the tests of MAF share: a small world, a checkpoint of it, predictions that must fail."""

import pytest

from tests.maf_files import write_world


@pytest.fixture
def world(tmp_path):
    return write_world(tmp_path / "world")


@pytest.fixture
def own(world, run):
    """A checkpoint that was trained here."""
    assert run(*world.train(), "--epochs", 1, "-o", world["run"]).exit_code == 0
    return world["run"] / "epoch-001.safetensors"


@pytest.fixture
def unread(world, refused):
    """Predict with a checkpoint that must be refused, and give the message."""

    def predict(checkpoint, *options):
        vectors = ("--vectors", world["glove.txt"])
        target = world.folder.parent / "out.json"
        return refused("maf", "predict", checkpoint, *world.test, *vectors, "-o", target, *options)

    return predict
