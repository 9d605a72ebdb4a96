"""phraseloc: evaluation and baselines for phrase localization.

Phrase localization finds the box of a phrase: "an older man" of an image's caption, in that image.
``phraseloc.score(ground_truth, predictions)`` gives the honest figure. Names load on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from phraseloc._version import __version__

if TYPE_CHECKING:
    from phraseloc.alignment import Alignment, align
    from phraseloc.baselines import Baseline, Task, find_baseline, register, run_baseline
    from phraseloc.columns import Strings
    from phraseloc.comparison import Change, Comparison, compare
    from phraseloc.data import GroundTruth, PhraseKeys, Predictions, single_boxes
    from phraseloc.errors import InputError, MissingExtra, OptionError, PhraselocError
    from phraseloc.formats import load_ground_truth, load_predictions
    from phraseloc.formats.proposals import load_proposals
    from phraseloc.formats.proposals.write import save_proposals
    from phraseloc.formats.results import load_results
    from phraseloc.formats.vectors import load_vectors
    from phraseloc.formats.write import save_ground_truth, save_predictions
    from phraseloc.leaderboard import Plan, run_leaderboard
    from phraseloc.outcomes import Outcomes
    from phraseloc.proposals import Proposals, merge_proposals
    from phraseloc.protocol import PROTOCOLS, Protocol
    from phraseloc.scoring import Accuracy, Scores, score
    from phraseloc.space import BoxSpace
    from phraseloc.statistics import Interval
    from phraseloc.vectors import WordVectors
    from phraseloc.words import WordPolicy

_HOMES = {
    "alignment": ("Alignment", "align"),
    "baselines": ("Baseline", "Task", "find_baseline", "register", "run_baseline"),
    "columns": ("Strings",),
    "comparison": ("Change", "Comparison", "compare"),
    "data": ("GroundTruth", "PhraseKeys", "Predictions", "single_boxes"),
    "errors": ("InputError", "MissingExtra", "OptionError", "PhraselocError"),
    "formats": ("load_ground_truth", "load_predictions"),
    "formats.proposals": ("load_proposals",),
    "formats.proposals.write": ("save_proposals",),
    "formats.results": ("load_results",),
    "formats.vectors": ("load_vectors",),
    "formats.write": ("save_ground_truth", "save_predictions"),
    "leaderboard": ("Plan", "run_leaderboard"),
    "outcomes": ("Outcomes",),
    "proposals": ("Proposals", "merge_proposals"),
    "protocol": ("PROTOCOLS", "Protocol"),
    "scoring": ("Accuracy", "Scores", "score"),
    "space": ("BoxSpace",),
    "statistics": ("Interval",),
    "vectors": ("WordVectors",),
    "words": ("WordPolicy",),
}
_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "PROTOCOLS",
    "Accuracy",
    "Alignment",
    "Baseline",
    "BoxSpace",
    "Change",
    "Comparison",
    "GroundTruth",
    "InputError",
    "Interval",
    "MissingExtra",
    "OptionError",
    "Outcomes",
    "PhraseKeys",
    "PhraselocError",
    "Plan",
    "Predictions",
    "Proposals",
    "Protocol",
    "Scores",
    "Strings",
    "Task",
    "WordPolicy",
    "WordVectors",
    "__version__",
    "align",
    "compare",
    "find_baseline",
    "load_ground_truth",
    "load_predictions",
    "load_proposals",
    "load_results",
    "load_vectors",
    "merge_proposals",
    "register",
    "run_baseline",
    "run_leaderboard",
    "save_ground_truth",
    "save_predictions",
    "save_proposals",
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
