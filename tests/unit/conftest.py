"""What unit tests share: a world of MAF and its checkpoint, a gate, and a driver of addresses."""

import pytest

from phraseloc import BoxSpace
from tests.addresses import reset, write_large
from tests.bulk_files import make_world as drawn_world
from tests.gate_files import World, phrases
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


@pytest.fixture
def make_world(write, run, monkeypatch):
    """Make a world of a ground truth; the tests may themselves be a step of a job."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return lambda truth: World(write, run, truth)


@pytest.fixture
def gated(make_world):
    """200 phrases of 40 images; every tenth is wrong in the baseline."""
    made = make_world(phrases(40))
    assert made.against(range(0, 200, 10)) == "pass: mine 90.00%, a first baseline\n"
    return made


@pytest.fixture
def moody():
    """A driver of fsspec for ``moody://`` addresses, whose files are in memory."""
    return reset()


@pytest.fixture
def plain_world():
    """A world in order, whose files need no options."""
    world = drawn_world(7, kind="box", shuffled=False, spaces=(BoxSpace(), BoxSpace()))
    world.degenerate = world.extra = "error"
    for row in world.guesses:
        row["box"] = [max(number, 1) for number in row["box"]]
    return world


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """A folder with a file of more than one block in three formats."""
    return write_large(tmp_path_factory.mktemp("large"))
