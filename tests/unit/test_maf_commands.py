"""MAF's commands, end to end on a small world; and that a run ends in the same bits, come what may.

Whatever stops a run, and however often, its weights are those of a run that nothing stopped.
"""

import csv
import json
import re
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from phraseloc.maf.checkpoint import load_checkpoint, read_checkpoint
from phraseloc.maf.training import STATE, train
from tests.maf_files import write_released, write_world


@pytest.fixture
def done(run):
    """Run a command that must end well."""

    def run_well(*arguments):
        result = run(*arguments)
        assert result.exit_code == 0, result.output
        return result

    return run_well


@pytest.fixture
def trained(world, done, tmp_path):
    """The folder of a run of two epochs, validated on the test images."""
    done(*world.train(), "--validation", world["test.txt"], "-o", tmp_path / "run")
    return tmp_path / "run"


def history(folder):
    """The rows of ``history.csv``, numbers as such, None where there is none."""
    with (folder / "history.csv").open() as file:
        return [{k: float(v) if v else None for k, v in r.items()} for r in csv.DictReader(file)]


def test_train(world, run, tmp_path):
    validation = ("--validation", world["test.txt"])
    result = run(*world.train(), *validation, "-o", tmp_path / "run")
    assert (result.exit_code, result.stdout) == (0, "")
    names = [*(f"epoch-{epoch:03}.safetensors" for epoch in range(3)), "history.csv", STATE]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == names
    rows = history(tmp_path / "run")
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert rows[0]["loss"] is rows[0]["retrieval"] is None
    assert rows[2]["loss"] < rows[1]["loss"]
    assert all(0 < row["retrieval"] <= 1 and row["seconds"] > 0 for row in rows[1:])
    total = sum(
        r["image"][:3] in ("105", "106") for r in json.loads(world["truth.json"].read_text())
    )
    assert all(0 < row["correct"] < row["total"] == total for row in rows)
    lines = result.stderr.splitlines()
    assert lines[0].startswith("12 captions of 4 images, ")
    assert lines[1] == "  4 phrases left out: no known word, or no object"
    for epoch, (line, row) in enumerate(zip(lines[2:5], rows, strict=True)):
        assert line.startswith(f"epoch   {epoch}  ")
        assert f"({row['correct']:.0f}/{total})" in line
        assert (
            epoch == 0 or f"loss {row['loss']:.4f}  retrieval {100 * row['retrieval']:.2f}%" in line
        )
    assert lines[5:] == [f"wrote {tmp_path / 'run'}"]


def test_train_without_validation(world, done, tmp_path, trained):
    done(*world.train(), "-o", tmp_path / "alone")
    assert all(row["correct"] is row["total"] is None for row in history(tmp_path / "alone"))
    assert_same_bits(
        tmp_path / "alone" / "epoch-002.safetensors", trained / "epoch-002.safetensors"
    )


def test_checkpoints_tell_how_they_came_to_be(trained):
    facts = load_checkpoint(trained / "epoch-002.safetensors").facts
    assert (facts.vfr, facts.tfr, facts.vectors) == (("label", "feature"), "attention", "glove")
    assert (facts.settings.epochs, facts.settings.batch) == (2, 4)
    assert facts.inputs.keys() == {
        *("ground truth", "validation", "proposals", "vectors", "features")
    }
    assert facts.inputs["features"]["source"] == "all_features.hdf5"
    told = [(h.epoch, h.loss, h.correct, h.total) for h in facts.history]
    kept = ("epoch", "loss", "correct", "total")
    assert told == [tuple(row[name] for name in kept) for row in history(trained)]


def test_tensorboard(world, done, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "run"
    done(*world.train(), "--validation", world["test.txt"], "--tensorboard", "-o", folder)
    events = EventAccumulator(str(folder / "tensorboard")).Reload()
    assert set(events.Tags()["scalars"]) == {"loss", "retrieval", "accuracy"}
    rows = [{**r, "accuracy": r["correct"] / r["total"]} for r in history(folder)]
    for name in ("loss", "retrieval", "accuracy"):
        logged = {event.step: event.value for event in events.Scalars(name)}
        told = {row["epoch"]: row[name] for row in rows if row[name] is not None}
        assert logged == pytest.approx(told, rel=1e-6)


def test_predict(world, trained, done, scored, tmp_path):
    target, last = tmp_path / "p.json", history(trained)[-1]
    world["glove.txt"].unlink()
    result = done("maf", "predict", trained / "epoch-002.safetensors", *world.test, "-o", target)
    total = int(last["total"])
    assert result.stdout.startswith(f"maf: {total} of {total} phrases\n  2 of them by the fallback")
    assert result.stderr.startswith("epoch-002.safetensors lacks 1 of ")
    assert "words of the phrases: zzxq\n" in result.stderr
    accuracy = scored(world["truth.json"], target, "--split", world["test.txt"])["accuracy"]
    assert (accuracy["correct"], accuracy["total"]) == (last["correct"], last["total"])


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("reading", ["paper", "released"])
def test_convert(legacy, reading, world, done, tmp_path):
    released, own = write_released(tmp_path / "r.pt", legacy=legacy), tmp_path / "r.safetensors"
    vectors = ("--vectors", world["glove.txt"])
    assert done("maf", "convert", released, own, *vectors).stderr == f"wrote {own}: 12 words\n"
    found = []
    for checkpoint, more in ((released, vectors), (own, ())):
        target = tmp_path / f"{len(found)}.json"
        options = ("--reading", reading, "-o", target, *more)
        done("maf", "predict", checkpoint, *world.test, *options)
        found.append(json.loads(target.read_text()))
    assert found[0] == found[1]
    assert len({tuple(record["box"]) for record in found[0]}) > 2


def evaluated(done, *arguments):
    """Evaluate, and give the JSON's readings by name."""
    result = done("maf", "evaluate", *arguments, "--samples", 20, "--format", "json")
    return {item["reading"]: item for item in json.loads(result.stdout)}


def test_evaluate_a_released_checkpoint(world, done, tmp_path):
    command = (write_released(tmp_path / "r.pt"), *world.test, "--vectors", world["glove.txt"])
    readings = evaluated(done, *command)
    assert list(readings) == ["paper", "released"]
    right = [item["scores"]["accuracy"]["correct"] for item in readings.values()]
    total = readings["paper"]["scores"]["accuracy"]["total"]
    assert right[0] != right[1], "the difference must show"
    lines = done("maf", "evaluate", *command, "--samples", 20).stdout.splitlines()
    for (name, item), correct in zip(readings.items(), right, strict=True):
        assert any(
            line.split()[:2] == ["r.pt", f"({name})"] and f" {correct}/{total} " in line
            for line in lines
        )
        found = item["retrieval"]
        share = f"{100 * found['correct'] / found['total']:.2f}"
        assert [name, share, f"{found['correct']}/{found['total']}"] in map(str.split, lines)
    points = 100 * (right[0] - right[1]) / total
    told = f"paper is {points:+.2f} points from released: {right[0]} and {right[1]} of {total}"
    assert lines[-1] == f"{told} phrases"


def test_evaluate_an_own_checkpoint(world, trained, done):
    command = (trained / "epoch-002.safetensors", *world.test)
    readings = evaluated(done, *command)
    assert list(readings) == ["paper"]
    last = history(trained)[-1]
    assert readings["paper"]["scores"]["accuracy"]["correct"] == last["correct"]
    assert readings["paper"]["undecided"] == 2
    text = done("maf", "evaluate", *command, "--samples", 20).stdout
    assert "epoch-002.safetensors (paper)" in text
    assert "released" not in text


@pytest.mark.parametrize(("grid", "cells"), [("init", 4), ("tfr-vfr", 8)])
def test_ablate(grid, cells, done, tmp_path):
    world = write_world(tmp_path / "more", attributes=True)
    command = (*world.ablate(grid), "-o", tmp_path / "out")
    first = done(*command)
    folder = tmp_path / "out" / grid
    assert len(first.stdout.splitlines()) == 1 + cells
    for line in first.stdout.splitlines()[1:]:
        assert re.search(r" \d+\.\d\d ± \d+\.\d\d +2 +\d+ to \d+/\d+ ", line)
    rows = json.loads((folder / "ablation.json").read_text())
    assert len(rows) == cells
    for row in rows:
        right = [int(number) for number in row["correct"].split()]
        assert len(right) == 2
        assert row["mean"] == pytest.approx(sum(right) / 2 / row["total"])
        assert row["deviation"] == pytest.approx(abs(right[0] - right[1]) / 2**0.5 / row["total"])
    assert any(row["deviation"] > 0 for row in rows)
    with (folder / "ablation.csv").open() as file:
        assert [float(row["mean"]) for row in csv.DictReader(file)] == [row["mean"] for row in rows]
    assert (folder / "ablation.md").read_text().count("±") == cells
    assert (folder / "ablation.tex").read_text().count("±") == cells
    times = {path: path.stat().st_mtime_ns for path in folder.rglob("epoch-*.safetensors")}
    assert len(times) == cells * 2 * 3
    second = done(*command)
    assert second.stdout == first.stdout
    assert times == {path: path.stat().st_mtime_ns for path in folder.rglob("epoch-*.safetensors")}


def test_ablate_leaves_out_attributes_that_are_not_there(world, done, tmp_path):
    result = done(*world.ablate("tfr-vfr"), "--seeds", 1, "--epochs", 1, "-o", tmp_path / "out")
    assert len(result.stdout.splitlines()) == 1 + 6
    assert "attribute" not in result.stdout


def test_leaderboard(world, trained, done, tmp_path):
    checkpoint = trained / "epoch-002.safetensors"
    command = ("leaderboard", *world.test, "--maf", f"mine={checkpoint}", "--samples", 20)
    command += ("--baselines", "largest,oracle", "-o", tmp_path / "out")
    first = done(*command)
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    entries = {entry["name"]: entry for entry in results["entries"]}
    assert list(entries) == ["largest", "oracle", "mine"]
    scores = evaluated(done, checkpoint, *world.test)["paper"]["scores"]
    mine = entries["mine"]["accuracy"]
    assert mine["correct"] == scores["accuracy"]["correct"] == history(trained)[-1]["correct"]
    assert entries["mine"]["upper_bound"] == entries["oracle"]["accuracy"]
    assert mine["correct"] < entries["oracle"]["accuracy"]["correct"] < mine["total"]
    row = next(line.split() for line in first.stdout.splitlines() if line.split()[:1] == ["mine"])
    assert row[1:3] == ["glove", "detections.json"]
    assert f"{mine['correct']}/{mine['total']}" in row
    assert "as stored" not in first.stderr
    second = done(*command)
    assert [line.split()[0] for line in second.stderr.splitlines() if "as stored" in line] == list(
        entries
    )


def assert_same_bits(path, other):
    """Compare all arrays of two checkpoints, and what is known of their words."""
    (one, more), (two, others) = read_checkpoint(path), read_checkpoint(other)
    assert list(one.words) == list(two.words)
    mine, theirs = one.arrays | more, two.arrays | others
    assert mine.keys() == theirs.keys() >= {"vectors", "phrase"}
    for name, array in mine.items():
        assert array.dtype == theirs[name].dtype
        assert array.tobytes() == theirs[name].tobytes(), name


def interrupted(command, root):
    """Run a command, and press Ctrl-C when it tells of its second epoch; give what it told."""
    process = subprocess.Popen(
        [sys.executable, "-m", "phraseloc", *map(str, command)],
        cwd=root,
        stderr=subprocess.PIPE,
        text=True,
    )
    patience, told = threading.Timer(240, process.kill), []
    patience.start()
    with process:
        for line in process.stderr:
            told.append(line)
            if line.startswith("epoch   2 "):
                process.send_signal(signal.SIGINT)
    patience.cancel()
    assert process.returncode == 130, told[-3:]
    return told


@pytest.mark.parametrize("options", [("--accumulate", 2, "--batch", 3), ("--batch", 64)])
def test_ctrl_c_and_resume(options, world, done, tmp_path, request):
    """The run that is stopped could go on for days; how far it came sets where both runs end."""
    command = (*world.train(), "--seed", 3, *options)
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    endless = (*command, "--epochs", 1_000_000, "-o", stopped)
    told = interrupted(endless, request.config.rootpath)
    assert re.fullmatch(r"stopped (in|after) epoch \d+; --resume goes on from there\n", told[-1])
    came = len(history(stopped)) - 1
    assert came >= 2
    epochs = ("--epochs", came + 2)
    resumed = done(*command, *epochs, "--resume", "-o", stopped)
    assert f"epoch {came:3} " not in resumed.stderr
    done(*command, *epochs, "-o", whole)
    for name in (f"epoch-{came + 1:03}.safetensors", f"epoch-{came + 2:03}.safetensors", STATE):
        assert_same_bits(stopped / name, whole / name)
    told, kept = history(stopped), ("epoch", "loss", "retrieval")
    assert [[r[k] for k in kept] for r in told] == [[r[k] for k in kept] for r in history(whole)]


SETTINGS = [
    {},
    {"accumulate": 2, "batch": 3},
    {"tfr": "average", "vfr": ("feature",), "init_f": "random"},
    {"init_p": "random", "vfr": ("label",)},
    {"precision": "bfloat16"},
]


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_seed_and_nothing_else_decides(settings, world, tmp_path):
    first, again, other = (
        train(world.run(**settings, seed=seed), tmp_path / name).arrays
        for name, seed in (("first", 1), ("again", 1), ("other", 2))
    )
    assert all(np.array_equal(array, again[name]) for name, array in first.items())
    assert not any(np.array_equal(array, other[name]) for name, array in first.items())


def test_initial_weights_are_of_the_seed(world):
    drawn = [
        world.run(init_p="random", init_f="random", seed=seed).untrained() for seed in (1, 1, 2)
    ]
    for name in ("phrase", "feature"):
        first, again, other = (getattr(checkpoint, name) for checkpoint in drawn)
        assert np.array_equal(first, again)
        assert not np.isclose(first, other).any()


def test_every_epoch_has_batches_of_its_own(world, tmp_path):
    """At this rate no weight moves, so that the loss tells which captions stood together."""
    train(world.run(learning_rate=1e-30, epochs=4), tmp_path / "run")
    assert len({row["loss"] for row in history(tmp_path / "run")}) == 1 + 4


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_run_that_is_gone_on_with(settings, world, tmp_path):
    run, whole, parts = world.run(**settings, epochs=3), tmp_path / "whole", tmp_path / "parts"
    train(run, whole)
    train(replace(run, settings=replace(run.settings, epochs=1)), parts)
    assert not (parts / "epoch-002.safetensors").exists()
    train(run, parts, resume=True)
    for name in ("epoch-000", "epoch-001", "epoch-002", "epoch-003", "state"):
        assert_same_bits(parts / f"{name}.safetensors", whole / f"{name}.safetensors")
    assert [row["epoch"] for row in history(parts)] == [0, 1, 2, 3]


def test_the_leaderboard_reads_words_as_the_checkpoint_does(world, done, tmp_path):
    records = json.loads(world["truth.json"].read_text())
    shouted = [{**record, "phrase": record["phrase"].upper()} for record in records]
    world["truth.json"].write_text(json.dumps(shouted))
    text = world["glove.txt"].read_text()
    world["glove.txt"].write_text(text + text.upper())
    done(*world.train(), "--words", "case=keep", "--seed", 9, "-o", tmp_path / "run")
    own = tmp_path / "run" / "epoch-002.safetensors"
    few = ("--samples", 5)
    alone = json.loads(done("maf", "evaluate", own, *world.test, "--format", "json", *few).stdout)
    row = ("--maf", f"own={own}", "--baselines", "largest", "-o", tmp_path / "board")
    done("leaderboard", *world.test, *row, *few)
    entries = json.loads((tmp_path / "board" / "results.json").read_text())["entries"]
    assert entries[1]["accuracy"]["correct"] == alone[0]["scores"]["accuracy"]["correct"]


def test_what_to_install_where_torch_is_not(world, refused, monkeypatch, tmp_path):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    row = ("--maf", "own=own.safetensors", "--baselines", "largest")
    for command in (world.train(), ("leaderboard", *world.test, *row)):
        message = refused(*command, "-o", tmp_path / "out")
        assert message == "phraseloc: MAF needs torch: pip install 'phraseloc[maf]'\n"


def test_an_ablation_of_one_seed_has_no_deviation(world, done, tmp_path):
    command = (*world.ablate("init"), "--seeds", 1, "--epochs", 1, "-o", tmp_path / "run")
    shown = done(*command).stdout
    assert "nan" not in shown
    assert "±" not in shown
