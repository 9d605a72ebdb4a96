"""Scene labels: what the whole image shows, as an object that covers it.

``image<TAB>label`` or ``image<TAB>label<TAB>score`` a line, as many lines an image as it has
labels. A name of Places365, ``/a/apartment_building/outdoor`` (" 8", its index, may follow), is
turned into its words, "apartment building outdoor". Wang and Specia, Phrase Localization Without
Paired Training Examples, ICCV 2019, call them PL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from phraseloc.columns import FloatArray, Strings
from phraseloc.errors import Problems
from phraseloc.formats.proposals.assemble import Detections, in_order
from phraseloc.formats.source import lines_of
from phraseloc.proposals import Proposals
from phraseloc.space import BoxSpace

SPACE = BoxSpace("xyxy", "continuous", 0)

_PLACE = re.compile(r"/[a-z]/(\S+)(?: \d+)?")


@dataclass(frozen=True)
class Scenes:
    """The scene labels of a file, S in all.

    Parameters
    ----------
    images, labels : S each
    scores : (S,) float64, NaN where unknown; None where the file has none
    source : the file's name, for messages
    """

    images: list[str]
    labels: list[str]
    scores: FloatArray | None
    source: str


def place_words(name: str) -> str:
    """Turn a name of Places365 into words; any other label stays as it is.

    Examples
    --------
    >>> place_words("/a/apartment_building/outdoor 8"), place_words("sky_line")
    ('apartment building outdoor', 'sky_line')
    """
    match = _PLACE.fullmatch(name)
    return re.sub("[_/]+", " ", match[1]).strip() if match else name


def read_scenes(data: bytes, source: str) -> Scenes:
    """Read a label a line.

    Raises
    ------
    InputError
        with every line that is not an image and a label, or whose score is not a finite number
    """
    problems = Problems(source)
    images, labels, scores = [], [], []
    for row, line in enumerate(lines_of(data, source), start=1):
        image, *rest = line.split("\t")
        if len(rest) not in (1, 2) or not image or not rest[0].strip():
            problems.add(
                "a line that is not image, label and perhaps a score, split by tabs",
                f"line {row}: found {line[:80]!r}",
            )
            continue
        try:
            score = float(rest[1]) if len(rest) == 2 else np.nan
        except ValueError:
            score = np.inf
        if np.isinf(score) or (np.isnan(score) and len(rest) == 2):
            problems.add(
                "a score that is not a finite number", f"line {row}: found {rest[1][:80]!r}"
            )
        images.append(image)
        labels.append(place_words(rest[0]))
        scores.append(score)
    problems.raise_if_any()
    known = np.array(scores, np.float64)
    return Scenes(images, labels, None if np.isnan(known).all() else known, source)


def whole_images(scenes: Scenes, sizes: Mapping[str, tuple[float, float]]) -> Proposals:
    """Make a proposal of each label: the whole image, continuous ``[0, 0, width, height]``.

    Raises
    ------
    InputError
        with every image whose size is not known
    """
    images = list(dict.fromkeys(scenes.images))
    problems = Problems(scenes.source)
    problems.add_rows(
        "an image of unknown size; give sizes, or a file of proposals that has them",
        [image for image in images if image not in sizes],
        lambda image: f"image {image}",
    )
    problems.raise_if_any()
    of_image = np.array([sizes[image] for image in images], np.float64).reshape(-1, 2)
    owners = Strings.of(scenes.images).codes_in(images)
    found = Detections(
        images,
        np.zeros(0, np.int64),
        np.concatenate([np.zeros_like(of_image), of_image], axis=1)[owners],
        Strings.of(scenes.labels),
        scores=scenes.scores,
    )
    found = in_order(found, owners)
    offsets = np.append(0, np.cumsum(found.counts))
    return Proposals(
        images,
        offsets,
        found.boxes,
        found.labels,
        None,
        found.scores,
        of_image,
        SPACE,
        scenes.source,
    )
