"""The report: one HTML page that needs nothing else, no network among it.

`render_page` gathers what the sections show; the template lays it out, and a script of its own
sorts, searches and draws the phrases. Text of data goes into the page escaped, always.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from phraseloc._version import __version__
from phraseloc.alignment import Alignment
from phraseloc.columns import IntArray
from phraseloc.data import GroundTruth
from phraseloc.diagnosis import CLASSES, Diagnosis, diagnose
from phraseloc.errors import MissingExtra
from phraseloc.geometry import FLOOR
from phraseloc.outcomes import Outcomes
from phraseloc.paired import holm, permutations
from phraseloc.proposals import Proposals
from phraseloc.protocol import Protocol
from phraseloc.report import charts
from phraseloc.report.diagnosis import MEANING
from phraseloc.report.phrase_data import phrase_data
from phraseloc.report.scores import percent
from phraseloc.scoring import Accuracy, Scores, counts_by_image, score

if TYPE_CHECKING:
    from jinja2 import Environment

    from phraseloc.formats.results import Entry

PHRASES = 20_000
"""How many phrases a page lists at most."""

_BINS = 20


@dataclass(frozen=True, eq=False)
class Method:
    """A method of the report.

    Parameters
    ----------
    diagnosis : why its errors are wrong, None where the protocol's overlap is not the IoU
    upper_bound : what choosing among its proposals could reach
    facts : what else the leaderboard knows of it, such as its detector
    """

    scores: Scores
    alignment: Alignment
    diagnosis: Diagnosis | None = None
    upper_bound: Accuracy | None = None
    facts: Sequence[str] = ()

    @property
    def outcomes(self) -> Outcomes:
        """The outcomes of its phrases."""
        assert self.scores.outcomes is not None
        return self.scores.outcomes


def measured(
    truth: GroundTruth,
    name: str,
    alignment: Alignment,
    protocol: Protocol,
    proposals: Proposals | None = None,
    entry: Entry | None = None,
    **bootstrap: Any,
) -> Method:
    """Score and diagnose predictions for the report; an entry tells what a leaderboard knows."""
    predictions = alignment.predictions
    scores = score(truth, predictions, protocol, alignment=alignment, name=name, **bootstrap)
    by_iou = protocol.overlap == "iou"
    bound = scores.upper_bound
    facts: list[str] = []
    if entry is not None:
        facts = [fact for fact in (entry.detector, entry.text_features) if fact]
        if entry.upper_bound is not None:
            bound = Accuracy(entry.upper_bound.correct, entry.upper_bound.total)
    return Method(
        scores,
        alignment,
        diagnose(truth, scores, alignment, proposals) if by_iou else None,
        bound,
        facts,
    )


def render_page(
    truth: GroundTruth,
    methods: Sequence[Method],
    *,
    title: str = "Phrase localization",
    source: str = "",
    inputs: Mapping[str, str] | None = None,
    phrases: int = PHRASES,
) -> str:
    """Render the report of methods that were scored on one ground truth under one protocol.

    Parameters
    ----------
    source : what to call the ground truth; by default its file
    inputs : what the figures rest on beside ground truth and predictions, by name
    phrases : how many phrases to list; of more, a part that depends on their number alone

    Raises
    ------
    MissingExtra
        if jinja2 is not installed
    """
    template = _environment().get_template("page.html")
    ranked = sorted(methods, key=lambda method: -method.scores.accuracy.value)
    first = ranked[0].scores
    common = reduce(np.intersect1d, (method.outcomes.phrase for method in ranked))
    step = max(1, -(-len(common) // phrases))
    listed = common[::step]
    ends = (FLOOR[first.protocol.overlap], 1.0)
    return template.render(
        title=title,
        source=source or truth.source,
        version=__version__,
        first=first,
        methods=ranked,
        scale=_scale(ranked),
        ends=ends,
        categories=list(dict.fromkeys(name for m in ranked for name in m.scores.categories)),
        matrix=_matrix(truth, ranked),
        meaning=MEANING,
        classes=CLASSES,
        class_names=_class_names(ranked),
        inputs=inputs or {},
        notes=sorted({note for method in ranked for note in method.scores.notes}),
        listed=len(listed),
        common=len(common),
        data=phrase_data(truth, ranked, listed),
    )


def _class_names(methods: Sequence[Method]) -> list[str]:
    found = {name for method in methods if method.diagnosis for name in method.diagnosis.counts}
    return [name for name in CLASSES if name in found]


def _environment() -> Environment:
    try:
        import jinja2
    except ImportError:
        raise MissingExtra("jinja2", "report", "a report") from None
    environment = jinja2.Environment(
        autoescape=True,
        loader=jinja2.PackageLoader("phraseloc.report"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    environment.globals.update(charts=charts, bar_counts=_bar_counts, limits=_limits)
    return environment


def _scale(methods: Sequence[Method]) -> tuple[float, float]:
    """Give the ends of the leaderboard's scale: all intervals, a little wider."""
    intervals = [_limits(method.scores) for method in methods]
    low, high = min(low for low, _ in intervals), max(high for _, high in intervals)
    margin = 0.05 * (high - low) or 0.01
    return max(0.0, low - margin), min(1.0, high + margin)


def _limits(scores: Scores) -> tuple[float, float]:
    """Give the ends of an interval; the value where nothing could be resampled."""
    value = scores.accuracy.value
    ends = (scores.interval.low, scores.interval.high)
    low, high = (value if np.isnan(end) else end for end in ends)
    return low, high


def _bar_counts(method: Method, ends: tuple[float, float]) -> list[int]:
    counts, _ = np.histogram(method.outcomes.overlap[:, 0], _BINS, ends)
    found: list[int] = counts.tolist()
    return found


def _matrix(truth: GroundTruth, methods: Sequence[Method]) -> list[list[dict[str, Any]]]:
    """Compare each pair of methods: the row's difference to the column in points, and its p-value.

    P-values are those of swapping whole images, by Holm's correction for all pairs. There is no
    matrix of one method, nor of methods that were scored on different phrases.
    """
    phrases = [np.sort(method.outcomes.phrase) for method in methods]
    if len(methods) < 2 or not all(np.array_equal(phrases[0], other) for other in phrases):
        return []
    right = np.array([counts_by_image(truth, method.outcomes)[1][0] for method in methods])
    pairs = list(combinations(range(len(methods)), 2))
    differences = np.array([right[a] - right[b] for a, b in pairs])
    interval = methods[0].scores.interval
    images = truth.keys.image.values
    values = holm(permutations(images, differences.T, interval.samples, interval.seed))
    table: list[list[dict[str, Any]]] = [[{} for _ in methods] for _ in methods]
    for (a, b), p, points in zip(pairs, values, _points(methods, differences), strict=True):
        real = p < 1 - interval.confidence
        table[a][b] = {"points": points, "p": p, "real": real}
        table[b][a] = {"points": 0.0 - points, "p": p, "real": real}
    return table


def _points(methods: Sequence[Method], differences: IntArray) -> Iterator[float]:
    total = methods[0].scores.accuracy.total
    return (100 * count / total for count in differences.sum(axis=1).tolist())
