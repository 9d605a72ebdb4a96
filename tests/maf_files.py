"""A small world for MAF, drawn by seed: phrases, detections, features, vectors and checkpoints."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

WORDS = ("a", "the", "red", "old", "dog", "cat", "tree", "car", "man", "boat", "hat", "ball")
LABELS = ("dog", "cat", "tree", "car", "man", "boat", "hat", "ball", "red car")
TRAIN, TEST = ("101", "102", "103", "104"), ("105", "106")
SIZE, WIDTH = 6, 5
"""How many numbers a word's vector and a region's features have."""

LINEAR = {"p": (SIZE, SIZE), "f": (SIZE, WIDTH), "a": (SIZE, SIZE), "mini": (SIZE, SIZE)}
"""The layers of a released checkpoint, and the shapes of their weights."""


@dataclass(frozen=True)
class World:
    """Where the files lie: ``truth.json``, ``detections.json``, ``all_features.hdf5`` and more."""

    folder: Path

    def __getitem__(self, name: str) -> Path:
        return self.folder / name

    @property
    def seen(self) -> tuple[object, ...]:
        """The options that name the objects."""
        return "--proposals", self["detections.json"], "--features", self["all_features.hdf5"]

    @property
    def test(self) -> tuple[object, ...]:
        """The ground truth of the test images, and the options of what is seen in them."""
        return self["truth.json"], "--split", self["test.txt"], *self.seen

    def train(self, *seen: object) -> tuple[object, ...]:
        """A command of quick training without its output; ``seen`` stands for `World.seen`."""
        options = (*(seen or self.seen), "--vectors", self["glove.txt"], "--device", "cpu")
        settings = ("--batch", 4, "--learning-rate", 0.05, "--epochs", 2)
        return "maf", "train", self["truth.json"], "--split", self["train.txt"], *options, *settings

    def ablate(self, grid: str) -> tuple[object, ...]:
        """A command of a quick ablation without its output, measured on the test images."""
        validation = ("--validation", self["test.txt"], "--seeds", 2)
        return "maf", "ablate", grid, *self.train()[2:], *validation

    def run(self, **settings: Any) -> Any:
        """The same in Python, without validation."""
        from phraseloc.baselines import Task, of_images, wanted_words
        from phraseloc.formats import load_ground_truth
        from phraseloc.formats.proposals import load_proposals
        from phraseloc.formats.vectors import load_vectors
        from phraseloc.maf.regions import load_regions
        from phraseloc.maf.run import Run
        from phraseloc.maf.settings import Settings

        truth = load_ground_truth(self["truth.json"], split=self["train.txt"])
        task = Task(truth, of_images(load_proposals(self["detections.json"]), truth))
        regions = load_regions([self["all_features.hdf5"]], task.proposals)
        vectors = load_vectors(self["glove.txt"], wanted_words(truth, task.proposals, task.policy))
        chosen = Settings(**{"batch": 4, "learning_rate": 0.05, "epochs": 2, **settings})
        return Run(task, vectors, chosen, regions, device="cpu")


def write_world(folder: Path, *, attributes: bool = False, seed: int = 5) -> World:
    """Write six images of three captions each, of which the last two are the test split."""
    folder.mkdir()
    world, draw = World(folder), np.random.default_rng(seed)
    images = {image: _detected(draw, attributes) for image in TRAIN + TEST}
    records = [record for image, item in images.items() for record in _captions(image, item, draw)]
    world["truth.json"].write_text(json.dumps(records))
    world["detections.json"].write_text(json.dumps(images))
    counts = {image: len(item["classes"]) for image, item in images.items()}
    write_features(world["all_features.hdf5"], counts)
    vectors = zip(WORDS, draw.normal(size=(len(WORDS), SIZE)).round(3).tolist(), strict=True)
    world["glove.txt"].write_text("".join(f"{w} {' '.join(map(str, v))}\n" for w, v in vectors))
    world["train.txt"].write_text("".join(f"{image}\n" for image in TRAIN))
    world["test.txt"].write_text("".join(f"{image}\n" for image in TEST))
    return world


def write_features(path: Path, counts: Mapping[str, int], width: int = WIDTH) -> Path:
    """Write features of so many objects of each image, and their index beside them."""
    ends = np.cumsum(list(counts.values()))
    with h5py.File(path, "w") as file:
        drawn = np.random.default_rng(width).normal(size=(ends[-1], width))
        file["features"] = drawn.astype(np.float16)
        file["pos_bboxes"] = np.stack([ends - list(counts.values()), ends], axis=1)
    index = {int(image): row for row, image in enumerate(counts)}
    path.with_name(path.name.replace("_features.hdf5", "_imgid2idx.pkl")).write_bytes(
        pickle.dumps(index)
    )
    return path


def released_state(words: int = len(WORDS), seed: int = 6) -> dict[str, torch.Tensor]:
    """The weights of a released checkpoint; its attributes were never trained."""
    draw = torch.Generator().manual_seed(seed)
    state = {"wv.weight": torch.randn(2 + words, SIZE, generator=draw)}
    for name, shape in LINEAR.items():
        state[f"linear_{name}.weight"] = torch.randn(shape, generator=draw) * (name != "a")
        state[f"linear_{name}.bias"] = torch.randn(SIZE, generator=draw) * (name != "a")
    return state


def write_released(path: Path, state: Any = None, *, legacy: bool = False) -> Path:
    """Save a ``state_dict`` as the released code does, or in torch's format before the zip."""
    state = released_state() if state is None else state
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    return path


class Runs:
    """What a pickle loads by a call."""

    def __init__(self, function: Callable[..., Any], *arguments: object) -> None:
        self.call = function, arguments

    def __reduce__(self) -> Any:
        return self.call


HARM = (
    lambda marker: Runs(os.system, f'mkdir "{marker}"'),
    lambda marker: Runs(os.mkdir, str(marker)),
    lambda marker: Runs(eval, f"__import__('os').mkdir({str(marker)!r})"),
)
"""What a pickle could run: each makes a folder."""


def _detected(draw: np.random.Generator, attributes: bool) -> dict[str, Any]:
    """Detections of an image of 100 by 80 pixels, in MAF's layout."""
    count = int(draw.integers(3, 6))
    low = draw.integers(0, 40, (count, 2))
    corners = np.concatenate([low, low + draw.integers(10, 39, (count, 2))], axis=1)
    item = {"bboxes": corners.tolist(), "classes": draw.choice(LABELS, count).tolist()}
    if attributes:
        item["attrs"] = draw.choice(["red", "old", ""], count).tolist()
    return {**item, "width": 100, "height": 80}


def _captions(image: str, item: Mapping[str, Any], draw: np.random.Generator) -> Sequence[Any]:
    """Three captions of one to three phrases of objects, and a phrase that no object can answer."""
    found = []
    for sentence in range(3):
        for place in draw.permutation(len(item["classes"]))[: draw.integers(1, 4)].tolist():
            x, y, right, bottom = item["bboxes"][place]
            phrase = f"{draw.choice(['a', 'the', 'red', 'old'])} {item['classes'][place]}"
            box = [x + 1, y + 1, right - x + 1, bottom - y + 1]
            found.append((sentence, phrase, place, box))
    found.append((2, "zzxq", 9, [95, 75, 5, 5]))
    return [
        {"image": f"{image}#{sentence}", "phrase": phrase, "start": 4 * place, "entity": str(place)}
        | {"boxes": [box], "categories": ["other"], "width": 100, "height": 80}
        for sentence, phrase, place, box in found
    ]
