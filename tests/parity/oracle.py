"""The formulas of the scorers, in plain Python: lists, loops, no NumPy, nothing of phraseloc.

Each function is one formula, in the numbers that the scorer's own files hold. Sources:

- *Reference scorer* (Wang and Specia, ICCV 2019; phraseloceval,
  ``lib/phraseloc/eval/evaluator.py``): boxes ``x, y, w, h`` in pixels, of which the first is 1 and
  the last belongs to the box, so that the right column is ``x + w - 1`` and columns ``a`` to ``b``
  are ``b - a + 1`` columns. A phrase is right at IoU >= 0.5; it counts in each of its categories;
  the upper bound takes its best candidate.
- *MDETR* (Kamath et al., ICCV 2021; ``datasets/flickr_eval.py``): corners ``x1, y1, x2, y2``,
  widths ``x2 - x1``; the best of the first k predictions over all boxes of the entity (any-box), or
  over the one box around them (merged).
- *MAF as released* (Wang et al., EMNLP 2020; ``model.py``, ``utils/utils.py``,
  ``utils/evaluator.py``): predicted corners lose their fraction; the union of an entity's boxes
  grows from (999, 999, 0, 0) and passes over boxes whose left and top are both 0; widths
  ``x2 - x1 + 1``.
- *Pointing game* (Zhang et al., ECCV 2016): the point lies in a box of the entity.
- *Generalized IoU* (Rezatofighi et al., CVPR 2019, Algorithm 1): IoU - (hull - union) / hull.
"""

from collections.abc import Callable, Iterable, Sequence

Box = Sequence[float]
Measure = Callable[[Box, Box], float]
Tally = tuple[int, int]


def corners(box: Box) -> Box:
    """``x, y, w, h`` as the first and the last column and row that belong to the box."""
    x, y, w, h = box
    return x, y, x + w - 1, y + h - 1


def edges(box: Box) -> Box:
    """``x, y, w, h``, 1-based and inclusive, as the edges of its pixels, counted from 0."""
    x, y, w, h = box
    return x - 1, y - 1, x - 1 + w, y - 1 + h


def shared(a: Box, b: Box, plus: int) -> float:
    """The area that two boxes of corners share; ``plus`` is 1 where the last pixel belongs."""
    area = 1
    for low, high in ((0, 2), (1, 3)):
        side = min(a[high], b[high]) - max(a[low], b[low]) + plus
        area *= max(side, 0)
    return area


def area(box: Box, plus: int) -> float:
    """The area of a box of corners."""
    return (box[2] - box[0] + plus) * (box[3] - box[1] + plus)


def hull(boxes: Iterable[Box]) -> Box:
    """The smallest box of corners around others."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def corner_iou(box: Box, target: Box, plus: int) -> float:
    """Intersection over union of two boxes of corners, 0 where neither has an area."""
    both = shared(box, target, plus)
    either = area(box, plus) + area(target, plus) - both
    return both / either if either else 0.0


def reference_iou(box: Box, target: Box) -> float:
    """The reference scorer's IoU of two ``x, y, w, h``: areas are ``w * h``."""
    both = shared(corners(box), corners(target), 1)
    return both / (box[2] * box[3] + target[2] * target[3] - both)


def edge_iou(box: Box, target: Box) -> float:
    """IoU of two boxes of edges (or of corners whose last pixel does not belong, as in MDETR)."""
    return corner_iou(box, target, 0)


def pixel_iou(box: Box, target: Box) -> float:
    """IoU of two boxes of corners whose last pixel belongs, as MAF's script has it."""
    return corner_iou(box, target, 1)


def edge_giou(box: Box, target: Box) -> float:
    """Generalized IoU of two boxes of edges."""
    both = shared(box, target, 0)
    either = area(box, 0) + area(target, 0) - both
    around = area(hull([box, target]), 0)
    return both / either - (around - either) / around


def point_in(point: Sequence[float], target: Box) -> float:
    """1 where a point lies in a box of edges, on its edge included."""
    x, y = point
    return float(target[0] <= x <= target[2] and target[1] <= y <= target[3])


def centre_in(box: Box, target: Box) -> float:
    """1 where the centre of a box lies in another, both of edges."""
    return point_in(((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), target)


def maf_box(box: Box) -> Box:
    """Corners without their fraction."""
    return tuple(int(number) for number in box)


def maf_target(boxes: Iterable[Box]) -> Box:
    """The union as MAF's script grows it."""
    counted = [box for box in boxes if (box[0], box[1]) != (0, 0)]
    return hull([(999, 999, 0, 0), *counted])


def best(candidates: Sequence[Box], targets: Sequence[Box], measure: Measure, k: int) -> float:
    """The best overlap of the first k candidates with any target."""
    return max(measure(box, target) for box in candidates[:k] for target in targets)


def reached(candidates: Sequence[Box], targets: Sequence[Box], measure: Measure, k: int) -> float:
    """The overlap of the target that the first k candidates fit worst: all must be reached."""
    return min(best(candidates, [target], measure, k) for target in targets)


def tally(overlaps: Sequence[float], passes: Callable[[float], bool]) -> Tally:
    """How many overlaps pass, of how many."""
    return sum(1 for overlap in overlaps if passes(overlap)), len(overlaps)


def tally_by_category(
    overlaps: Sequence[float],
    categories: Sequence[Sequence[str]],
    passes: Callable[[float], bool],
) -> dict[str, Tally]:
    """The tally of each category; a phrase of two counts in both."""
    members: dict[str, list[float]] = {}
    for overlap, names in zip(overlaps, categories, strict=True):
        for name in names:
            members.setdefault(name, []).append(overlap)
    return {name: tally(of, passes) for name, of in members.items()}


def by_entity(overlaps: Sequence[float], entities: Sequence[object]) -> dict[object, float]:
    """The lowest overlap of each entity's phrases: it is right when every one of them is."""
    lowest: dict[object, float] = {}
    for overlap, entity in zip(overlaps, entities, strict=True):
        lowest[entity] = min(overlap, lowest.get(entity, overlap))
    return lowest
