"""What MAF cannot use: each is refused with what was found and expected, and leaves nothing behind.

And nothing in a checkpoint, or in an index of features, is ever run.
"""

import pickle
from dataclasses import replace

import msgspec
import pytest
import torch

from phraseloc import InputError
from phraseloc.formats.plain_pickle import read_plain_pickle
from phraseloc.maf.checkpoint import load_checkpoint, save_checkpoint
from phraseloc.maf.released import load_released
from tests.maf_files import (
    HARM,
    SIZE,
    released_state,
    write_released,
)


@pytest.fixture
def unconverted(world, refused):
    """Convert what must be refused, and give the message."""

    def convert(checkpoint):
        vectors = ("--vectors", world["glove.txt"])
        return refused("maf", "convert", checkpoint, world["out.safetensors"], *vectors)

    return convert


@pytest.mark.parametrize("call", HARM)
@pytest.mark.parametrize("legacy", [False, True])
def test_nothing_of_a_released_checkpoint_is_run(call, legacy, tmp_path, unread, unconverted):
    marker = tmp_path / "marker"
    state = {**released_state(), "linear_p.weight": call(marker)}
    path = write_released(tmp_path / "evil.pt", state, legacy=legacy)
    for message in (unread(path), unconverted(path)):
        assert message.startswith("phraseloc: evil.pt: found a pickle that imports ")
        assert message.endswith("; expected tensors alone; nothing was run\n")
    assert not marker.exists()
    torch.load(path, weights_only=False)
    assert marker.exists(), "the test's own pickle does nothing"


@pytest.mark.parametrize("call", HARM)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_of_a_bare_pickle_is_run(call, protocol, tmp_path, write, unread, unconverted):
    marker = tmp_path / "marker"
    path = write("evil.pt", pickle.dumps(call(marker), protocol))
    for message in (unread(path), unconverted(path)):
        assert message.startswith("phraseloc: evil.pt: ")
    assert not marker.exists()
    pickle.loads(path.read_bytes())
    assert marker.exists(), "the test's own pickle does nothing"


@pytest.mark.parametrize("call", HARM)
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_nothing_of_an_index_is_run(call, protocol, tmp_path, world, refused):
    marker = tmp_path / "marker"
    content = pickle.dumps({101: call(marker)}, protocol)
    world["all_imgid2idx.pkl"].write_bytes(content)
    message = refused(*world.train(), "-o", tmp_path / "run")
    assert message.startswith("phraseloc: all_imgid2idx.pkl: found a pickle that imports ")
    assert message.endswith("; expected plain containers and numbers alone; nothing was run\n")
    with pytest.raises(InputError, match="nothing was run"):
        read_plain_pickle(content, "p.pkl")
    assert not marker.exists()


def test_a_module_is_no_state_dict(tmp_path, unread, unconverted):
    path = write_released(tmp_path / "module.pt", torch.nn.Linear(2, 2))
    found = (
        "module.pt: found a pickle that imports torch.nn.modules.linear.Linear; expected tensors"
    )
    assert found in unread(path)
    assert found in unconverted(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_released_checkpoint_that_breaks_off(legacy, tmp_path, write, unread, unconverted):
    whole = write_released(tmp_path / "whole.pt", legacy=legacy).read_bytes()
    for keep in (1, 2, 4, 20, *range(100, len(whole), 397), len(whole) - 1):
        path = write("cut.pt", whole[:keep])
        assert unread(path).startswith("phraseloc: cut.pt: "), keep
        assert unconverted(path).startswith("phraseloc: cut.pt: "), keep
    assert "cut.pt: not a checkpoint that can be read: it is damaged or cut off" in unread(path)


def test_an_own_checkpoint_that_breaks_off(own, write, unread):
    whole = own.read_bytes()
    for keep in (1, 7, 8, *range(100, len(whole), 397), len(whole) - 1):
        message = unread(write("cut.safetensors", whole[:keep]))
        assert "cut.safetensors: not a MAF checkpoint of this project, or it is damaged" in message


def test_an_own_checkpoint_with_any_byte_flipped(own, write):
    whole = own.read_bytes()
    for place in range(len(whole)):
        flipped = bytearray(whole)
        flipped[place] ^= 0xFF
        with pytest.raises(InputError, match=r"^flipped\.safetensors: not a MAF checkpoint"):
            load_checkpoint(write("flipped.safetensors", bytes(flipped)))


def test_a_checkpoint_of_a_later_layout(own, tmp_path, unread):
    checkpoint = load_checkpoint(own)
    later = replace(checkpoint, facts=msgspec.structs.replace(checkpoint.facts, layout=2))
    save_checkpoint(later, tmp_path / "later.safetensors")
    message = unread(tmp_path / "later.safetensors")
    assert message == "phraseloc: later.safetensors: found layout 2, expected 1\n"


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "an empty file"),
        (b"<!DOCTYPE html>\n<html></html>", "HTML or XML"),
        (b"\x89PNG\r\n\x1a\n", "a PNG image"),
        (b"\x93NUMPY", "a NumPy array"),
    ],
)
def test_files_of_another_kind(suffix, content, kind, write, unread, unconverted):
    path = write(f"x{suffix}", content)
    assert f"x{suffix}: found {kind}, expected a MAF checkpoint" in unread(path)
    assert f"x{suffix}: found {kind}, expected a MAF checkpoint" in unconverted(path)


def test_files_that_cannot_be_opened(tmp_path, unread, unconverted):
    absent = tmp_path / "absent.pt"
    assert (
        unread(absent)
        == unconverted(absent)
        == (f"phraseloc: {absent}: no such file or directory\n")
    )
    assert f"{tmp_path}: is a directory\n" in unread(tmp_path)
    assert f"'{tmp_path}' is a directory" in unconverted(tmp_path)


BROKEN = released_state()["linear_p.weight"].index_fill(0, torch.tensor([1]), torch.nan)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"wv.weight": torch.zeros(13, SIZE)},
            "found 13 embeddings, expected 14: PAD, UNK and the",
        ),
        (
            {"wv.weight": torch.zeros(15, SIZE)},
            "the 12 words of glove.txt; --vectors must be the f",
        ),
        ({"wv.weight": None}, "a weight that is not there (1)\n  wv.weight\n"),
        (
            {"linear_f.weight": None, "linear_mini.bias": None},
            "a weight that is not there (2)\n  linear_f.weight\n  linear_mini.bias\n",
        ),
        (
            {"linear_p.weight": torch.zeros(SIZE, 5)},
            "linear_p.weight: found (6, 5), expected (6, 6)",
        ),
        ({"linear_f.weight": torch.zeros(5)}, "linear_f.weight: found (5,), expected rows and c"),
        ({"linear_f.weight": torch.tensor(1.0)}, "linear_f.weight: found (), expected rows and"),
        ({"wv.weight": torch.tensor(1.0)}, "wv.weight: found (), expected rows and columns"),
        ({"linear_p.bias": torch.zeros(6, 6)}, "linear_p.bias: found (6, 6), expected (6,)"),
        ({"linear_f.bias": torch.zeros(6, 6)}, "linear_f.bias: found (6, 6), expected (6,)"),
        ({"linear_a.bias": torch.zeros(5)}, "linear_a.bias: found (5,), expected (6,)"),
        ({"wv.weight": torch.zeros(14, 5)}, "expected (5, 5)"),
        ({"linear_p.weight": BROKEN}, "not finite (1)\n  linear_p.weight\n"),
        ({"linear_mini.weight": BROKEN}, "not finite (1)\n  linear_mini.weight\n"),
        ({"linear_a.weight": BROKEN}, "not finite (1)\n  linear_a.weight\n"),
        ({"wv.weight": torch.full((14, SIZE), torch.inf)}, "that is not finite"),
        ({"linear_p.weight": BROKEN.to_sparse()}, "under 'linear_p.weight', expected dense"),
        ({"linear_p.weight": BROKEN.int()}, "found a tensor of torch.int32 under 'linear_p.we"),
        ({"epoch": 3}, "found int under 'epoch', expected dense tensors of floats alone"),
    ],
)
def test_released_weights_that_do_not_fit(changes, message, tmp_path, unread, unconverted):
    state = {name: t for name, t in {**released_state(), **changes}.items() if t is not None}
    path = write_released(tmp_path / "r.pt", state)
    for found in (unread(path), unconverted(path)):
        assert found.startswith("phraseloc: r.pt: ")
        assert message in found


@pytest.mark.parametrize("state", [[1], torch.zeros(3), {"state_dict": released_state()}])
def test_what_is_no_state_dict(state, tmp_path, unread):
    message = unread(write_released(tmp_path / "r.pt", state))
    found = "dict under 'state_dict'" if isinstance(state, dict) else type(state).__name__
    assert message.startswith(f"phraseloc: r.pt: found {found}, expected ")


def test_parameters_are_tensors(tmp_path, world, run):
    state = {name: torch.nn.Parameter(tensor) for name, tensor in released_state().items()}
    path, vectors = write_released(tmp_path / "r.pt", state), ("--vectors", world["glove.txt"])
    assert run("maf", "convert", path, tmp_path / "out.safetensors", *vectors).exit_code == 0


def test_words_are_numbered_as_the_released_code_numbers_them(tmp_path):
    """Distinct words have the rows from 2 on, so that one that stands twice moves all after it."""
    state = released_state(6)
    path = write_released(tmp_path / "r.pt", state)
    found = load_released(path, ["a", "the", "red", "red", "old", "dog"])
    for word, row in {"red": 4, "old": 5, "dog": 6}.items():
        expected = state["wv.weight"][row]
        assert torch.equal(torch.tensor(found.vectors[found.words.index(word)]), expected)


def test_convert_refuses_what_needs_no_converting(own, unconverted, world, refused, tmp_path):
    assert "one of this project's needs no converting" in unconverted(own)
    target, vectors = tmp_path / "out.pt", ("--vectors", world["glove.txt"])
    message = refused("maf", "convert", write_released(tmp_path / "r.pt"), target, *vectors)
    assert message == f"phraseloc: {target}: found suffix '.pt', expected .safetensors\n"
    target = tmp_path / "absent" / "out.safetensors"
    message = refused("maf", "convert", tmp_path / "r.pt", target, *vectors)
    assert message.startswith(f"phraseloc: {target}: cannot be written: ")


def test_readings_and_vectors_that_a_checkpoint_does_not_have(own, world, unread, write):
    message = unread(own, "--reading", "released")
    assert message.endswith(
        "epoch-001.safetensors is not of the released code: expected --reading paper\n"
    )
    for first in ("dog", "zebra"):
        narrow = write("narrow.txt", f"{first} 1 2 3 4 5\n")
        found = "narrow.txt: found vectors of 5 numbers, expected 6 as epoch-001.safetensors has"
        assert found in unread(own, "--vectors", narrow)
    assert "out.xls: found suffix '.xls', expected .json" in unread(own, "-o", world["out.xls"])
