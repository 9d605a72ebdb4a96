"""The baselines once more, in plain Python from their definitions: a phrase at a time, with loops.

An object is ``(box, label)``; vectors are dicts from words to lists of floats. Every function gives
the box that its baseline chooses, or None where it has no opinion.
"""

import math


def objects_of(boxes, labels):
    """Objects, each once, the largest first, then the one further left, then higher."""
    found = {(tuple(box), label) for box, label in zip(boxes, labels, strict=True)}
    return sorted(found, key=lambda item: (-area(item[0]), item[0], item[1]))


def area(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def words_of(text, vectors=None):
    """Lower case, no punctuation, no possessives; unknown hyphenated words in parts."""
    words = []
    for token in text.lower().split():
        word = token.strip('.,;:!?()[]{}"`').removesuffix("'s").strip("'")
        if not any(letter.isalnum() for letter in word):
            continue
        if vectors is None or word in vectors:
            words.append(word)
        else:
            words.extend(part for part in word.split("-") if part)
    return words


def known_words(text, vectors):
    return [vectors[word] for word in words_of(text, vectors) if word in vectors]


def mean(rows):
    return [math.fsum(column) / len(rows) for column in zip(*rows, strict=True)]


def dot(one, other):
    return math.fsum(a * b for a, b in zip(one, other, strict=True))


def cosine(one, other):
    length = math.sqrt(dot(one, one) * dot(other, other))
    return dot(one, other) / length if length else 0.0


def label_vector(label, vectors):
    """The mean over a label's names of the mean of each name's words; None if none is known."""
    names = [known_words(name, vectors) for name in label.split(",")]
    names = [mean(words) for words in names if words]
    return mean(names) if names else None


def best(objects, score):
    """The object of the highest score; the first of equals, which is the largest."""
    scores = [score(item) for item in objects]
    if all(value is None for value in scores):
        return None
    top = max(value for value in scores if value is not None)
    return objects[scores.index(top)]


def box_of(item):
    return None if item is None else item[0]


def center(_phrase, objects, size, _vectors):
    def nearness(item):
        x1, y1, x2, y2 = item[0]
        return -(abs((x1 + x2) / 2 - size[0] / 2) + abs((y1 + y2) / 2 - size[1] / 2))

    return box_of(best(objects, nearness))


def largest(_phrase, objects, _size, _vectors):
    return objects[0][0]


def whole_image(_phrase, _objects, size, _vectors):
    return (0.0, 0.0, *size)


def direct_match(phrase, objects, _size, _vectors):
    wanted = set(words_of(phrase))

    def shares(item):
        label = {word for name in item[1].split(",") for word in words_of(name)}
        return 0 if wanted & label else None

    return box_of(best(objects, shares))


def by_label(phrase, objects, vectors, score):
    """The best object by a score of the phrase's known words and a label's vector."""
    words = known_words(phrase, vectors)
    if not words:
        return None
    cache = {}
    for _, label in objects:
        vector = label_vector(label, vectors)
        cache[label] = None if vector is None else score(words, vector)
    return best(objects, lambda item: cache[item[1]])


def max_score(words, label):
    return max(cosine(word, label) for word in words)


def mean_score(words, label):
    return cosine(mean(words), label)


def glove_max(phrase, objects, _size, vectors):
    return box_of(by_label(phrase, objects, vectors, max_score))


def glove_avg(phrase, objects, _size, vectors):
    return box_of(by_label(phrase, objects, vectors, mean_score))


def softmax(numbers):
    powers = [math.exp(number - max(numbers)) for number in numbers]
    return [power / math.fsum(powers) for power in powers]


def glove_att(phrase, objects, _size, vectors):
    """Eq. 2, 3 and 8 of MAF, over the objects whose label has a vector."""
    words = known_words(phrase, vectors)
    found = {label: label_vector(label, vectors) for _, label in objects}
    seen = [found[label] for _, label in objects if found[label] is not None]
    if not words or not seen:
        return None
    root = math.sqrt(len(words[0]))
    alpha = [max(softmax([dot(word, label) / root for label in seen])) for word in words]
    beta = softmax(alpha)
    phrase_vector = [
        math.fsum(weight * word[i] for weight, word in zip(beta, words, strict=True))
        for i in range(len(words[0]))
    ]
    scores = {
        label: None if vector is None else dot(phrase_vector, vector)
        for label, vector in found.items()
    }
    return box_of(best(objects, lambda item: scores[item[1]]))


def union_of_label(score):
    def choose(phrase, objects, _size, vectors):
        chosen = by_label(phrase, objects, vectors, score)
        if chosen is None:
            return None
        boxes = [box for box, label in objects if label == chosen[1]]
        low, high = zip(*((box[:2], box[2:]) for box in boxes), strict=True)
        return (*map(min, zip(*low, strict=True)), *map(max, zip(*high, strict=True)))

    return choose


TWINS = {
    "center": center,
    "largest": largest,
    "whole-image": whole_image,
    "direct-match": direct_match,
    "glove-max": glove_max,
    "glove-avg": glove_avg,
    "glove-att": glove_att,
    "w2v-max": glove_max,
    "w2v-avg": glove_avg,
    "w2v-max:union": union_of_label(max_score),
    "w2v-avg:union": union_of_label(mean_score),
}
"""The twin of each baseline that draws nothing and looks at no truth."""


def iou(box, target):
    width = min(box[2], target[2]) - max(box[0], target[0])
    height = min(box[3], target[3]) - max(box[1], target[1])
    shared = max(width, 0) * max(height, 0)
    return shared / (area(box) + area(target) - shared)


def oracle(objects, targets):
    """The object that fits the union of the targets best."""
    low, high = zip(*((box[:2], box[2:]) for box in targets), strict=True)
    union = (*map(min, zip(*low, strict=True)), *map(max, zip(*high, strict=True)))
    return box_of(best(objects, lambda item: iou(item[0], union)))
