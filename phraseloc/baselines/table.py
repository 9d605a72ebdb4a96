"""The table of baselines: a line each, and how others join it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import entry_points

from phraseloc.baselines import (
    center,
    direct_match,
    glove_att,
    glove_avg,
    glove_max,
    largest,
    oracle,
    random_draw,
    w2v_avg,
    w2v_max,
    whole_image,
)
from phraseloc.baselines.box_choice import BOX_CHOICES
from phraseloc.baselines.task import Choice, Task
from phraseloc.columns import FloatArray
from phraseloc.errors import OptionError

GROUP = "phraseloc.baselines"
"""The entry points by which installed packages add baselines; each names a `Baseline`."""


@dataclass(frozen=True)
class Baseline:
    """A method that chooses a box for each phrase, and where it comes from.

    Parameters
    ----------
    name : what the command line and tables call it
    summary : what it chooses, in one line
    source : paper, table and equation
    choose : from a `Task` to a `Choice`; deterministic
    proposals, vectors : whether it needs objects, or word vectors
    boxes : choices among the boxes of a label, as ``choose(task, boxes=…)``; the first by default
    chances : of each phrase (N,) to be right over all draws, where the method draws
    text_features : what tables call the embeddings that the method brings along
    digest : of all that the method brings along, so that its results can be told from others'
    by_image : whether a phrase's box depends on the phrases and objects of its image alone, and on
        the vectors of their words, so that workers may choose for images apart
    """

    name: str
    summary: str
    source: str
    choose: Callable[..., Choice]
    proposals: bool = True
    vectors: bool = False
    boxes: tuple[str, ...] = ()
    chances: Callable[[Task], FloatArray] | None = field(default=None, compare=False)
    text_features: str = ""
    digest: str = ""
    by_image: bool = False

    @property
    def variants(self) -> list[str]:
        """The names of the method under each of its choices."""
        return [self.name, *(f"{self.name}:{choice}" for choice in self.boxes[1:])]

    @property
    def fixed(self) -> bool:
        """Whether version and digest tell the method from any other, so that results are kept."""
        return bool(self.digest) or _BUILT_IN.get(self.name.partition(":")[0]) == self.source

    def variant(self, choice: str) -> Baseline:
        """Give the method under one of its choices; the first has the plain name."""
        if choice not in self.boxes:
            raise OptionError(
                f"{self.name} has no choice {choice!r}; expected "
                f"{', '.join(self.boxes) or 'its name alone'}"
            )
        name = self.name if choice == self.boxes[0] else f"{self.name}:{choice}"
        return replace(self, name=name, choose=partial(self.choose, boxes=choice), boxes=())


_MAF = "Wang et al., MAF, EMNLP 2020"
_WANG_SPECIA = "Wang and Specia, ICCV 2019"

_TABLE: dict[str, Baseline] = {
    baseline.name: replace(baseline, by_image=True)
    for baseline in (
        Baseline(
            "random",
            "a seeded draw of the image's objects",
            f"{_MAF}, Table 5",
            random_draw.choose,
            chances=random_draw.chances,
        ),
        Baseline("center", "the object nearest to the centre", f"{_MAF}, Table 5", center.choose),
        Baseline("largest", "the largest object (Max-obj)", f"{_MAF}, Table 5", largest.choose),
        Baseline(
            "whole-image",
            "the whole image",
            f"{_MAF}, Tables 2 and 5",
            whole_image.choose,
            proposals=False,
        ),
        Baseline(
            "direct-match",
            "an object whose label shares a word with the phrase",
            f"{_MAF}, Table 5",
            direct_match.choose,
        ),
        Baseline(
            "glove-max",
            "the label nearest to any word",
            f"{_MAF}, Table 5",
            glove_max.choose,
            vectors=True,
        ),
        Baseline(
            "glove-avg",
            "the label nearest to the mean of the words",
            f"{_MAF}, Table 5",
            glove_avg.choose,
            vectors=True,
        ),
        Baseline(
            "glove-att",
            "the label nearest to the words as attention weighs them",
            f"{_MAF}, Eq. 2, 3 and 8, Tables 2 and 5",
            glove_att.choose,
            vectors=True,
        ),
        Baseline(
            "w2v-max",
            "the label nearest to any word, and a box of it",
            _WANG_SPECIA,
            w2v_max.choose,
            vectors=True,
            boxes=BOX_CHOICES,
        ),
        Baseline(
            "w2v-avg",
            "the label nearest to the mean of the words, and a box of it",
            _WANG_SPECIA,
            w2v_avg.choose,
            vectors=True,
            boxes=BOX_CHOICES,
        ),
        Baseline(
            "oracle",
            "the object that fits the truth best: the upper bound",
            f"{_MAF}, upper bound of Table 1",
            oracle.choose,
        ),
    )
}

_BUILT_IN = {name: baseline.source for name, baseline in _TABLE.items()}


def register(baseline: Baseline) -> None:
    """Add a baseline of your own to the table.

    Raises
    ------
    OptionError
        if the name is taken, or is none

    Examples
    --------
    >>> from phraseloc.baselines import largest
    >>> register(Baseline("mine", "the largest", "this doctest", largest.choose))
    >>> find_baseline("mine").summary
    'the largest'
    >>> del _TABLE["mine"]
    """
    if not baseline.name or set(baseline.name) & set(":,/ ") or baseline.name in baselines():
        raise OptionError(
            f"a baseline cannot be called {baseline.name!r}: the name is taken, or has a colon, "
            "comma, slash or space"
        )
    _TABLE[baseline.name] = baseline


def baselines() -> Mapping[str, Baseline]:
    """Give the table: the built-in baselines, registered ones, those of installed packages."""
    installed = {point.name: point for point in entry_points(group=GROUP)}
    added = {name: point.load() for name, point in installed.items() if name not in _TABLE}
    wrong = [name for name, baseline in added.items() if not isinstance(baseline, Baseline)]
    if wrong:
        raise OptionError(f"the entry point {wrong[0]!r} of {GROUP} is no Baseline")
    return {**_TABLE, **added}


def find_baseline(name: str) -> Baseline:
    """Find a baseline by name, or one of its variants, as in ``w2v-max:union``.

    Raises
    ------
    OptionError
        if there is no such name; the message gives the nearest one

    Examples
    --------
    >>> find_baseline("w2v-max:union").name
    'w2v-max:union'
    """
    plain, _, choice = name.partition(":")
    known = baselines()
    if plain not in known:
        import difflib

        near = difflib.get_close_matches(plain, known, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise OptionError(f"no baseline {name!r}{hint} (known: {', '.join(known)})")
    return known[plain].variant(choice) if choice else known[plain]
