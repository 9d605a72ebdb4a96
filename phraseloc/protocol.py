"""Protocols: every choice that moves a score, as one value with a name and a citation.

A phrase is *right* when the overlap of its first prediction with its target passes the threshold.
The choices, and what each may be:

- *target*: what the entity's boxes become. ``union``: the smallest box around them; ``any``:
  the box that fits best; ``each``: the box that fits worst, so that every box must be reached.
- *overlap*: ``iou``; ``giou`` (generalized IoU, Rezatofighi et al., CVPR 2019); ``point``
  (1 where the point, or the box's centre, lies inside the target).
- *threshold* and *operator*: ``>=`` or ``>``.
- *corners*: ``declared`` (areas as the files declare them: inclusive corners cover their pixels),
  ``inclusive`` (corner numbers plus one, whatever was declared) or ``exclusive`` (no plus one).
- *frame*: ``declared`` (each file's origin is honoured) or ``written`` (corner numbers are compared
  as they stand, which is what scripts do that never convert).
- *truncate*: predicted corners lose their fraction.
- *skip_zero_corner*: a target box whose left and top are both 0 does not count.
- *ranks*: the k of recall at k.
- *missing*: a phrase without prediction is ``wrong``, an ``error``, or left out (``skip``).
- *min_area_share*: phrases whose union box covers less of the image are left out.
- *unit*: ``phrase``; or ``entity``: an entity of an image counts once, and is right when every
  phrase that names it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from phraseloc.errors import OptionError

CHOICES: Mapping[str, tuple[str, ...]] = {
    "target": ("union", "any", "each"),
    "overlap": ("iou", "giou", "point"),
    "operator": (">=", ">"),
    "corners": ("declared", "inclusive", "exclusive"),
    "frame": ("declared", "written"),
    "missing": ("wrong", "error", "skip"),
    "unit": ("phrase", "entity"),
}


@dataclass(frozen=True)
class Protocol:
    """One way to score, as the module describes.

    Raises
    ------
    OptionError
        if a field has a value that it cannot have

    Examples
    --------
    >>> PROTOCOLS["flickr30k"].override(operator=">") == PROTOCOLS["flickr30k"]
    False
    >>> PROTOCOLS["strict"].signature  # doctest: +ELLIPSIS
    'strict|target:union|overlap:iou|pass:>0.5|corners:declared|frame:declared|missing:wrong|...'
    """

    name: str
    summary: str = ""
    citation: str = ""
    target: str = "union"
    overlap: str = "iou"
    threshold: float = 0.5
    operator: str = ">="
    corners: str = "declared"
    frame: str = "declared"
    truncate: bool = False
    skip_zero_corner: bool = False
    ranks: tuple[int, ...] = (1, 5, 10)
    missing: str = "wrong"
    min_area_share: float = 0.0
    unit: str = "phrase"

    def __post_init__(self) -> None:
        for field, choices in CHOICES.items():
            if getattr(self, field) not in choices:
                raise OptionError(
                    f"protocol field {field} is {getattr(self, field)!r}; "
                    f"expected one of {', '.join(choices)}"
                )
        lowest = -1.0 if self.overlap == "giou" else 0.0
        if not lowest <= self.threshold <= 1.0:
            raise OptionError(f"threshold is {self.threshold}; expected {lowest:g} to 1")
        if not 0.0 <= self.min_area_share <= 1.0:
            raise OptionError(f"min_area_share is {self.min_area_share}; expected 0 to 1")
        ranks = tuple(self.ranks)
        object.__setattr__(self, "ranks", ranks)
        if not ranks or ranks[0] != 1 or list(ranks) != sorted(set(ranks)):
            raise OptionError(f"ranks are {ranks}; expected rising whole numbers, 1 first")

    @property
    def signature(self) -> str:
        """Every choice, in one line; rare ones only where they are made."""
        parts = [
            self.name,
            f"target:{self.target}",
            f"overlap:{self.overlap}",
            f"pass:{self.operator}{self.threshold}",
            f"corners:{self.corners}",
            f"frame:{self.frame}",
            f"missing:{self.missing}",
            f"unit:{self.unit}",
        ]
        parts += [name for name in ("truncate", "skip_zero_corner") if getattr(self, name)]
        if self.min_area_share:
            parts.append(f"min-area-share:{self.min_area_share}")
        return "|".join(parts)

    def choices(self) -> dict[str, Any]:
        """Give the fields that move a score, without name, summary and citation."""
        named = asdict(self)
        return {k: v for k, v in named.items() if k not in ("name", "summary", "citation")}

    def override(self, **changes: Any) -> Protocol:
        """Give a copy with other choices; its name gains a ``+`` where anything differs."""
        changed = replace(self, **changes)
        if changed.choices() == self.choices():
            return self
        return replace(changed, name=self.name.rstrip("+") + "+")


_REFERENCE = (
    "Wang and Specia, Phrase Localization Without Paired Training Examples, ICCV 2019; "
    "scorer phraseloceval, lib/phraseloc/eval/evaluator.py"
)
_MDETR = "Kamath et al., MDETR, ICCV 2021, appendix; datasets/flickr_eval.py"

PROTOCOLS: Mapping[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "flickr30k",
            "recommended: union box, inclusive pixels, IoU >= 0.5; the reference scorer's figure",
            _REFERENCE,
        ),
        Protocol(
            "strict",
            "flickr30k with IoU > 0.5, as the paper words it",
            "Wang et al., MAF, EMNLP 2020, evaluation metric",
            operator=">",
        ),
        Protocol(
            "any-box",
            "the entity's box that fits best, no +1, R@1/5/10 over ranked boxes",
            _MDETR + " (ANY-BOX protocol)",
            target="any",
            corners="exclusive",
            frame="written",
        ),
        Protocol(
            "merged",
            "any-box with the union of the entity's boxes",
            _MDETR + " (MERGED-BOXES protocol)",
            corners="exclusive",
            frame="written",
        ),
        Protocol(
            "maf-released",
            "the released MAF script: predictions truncated, never shifted; xyxy + 1",
            "Wang et al., MAF, EMNLP 2020; released utils/evaluator.py, utils/utils.py, model.py",
            corners="inclusive",
            frame="written",
            truncate=True,
            skip_zero_corner=True,
        ),
        Protocol(
            "pointing",
            "pointing game: the point, or the box's centre, inside any of the boxes",
            "Zhang et al., Top-Down Neural Attention by Excitation Backprop, ECCV 2016; "
            "Akbari et al., CVPR 2019, for phrases",
            target="any",
            overlap="point",
        ),
        Protocol(
            "refcoco",
            "referring expressions: one box, continuous xywh, IoU >= 0.5",
            "Yu et al., Modeling Context in Referring Expressions, ECCV 2016",
        ),
        Protocol(
            "refcoco-giou",
            "referring expressions as MDETR's script scores them: generalized IoU >= 0.5",
            "Kamath et al., MDETR, ICCV 2021; datasets/refexp.py",
            overlap="giou",
        ),
    )
}


def find_protocol(protocol: str | Protocol) -> Protocol:
    """Find a protocol by name; a Protocol is returned as it is.

    Raises
    ------
    OptionError
        if there is no such name; the message gives the nearest one
    """
    if isinstance(protocol, Protocol):
        return protocol
    if protocol in PROTOCOLS:
        return PROTOCOLS[protocol]
    import difflib

    near = difflib.get_close_matches(protocol, PROTOCOLS, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise OptionError(f"no protocol {protocol!r}{hint} (known: {', '.join(PROTOCOLS)})")


def parse_overrides(settings: tuple[str, ...]) -> dict[str, Any]:
    """Parse ``field=value`` settings into a protocol's overrides.

    Examples
    --------
    >>> parse_overrides(("threshold=0.7", "ranks=1,3"))
    {'threshold': 0.7, 'ranks': (1, 3)}
    """
    kinds = {f.name: f.default for f in fields(Protocol) if f.name not in _UNSET}
    changes: dict[str, Any] = {}
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in kinds:
            raise OptionError(
                f"{setting!r} is no protocol setting; expected FIELD=VALUE with a field of "
                f"{', '.join(kinds)}"
            )
        changes[name] = _parse(name, text.strip(), kinds[name])
    return changes


_UNSET = ("name", "summary", "citation")


def _parse(name: str, text: str, default: Any) -> Any:
    try:
        if isinstance(default, bool):
            return {"true": True, "yes": True, "false": False, "no": False}[text.lower()]
        if isinstance(default, tuple):
            return tuple(int(k) for k in text.split(","))
        return type(default)(text)
    except (KeyError, ValueError):
        kind = {bool: "true or false", tuple: "whole numbers split by commas"}.get(
            type(default), "a number"
        )
        raise OptionError(f"protocol field {name} is {text!r}; expected {kind}") from None
