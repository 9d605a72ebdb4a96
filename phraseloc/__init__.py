"""phraseloc: evaluation and baselines for phrase localization.

Phrase localization finds the box of a phrase: "an older man" of an image's caption, in that image.
``phraseloc.score(ground_truth, predictions)`` gives the honest figure. Names load on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from phraseloc._version import __version__

if TYPE_CHECKING:
    from phraseloc.alignment import Alignment, align
    from phraseloc.columns import Strings
    from phraseloc.data import GroundTruth, PhraseKeys, Predictions, single_boxes
    from phraseloc.errors import InputError, MissingExtra, OptionError, PhraselocError
    from phraseloc.formats import load_ground_truth, load_predictions
    from phraseloc.formats.write import save_ground_truth, save_predictions
    from phraseloc.outcomes import Outcomes
    from phraseloc.protocol import PROTOCOLS, Protocol
    from phraseloc.scoring import Accuracy, Scores, score
    from phraseloc.space import BoxSpace
    from phraseloc.statistics import Interval

_HOMES = {
    "alignment": ("Alignment", "align"),
    "columns": ("Strings",),
    "data": ("GroundTruth", "PhraseKeys", "Predictions", "single_boxes"),
    "errors": ("InputError", "MissingExtra", "OptionError", "PhraselocError"),
    "formats": ("load_ground_truth", "load_predictions"),
    "formats.write": ("save_ground_truth", "save_predictions"),
    "outcomes": ("Outcomes",),
    "protocol": ("PROTOCOLS", "Protocol"),
    "scoring": ("Accuracy", "Scores", "score"),
    "space": ("BoxSpace",),
    "statistics": ("Interval",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "PROTOCOLS",
    "Accuracy",
    "Alignment",
    "BoxSpace",
    "GroundTruth",
    "InputError",
    "Interval",
    "MissingExtra",
    "OptionError",
    "Outcomes",
    "PhraseKeys",
    "PhraselocError",
    "Predictions",
    "Protocol",
    "Scores",
    "Strings",
    "__version__",
    "align",
    "load_ground_truth",
    "load_predictions",
    "save_ground_truth",
    "save_predictions",
    "score",
    "single_boxes",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'phraseloc' has no attribute {name!r}")
    value = getattr(import_module(f"phraseloc.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
