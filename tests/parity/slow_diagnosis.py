"""The diagnosis once more, in plain Python from its definition: a phrase at a time, with loops.

Worlds hold boxes as edges, counted from 0, on quarters of a pixel, where sums are exact. Rules say
what a protocol does to them; nothing here is of phraseloc.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tests.parity.oracle import Box, area, corner_iou, edge_giou, hull, shared

SIDE = 100
"""Width and height of every image."""


@dataclass(frozen=True)
class Phrase:
    """A phrase, the boxes of its entity, and the boxes predicted for it, best first."""

    image: str
    sentence: int
    first_word: int
    entity: str
    boxes: Sequence[Box]
    candidates: Sequence[Box]

    @property
    def key(self):
        return self.image, self.sentence, self.first_word, self.entity


@dataclass(frozen=True)
class World:
    """Phrases, each image's objects, and from where the files count pixels."""

    phrases: Sequence[Phrase]
    objects: dict[str, Sequence[Box]] = field(default_factory=dict)
    truth_origin: int = 1
    guess_origin: int = 1


@dataclass(frozen=True)
class Rules:
    """A protocol: corners compared as written, with or without + 1, or else edges; and so on."""

    target: str = "union"
    threshold: float = 0.5
    more: bool = False
    written: bool = False
    plus: int = 0
    truncate: bool = False
    skip_zero: bool = False
    skip_missing: bool = False
    by_entity: bool = False


def corners(box, origin):
    """Give the first and the last pixel of a box, counted from an origin."""
    return box[0] + origin, box[1] + origin, box[2] + origin - 1, box[3] + origin - 1


def overlap(box, origin, boxes, truth_origin, rules):
    """Give the IoU of a box with an entity's boxes, each file with its own origin."""
    if box[2] <= box[0] or box[3] <= box[1]:
        return 0.0
    targets = [corners(b, truth_origin) for b in boxes]
    if rules.skip_zero:
        targets = [b for b in targets if b[:2] != (0, 0)]
    if not targets:
        return 0.0
    if rules.target == "union":
        targets = [hull(targets)]
    found = corners(box, origin)
    if rules.truncate:
        found = tuple(int(number) for number in found)
    if not rules.written:
        found = tuple(number - origin for number in found)
        targets = [tuple(number - truth_origin for number in b) for b in targets]
    values = [corner_iou(found, b, rules.plus if rules.written else 1) for b in targets]
    return min(values) if rules.target == "each" else max(values)


def is_right(world, box, origin, phrase, rules):
    value = overlap(box, origin, phrase.boxes, world.truth_origin, rules)
    return value > rules.threshold if rules.more else value >= rules.threshold


def class_of(world, phrase, rules, with_objects):
    """Give the first class that holds, or ``right``."""
    if not phrase.candidates:
        return "missing"
    box, origin = phrase.candidates[0], world.guess_origin
    if is_right(world, box, origin, phrase, rules):
        return "right"
    if with_objects:
        found = world.objects.get(phrase.image, ())
        if not any(is_right(world, item, 0, phrase, rules) for item in found):
            return "no proposal"
    if len(phrase.boxes) > 1:
        single = Rules(**{**vars(rules), "target": "any"})
        if is_right(world, box, origin, phrase, single):
            return "one of a group"
    if overlap(box, origin, phrase.boxes, world.truth_origin, rules) >= 0.25:
        return "near miss"
    others = [
        other.sentence == phrase.sentence
        for other in world.phrases
        if other.image == phrase.image
        and other.entity != phrase.entity
        and is_right(world, box, origin, other, rules)
    ]
    if others:
        return "same caption" if any(others) else "same image"
    return "part or whole" if inside(box, hull(phrase.boxes)) else "background"


def inside(box, target):
    """Tell whether nine tenths of the smaller box lie in the larger."""
    both = shared(box, target, 0)
    return both > 0 and 10 * both >= 9 * min(area(box, 0), area(target, 0))


def classes_of(world, rules, with_objects):
    """Give the class of each phrase by key, or of each entity by image and entity."""
    counted = [p for p in world.phrases if p.candidates or not rules.skip_missing]
    if not rules.by_entity:
        return {p.key: class_of(world, p, rules, with_objects) for p in counted}
    mentions = {}
    for phrase in counted:
        mentions.setdefault((phrase.image, phrase.entity), []).append(phrase)
    return {
        key: class_of(world, worst_of(world, found, rules), rules, with_objects)
        for key, found in mentions.items()
    }


def worst_of(world, phrases, rules):
    """Give the phrase without prediction, or farthest off; the first in the text of equals."""

    def badness(phrase):
        if not phrase.candidates:
            return 0, 0.0, phrase.key
        box, origin = phrase.candidates[0], world.guess_origin
        value = overlap(box, origin, phrase.boxes, world.truth_origin, rules)
        return 1, value, phrase.key

    return min(phrases, key=badness)


def distance(phrase):
    """Give the generalized IoU of prediction and union box."""
    return edge_giou(phrase.candidates[0], hull(phrase.boxes))


def draw_world(random: Random) -> World:
    """Draw three images of up to six entities, each mentioned in up to three captions."""
    phrases, objects = [], {}
    for image in ("7", "8", "9"):
        entities = [_entity(random) for _ in range(random.randint(1, 6))]
        for number in range(1, len(entities)):
            if random.random() < 0.3:
                entities[number] = [random.choice(entities[number - 1]), *entities[number][1:]]
        for sentence in range(3):
            for number, boxes in enumerate(entities):
                if random.random() < 0.7:
                    own = boxes if random.random() < 0.9 else _entity(random)
                    guesses = [_guess(random, own, entities) for _ in range(random.randint(1, 3))]
                    some = guesses if random.random() < 0.9 else []
                    phrases.append(Phrase(image, sentence, 2 * number, str(number), own, some))
        if random.random() < 0.8:
            near = [_guess(random, boxes, entities) for boxes in entities]
            objects[image] = [b for b in near if _has_area(b) and random.random() < 0.8]
    if not phrases:
        return draw_world(random)
    return World(phrases, objects, random.randint(0, 1), random.randint(0, 1))


def _has_area(box):
    return box[2] > box[0] and box[3] > box[1]


def _entity(random):
    return [_anywhere(random) for _ in range(random.choice((1, 1, 2, 3)))]


def _anywhere(random):
    low = [random.choice((0, random.randint(0, 280) / 4)) for _ in range(2)]
    return *low, *(start + random.randint(8, 4 * int(SIDE - start)) / 4 for start in low)


def _guess(random, boxes, entities):
    """Draw a box of one of the kinds that classes are of, and now and then one without area."""
    x1, y1, x2, y2 = union = hull(boxes)
    kind = random.randrange(9)
    if kind == 0:
        return union
    if kind == 1:
        return random.choice(boxes)
    if kind == 2:
        return x1, y1, x1 + (x2 - x1) / random.choice((1, 2, 4)), y2 - (y2 - y1) / 4
    if kind == 3:
        return x1, y1, x2, y1 + (y2 - y1) / random.choice((2, 4, 8))
    if kind == 4:
        return hull(random.choice(entities))
    if kind == 5:
        return random.choice(random.choice(entities))
    if kind == 6:
        return 0, 0, SIDE, SIDE
    if kind == 7 and random.random() < 0.3:
        return x1, y1, x1, y2
    return _anywhere(random)
