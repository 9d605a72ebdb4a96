"""Prediction as the paper's equations say: the object with the highest e_n . v_m (Eq. 7).

Where an object's vector is its label's alone, that is one product of words and labels, computed
once and gathered, as the unsupervised baselines have it: before training, it is ``glove-att``.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from phraseloc.baselines import Choice, Task
from phraseloc.columns import FloatArray, IntArray, take_ragged
from phraseloc.maf.batches import Texts, batches_of
from phraseloc.maf.checkpoint import Checkpoint
from phraseloc.maf.inputs import Inputs, inputs_of
from phraseloc.maf.model import Model, similarity
from phraseloc.maf.regions import Regions
from phraseloc.similarity import text_features
from phraseloc.vectors import WordVectors

_CPU = torch.device("cpu")

BATCH = 64
"""How many captions are handled together, and told from each other's images."""


def choose(checkpoint: Checkpoint, task: Task, regions: Regions | None = None) -> Choice:
    """Choose the object of each phrase; of equals, it is the largest.

    Parameters
    ----------
    regions : the features of the task's proposals; not needed where W_f is zero

    Raises
    ------
    InputError
        if the features are of another width than the checkpoint's, or nothing can be predicted
    """
    if checkpoint.labels_alone:
        return task.choose(task.best_labelled(_label_scores(checkpoint, task)))
    inputs, model, texts = _prepared(checkpoint, task, regions)
    best = np.full(len(task), -1)
    by_length = np.argsort(np.diff(inputs.objects)[inputs.images], kind="stable")
    with torch.inference_mode():
        for captions, batch in batches_of(inputs, _chunks(by_length), _CPU):
            places = model.scores(batch, *texts).argmax(1).numpy()
            rows = inputs.phrases[take_ragged(inputs.captions, captions)[0]]
            first = inputs.objects[inputs.images[captions]][batch.phrase_caption.numpy()]
            best[rows] = inputs.shown[first + places]
    return task.choose(best)


def caption_retrieval(
    checkpoint: Checkpoint, task: Task, regions: Regions | None = None, seed: int = 0
) -> tuple[int, int]:
    """Count the captions that find their own image among those of 64 captions, and all captions.

    Captions are shuffled by seed; the last batch is what is left. Of equals, the first counts.
    """
    inputs, model, texts = _prepared(checkpoint, task, regions)
    order = np.random.default_rng(seed).permutation(len(inputs))
    right = 0
    with torch.inference_mode():
        for captions, batch in batches_of(inputs, _chunks(order), _CPU):
            objects = model.embed_objects(batch, *texts)
            phrases = model.embed_phrases(batch, objects)
            found = similarity(phrases, objects, batch.mask, batch.phrase_caption).argmax(1)
            images = inputs.images[captions]
            right += int((images[found.numpy()] == images).sum())
    return right, len(inputs)


def model_of(checkpoint: Checkpoint) -> Model:
    """Make the model of a checkpoint."""
    feature, attribute = checkpoint.feature, checkpoint.attribute
    model = Model(
        torch.tensor(checkpoint.vectors),
        0 if feature is None else feature.shape[1],
        labelled="label" in checkpoint.facts.vfr,
        attributes=attribute is not None,
        attention=checkpoint.facts.tfr == "attention",
        bias=checkpoint.phrase_bias is not None,
    )
    with torch.no_grad():
        model.phrase.weight.copy_(torch.tensor(checkpoint.phrase))
        if checkpoint.phrase_bias is not None:
            model.phrase.bias.copy_(torch.tensor(checkpoint.phrase_bias))
        for layer, weight in ((model.feature, feature), (model.attribute, attribute)):
            if layer is not None:
                layer.weight.copy_(torch.tensor(weight))
    return model


def _label_scores(checkpoint: Checkpoint, task: Task) -> FloatArray:
    """Score the labels of each phrase's image, see `Task.labelled`."""
    from phraseloc.kernels.selection import attended_scores, mean_word_scores

    vectors = WordVectors(checkpoint.words, checkpoint.vectors)
    text = text_features(task.phrases, task.objects.labels.values, vectors, checkpoint.policy)
    seen = task.labelled
    projected = text.vectors @ checkpoint.phrase.astype(np.float64).T
    if checkpoint.phrase_bias is not None:
        projected += checkpoint.phrase_bias
    entries = text.dots(projected)
    if checkpoint.facts.tfr == "average":
        return mean_word_scores(entries, text.offsets, text.words, seen.starts, seen.labels)
    scale = text.labels.shape[1] ** -0.5
    rows = (text.offsets, text.words, seen.starts, seen.labels, seen.counts, task.images)
    return attended_scores(text.products, scale, *rows, entries)


def _prepared(
    checkpoint: Checkpoint, task: Task, regions: Regions | None
) -> tuple[Inputs, Model, tuple[Texts, Texts]]:
    """Lay the task out for the checkpoint's model."""
    feature = checkpoint.feature
    if feature is not None and regions is not None:
        regions.check_width(feature.shape[1], checkpoint.source)
    inputs = inputs_of(task, checkpoint.words, checkpoint.facts.vfr, regions)
    texts = Texts.of(inputs.label_bags, _CPU), Texts.of(inputs.attribute_bags, _CPU)
    return inputs, model_of(checkpoint).eval(), texts


def _chunks(order: IntArray) -> Iterator[IntArray]:
    for start in range(0, len(order), BATCH):
        yield order[start : start + BATCH]
