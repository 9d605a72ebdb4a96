"""Every preset gives what its scorer's formulas give, on hundreds of phrases with ranked boxes.

Boxes lie on quarters of a pixel, where sums are exact: all overlaps must have the oracle's bits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from random import Random

import numpy as np
import pytest

from phraseloc import PROTOCOLS, Protocol, load_ground_truth, load_predictions, score
from tests.parity import drawing, oracle
from tests.parity.release import Phrase

pytestmark = pytest.mark.real

IMAGES = 40
RANKS = (1, 5, 10, 12)
QUARTER = drawing.GRIDS["quarter"]


def as_edges(corners):
    """Give corners, 1-based, the last pixel included, as edges from 0."""
    return corners[0] - 1, corners[1] - 1, corners[2], corners[3]


def unchanged(box):
    return box


def union(phrase):
    return [phrase.union]


def every_box(phrase):
    return phrase.boxes


def union_edges(phrase):
    return [as_edges(phrase.union)]


def every_box_edges(phrase):
    return [as_edges(box) for box in phrase.boxes]


def maf_union(phrase):
    return [oracle.maf_target(phrase.boxes)]


@dataclass(frozen=True)
class Scorer:
    """A preset in formulas: what becomes of boxes (corners as written), and how they compare."""

    protocol: Protocol
    targets: Callable[[Phrase], Sequence[oracle.Box]]
    measure: oracle.Measure
    box: Callable[[oracle.Box], oracle.Box] = unchanged
    passes: Callable[[float], bool] = lambda overlap: overlap >= 0.5
    reduce: Callable[..., float] = oracle.best
    lowest: float = 0.0

    def overlaps(self, phrases, boxes):
        """Give the overlaps of each phrase at each rank; of a phrase without boxes, the lowest."""
        return [
            [
                self.reduce(
                    [self.box(b) for b in candidates], self.targets(phrase), self.measure, k
                )
                if candidates
                else self.lowest
                for k in RANKS
            ]
            for phrase, candidates in zip(phrases, boxes, strict=True)
        ]


def more_than_half(overlap):
    return overlap > 0.5


FLICKR30K = PROTOCOLS["flickr30k"]
SCORERS = {
    "flickr30k": Scorer(FLICKR30K, union, oracle.pixel_iou),
    "strict": Scorer(PROTOCOLS["strict"], union, oracle.pixel_iou, passes=more_than_half),
    "any-box": Scorer(PROTOCOLS["any-box"], every_box, oracle.edge_iou),
    "merged": Scorer(PROTOCOLS["merged"], union, oracle.edge_iou),
    "maf-released": Scorer(
        PROTOCOLS["maf-released"], maf_union, oracle.pixel_iou, box=oracle.maf_box
    ),
    "pointing": Scorer(
        PROTOCOLS["pointing"],
        every_box_edges,
        oracle.centre_in,
        box=as_edges,
        passes=lambda inside: inside == 1,
    ),
    "refcoco": Scorer(PROTOCOLS["refcoco"], union_edges, oracle.edge_iou, box=as_edges),
    "refcoco-giou": Scorer(
        PROTOCOLS["refcoco-giou"], union_edges, oracle.edge_giou, box=as_edges, lowest=-1.0
    ),
    "each": Scorer(
        FLICKR30K.override(target="each"), every_box, oracle.pixel_iou, reduce=oracle.reached
    ),
    "any, inclusive": Scorer(FLICKR30K.override(target="any"), every_box, oracle.pixel_iou),
}
every_scorer = pytest.mark.parametrize("scorer", SCORERS.values(), ids=SCORERS)


@pytest.fixture(scope="module")
def drawn(official, phrases, rows_of_image):
    """Some images' ground truth, phrases, and ranked boxes: corners as an xyxy file has them."""
    random = Random(5)
    rows = [row for image in random.sample(rows_of_image, IMAGES) for row in image]
    chosen = [phrases[row] for row in rows]
    boxes = [
        [
            oracle.corners(drawing.draw_box(random, p, QUARTER, 2))
            for _ in range(random.choice(RANKS))
        ]
        for p in chosen
    ]
    return official.take(np.array(rows)), chosen, boxes


def write(folder, phrases, boxes, layout="xyxy", corners="inclusive", origin=1):
    path = folder / "predictions.json"
    return drawing.write_json(path, phrases, boxes, layout=layout, corners=corners, origin=origin)


def counts(accuracy):
    return accuracy.correct, accuracy.total


def check(scores, scorer, overlaps, categories):
    columns = list(zip(*overlaps, strict=True))
    assert scores.outcomes.overlap.tolist() == [list(row) for row in overlaps]
    assert counts(scores.accuracy) == oracle.tally(columns[0], scorer.passes)
    by_category = oracle.tally_by_category(columns[0], categories, scorer.passes)
    assert {name: counts(a) for name, a in scores.categories.items()} == by_category
    figures = [*scores.recall.values(), scores.upper_bound]
    assert list(map(counts, figures)) == [oracle.tally(c, scorer.passes) for c in columns]


def test_every_preset_has_a_scorer():
    assert set(PROTOCOLS) <= set(SCORERS)


@every_scorer
def test_ranked_boxes(scorer, drawn, tmp_path):
    truth, phrases, boxes = drawn
    path = write(tmp_path, phrases, boxes)
    scores = score(truth, load_predictions(path), scorer.protocol, samples=1)
    check(scores, scorer, scorer.overlaps(phrases, boxes), [p.categories for p in phrases])


@every_scorer
def test_phrases_without_prediction(scorer, drawn, tmp_path):
    truth, phrases, boxes = drawn
    boxes = [candidates if row % 7 else [] for row, candidates in enumerate(boxes)]
    given = [(p, candidates) for p, candidates in zip(phrases, boxes, strict=True) if candidates]
    predictions = load_predictions(write(tmp_path, *zip(*given, strict=True)))
    wrong = score(truth, predictions, scorer.protocol, samples=1)
    check(wrong, scorer, scorer.overlaps(phrases, boxes), [p.categories for p in phrases])
    skipped = score(truth, predictions, scorer.protocol.override(missing="skip"), samples=1)
    categories = [p.categories for p, _ in given]
    check(skipped, scorer, scorer.overlaps(*zip(*given, strict=True)), categories)


@every_scorer
def test_entities(scorer, drawn, tmp_path):
    """An entity counts once, and by the phrase that fits it worst."""
    truth, phrases, boxes = drawn
    predictions = load_predictions(write(tmp_path, phrases, boxes))
    scores = score(truth, predictions, scorer.protocol.override(unit="entity"), samples=1)
    names = [(p.image, p.entity) for p in phrases]
    columns = zip(*scorer.overlaps(phrases, boxes), strict=True)
    lowest = [oracle.by_entity(column, names) for column in columns]
    found = [names[row] for row in scores.outcomes.phrase]
    assert sorted(found) == sorted(set(names))
    first = dict(zip(reversed(names), reversed(phrases), strict=True))
    overlaps = [[column[name] for column in lowest] for name in found]
    check(scores, scorer, overlaps, [first[name].categories for name in found])


@pytest.mark.parametrize("name", ["any-box", "merged", "maf-released"])
@pytest.mark.parametrize("corners", ["inclusive", "continuous"])
@pytest.mark.parametrize("origin", [0, 1])
def test_scripts_that_never_convert(name, corners, origin, drawn, tmp_path):
    """What a file declares its corners to be does not matter: they are compared as they stand.

    They are moved to 0-based pixels, as detectors have them, so that some lie between 0 and 1.
    """
    scorer = SCORERS[name]
    truth, phrases, boxes = drawn
    boxes = [[[number - 1 for number in box] for box in candidates] for candidates in boxes]
    assert any(0 < box[0] < 1 or 0 < box[1] < 1 for candidates in boxes for box in candidates)
    path = write(tmp_path, phrases, boxes, corners=corners, origin=origin)
    scores = score(truth, load_predictions(path), scorer.protocol, samples=1)
    check(scores, scorer, scorer.overlaps(phrases, boxes), [p.categories for p in phrases])


def test_maf_passes_over_targets_whose_left_and_top_are_zero(drawn, tmp_path):
    """The release counts pixels from 1; in a 0-based copy, boxes begin at the image's corner."""
    _, phrases, boxes = drawn
    moved = [[[number - 1 for number in box] for box in phrase.boxes] for phrase in phrases]
    assert any(box[:2] == [0, 0] for targets in moved for box in targets)
    truth = load_ground_truth(write_targets(tmp_path / "truth.json", phrases, moved))
    scores = score(
        truth, load_predictions(write(tmp_path, phrases, boxes)), "maf-released", samples=1
    )
    expected = [
        max(oracle.pixel_iou(oracle.maf_box(b), oracle.maf_target(map(tuple, t))) for b in c[:1])
        for c, t in zip(boxes, moved, strict=True)
    ]
    assert scores.outcomes.overlap[:, 0].tolist() == expected


def write_targets(path, phrases, targets):
    """Write ground truth, each phrase with all its boxes, 0-based and inclusive."""
    space = {"layout": "xyxy", "corners": "inclusive", "origin": 0}
    return drawing.write_json(path, phrases, [[*boxes, boxes[0]] for boxes in targets], **space)


IN_SPACE = {
    ("xyxy", "inclusive"): lambda x1, y1, x2, y2: (x1, y1, x2 - 1, y2 - 1),
    ("xyxy", "continuous"): lambda x1, y1, x2, y2: (x1, y1, x2, y2),
    ("xywh", "inclusive"): lambda x1, y1, x2, y2: (x1, y1, x2 - x1, y2 - y1),
    ("xywh", "continuous"): lambda x1, y1, x2, y2: (x1, y1, x2 - x1, y2 - y1),
}


@pytest.mark.parametrize(
    ("layout", "corners", "origin"),
    [(*space, origin) for space, origin in product(IN_SPACE, (0, 1))],
)
@pytest.mark.parametrize("name", ["flickr30k", "refcoco-giou", "pointing"])
def test_one_box_in_every_space(name, layout, corners, origin, drawn, tmp_path):
    """Protocols that honour what a file declares see the same box, however it is written."""
    scorer = SCORERS[name]
    truth, phrases, boxes = drawn
    turn = IN_SPACE[layout, corners]

    def written(box):
        first, second, *rest = turn(*as_edges(box))
        shift = [origin, origin] if layout == "xyxy" else [0, 0]
        return [first + origin, second + origin, rest[0] + shift[0], rest[1] + shift[1]]

    moved = [list(map(written, candidates)) for candidates in boxes]
    path = write(tmp_path, phrases, moved, layout, corners, origin)
    scores = score(truth, load_predictions(path), scorer.protocol, samples=1)
    check(scores, scorer, scorer.overlaps(phrases, boxes), [p.categories for p in phrases])


@pytest.mark.parametrize("scale", [1, 1000])
def test_fractions_of_the_image(scale, drawn, tmp_path):
    truth, phrases, boxes = drawn
    relative = [
        [[scale * n / s for n, s in zip(as_edges(b), 2 * p.size, strict=True)] for b in candidates]
        for p, candidates in zip(phrases, boxes, strict=True)
    ]
    units = {"layout": "xyxy", "units": f"0-{scale}"}
    path = drawing.write_json(tmp_path / "predictions.json", phrases, relative, **units)
    scores = score(truth, load_predictions(path), samples=1)
    expected = SCORERS["flickr30k"].overlaps(phrases, boxes)
    np.testing.assert_allclose(scores.outcomes.overlap, expected, rtol=0, atol=1e-12)


def test_continuous_boxes_of_referring_expressions(data, drawn, tmp_path):
    """The numbers of the reference scorer's file, read as RefCOCO's: x + w is the right edge."""
    _, phrases, boxes = drawn
    declared = {"layout": "xywh", "corners": "continuous", "origin": 0}
    truth = load_ground_truth(data / "phraseloceval/flickr30k_annotation_test.json", **declared)
    place = {key: row for row, key in enumerate(keys_of(truth))}
    kept = [
        (place[p.image, p.sentence, p.first_word, p.entity], p, candidates)
        for p, candidates in zip(phrases, boxes, strict=True)
        if (p.image, p.sentence, p.first_word, p.entity) in place
    ]
    rows, phrases, boxes = zip(*kept, strict=True)

    def edges(box):
        return box[0], box[1], box[0] + box[2], box[1] + box[3]

    path = write(tmp_path, phrases, boxes, "xywh", "continuous", 0)
    for name, measure in (("refcoco", oracle.edge_iou), ("refcoco-giou", oracle.edge_giou)):
        scores = score(truth.take(np.array(rows)), load_predictions(path), name, samples=1)
        expected = [
            max(measure(edges(box), edges(p.union_xywh)) for box in candidates)
            for p, candidates in zip(phrases, boxes, strict=True)
        ]
        assert scores.outcomes.overlap[:, -1].tolist() == expected


def keys_of(truth):
    image, sentence, first_word, entity = truth.keys.parts
    columns = [image.to_list(), sentence.tolist(), first_word.tolist(), entity.to_list()]
    return zip(*columns, strict=True)


@pytest.mark.parametrize("origin", [0, 1])
@pytest.mark.parametrize("corners", ["inclusive", "continuous"])
def test_points(corners, origin, official, phrases, tmp_path):
    """A point of an inclusive file is a pixel, which stands for its centre."""
    random = Random(origin)
    points = [
        (QUARTER(p.size[0] * random.random()), QUARTER(p.size[1] * random.random()))
        for p in phrases
    ]
    half = 0.5 if corners == "inclusive" else 0.0
    path = tmp_path / "points.tsv"
    path.write_text(
        f"#phraseloc corners={corners} origin={origin}\n"
        + "".join(
            f"{p.image}#{p.sentence}\t{p.text}\t{x - half + origin}\t{y - half + origin}\n"
            for p, (x, y) in zip(phrases, points, strict=True)
        )
    )
    scores = score(official, load_predictions(path), "pointing", samples=1)
    expected = [
        max(oracle.point_in(point, target) for target in every_box_edges(p))
        for p, point in zip(phrases, points, strict=True)
    ]
    assert scores.outcomes.overlap[:, 0].tolist() == expected
