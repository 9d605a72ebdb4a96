"""What a picture of a phrase shows: its caption, its entity's boxes, and each method's answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from phraseloc.alignment import Alignment
from phraseloc.columns import FloatArray, IntArray
from phraseloc.data import GroundTruth, PhraseKeys
from phraseloc.outcomes import Outcomes
from phraseloc.protocol import Protocol
from phraseloc.selection import key_parts

RIGHT, WRONG = "\N{CHECK MARK}", "\N{BALLOT X}"

_MEASURES = {"iou": "IoU", "giou": "GIoU"}

_LONGEST = 80
"""How many characters of an id a file's name may have."""

_PLAIN = (
    re.compile(rf"[A-Za-z0-9_][A-Za-z0-9_.-]{{0,{_LONGEST - 1}}}"),
    re.compile(rf"[A-Za-z0-9_.]{{1,{_LONGEST}}}"),
)
"""Images and other parts of keys that name a file as they stand, and only theirs."""


@dataclass(frozen=True, eq=False)
class Answer:
    """A method's first prediction of a phrase.

    Parameters
    ----------
    name : what tables call the method
    box : (4,) float64, continuous pixels, or None where there is none
    points : whether the method points: its boxes have no size
    centre : whether a point, or the box's centre, is what counts
    verdict : the overlap, and whether it is right, in words
    """

    name: str
    box: FloatArray | None
    points: bool
    centre: bool
    verdict: str


@dataclass(frozen=True, eq=False)
class Picture:
    """A phrase as it is shown.

    Parameters
    ----------
    stem : the name of its file, without suffix; no two phrases share one
    image : the image's id
    size : the image's width and height in pixels, None where the ground truth does not know them
    caption : the words before the phrase, the phrase, and the words after it
    boxes : (B, 4) float64, the entity's boxes, continuous pixels
    union : whether predictions are compared with the one box around them
    answers : the methods' predictions
    """

    stem: str
    image: str
    size: tuple[float, float] | None
    caption: tuple[str, str, str]
    boxes: FloatArray
    union: bool
    answers: tuple[Answer, ...]


def pictures_of(
    ground_truth: GroundTruth,
    alignments: Sequence[Alignment],
    outcomes: Sequence[Outcomes],
    names: Sequence[str],
    protocol: Protocol,
    phrases: IntArray,
) -> list[Picture]:
    """Gather what the pictures of phrases show.

    Parameters
    ----------
    alignments, outcomes, names : each method's, of the ground truth under the protocol
    phrases : (S,) int64, rows of the ground truth
    """
    columns = [
        _answers(len(ground_truth), *method, protocol, phrases)
        for method in zip(alignments, outcomes, names, strict=True)
    ]
    keys, offsets = ground_truth.keys, ground_truth.offsets
    sizes = ground_truth.image_sizes[keys.image.codes[phrases]].tolist()
    return [
        Picture(
            stem,
            keys.image[row],
            None if width != width else (width, height),
            _caption(ground_truth, row),
            ground_truth.boxes[offsets[row] : offsets[row + 1]],
            protocol.target == "union",
            tuple(answers),
        )
        for row, stem, (width, height), *answers in zip(
            phrases.tolist(), stems(keys, phrases), sizes, *columns, strict=True
        )
    ]


def _answers(
    count: int,
    alignment: Alignment,
    outcomes: Outcomes,
    name: str,
    protocol: Protocol,
    phrases: IntArray,
) -> Iterator[Answer]:
    """Yield a method's answer to each phrase."""
    predictions = alignment.predictions
    scored = np.full(count, -1)
    scored[outcomes.phrase] = np.arange(len(outcomes.phrase))
    for row, place in zip(alignment.rows[phrases].tolist(), scored[phrases].tolist(), strict=True):
        box = None if row < 0 else predictions.boxes[predictions.offsets[row]]
        mark = f" {RIGHT if outcomes.correct[place] else WRONG}" if place >= 0 else ""
        if box is None:
            verdict = f"no {'point' if predictions.points else 'box'}{mark}"
        elif place < 0:
            verdict = "not scored"
        else:
            verdict = f"{_measured(outcomes.overlap[place, 0], protocol)}{mark}"
        yield Answer(name, box, predictions.points, protocol.overlap == "point", verdict)


def _measured(overlap: float, protocol: Protocol) -> str:
    """Give an overlap in words, with digits enough to see on which side of the threshold it is."""
    whose = "entity's worst " if protocol.unit == "entity" else ""
    if protocol.overlap == "point":
        return f"{whose}{'inside' if overlap > 0 else 'outside'}"
    side = np.sign(overlap - protocol.threshold)
    shown = [f"{overlap:.{digits}f}" for digits in range(2, 7)]
    honest = (text for text in shown if np.sign(float(text) - protocol.threshold) == side)
    return f"{whose}{_MEASURES[protocol.overlap]} {next(honest, shown[-1])}"


def _caption(ground_truth: GroundTruth, row: int) -> tuple[str, str, str]:
    """Split a caption about its phrase; where that cannot be found in it, dots stand for it."""
    keys = ground_truth.keys
    if keys.phrase is None or not keys.phrase[row].split():
        return keys.describe(row), "", ""
    phrase = keys.phrase[row].split()
    words = [] if ground_truth.sentences is None else ground_truth.sentences[row].split()
    place = find_phrase(words, phrase, None if keys.first_word is None else keys.first_word[row])
    if place is None:
        return "…", " ".join(phrase), "…"
    parts = words[:place], words[place : place + len(phrase)], words[place + len(phrase) :]
    before, marked, after = map(" ".join, parts)
    return before, marked, after


def find_phrase(words: Sequence[str], phrase: Sequence[str], first_word: int | None) -> int | None:
    """Find where a phrase stands in its caption: at its first word, else where it stands once.

    Examples
    --------
    >>> caption = "A man and a dog watch a dog .".split()
    >>> find_phrase(caption, ["a", "dog"], 6), find_phrase(caption, ["a", "dog"], 5)
    (6, None)
    >>> find_phrase(caption, ["a", "man"], 3)
    0
    """
    folded, wanted = [w.casefold() for w in words], [w.casefold() for w in phrase]
    places = [i for i in range(len(words)) if folded[i : i + len(wanted)] == wanted]
    if first_word in places:
        return int(first_word)
    return places[0] if len(places) == 1 else None


def stems(keys: PhraseKeys, phrases: IntArray) -> list[str]:
    """Name a file for each phrase by its key; a digest tells apart what would look the same.

    Examples
    --------
    >>> from phraseloc import PhraseKeys, Strings
    >>> key = np.zeros(2, int), np.array([3, 4]), Strings.of(["7", "a/b"])
    >>> stems(PhraseKeys(Strings.of(["10", "10"]), *key), np.arange(2))
    ['10-0-3-7', '10-0-4-a_b~cf3e6beef1de']
    """
    parts = [key_parts(keys, row) for row in phrases.tolist()]
    if not keys.complete:  # then other rows may have the same parts
        parts = [[*p, f"row{row + 1}"] for p, row in zip(parts, phrases.tolist(), strict=True)]
    found = [_stem(part) for part in parts]
    counts = Counter(stem.casefold() for stem in found)  # as some file systems compare names
    return [
        f"{stem}~{_digest(part)}" if counts[stem.casefold()] > 1 else stem
        for stem, part in zip(found, parts, strict=True)
    ]


def _stem(parts: Sequence[str]) -> str:
    plain = zip((_PLAIN[0], *[_PLAIN[1]] * (len(parts) - 1)), parts, strict=True)
    if all(pattern.fullmatch(part) for pattern, part in plain):
        return "-".join(parts)
    safe = [re.sub(r"[^A-Za-z0-9_.-]", "_", part)[:_LONGEST] for part in parts]
    return f"{re.sub(r'^[.-]', '_', '-'.join(safe))}~{_digest(parts)}"


def _digest(parts: Sequence[str]) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=6).hexdigest()
