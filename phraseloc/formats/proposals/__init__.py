"""Proposals: what detectors found, of every format that is in use, found by its content.

===================================  =============================================  ==============
format                               boxes by default                               module
===================================  =============================================  ==============
MAF's ``*_detection_dict.json``      xyxy, inclusive, origin 0                      detection_dict
bottom-up attention's TSV            xyxy, inclusive, origin 0                      bottom_up
COCO results                         xywh, continuous, origin 0                     coco_results
phraseloc's Parquet                  as its metadata say                            parquet
scene labels (TSV)                   the whole image                                scenes
===================================  =============================================  ==============

All may be compressed by gzip or zstd (``.gz``, ``.zst``), or come from ``-``. MAF's HDF5 features
(`features`) are no proposals by themselves: their rows are checked against the boxes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from phraseloc.errors import InputError, OptionError, Problems
from phraseloc.formats.proposals.assemble import (
    Detections,
    Sizes,
    declared_over,
    note_fractions,
    to_proposals,
)
from phraseloc.formats.proposals.opening import content_of, lines_from, opened, start_of
from phraseloc.formats.proposals.scenes import Scenes, read_scenes, whole_images
from phraseloc.formats.records import LARGEST
from phraseloc.formats.source import foreign_kind, name_of
from phraseloc.proposals import DETECTOR_SPACE, Proposals, merge_proposals
from phraseloc.space import BoxSpace

if TYPE_CHECKING:
    from phraseloc.formats.proposals.vocabulary import Vocabulary

__all__ = ["load_proposals"]

_EXPECTED = "MAF's JSON, bottom-up attention's TSV, COCO results, Parquet or scene labels"


@dataclass(frozen=True)
class _Choices:
    """What the caller says about all files."""

    sizes: Sizes
    objects: str | Path | None
    attributes: str | Path | None
    declared: Mapping[str, Any]

    @cached_property
    def object_labels(self) -> Vocabulary | None:
        return _vocabulary(self.objects)

    @cached_property
    def attribute_labels(self) -> Vocabulary | None:
        return _vocabulary(self.attributes)


def load_proposals(
    paths: str | Path | Sequence[str | Path],
    *,
    sizes: Sizes | None = None,
    objects: str | Path | None = None,
    attributes: str | Path | None = None,
    **declared: Any,
) -> Proposals:
    """Load proposals of one file or of several, which are joined image by image.

    Parameters
    ----------
    paths : files of proposals; scene labels among them need the sizes of their images, from
        ``sizes`` or from the other files, and stand after the detections in every image; HDF5
        features among them must have a row for each box of the detections
    sizes : width and height of images, in pixels, by image id
    objects : the labels of a detector's ids, see `vocabulary`; the bottom-up TSV of ten fields
        needs them, COCO results have COCO's 80 categories by default
    attributes : the labels of attribute ids; without them, objects have no attributes
    declared : ``layout``, ``corners``, ``origin`` or ``units`` of the detections, where they are
        not what their format means by default; units other than ``pixel`` need the images' sizes

    Raises
    ------
    InputError
        with everything that is wrong in the first file that cannot be used
    OptionError
        if an option is missing or cannot be used
    """
    given = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not given:
        raise OptionError("found no file of proposals, expected at least one")
    BoxSpace.declared(declared)
    choices = _Choices(_checked_sizes(sizes or {}), objects, attributes, declared)
    features: list[str | Path] = []
    scenes: list[Scenes] = []
    parts: list[Proposals] = []
    for path in given:
        source = name_of(path)
        with opened(path) as file:
            kind = _kind_of(start_of(file, source), source)
            if kind == "features":
                features.append(path)
            elif kind == "scenes":
                scenes.append(read_scenes(content_of(file, source), source))
            else:
                problems = Problems(source)
                found, space = _READERS[kind](file, source, choices, problems)
                parts.append(to_proposals(found, space, choices.sizes, source, problems))
    _check_features(features, parts)
    known = _known_sizes(choices.sizes, parts)
    return merge_proposals([*parts, *(whole_images(scene, known) for scene in scenes)])


def _kind_of(start: bytes, source: str) -> str:
    """Find a file's format by its first bytes."""
    text = start.lstrip(b" \n\r\t\xef\xbb\xbf")
    kind = next((kind for magic, kind in _MAGIC.items() if text.startswith(magic)), None)
    found = foreign_kind(text)
    tabs = start.partition(b"\n")[0].count(b"\t")
    if kind is None and found is None and tabs:
        kind = "scenes" if tabs < 3 else "bottom-up"
    if kind is None:
        raise InputError(
            source, f"found {found or 'a file of no known format'}, expected proposals: {_EXPECTED}"
        )
    return kind


def _detection_dict(
    file: IO[bytes], source: str, choices: _Choices, problems: Problems
) -> tuple[Detections, BoxSpace]:
    from phraseloc.formats.proposals.detection_dict import read_detections

    found = read_detections(content_of(file, source), source, problems)
    return _in_space(found, DETECTOR_SPACE, choices, problems)


def _coco_results(
    file: IO[bytes], source: str, choices: _Choices, problems: Problems
) -> tuple[Detections, BoxSpace]:
    from phraseloc.formats.proposals.coco_categories import COCO
    from phraseloc.formats.proposals.coco_results import SPACE, read_results

    labels = choices.object_labels or COCO
    found = read_results(content_of(file, source), source, labels, problems)
    return _in_space(found, SPACE, choices, problems)


def _bottom_up(
    file: IO[bytes], source: str, choices: _Choices, problems: Problems
) -> tuple[Detections, BoxSpace]:
    from phraseloc.formats.proposals.bottom_up import read_bottom_up

    labels = choices.object_labels, choices.attribute_labels
    found = read_bottom_up(lines_from(file, source), source, *labels, problems)
    return _in_space(found, DETECTOR_SPACE, choices, problems)


def _parquet(
    file: IO[bytes], source: str, choices: _Choices, problems: Problems
) -> tuple[Detections, BoxSpace]:
    from phraseloc.formats.proposals.parquet import read_proposal_table

    return read_proposal_table(content_of(file, source), source, choices.declared, problems)


_READERS = {
    "detections": _detection_dict,
    "results": _coco_results,
    "bottom-up": _bottom_up,
    "parquet": _parquet,
}
_MAGIC = {b"\x89HDF": "features", b"PAR1": "parquet", b"{": "detections", b"[": "results"}


def _in_space(
    found: Detections, default: BoxSpace, choices: _Choices, problems: Problems
) -> tuple[Detections, BoxSpace]:
    space = declared_over(default, choices.declared)
    note_fractions(found, space, problems)
    return found, space


def _check_features(paths: Sequence[str | Path], parts: Sequence[Proposals]) -> None:
    if not paths:
        return
    from phraseloc.formats.proposals.features import check_all_features, open_features

    if not parts:
        raise InputError(
            name_of(paths[0]), "features are no proposals by themselves; give the detections too"
        )
    with ExitStack() as files:
        features = [files.enter_context(open_features(path)) for path in paths]
        check_all_features(features, merge_proposals(parts))


def _known_sizes(sizes: Sizes, parts: Sequence[Proposals]) -> Sizes:
    """Join the sizes that the caller and the files give; that they agree is checked elsewhere."""
    known = dict(sizes)
    for part in parts:
        for image, (width, height) in zip(part.images, part.image_sizes.tolist(), strict=True):
            if width > 0:
                known.setdefault(image, (width, height))
    return known


def _checked_sizes(sizes: Sizes) -> Sizes:
    for image, size in sizes.items():
        if len(size) != 2 or not all(0 < side <= LARGEST for side in size):
            raise OptionError(f"sizes: image {image}: found {size}, expected width and height")
    return sizes


def _vocabulary(path: str | Path | None) -> Vocabulary | None:
    if path is None:
        return None
    from phraseloc.formats.proposals.vocabulary import read_vocabulary

    return read_vocabulary(path)
