"""What a process of torchrun computes of a batch: its loss and gradient, saved by the first one."""

import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn.parallel import DistributedDataParallel

from phraseloc import GroundTruth, PhraseKeys, Proposals, Strings
from phraseloc.baselines import Task
from phraseloc.columns import offsets_of
from phraseloc.maf.batches import Texts, make_batch
from phraseloc.maf.distributed import gather_images, processes, total
from phraseloc.maf.inputs import inputs_of
from phraseloc.maf.model import Model
from phraseloc.maf.regions import Regions

WORDS = ["red", "dog", "cat", "tree", "a"]
WIDTH = 7


def inputs(seed=3, images=5, captions=2):
    """Captions of one to three phrases, of images of two to six objects with features."""
    draw = np.random.default_rng(seed)
    counts = draw.integers(2, 7, images)
    low = draw.integers(0, 30, (counts.sum(), 2))
    boxes = np.concatenate([low, low + draw.integers(5, 40, low.shape)], axis=1).astype(float)
    labels = draw.choice(["dog", "cat", "tree", "red cat"], counts.sum())
    names = [f"i{n}" for n in range(images)]
    proposals = Proposals(names, offsets_of(counts), boxes, Strings.of(labels.tolist()))
    rows = [
        (image, sentence, first, " ".join(draw.choice(WORDS, draw.integers(1, 4))))
        for image in names
        for sentence in range(captions)
        for first in range(draw.integers(1, 4))
    ]
    image, sentence, first, phrase = zip(*rows, strict=True)
    keys = PhraseKeys(
        Strings.of(image),
        np.array(sentence),
        np.array(first),
        Strings.of([str(n) for n in range(len(rows))]),
        Strings.of(phrase),
    )
    truth = GroundTruth(keys, np.arange(len(rows) + 1), np.tile([0.0, 0, 9, 9], (len(rows), 1)))
    features = draw.normal(size=(len(boxes), WIDTH)).astype(np.float16)
    regions = Regions([features], np.zeros(len(boxes), int), np.arange(len(boxes)), "features")
    return inputs_of(Task(truth, proposals), WORDS, ("label", "feature"), regions)


def model(seed=4):
    """A model whose weights are drawn by seed."""
    torch.manual_seed(seed)
    return Model(torch.randn(len(WORDS), 6), WIDTH)


def figures(parallel, step, captions):
    """Loss over all processes, how many captions found their image, and the gradients."""
    step.loss.backward()
    loss, found, seen = total(step.loss.detach() * captions, step.found, captions)
    gradients = {name.removeprefix("module."): p.grad for name, p in parallel.named_parameters()}
    return {"loss": loss / seen, "found": found, "gradients": gradients}


def computed(order, rank, count):
    """Compute a rank's share of a batch."""
    found, plain = inputs(), model()
    texts = [Texts.of(bags, "cpu") for bags in (found.label_bags, found.attribute_bags)]
    share = np.array_split(order, count)[rank]
    parallel = DistributedDataParallel(plain) if count > 1 else plain
    batch = make_batch(found, share)
    step = parallel(batch, *texts, gather_images if count > 1 else None)
    return figures(parallel, step, len(share))


if __name__ == "__main__":
    with processes(torch.device("cpu")) as (rank, count):
        result = computed(np.arange(len(inputs())), rank, count)
        if rank == 0:
            torch.save(result, Path(sys.argv[1]))
