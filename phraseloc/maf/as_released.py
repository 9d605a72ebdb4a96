"""A released checkpoint as the released code runs it: no equation of the paper, but its arithmetic.

What differs from the equations: an image has exactly 100 objects and a phrase 12 words, padded by
the embedding of PAD, which takes part like any other; unknown words and labels are UNK; a label is
one word, what stands after its last " ," (so that "traffic light" is unknown); W_f has a bias; a
phrase is W_p x plus 1e-5 of a second projection; of exactly equal objects the largest is taken, by
its truncated area, and the first object where that is zero; boxes are truncated to whole numbers.
Of a caption's phrases, the first 32 count. What the code leaves to chance is not done: nothing is
shuffled or dropped. Sums are double precision, so that equal objects are equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from phraseloc.baselines import Choice, Task
from phraseloc.columns import FloatArray, IntArray
from phraseloc.errors import OptionError
from phraseloc.maf.checkpoint import Checkpoint, Padding
from phraseloc.maf.predict import BATCH
from phraseloc.maf.regions import Regions
from phraseloc.space import BoxSpace

OBJECTS, PHRASES, WORDS = 100, 32, 12
SMALL = 1e-5
"""What the second projection is multiplied by."""


def choose_as_released(checkpoint: Checkpoint, task: Task, regions: Regions) -> Choice:
    """Choose the box of each phrase; those after the 32nd of a caption have none.

    Raises
    ------
    OptionError
        if the checkpoint was no released one
    InputError
        if the features are of another width than the checkpoint's
    """
    model = _Model.of(checkpoint, task, regions)
    boxes = np.zeros((len(task), 4))
    decided = np.zeros(len(task), bool)
    for image, captions in _by_image(task):
        rows = np.concatenate([caption[:PHRASES] for caption in captions])
        objects, written = model.objects(image)
        phrases = model.phrases(rows, objects)
        scores = (phrases[:, None] * objects).sum(axis=2)
        boxes[rows] = _largest_of_best(scores, written)
        decided[rows] = True
    boxes = model.space.read(boxes)
    return Choice(boxes, decided & (boxes[:, 2:] > boxes[:, :2]).all(axis=1))


def retrieval_as_released(
    checkpoint: Checkpoint, task: Task, regions: Regions, seed: int = 0
) -> tuple[int, int]:
    """Count the captions that find their own image among those of 64 captions, and all captions.

    Padded phrases take part, as in the released code. Captions are shuffled by seed.
    """
    model = _Model.of(checkpoint, task, regions)
    captions = [(image, rows) for image, found in _by_image(task) for rows in found]
    order = np.random.default_rng(seed).permutation(len(captions))
    right = 0
    for start in range(0, len(order), BATCH):
        batch = [captions[i] for i in order[start : start + BATCH].tolist()]
        objects = np.array([model.objects(image)[0] for image, _ in batch])
        nothing = (objects @ model.nothing).max(axis=1)
        for place, (image, rows) in enumerate(batch):
            phrases = model.phrases(rows[:PHRASES], objects[place])
            best = (objects @ phrases.T).max(axis=1)
            sums = best.sum(axis=1) + (PHRASES - len(phrases)) * nothing
            right += batch[int(sums.argmax())][0] == image
    return right, len(captions)


@dataclass(frozen=True, eq=False)
class _Model:
    """The released arithmetic over a task."""

    checkpoint: Checkpoint
    padding: Padding
    task: Task
    regions: Regions
    rows: Mapping[str, int]
    vectors: FloatArray

    @classmethod
    def of(cls, checkpoint: Checkpoint, task: Task, regions: Regions) -> _Model:
        padding, feature = checkpoint.padding, checkpoint.feature
        if padding is None or feature is None:
            raise OptionError(
                f"{checkpoint.source} is not of the released code: expected --reading paper"
            )
        regions.check_width(feature.shape[1], checkpoint.source)
        rows = {word: 2 + row for row, word in enumerate(checkpoint.words)}
        vectors = np.concatenate([padding.rows, checkpoint.vectors]).astype(np.float64)
        return cls(checkpoint, padding, task, regions, rows, vectors)

    def objects(self, image: int) -> tuple[FloatArray, FloatArray]:
        """Give an image's 100 objects (100, d), and their boxes as the file has them."""
        found, feature = self.task.proposals, self.checkpoint.feature
        assert found is not None
        assert feature is not None
        first, end = found.offsets[image : image + 2].tolist()
        places = np.arange(first, min(end, first + OBJECTS))
        labels = np.zeros(OBJECTS, np.int64)
        labels[: len(places)] = [self._row(label_word(found.labels[i])) for i in places.tolist()]
        features = np.zeros((OBJECTS, feature.shape[1]))
        features[: len(places)] = self.regions.take(places)
        written = np.zeros((OBJECTS, 4))
        written[: len(places)] = self.space.write(found.boxes[places])
        projected = features @ feature.T.astype(np.float64) + self.padding.feature_bias
        return self.vectors[labels] + projected, written

    def phrases(self, rows: IntArray, objects: FloatArray) -> FloatArray:
        """Give phrases (Q, d) as they look at an image's objects."""
        texts = [self.task.phrases[row].lower().split()[:WORDS] for row in rows.tolist()]
        words = np.zeros((len(texts), WORDS), np.int64)
        for place, text in enumerate(texts):
            words[place, : len(text)] = [self._row(word) for word in text]
        embedded = self.vectors[words]
        attention = _softmax(embedded @ objects.T * objects.shape[1] ** -0.5)
        weights = _softmax(attention.max(axis=2))
        return self._projected((weights[:, :, None] * embedded).sum(axis=1))

    @property
    def space(self) -> BoxSpace:
        """What the code takes the numbers of boxes for: two corners, as their file has them."""
        assert self.task.proposals is not None
        return replace(self.task.proposals.space, layout="xyxy")

    @property
    def nothing(self) -> FloatArray:
        """A phrase (d,) of PAD alone, as which a caption's missing phrases take part."""
        nothing: FloatArray = self._projected(self.vectors[:1])[0]
        return nothing

    def _projected(self, phrases: FloatArray) -> FloatArray:
        checkpoint, padding = self.checkpoint, self.padding
        assert checkpoint.phrase_bias is not None
        large = phrases @ checkpoint.phrase.T.astype(np.float64) + checkpoint.phrase_bias
        small = phrases @ padding.small.T.astype(np.float64) + padding.small_bias
        found: FloatArray = large + SMALL * small
        return found

    def _row(self, word: str) -> int:
        return self.rows.get(word, 1)


def label_word(label: str) -> str:
    """Give the one word that the released code looks up for a label.

    Examples
    --------
    >>> label_word("gray,grey"), label_word("a ,b")
    ('gray,grey', 'b')
    """
    return label.split(" ,")[-1]


def released_words(task: Task) -> set[str]:
    """Give the words that the released code would look up."""
    words = {word for text in task.phrases.values for word in text.lower().split()}
    return words | {label_word(label) for label in task.objects.labels.values}


def _by_image(task: Task) -> Iterator[tuple[int, list[IntArray]]]:
    """Yield each image's place among the proposals, with its captions' phrases in their order."""
    keys, found = task.keys, task.proposals
    assert found is not None
    places = found.rows_of(keys.image.values)[keys.image.codes]
    sentence = np.zeros(len(keys), np.int64) if keys.sentence is None else keys.sentence
    first = np.arange(len(keys)) if keys.first_word is None else keys.first_word
    order = np.lexsort([first, sentence, places])
    order = order[(places >= 0)[order] & (np.append(np.diff(found.offsets), 0)[places] > 0)[order]]
    for rows in np.split(order, np.flatnonzero(np.diff(places[order])) + 1):
        if len(rows):
            cuts = np.flatnonzero(np.diff(sentence[rows])) + 1
            yield int(places[rows[0]]), np.split(rows, cuts)


def _largest_of_best(scores: FloatArray, written: FloatArray) -> FloatArray:
    """Give each phrase's box, truncated: of the best objects, the largest by truncated area."""
    boxes = written.astype(np.float32)
    areas = (boxes[:, 3] - boxes[:, 1]) * (boxes[:, 2] - boxes[:, 0])
    best = scores == scores.max(axis=1, keepdims=True)
    place = np.where(best, np.trunc(areas), 0).argmax(axis=1)
    found: FloatArray = np.trunc(boxes)[place].astype(np.float64)
    return found


def _softmax(numbers: FloatArray) -> FloatArray:
    powers = np.exp(numbers - numbers.max(axis=-1, keepdims=True))
    share: FloatArray = powers / powers.sum(axis=-1, keepdims=True)
    return share
