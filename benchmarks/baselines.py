"""Baselines on the phrases of the Flickr30k Entities test split, with 100 objects in every image.

Objects are drawn by seed, their labels from the Visual Genome vocabulary, frequent ones more often.
``glove-att`` is measured against what scripts do: a loop over phrases in NumPy, and the padded
batches of the released MAF code, whose arithmetic `_padded` writes from the paper's equations with
that code's sizes (64 captions, 32 phrases, 12 words, 100 objects).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.inputs import ground_truth_file
from benchmarks.machine import version
from benchmarks.results import Row, Section, milliseconds, not_installed
from benchmarks.timing import take_turns
from phraseloc import GroundTruth, Strings, load_ground_truth
from phraseloc.baselines import Baseline, Task, baselines, find_baseline, run_baseline, wanted_words
from phraseloc.columns import FloatArray, IntArray
from phraseloc.formats.vectors import load_vectors
from phraseloc.kernels.selection import attended_scores, ragged_argmax
from phraseloc.proposals import Proposals

OBJECTS = 100
BATCH, QUERIES, WORDS = 64, 32, 12
TURNS = 7


def measure() -> list[Section]:
    """Measure all baselines together, and glove-att against its peers."""
    data = ground_truth_file().parents[1]
    flickr = data / "flickr30k_entities"
    truth = load_ground_truth(flickr / "annotations.tar.xz", split=flickr / "test.txt")
    proposals = _drawn(truth, (data / "vocab" / "vg_objects_1600.txt").read_text().split("\n"))
    task = Task(truth, proposals)
    task = replace(task, vectors=load_vectors(None, wanted_words(truth, proposals, task.policy)))
    return [_all_together(task), _attention(task)]


def _drawn(truth: GroundTruth, labels: list[str], seed: int = 0) -> Proposals:
    draw = np.random.default_rng(seed)
    images = list(truth.keys.image.values)
    count = OBJECTS * len(images)
    low = 0.7 * draw.random((count, 2))
    high = low + 0.05 + 0.25 * draw.random((count, 2))
    sizes = np.repeat(truth.image_sizes, OBJECTS, axis=0)
    shares = 1 / np.arange(1, len(labels) + 1)
    codes = draw.choice(len(labels), count, p=shares / shares.sum())
    return Proposals(
        images,
        OBJECTS * np.arange(len(images) + 1),
        np.concatenate([low * sizes, high * sizes], axis=1).round(2),
        Strings(labels, codes),
        sizes=truth.image_sizes,
    )


def _all_together(task: Task) -> Section:
    names = [name for baseline in baselines().values() for name in baseline.variants]
    chosen = [find_baseline(name) for name in names]
    assert task.proposals is not None
    task.proposals.canonical  # noqa: B018 - part of loading

    def run() -> list[Any]:
        return _run_all(replace(task), chosen)

    times = take_turns({"ours": run}, TURNS)
    seconds = times.median("ours")
    row = Row(
        f"{len(names)} baselines, {len(task):,} phrases, {OBJECTS} objects an image",
        milliseconds(seconds),
        "one second",
        "1,000 ms",
        1 / seconds,
        goal=1,
    )
    return Section("Baselines", [row], ["After loading; words, similarities and choices included."])


def _run_all(task: Task, chosen: list[Baseline]) -> list[Any]:
    return [run_baseline(baseline, task) for baseline in chosen]


def _attention(task: Task) -> Section:
    text, seen = task.text, task.labelled
    scale = text.labels.shape[1] ** -0.5
    rows = (text.offsets, text.words, seen.starts, seen.labels, seen.counts, task.images)

    def ours() -> IntArray:
        products = replace(text).products  # a copy has nothing computed yet
        scores = attended_scores(products, scale, *rows)
        return seen.labels[ragged_argmax(scores, seen.starts)]

    peers: dict[str, Callable[[], IntArray]] = {"numpy": lambda: _looped(task)}
    if version("torch") is not None:
        batches = list(_batches(task))
        peers["torch"] = lambda: _padded(task, batches, whole=False)
        peers["torch, whole"] = lambda: _padded(task, batches, whole=True)
    chosen = ours()
    for name, side in peers.items():
        alike = (task.labels[side()] == chosen).mean()
        assert alike > (0.999 if name == "numpy" else 0.9), f"{name} agrees on {alike:.2%} only"
    times = take_turns({"ours": ours, **peers}, TURNS)
    asked: dict[str, tuple[str, float | None]] = {
        "numpy": ("a loop over phrases in NumPy", 10),
        "torch": ("padded batches in torch", None),
        "torch, whole": ("padded batches in torch, all that MAF's code computes", 40),
    }
    lines = []
    for name, (peer, goal) in asked.items():
        what = f"glove-att, {len(task):,} phrases, {OBJECTS} objects an image"
        if name not in peers:
            lines.append(not_installed(what, peer))
            continue
        mine, theirs = (milliseconds(times.median(side)) for side in ("ours", name))
        lines.append(Row(what, mine, peer, theirs, times.ratio("ours", name), goal))
    notes = [
        f"Medians of {TURNS} turns; {text.labels.shape[1]}-d vectors.",
        "Words and labels are indices on all sides; ours computes its similarities in every turn.",
        "Padded batches see padding as words and objects, so that some choices differ.",
        "MAF's code also projects phrases twice and compares captions with all images of a batch.",
    ]
    return Section("Baselines: glove-att", lines, notes)


def _looped(task: Task) -> IntArray:
    """Choose each phrase's pair as Eq. 2, 3 and 8 say, a phrase at a time."""
    text, chosen = task.text, np.empty(len(task), np.int64)
    scale = text.labels.shape[1] ** -0.5
    for row in range(len(task)):
        words = text.vectors[text.words[text.offsets[row] : text.offsets[row + 1]]]
        start, end = task.starts[row], task.starts[row + 1]
        if not len(words):
            chosen[row] = -1
            continue
        labels = text.labels[task.labels[start:end]]
        attention = _softmax(words @ labels.T * scale)
        weights = _softmax(attention.max(axis=1))
        chosen[row] = start + ((weights @ words) @ labels.T).argmax()
    return chosen


def _softmax(numbers: FloatArray) -> FloatArray:
    powers = np.exp(numbers - numbers.max(axis=-1, keepdims=True))
    share: FloatArray = powers / powers.sum(axis=-1, keepdims=True)
    return share


def _batches(task: Task) -> Iterator[tuple[Any, Any, IntArray]]:
    """Pad captions to batches: words (B, 32, 12), labels (B, 100), the rows of the phrases."""
    import torch

    keys, text = task.keys, task.text
    assert keys.sentence is not None
    codes = keys.image.codes * (1 + int(keys.sentence.max())) + keys.sentence
    order = np.argsort(codes, kind="stable")
    captions = np.split(order, np.flatnonzero(np.diff(codes[order])) + 1)
    for first in range(0, len(captions), BATCH):
        batch = captions[first : first + BATCH]
        words = np.zeros((len(batch), QUERIES, WORDS), np.int64)
        labels = np.zeros((len(batch), OBJECTS), np.int64)
        places = np.full((len(batch), QUERIES), -1)
        for caption, rows in enumerate(batch):
            labels[caption] = 1 + task.labels[task.starts[rows[0]] : task.starts[rows[0] + 1]]
            for query, row in enumerate(rows[:QUERIES].tolist()):
                found = text.words[text.offsets[row] : text.offsets[row + 1]][:WORDS]
                words[caption, query, : len(found)] = 1 + found
                places[caption, query] = row
        yield torch.from_numpy(words), torch.from_numpy(labels), places


def _padded(task: Task, batches: list[tuple[Any, Any, IntArray]], *, whole: bool) -> IntArray:
    """Choose each phrase's pair by dense arithmetic on padded batches; row 0 is the padding.

    ``whole`` adds what the released code computes on the way: the phrases' projections by an
    identity and a small matrix, and the best object of every image for every caption's phrases.
    """
    import torch

    word_rows, label_rows = (
        torch.from_numpy(np.vstack([np.zeros(vectors.shape[1]), vectors]).astype(np.float32))
        for vectors in (task.text.vectors, task.text.labels)
    )
    identity = torch.eye(label_rows.shape[1])
    scale = label_rows.shape[1] ** -0.5
    chosen = task.starts[:-1].copy()
    with torch.no_grad():
        for words, labels, places in batches:
            queries, objects = word_rows[words], label_rows[labels]
            attention = torch.einsum("bqwd,bkd->bqwk", queries, objects).mul_(scale).softmax(-1)
            weights = attention.max(dim=-1).values.softmax(-1)
            phrases = torch.einsum("bqw,bqwd->bqd", weights, queries)
            if whole:
                phrases = phrases @ identity + 1e-5 * (phrases @ identity)
                torch.einsum("avd,bqd->baqv", objects, phrases).max(dim=-1).values.sum(dim=-1)
            best = torch.einsum("bkd,bqd->bqk", objects, phrases).argmax(dim=-1).numpy()
            real = places >= 0
            chosen[places[real]] += best[real]
    return chosen
