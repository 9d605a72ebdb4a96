"""Baselines on workers give what one process gives: the same files, bit by bit, and the same words.

One cluster has processes of its own, the others are threads of this one, which start at once.
"""

import json
import os
import re
import signal
import sys
from functools import partial
from pathlib import Path

import distributed
import numpy as np
import pytest

from phraseloc import GroundTruth, OptionError, PhraseKeys, Strings
from phraseloc.baselines import Baseline, Task, baselines, find_baseline, largest
from phraseloc.baselines.run import choice_with_chances
from phraseloc.baselines.sharded import (
    choices_on,
    choose_part,
    cut_images,
    joined,
    part_of,
    workers_know,
)
from phraseloc.bulk.cluster import connected
from phraseloc.leaderboard import Plan, run_leaderboard
from phraseloc.proposals import Proposals
from phraseloc.vectors import WordVectors

SAMPLE = Path(__file__).parents[2] / "examples" / "sample"
NAMES = [name for baseline in baselines().values() for name in baseline.variants]


@pytest.fixture(scope="module")
def processes():
    """A client of two processes."""
    with connected(2) as client:
        yield client


@pytest.fixture(scope="module")
def threads():
    """Give a client of so many workers, which are threads of this process."""
    known = {}

    def client_of(count):
        if count not in known:
            cluster = distributed.LocalCluster(
                n_workers=count,
                threads_per_worker=1,
                processes=False,
                protocol="tcp",
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
            )
            known[count] = distributed.Client(cluster)
        return known[count]

    yield client_of
    for client in known.values():
        client.close()
        client.cluster.close()


def address_of(client):
    return client.scheduler.address


def bits_of(chosen):
    """All bits of a choice that mean something."""
    decided = chosen.choice.decided
    chances = None if chosen.chances is None else chosen.chances.tobytes()
    return decided.tobytes(), chosen.choice.boxes[decided].tobytes(), chances


def near_ties(images=90, labels=60):
    """A task in which the last bit of a cosine decides: labels are multiples of few vectors."""
    random = np.random.default_rng(7)
    exact = random.integers(-(2**20), 2**20, (3, 50)) * 2.0 ** random.integers(-9, 9, 50)
    words = [f"label{n}" for n in range(labels)] + [f"word{n}" for n in range(labels)]
    along = exact[random.integers(0, 3, labels)] * random.integers(1, 8, (labels, 1))
    matrix = np.concatenate([along, random.normal(size=(labels, 50))]).astype(np.float32)
    names = [str(n) for n in range(images)]
    low = random.integers(0, 50, (images * 9, 2))
    boxes = np.concatenate([low, low + random.integers(1, 50, (images * 9, 2))], axis=1)
    proposals = Proposals(
        names,
        9 * np.arange(images + 1),
        boxes.astype(float),
        Strings.of([f"label{n}" for n in random.integers(0, labels, images * 9).tolist()]),
        sizes=np.full((images, 2), 100.0),
    )
    rows = np.repeat(np.arange(images), 4)
    keys = PhraseKeys(
        Strings.of([names[row] for row in rows]),
        np.zeros(len(rows), np.int64),
        np.arange(len(rows)),
        Strings.of(["1"] * len(rows)),
        Strings.of([f"word{a} word{b}" for a, b in random.integers(0, labels, (len(rows), 2))]),
    )
    truth = GroundTruth(keys, np.arange(len(rows) + 1), boxes[: len(rows)].astype(float))
    return Task(truth, proposals, WordVectors(words, matrix))


def test_the_last_bit_of_a_cosine_is_the_same_in_any_part():
    task = near_ties()
    methods = [find_baseline(name) for name in NAMES]
    for count in (1, 2, 37):
        parts = cut_images(task, count)
        assert len(parts) == count
        chosen = [choose_part(part_of(task, rows), task.vectors, methods) for rows in parts]
        for method, found in zip(methods, zip(*chosen, strict=True), strict=True):
            expected = bits_of(choice_with_chances(method, task))
            assert bits_of(joined(parts, found)) == expected, (method.name, count)


def leaderboard_of(folder, data):
    """The command of a leaderboard of the sample, or of the real detections."""
    truth = folder / "annotations.zip"
    if data is not None:
        folder = data / "proposals" / "flickr1k"
        truth = data / "flickr30k_entities" / "annotations.tar.xz"
    command = ["leaderboard", truth, "--split", folder / "test.txt", "--samples", 200]
    return [*command, "--proposals", folder / "test_detection_dict.json"]


def timeless(folder):
    """What a leaderboard's folder holds, by name, but for the seconds."""
    files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}
    results = files["results.json"]
    assert len(re.findall(rb'"seconds": [\d.e-]+', results)) >= len(NAMES)
    files["results.json"] = re.sub(rb'("seconds": )[\d.e-]+', rb"\1", results)
    for name in ("leaderboard.csv", "leaderboard.md", "leaderboard.tex"):
        del files[name]
    return files


def assert_same_folders(run, command, places, tmp_path):
    folders = []
    for number, place in enumerate([(), *places]):
        folders.append(tmp_path / str(number))
        done = run(*command, *place, "-o", folders[-1])
        assert done.exit_code == 0, done.output
    expected, *found = map(timeless, folders)
    assert len(expected) >= len(NAMES) + 2
    for place, files in zip(places, found, strict=True):
        assert files.keys() == expected.keys()
        for name in files:
            assert files[name] == expected[name], (name, place)
    return folders[0]


def test_one_two_and_five_workers_write_the_same_bytes(run, processes, threads, tmp_path):
    places = [("--cluster", address_of(client)) for client in (threads(1), processes, threads(5))]
    command = [*leaderboard_of(SAMPLE, None), "--predictions", f"good={SAMPLE / 'good.json'}"]
    command += ["--fallback", "random", "--protocol", "any-box"]
    folder = assert_same_folders(run, command, places, tmp_path)
    entries = json.loads((folder / "results.json").read_text())["entries"]
    assert [entry["name"] for entry in entries] == [*NAMES, "good"]
    assert any(entry["undecided"] for entry in entries)


@pytest.mark.real
def test_the_real_split_is_the_same_on_workers(run, processes, threads, data, tmp_path):
    places = [("--cluster", address_of(client)) for client in (processes, threads(5))]
    assert_same_folders(run, leaderboard_of(SAMPLE, data), places, tmp_path)


def test_workers_are_started_and_ended_again(run, tmp_path):
    chosen = ("--baselines", "glove-att,random")
    command = [*leaderboard_of(SAMPLE, None), *chosen, "-o", tmp_path / "there"]
    first = run(*command, "--workers", 1)
    assert first.exit_code == 0, first.output
    stored = (tmp_path / "there" / "results.json").read_bytes()
    started = run(*command, "--cluster", "tcp://127.0.0.1:1")  # nothing listens, nobody asks
    assert started.exit_code == 0, started.output
    assert (tmp_path / "there" / "results.json").read_bytes() == stored
    assert run(*command[:-2], "--format", "json").stdout.count('"accuracy"') > 0


SEEN = []


def noting(task):
    SEEN.append(len(task))
    return largest.choose(task)


def afraid_of_sevens(task):
    """Refuse images with a seven in their names, and tell how many there are."""
    sevens = sum("7" in image for image in task.keys.image.values)
    if sevens:
        raise OptionError(f"found {sevens} images with a seven")
    return largest.choose(task)


def test_what_looks_at_an_image_alone_gets_parts_and_all_else_all_images(threads):
    task = near_ties()
    kinds = {
        "apart": Baseline("apart", "", "", noting, by_image=True),
        "whole": Baseline("whole", "", "", noting),
        "nameless": Baseline("nameless", "", "", lambda task: noting(task), by_image=True),
    }
    for name, method in kinds.items():
        SEEN.clear()
        found = choices_on(threads(5), task, [method, find_baseline("largest"), method])
        assert sum(SEEN) == (len(task) if name == "apart" else 0)
        assert len(SEEN) == (20 if name == "apart" else 0)
        assert (method in found) == (name == "apart")
        expected = bits_of(choice_with_chances(find_baseline("largest"), task))
        assert all(bits_of(chosen) == expected for chosen in found.values())


def test_a_part_is_no_larger_than_a_worker_may_hold(threads, monkeypatch):
    monkeypatch.setattr("phraseloc.baselines.sharded.LARGEST", 10)
    SEEN.clear()
    choices_on(threads(1), near_ties(), [Baseline("apart", "", "", noting, by_image=True)])
    assert sum(SEEN) == 360
    assert max(SEEN) < 10 + 4


def test_only_what_a_worker_can_import_goes_there():
    missing = b"cno_such_module_anywhere\nchoose\n."
    known = b"cphraseloc.baselines.largest\nchoose\n."
    assert workers_know([missing, known, b"no pickle"]) == [False, True, False]


def test_an_error_of_a_part_is_told_of_all_images(threads):
    task = near_ties()
    method = Baseline("seven", "", "", afraid_of_sevens, by_image=True)
    assert choices_on(threads(5), task, [find_baseline("largest"), method]) == {}
    plan = Plan(task, ["largest"], trained=[method], samples=1)
    with pytest.raises(OptionError) as alone:
        run_leaderboard(plan)
    with pytest.raises(OptionError) as together:
        run_leaderboard(plan, choosing=lambda *asked: chosen_on(threads(5), *asked))
    assert str(alone.value) == str(together.value) == "found 18 images with a seven"


def chosen_on(client, task, asked):
    found = choices_on(client, task, asked)
    return (found.get(method) or choice_with_chances(method, task) for method in asked)


def test_images_of_unknown_size_are_named_together(refused, write, threads):
    box = {"start": 0, "entity": "1", "box": [1, 1, 9, 9], "phrase": "a dog"}
    truth = write("truth.json", [{"image": f"{n}#0", **box} for n in range(40)])
    found = {str(n): {"bboxes": [[0, 0, 9, 9 + n]], "classes": ["dog"]} for n in range(40)}
    for n in range(0, 40, 2):
        found[str(n)] |= {"width": 99, "height": 99}
    proposals = write("detections.json", found)
    command = ("leaderboard", truth, "--proposals", proposals, "--baselines", "largest,center")
    alone = refused(*command)
    assert "the size of 20 images is unknown, of truth.json image 1 first" in alone
    on_workers = refused(*command, "--cluster", address_of(threads(5)))
    assert [line for line in on_workers.splitlines() if "phraseloc:" in line] == [
        line for line in alone.splitlines() if "phraseloc:" in line
    ]


def dies_once(marker, own, task):
    """End the process the first time that it is asked, unless it is the test's."""
    if os.getpid() != own and not os.path.exists(marker):  # noqa: PTH110
        with open(marker, "w"):  # noqa: PTH123
            pass
        os.kill(os.getpid(), signal.SIGKILL)
    return largest.choose(task)


def test_what_a_killed_worker_had_is_done_again(processes, tmp_path):
    task, marker = near_ties(), tmp_path / "killed"
    choose = partial(dies_once, str(marker), os.getpid())
    method = Baseline("mortal", "", "", choose, by_image=True)
    found = choices_on(processes, task, [method, find_baseline("glove-att")])
    assert marker.exists()
    assert bits_of(found[method]) == bits_of(choice_with_chances(find_baseline("largest"), task))


def test_without_dask_the_extra_is_named_and_nothing_written(refused, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "distributed", None)
    command = [*leaderboard_of(SAMPLE, None), "-o", tmp_path / "results"]
    for place in (("--workers", 2), ("--cluster", "tcp://127.0.0.1:1")):
        message = refused(*command, *place)
        assert "working on many processes needs dask: pip install 'phraseloc[scale]'" in message


def test_workers_are_here_or_elsewhere(refused):
    command = [*leaderboard_of(SAMPLE, None), "--workers", 2, "--cluster", "tcp://127.0.0.1:1"]
    assert "found --workers and --cluster; expected one of them" in refused(*command)
