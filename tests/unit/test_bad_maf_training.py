"""What MAF cannot be trained on or predict from, and which runs cannot be gone on with.

Each is refused with what was found and expected, and leaves nothing behind.
"""

import json

import h5py
import pytest
import torch

from phraseloc import OptionError
from phraseloc.maf.settings import Settings
from tests.maf_files import write_features, write_released


@pytest.fixture
def counts(world):
    """How many objects each image has."""
    images = json.loads(world["detections.json"].read_text())
    return {image: len(item["classes"]) for image, item in images.items()}


def test_features_that_do_not_fit(own, counts, world, tmp_path, unread, refused):
    path, untrained = world["all_features.hdf5"], (*world.train(), "-o", tmp_path / "run")
    write_features(path, {**counts, "103": 9})
    kind = "all_features.hdf5: an image whose features are not one row a box of detections.json (1)"
    assert f"{kind}\n  image 103: found {counts['103']} boxes, expected 9" in refused(*untrained)
    write_features(path, {image: count for image, count in counts.items() if image != "103"})
    assert refused(*untrained).endswith("of detections.json without features (1)\n  image 103\n")
    write_features(path, counts, width=7)
    width = "all_features.hdf5: found features of 7 numbers, expected 5 as "
    assert f"{width}epoch-001.safetensors has" in unread(own)
    released = write_released(tmp_path / "r.pt")
    for reading in ("paper", "released"):
        assert f"{width}r.pt has" in unread(released, "--reading", reading)
    other = write_features(tmp_path / "b_features.hdf5", counts)
    message = refused(*world.train(*world.seen, "--features", other), "-o", tmp_path / "run")
    assert "b_features.hdf5: found features of 5 numbers, expected 7 as all_features" in message


def test_features_that_break_off(own, world, tmp_path, unread, refused):
    path = world["all_features.hdf5"]
    whole = path.read_bytes()
    for keep in (1, 50, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:keep])
        for message in (unread(own), refused(*world.train(), "-o", tmp_path / "run")):
            assert "all_features.hdf5: not an HDF5 file that can be read: " in message
    path.unlink()
    assert unread(own).endswith(f"phraseloc: {path}: no such file or directory\n")


@pytest.mark.parametrize("kept", ["on", "off"])
def test_compressed_features_that_are_damaged(kept, own, world, cache, unread, monkeypatch):
    if kept == "off":
        monkeypatch.setenv("PHRASELOC_CACHE", "off")
    path = world["all_features.hdf5"]
    with h5py.File(path, "r+") as file:
        rows = file["features"][:]
        del file["features"]
        file.create_dataset("features", data=rows, compression="gzip", chunks=rows.shape)
        place = file["features"].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[place : place + 40] = bytes(40)
    path.write_bytes(data)
    assert "all_features.hdf5: the features cannot be read: " in unread(own)
    assert not list(cache.rglob("*features-*"))


def test_what_is_needed_and_not_given(own, world, tmp_path, refused):
    out, split = ("-o", tmp_path / "out.json"), ("--split", world["test.txt"])
    truth, vectors = world["truth.json"], ("--vectors", world["glove.txt"])
    proposals, released = world.seen[:2], write_released(tmp_path / "r.pt")
    for command in (
        ("maf", "predict", own, truth, *split, *out),
        ("maf", "evaluate", released, truth, *split, *vectors),
        ("maf", "train", truth, *split, *vectors, "-o", tmp_path / "run"),
        ("maf", "ablate", "init", truth, *split, *vectors, "-o", tmp_path / "run"),
        ("leaderboard", truth, "--maf", own, "--baselines", "whole-image", "-o", tmp_path / "run"),
    ):
        message = refused(*command)
        assert message == "phraseloc: MAF chooses among proposals: expected --proposals FILE\n"
    for command in (
        ("maf", "predict", own, truth, *proposals, *out),
        ("maf", "predict", released, truth, *proposals, *vectors, *out),
        ("maf", "predict", released, truth, *proposals, *vectors, *out, "--reading", "released"),
        ("maf", "evaluate", own, truth, *proposals),
        (*world.train(*proposals), "--vfr", "label,feature", "-o", tmp_path / "run"),
    ):
        assert "expected --features FILE\n" in refused(*command)
    message = refused(*world.ablate("init")[:-4], "-o", tmp_path / "run")
    assert message.endswith("an ablation is measured on --validation FILE\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--vfr", "label,colour"), "vfr is 'label,colour'; expected some of label, feature, attr"),
        (("--vfr", ""), "vfr is ''; expected some of label, feature, attribute"),
        (("--vfr", "attribute"), "vfr is 'attribute'; expected some of label, feature, attribute,"),
        (("--vfr", "label,attribute"), "vfr has attribute, but detections.json has no attributes"),
        (("--batch", 1), "'--batch': 1 is not in the range x>=2"),
        (("--accumulate", 0), "'--accumulate': 0 is not in the range x>=1"),
        (("--epochs", -1), "'--epochs': -1 is not in the range x>=0"),
        (("--learning-rate", 0), "'--learning-rate': 0.0 is not in the range x>0"),
        (("--learning-rate", "nan"), "learning_rate is nan; expected more than 0"),
        (("--seed", -1), "'--seed': -1 is not in the range x>=0"),
        (("--tfr", "mean"), "'--tfr': 'mean' is not one of 'attention', 'average'"),
        (("--device", "tpu"), "'--device': 'tpu' is not one of 'auto', 'cpu', 'cuda'"),
        (("--device", "cuda"), "device is cuda, but torch finds no GPU; expected cpu or auto"),
        (("--validation", "absent.txt"), "absent.txt: no such file or directory"),
    ],
)
def test_options_of_training(options, message, world, tmp_path, refused, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert message in refused(*world.train(), *options, "-o", tmp_path / "run")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"vfr": ("colour",)}, "vfr is 'colour'; expected some of label, feature, attribute, each"),
        ({"vfr": ()}, "vfr is ''; expected some of"),
        ({"tfr": "mean"}, "tfr is 'mean'; expected attention or average"),
        ({"batch": 1}, "batch is 1; expected 2 or more"),
        ({"epochs": -1}, "epochs is -1; expected 0 or more"),
        ({"accumulate": 0}, "accumulate is 0; expected 1 or more"),
        ({"vfr": ("label", "label")}, "vfr is 'label,label'; expected some of"),
        ({"vfr": ("attribute", "attribute")}, "vfr is 'attribute,attribute'; expected some of"),
        ({"learning_rate": 0.0}, "learning_rate is 0; expected more than 0, and at most 100"),
        ({"learning_rate": float("inf")}, "learning_rate is inf; expected more than 0"),
    ],
)
def test_settings(setting, message):
    with pytest.raises(OptionError) as error:
        Settings(**setting)
    assert str(error.value).startswith(message)


def test_nothing_to_train_on(world, tmp_path, refused):
    records = json.loads(world["truth.json"].read_text())
    world["truth.json"].write_text(json.dumps([{**r, "phrase": "zzxq"} for r in records]))
    message = refused(*world.train(), "-o", tmp_path / "run")
    assert "truth.json: no phrase has both a known word and an image with objects" in message


def test_a_file_where_the_folder_of_a_run_should_be(world, write, refused):
    path = write("run", "")
    assert f"'{path}' is a file" in refused(*world.train(), "-o", path)
    message = refused(*world.train(), "-o", path / "run")
    assert f"phraseloc: {path / 'run'}: cannot be made: not a directory\n" in message


@pytest.fixture
def unresumed(own, world, refused):
    """Go on with a run where that must be refused, its state staying as it is; give the message."""

    def resume(*options):
        state = own.with_name("state.safetensors")
        before = state.read_bytes()
        message = refused(*world.train(), "-o", world["run"], *options)
        assert state.read_bytes() == before
        return message

    return resume


def test_a_folder_that_holds_a_run(unresumed, world):
    message = unresumed()
    assert f"{world['run']} holds a run already: expected --resume, or another folder" in message


@pytest.mark.parametrize(
    ("option", "value", "held"),
    [
        ("--batch", "3", "4"),
        ("--learning-rate", "0.1", "0.05"),
        ("--accumulate", "2", "1"),
        ("--seed", "1", "0"),
        ("--tfr", "average", "attention"),
        ("--init-f", "random", "zero"),
        ("--init-p", "random", "identity"),
        ("--precision", "bfloat16", "float32"),
    ],
)
def test_a_run_of_other_settings(option, value, held, unresumed):
    message = unresumed("--resume", option, value)
    name = option[2:].replace("-", "_")
    assert f"phraseloc: the run has {name} {held}; expected the same, not {value}" in message


def test_a_run_of_other_parts(unresumed):
    message = unresumed("--resume", "--vfr", "label")
    assert "the run has vfr label,feature; expected the same, not label\n" in message


def test_a_run_of_other_words(unresumed):
    message = unresumed("--resume", "--words", "compounds=last")
    assert "the run has compounds mean; expected the same, not last\n" in message


def test_a_run_of_more_epochs(unresumed):
    message = unresumed("--resume", "--epochs", 0)
    assert "the run has 1 epochs already: expected --epochs 1 or more\n" in message


def changed_box(world):
    images = json.loads(world["detections.json"].read_text())
    images["101"]["bboxes"][0][2] += 1
    world["detections.json"].write_text(json.dumps(images))


def changed_vector(world):
    text = world["glove.txt"].read_text()
    world["glove.txt"].write_text(text.replace(".", ".1", 1))


def changed_feature(world):
    with h5py.File(world["all_features.hdf5"], "r+") as file:
        file["features"][0, 0] += 1


def changed_split(world):
    world["train.txt"].write_text("101\n102\n103\n")


def changed_phrase(world):
    records = json.loads(world["truth.json"].read_text())
    records[0]["phrase"], records[1]["phrase"] = "the dog", "a dog"
    world["truth.json"].write_text(json.dumps(records))


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (changed_box, "proposals, of detections.json"),
        (changed_vector, "vectors, of glove.txt"),
        (changed_feature, "features, of all_features.hdf5"),
        (changed_phrase, "ground truth, of truth.json"),
    ],
)
def test_a_run_of_other_inputs(change, name, unresumed, world):
    change(world)
    assert f"the run was made with other {name}: expected the same" in unresumed("--resume")


def test_a_run_of_other_captions_or_validation(unresumed, world):
    found = unresumed("--resume", "--validation", world["test.txt"])
    assert "the run was made with other validation, of no file: expected" in found
    world["train.txt"].write_text("101\n102\n103\n")
    assert "the run was made with other " in unresumed("--resume")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda _: b"", "state.safetensors: found an empty file, expected a MAF checkpoint"),
        (lambda _: b"<html>", "state.safetensors: found HTML, expected a MAF checkpoint"),
        (lambda data: data[:-1], "state.safetensors: not a MAF checkpoint of this project, or it"),
        (lambda data: data[:-1] + b"?", "it is damaged or cut off"),
    ],
)
def test_a_state_that_is_damaged(damage, message, own, unresumed):
    state = own.with_name("state.safetensors")
    state.write_bytes(damage(state.read_bytes()))
    assert message in unresumed("--resume")


def test_a_checkpoint_is_no_state(own, unresumed):
    own.with_name("state.safetensors").write_bytes(own.read_bytes())
    assert "state.safetensors: found no state of a run in it" in unresumed("--resume")


def test_nothing_is_left_where_there_is_one_caption(world, tmp_path, refused):
    records = json.loads(world["truth.json"].read_text())
    world["truth.json"].write_text(json.dumps([r for r in records if r["image"] == "101#0"]))
    message = refused(*world.train(), "--tensorboard", "-o", tmp_path / "run")
    assert "truth.json: found captions to train on: 1, expected 2 or more" in message
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("reading", ["paper", "released"])
def test_features_that_are_no_numbers(reading, world, tmp_path, unread, refused):
    with h5py.File(world["all_features.hdf5"], "r+") as file:
        file["features"][:] = float("nan")
    found = "all_features.hdf5: found a feature that is not a finite number, of image "
    assert found in unread(write_released(tmp_path / "r.pt"), "--reading", reading)
    assert found in refused(*world.train(), "-o", tmp_path / "run")


def test_an_ablation_needs_features_before_any_run(world, tmp_path, refused):
    command = list(world.ablate("tfr-vfr"))
    place = command.index("--features")
    message = refused(*command[:place], *command[place + 2 :], "-o", tmp_path / "run")
    assert "an ablation has rows with features: expected --features FILE" in message
    assert not (tmp_path / "run").exists()
