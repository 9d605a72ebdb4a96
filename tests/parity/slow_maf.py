"""MAF once more, from its description: the released code's arithmetic, and the paper's equations.

`Released` has an image of 100 objects and a phrase of 12 words, padded as the released code pads
them, in plain Python. `Paper` has Eq. 1 to 7 in NumPy, one phrase at a time, nothing padded.
"""

import json
import math
import pickle
import re
from dataclasses import dataclass, field
from functools import cache
from operator import mul
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import nn

from tests.parity.slow_baselines import area, known_words, label_vector, mean

OBJECTS, PHRASES, WORDS, CAPTIONS = 100, 32, 12, 64
PAD, UNK = 0, 1


def read_files(prefix):
    """Each image's boxes, labels and features, as the files have them."""
    found = json.loads(Path(f"{prefix}detection_dict.json").read_text())
    places = pickle.loads(Path(f"{prefix}imgid2idx.pkl").read_bytes())
    with h5py.File(f"{prefix}features_compress.hdf5") as file:
        spans, features = file["pos_bboxes"][:], file["features"][:].astype(float)
    return {
        image: (item["bboxes"], item["classes"], features[slice(*spans[places[int(image)]])])
        for image, item in found.items()
    }


def random_state(matrix, width, equal, seed):
    """A state_dict; where objects of a label shall be equal, W_f and its bias are zero.

    PAD and UNK are small, so that missing objects are not the best of most images.
    """
    torch.manual_seed(seed)
    size = matrix.shape[1]
    state = {"wv.weight": torch.cat([torch.randn(2, size) / 4, torch.tensor(matrix)])}
    for name, columns in (("p", size), ("f", width), ("a", size), ("mini", size)):
        for part, tensor in nn.Linear(columns, size).state_dict().items():
            state[f"linear_{name}.{part}"] = tensor * 0 if equal and name == "f" else tensor
    state["linear_a.weight"] *= 0
    return state


def layer(rows, columns):
    """A weight as torch draws it."""
    return nn.Linear(columns, rows).weight.detach().numpy()


def captions_of(keys):
    """Captions as (image, rows), an image's by their number, a caption's rows by first word."""
    found = {}
    columns = (keys.image.to_list(), keys.sentence.tolist(), keys.first_word.tolist())
    for row, (image, sentence, first) in enumerate(zip(*columns, strict=True)):
        found.setdefault((image, sentence), []).append((first, row))
    return [(image, [row for _, row in sorted(rows)]) for (image, _), rows in sorted(found.items())]


def by_image(found, *columns):
    """Cut columns of all objects into those of each image."""
    spans = zip(found.images, found.offsets[:-1], found.offsets[1:], strict=True)
    return {name: [column[low:high] for column in columns] for name, low, high in spans}


def rows_of(words, matrix):
    """Word vectors as a dict of lists."""
    return dict(zip(words, matrix.astype(float).tolist(), strict=True))


def mean_product(words, label):
    """What an object scores before training where words are not weighed."""
    return dot(mean(words), label)


def dot(one, other):
    return math.fsum(map(mul, one, other))


def softmax(numbers):
    top = max(numbers)
    powers = [math.exp(number - top) for number in numbers]
    total = math.fsum(powers)
    return [power / total for power in powers]


@dataclass
class ReleasedImage:
    """100 objects k_m and their boxes; alpha of each word that looked at them."""

    objects: list
    boxes: list
    alphas: dict = field(default_factory=dict)


class Released:
    """The released code, over a state_dict and all words of its vector file."""

    def __init__(self, state, words):
        self.state = {name: tensor.double().tolist() for name, tensor in state.items()}
        self.rows = {word: row for row, word in enumerate(words, start=2)}

    def embedding(self, row):
        return self.state["wv.weight"][row]

    def linear(self, name, vector):
        weight, bias = self.state[f"linear_{name}.weight"], self.state[f"linear_{name}.bias"]
        return [dot(row, vector) + b for row, b in zip(weight, bias, strict=True)]

    def object(self, row, feature):
        projected = self.linear("f", feature)
        return [a + b for a, b in zip(self.embedding(row), projected, strict=True)]

    def image(self, boxes, labels, features):
        """An image of the objects of a file, in its order."""
        rows = [self.rows.get(re.split(" ,", label)[-1], UNK) for label in labels[:OBJECTS]]
        objects = [self.object(row, f) for row, f in zip(rows, features[:OBJECTS], strict=True)]
        missing = OBJECTS - len(objects)
        nothing = self.object(PAD, [0.0] * len(features[0]))
        return ReleasedImage(
            objects + [nothing] * missing, boxes[:OBJECTS] + [[0, 0, 0, 0]] * missing
        )

    def alpha(self, word, image):
        if word not in image.alphas:
            root = math.sqrt(len(self.embedding(word)))
            products = [dot(self.embedding(word), k) / root for k in image.objects]
            image.alphas[word] = max(softmax(products))
        return image.alphas[word]

    def phrase(self, text, image):
        """e of a phrase; an empty text is a phrase that is missing."""
        words = [self.rows.get(word, UNK) for word in text.lower().split()[:WORDS]]
        words += [PAD] * (WORDS - len(words))
        beta = softmax([self.alpha(word, image) for word in words])
        columns = zip(*(self.embedding(word) for word in words), strict=True)
        x = [dot(beta, column) for column in columns]
        large, small = self.linear("p", x), self.linear("mini", x)
        return [a + 1e-5 * b for a, b in zip(large, small, strict=True)]

    def box(self, text, image):
        """The file's numbers of the chosen box, truncated."""
        e = self.phrase(text, image)
        scores = [dot(e, k) for k in image.objects]
        top = max(scores)
        areas = [
            int(area(box)) if score == top else 0
            for box, score in zip(image.boxes, scores, strict=True)
        ]
        return [int(number) for number in image.boxes[areas.index(max(areas))]]

    def boxes(self, captions, texts, images):
        """The box of each row; those after the 32nd of a caption have none."""
        return {
            row: self.box(texts[row], images[image])
            for image, rows in captions
            for row in rows[:PHRASES]
        }

    def retrieval(self, captions, texts, images, order):
        """How many captions find their image among those of 64, missing phrases taking part."""
        embedded = [
            [self.phrase(text, images[own]) for text in ["", *(texts[r] for r in rows[:PHRASES])]]
            for own, rows in captions
        ]

        @cache
        def similar(place, other):
            nothing, *best = (
                max(dot(e, k) for k in images[other].objects) for e in embedded[place]
            )
            return math.fsum(best + [nothing] * (PHRASES - len(best))) / len(best)

        right = 0
        for start in range(0, len(order), CAPTIONS):
            batch = order[start : start + CAPTIONS]
            names = [captions[place][0] for place in batch]
            for place, own in zip(batch, names, strict=True):
                similarities = [similar(place, other) for other in names]
                right += names[similarities.index(max(similarities))] == own
        return right


@dataclass(frozen=True)
class Paper:
    """Eq. 1 to 7 over a dict of vectors; an object is ``(box, label, attribute, feature)``."""

    vectors: dict
    w_p: np.ndarray
    bias: np.ndarray | None = None
    w_f: np.ndarray | None = None
    w_t: np.ndarray | None = None
    labelled: bool = True
    attention: bool = True

    @classmethod
    def of(cls, checkpoint):
        """The weights of a checkpoint."""
        names = ("phrase", "phrase_bias", "feature", "attribute")
        weights = [getattr(checkpoint, name) for name in names]
        return cls(
            rows_of(checkpoint.words, checkpoint.vectors),
            *(None if weight is None else weight.astype(float) for weight in weights),
            labelled="label" in checkpoint.facts.vfr,
            attention=checkpoint.facts.tfr == "attention",
        )

    def object(self, item):
        """v_m of Eq. 1; None of an object without any part."""
        _, label, attribute, feature = item
        l_m = label_vector(label, self.vectors) if self.labelled else None
        t_m = label_vector(attribute, self.vectors) if self.w_t is not None else None
        parts = [
            None if l_m is None else np.array(l_m),
            None if t_m is None else self.w_t @ t_m,
            None if self.w_f is None else self.w_f @ feature,
        ]
        parts = [part for part in parts if part is not None]
        return sum(parts) if parts else None

    def image(self, items):
        """The objects that have a vector, and these: the largest first, then by box and texts."""
        items = sorted(items, key=lambda item: (-area(item[0]), *item[:3]))
        found = [(item, self.object(item)) for item in items]
        found = [(item, v) for item, v in found if v is not None]
        return [item for item, _ in found], np.array([v for _, v in found])

    def images(self, found, files):
        """The same of all images of proposals, whose features are those of `read_files`."""
        columns = found.boxes.tolist(), found.labels.to_list(), found.attributes.to_list()
        items, objects = {}, {}
        for name, texts in by_image(found, *columns).items():
            items[name], objects[name] = self.image(zip(*texts, files[name][2], strict=True))
        return items, objects

    def phrase(self, text, objects):
        """e_n of Eq. 2 and 3; None of a phrase that sees nothing or has no known word."""
        words = np.array(known_words(text, self.vectors))
        if not len(words) or not len(objects):
            return None
        alpha = [max(softmax(list(objects @ h / math.sqrt(len(h))))) for h in words]
        beta = softmax(alpha) if self.attention else np.full(len(words), 1 / len(words))
        e = self.w_p @ (beta @ words)
        return e if self.bias is None else e + self.bias

    def captions(self, keys, objects):
        """Captions as (image, texts), without phrases that see nothing or have no known word."""
        texts = keys.phrase.to_list()
        heard = [
            (
                image,
                [texts[row] for row in rows if self.phrase(texts[row], objects[image]) is not None],
            )
            for image, rows in captions_of(keys)
        ]
        return [caption for caption in heard if caption[1]]

    def scores(self, text, objects):
        """e_n . v_m of Eq. 6, object by object, so that equal objects score the same."""
        e = self.phrase(text, objects)
        return None if e is None else np.array([e @ v for v in objects])

    def similarity(self, texts, own, other):
        """sim(I, S) of Eq. 5, of a caption of the image ``own`` to the image ``other``."""
        found = [self.phrase(text, own) for text in texts]
        return float(np.mean([max(other @ e) for e in found]))

    def loss(self, captions, images):
        """Eq. 4 over a batch of captions ``(image, texts)``, and how many found their image."""
        names = sorted({image for image, _ in captions})
        losses, found = [], 0
        for own, texts in captions:
            similar = [self.similarity(texts, images[own], images[name]) for name in names]
            losses.append(-math.log(softmax(similar)[names.index(own)]))
            found += names[int(np.argmax(similar))] == own
        return math.fsum(losses) / len(losses), found
