"""Which phrases to show: wrong ones, those that methods disagree on, random ones, or by name.

Where there are more than are wanted, lots are drawn, so that what is shown is not the first images
of a file. A phrase's lot depends on seed and key alone: not on the order of rows or methods, nor on
which other phrases there are.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np

from phraseloc.columns import BoolArray, IntArray
from phraseloc.data import GroundTruth, PhraseKeys
from phraseloc.errors import EXAMPLES, OptionError
from phraseloc.outcomes import Outcomes

LIMIT = 20
"""How many phrases are drawn by default; those called by name are never cut by it."""


@dataclass(frozen=True, eq=False)
class Selection:
    """The phrases to show.

    Parameters
    ----------
    phrases : (S,) int64, rows of the ground truth, rising
    found : how many there were before the limit cut them
    """

    phrases: IntArray
    found: int


def select(
    ground_truth: GroundTruth,
    outcomes: Sequence[Outcomes],
    choices: Sequence[str],
    *,
    limit: int | None = None,
    seed: int = 0,
) -> Selection:
    """Select the phrases that any of the choices names.

    Parameters
    ----------
    outcomes : each method's, of one ground truth under one protocol
    choices : ``wrong`` (in the first method), ``flipped`` (right in one method and wrong in
        another), ``random`` (any that was scored), or ids: ``image``, ``image#sentence``,
        ``image#sentence:entity``
    limit : how many at most, ids first; by default all ids and, of the others, `LIMIT`
    seed : of the lots that are drawn

    Raises
    ------
    OptionError
        if an id names no phrase, ``flipped`` has fewer than two methods to look at, or the seed
        has more than 63 bits

    Examples
    --------
    >>> import numpy as np, phraseloc
    >>> keys = phraseloc.PhraseKeys(phraseloc.Strings.of(["a", "b", "b"]))
    >>> truth = phraseloc.GroundTruth(keys, np.arange(4), np.tile([0.0, 0, 9, 9], (3, 1)))
    >>> right = np.array([True, False, True])
    >>> one = Outcomes(np.arange(3), np.arange(3), right[:, None] * 1.0, right)
    >>> select(truth, [one], ["wrong", "a"]).phrases.tolist()
    [0, 1]
    """
    if not 0 <= seed < 2**63:
        raise OptionError(f"found seed {seed}; expected 0 to 2**63 - 1")
    kinds = dict.fromkeys(choice for choice in choices if choice in _KINDS)
    ids = dict.fromkeys(choice for choice in choices if choice not in _KINDS)
    named = _named(ground_truth.keys, list(ids))
    wanted = named.copy()
    for kind in kinds:
        wanted |= _KINDS[kind](len(ground_truth), outcomes)
    rows = np.flatnonzero(wanted)
    most = int(named.sum()) + LIMIT if limit is None else limit
    if len(rows) > most:
        lots = _lots(ground_truth.keys, rows, seed)
        kept = np.sort(rows[np.lexsort((lots, ~named[rows]))[:most]])
        return Selection(kept, len(rows))
    return Selection(rows, len(rows))


def _wrong(count: int, outcomes: Sequence[Outcomes]) -> BoolArray:
    first = outcomes[0]
    found = np.zeros(count, bool)
    found[first.phrase] = ~first.correct
    return found


def _flipped(count: int, outcomes: Sequence[Outcomes]) -> BoolArray:
    if len(outcomes) < 2:
        raise OptionError("flipped needs two or more prediction files")
    right, wrong = np.zeros((2, count), bool)
    for method in outcomes:
        right[method.phrase] |= method.correct
        wrong[method.phrase] |= ~method.correct
    return right & wrong


def _scored(count: int, outcomes: Sequence[Outcomes]) -> BoolArray:
    found = np.zeros(count, bool)
    for method in outcomes:
        found[method.phrase] = True
    return found


_KINDS: dict[str, Callable[[int, Sequence[Outcomes]], BoolArray]] = {
    "wrong": _wrong,
    "flipped": _flipped,
    "random": _scored,
}


def _lots(keys: PhraseKeys, rows: IntArray, seed: int) -> IntArray:
    """Draw a number for each phrase; phrases of one key, if keys are not complete, tie."""
    salt = seed.to_bytes(8, "little")

    def lot(row: int) -> int:
        name = "\0".join(key_parts(keys, row)).encode()
        digest = blake2b(name, digest_size=7, key=salt, person=b"select").digest()
        return int.from_bytes(digest, "little")

    return np.array([lot(row) for row in rows.tolist()], np.int64)


def key_parts(keys: PhraseKeys, row: int) -> list[str]:
    """Give the parts of a phrase's key that there are: image, sentence, first word, entity."""
    columns = (keys.image, keys.sentence, keys.first_word, keys.entity)
    return [str(column[row]) for column in columns if column is not None]


def _named(keys: PhraseKeys, ids: Sequence[str]) -> BoolArray:
    """Tell which phrases ids name; all ids that name none are one error."""
    found = np.zeros(len(keys), bool)
    unknown = []
    for name in ids:
        images = [
            code
            for code, image in enumerate(keys.image.values)
            if name == image or name.startswith((f"{image}#", f"{image}:"))
        ]
        rows = np.flatnonzero(np.isin(keys.image.codes, images)).tolist() if images else []
        rows = [row for row in rows if name in _names(keys, row)]
        found[rows] = True
        if not rows:
            unknown.append(f"{name!r}, nearest {_nearest(keys, name, images)!r}")
    if unknown:
        shown = "; ".join(unknown[:EXAMPLES])
        more = f"; and {len(unknown) - EXAMPLES:,} more" if len(unknown) > EXAMPLES else ""
        raise OptionError(
            f"expected {', '.join(_KINDS)}, image, image#sentence or image#sentence:entity; "
            f"found no phrase of {shown}{more}"
        )
    return found


def _names(keys: PhraseKeys, row: int) -> list[str]:
    """Give what a phrase may be called by, from the image to the entity."""
    caption = keys.caption(row)
    entity = [] if keys.entity is None else [f"{caption}:{keys.entity[row]}"]
    return [keys.image[row], caption, *entity]


def _nearest(keys: PhraseKeys, name: str, images: Sequence[int]) -> str:
    """Give what is most like a name: in its image if that is known, else a choice or an image."""
    if images:
        rows = np.flatnonzero(np.isin(keys.image.codes, images)).tolist()
        known = [_names(keys, row)[-1] if ":" in name else keys.caption(row) for row in rows]
    else:
        known, name = [*_KINDS, *keys.image.values], name.partition("#")[0]
    return difflib.get_close_matches(name, known, 1, 0.0)[0]
