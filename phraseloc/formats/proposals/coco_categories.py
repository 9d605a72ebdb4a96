"""COCO's 80 categories by the ids of its annotations: 1 to 90, ten of which are not in use.

Lin et al., Microsoft COCO, ECCV 2014; the list is that of ``instances_val2017.json``.
"""

from __future__ import annotations

from phraseloc.formats.proposals.vocabulary import Vocabulary

_NAMES = """
person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, fire hydrant, -,
stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe,
-, backpack, umbrella, -, -, handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite,
baseball bat, baseball glove, skateboard, surfboard, tennis racket, bottle, -, wine glass, cup,
fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut,
cake, chair, couch, potted plant, bed, -, dining table, -, -, toilet, -, tv, laptop, mouse, remote,
keyboard, cell phone, microwave, oven, toaster, sink, refrigerator, -, book, clock, vase, scissors,
teddy bear, hair drier, toothbrush
"""

COCO = Vocabulary(
    {
        number: name.strip()
        for number, name in enumerate(_NAMES.split(","), start=1)
        if name.strip() != "-"
    },
    "COCO's categories",
)
"""The categories; ids of your own need ``objects``."""
