"""The official Flickr30k Entities release: captions with marked phrases, and their boxes.

``Sentences/<image>.txt`` has a caption a line; ``[/EN#8/scene the yard]`` in it is a phrase of
entity 8 in the category scene. ``Annotations/<image>.xml`` has the image's size and, for each box,
the entities it belongs to; its corners are 1-based and inclusive. Entity 0 is not visual. Phrases
without a box (not visual, a scene, not in the image, not annotated) are counted and left out.
Plummer et al., Flickr30k Entities, ICCV 2015.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from phraseloc.columns import Strings, offsets_of
from phraseloc.data import GroundTruth, PhraseKeys
from phraseloc.errors import InputError, Problems, noting
from phraseloc.formats.archive import read_members
from phraseloc.formats.source import check_text, lines_of, name_of
from phraseloc.space import BoxSpace

SPACE = BoxSpace("xyxy", "inclusive", 1)

_MEMBER = re.compile(r"(?:^|/)(Annotations|Sentences)/([^./][^/]*)\.(?:xml|txt)$")
_MARK = re.compile(r"\[/EN#(\d+)((?:/[^/\s\[\]]+)+)\s([^\[\]]*)\]")

Corners = tuple[int, int, int, int]


@dataclass
class _Image:
    """What the annotations say of an image."""

    width: int
    height: int
    boxes: dict[str, list[Corners]] = field(default_factory=dict)
    boxless: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Phrase:
    """A marked phrase of a caption."""

    image: str
    sentence: int
    first_word: int
    entity: str
    text: str
    categories: tuple[str, ...]
    caption: str


def read_release(
    path: Path,
    images: Sequence[str] | None = None,
    unrelated: frozenset[tuple[str, int]] = frozenset(),
) -> GroundTruth:
    """Read a release: a folder, a zip or a tar archive.

    Parameters
    ----------
    images : the split, in its order; None reads every image, by id
    unrelated : captions (image, sentence from 0) to leave out

    Raises
    ------
    InputError
        with every file and line that cannot be read, and every image of the split that is not there
    """
    source = name_of(path)
    problems = Problems(source)
    wanted = None if images is None else set(images)
    annotations: dict[str, _Image] = {}
    sentences: dict[str, list[_Phrase]] = {}
    for name, data in read_members(path, lambda name: _is_wanted(name, wanted)):
        match = _MEMBER.search(name)
        assert match
        with noting(problems, "a file that cannot be read"):
            if match[1] == "Annotations":
                annotations[match[2]] = _parse_annotation(data, name, problems)
            else:
                sentences[match[2]] = list(_parse_sentences(match[2], data, name, problems))
    if not problems:
        _check_complete(images, annotations, sentences, problems)
    problems.raise_if_any()
    order = sorted(annotations, key=lambda i: (len(i), i)) if images is None else images
    phrases = [p for image in order for p in sentences[image]]
    return _assemble(phrases, annotations, unrelated, source)


def _is_wanted(name: str, images: set[str] | None) -> bool:
    match = _MEMBER.search(name)
    return match is not None and (images is None or match[2] in images)


def _parse_annotation(data: bytes, name: str, problems: Problems) -> _Image:
    text = check_text(data, name)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError(name, "found a document type declaration, expected none")
    try:
        root = ElementTree.fromstring(text)
        image = _Image(int(root.findtext("size/width", "")), int(root.findtext("size/height", "")))
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(name, f"not an annotation that can be read: {error}") from None
    for row, item in enumerate(root.iterfind("object"), start=1):
        entities = [(element.text or "").strip() for element in item.iterfind("name")]
        box = item.find("bndbox")
        if box is None:
            reason = "scene" if item.findtext("scene") == "1" else "no box"
            image.boxless.update(dict.fromkeys(entities, reason))
            continue
        try:
            left, top, right, bottom = (
                int(box.findtext(tag, "")) for tag in ("xmin", "ymin", "xmax", "ymax")
            )
        except ValueError:
            problems.add("a box without four whole numbers", f"{name}: object {row}")
            continue
        corners = (left, top, right, bottom)
        if not (1 <= left <= right <= image.width and 1 <= top <= bottom <= image.height):
            problems.add(
                "a box that is not inside its image",
                f"{name}: object {row}: found {corners} in {image.width} x {image.height}",
            )
        for entity in entities:
            image.boxes.setdefault(entity, []).append(corners)
    return image


def _parse_sentences(image: str, data: bytes, name: str, problems: Problems) -> Iterator[_Phrase]:
    """Parse a caption a line; a phrase's first word counts the words before it, marks aside."""
    for sentence, line in enumerate(lines_of(data, name)):
        end = words = 0
        marks = [match for match in _MARK.finditer(line) if match[3].strip()]
        caption = " ".join(_MARK.sub(r"\3", line).split())
        for match in marks:
            words += len(line[end : match.start()].split())
            entity, categories, text = match.groups()
            tokens = text.split()
            kinds = tuple(categories[1:].split("/"))
            text = " ".join(tokens)
            yield _Phrase(image, sentence, words, entity, text, kinds, caption)
            words += len(tokens)
            end = match.end()
        if line.count("[/EN#") != len(marks):
            problems.add(
                "a phrase mark that cannot be read", f"{name}: line {sentence + 1}: {line[:80]}"
            )


def _check_complete(
    images: Sequence[str] | None,
    annotations: dict[str, _Image],
    sentences: dict[str, list[_Phrase]],
    problems: Problems,
) -> None:
    if not annotations and not sentences:
        problems.add(
            "not a Flickr30k Entities release",
            "found no Sentences/<image>.txt and Annotations/<image>.xml"
            + (" of the split" if images is not None else ""),
        )
        return
    wanted = set(annotations) | set(sentences) if images is None else images
    for kind, there in (("Annotations", annotations), ("Sentences", sentences)):
        absent = sorted(set(wanted) - set(there))
        problems.add_rows(f"an image without a file in {kind}/", absent, str)


def _assemble(
    phrases: Sequence[_Phrase],
    annotations: dict[str, _Image],
    unrelated: frozenset[tuple[str, int]],
    source: str,
) -> GroundTruth:
    """Make columns of the phrases with boxes; count the others by reason."""
    boxed, left_out = [], []
    reasons: Counter[str] = Counter()
    for phrase in phrases:
        image = annotations[phrase.image]
        if (phrase.image, phrase.sentence) in unrelated:
            reason = "unrelated caption"
        elif phrase.entity in image.boxes and phrase.entity != "0":
            boxed.append(phrase)
            continue
        else:
            not_visual = phrase.entity == "0"
            reason = (
                "not visual" if not_visual else image.boxless.get(phrase.entity, "not annotated")
            )
        reasons[reason] += 1
        left_out.append(phrase)
    boxes = [annotations[phrase.image].boxes[phrase.entity] for phrase in boxed]
    categories = Strings.of(list(chain.from_iterable(phrase.categories for phrase in boxed)))
    keys = _keys(boxed)
    sizes = [(annotations[i].width, annotations[i].height) for i in keys.image.values]
    return GroundTruth(
        keys,
        offsets_of([len(corners) for corners in boxes]),
        SPACE.read(np.array(list(chain.from_iterable(boxes)), np.float64)),
        categories=categories.values,
        category_offsets=offsets_of([len(phrase.categories) for phrase in boxed]),
        category_codes=categories.codes,
        sizes=np.array(sizes, np.float64).reshape(-1, 2),
        left_out=_keys(left_out),
        left_out_reasons=dict(sorted(reasons.items())),
        space=SPACE,
        source=source,
        sentences=Strings.of([phrase.caption for phrase in boxed]),
    )


def _keys(phrases: Sequence[_Phrase]) -> PhraseKeys:
    return PhraseKeys(
        Strings.of([phrase.image for phrase in phrases]),
        np.array([phrase.sentence for phrase in phrases], dtype=np.int64),
        np.array([phrase.first_word for phrase in phrases], dtype=np.int64),
        Strings.of([phrase.entity for phrase in phrases]),
        Strings.of([phrase.text for phrase in phrases]),
    )
