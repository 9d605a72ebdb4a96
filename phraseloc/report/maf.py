"""What MAF reaches, as tables: evaluations of a checkpoint, and the paper's ablations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phraseloc.report.scores import percent, render_scores
from phraseloc.report.tables import LAYOUTS, Table, titled, to_csv, to_json

if TYPE_CHECKING:
    from phraseloc.maf.ablation import Summary
    from phraseloc.maf.evaluation import Evaluation


def render_evaluation(found: Sequence[Evaluation], style: str) -> str:
    """Render evaluations in one of `phraseloc.report.FORMATS`."""
    scores = [evaluation.scores for evaluation in found]
    if style == "csv":
        return render_scores(scores, style)
    if style == "json":
        return to_json([_facts(e) for e in found])
    rows = [
        [e.reading, percent(e.retrieval), f"{e.retrieval.correct}/{e.retrieval.total}"]
        for e in found
    ]
    table = Table(["reading", "own image of 64", "found/captions"], rows)
    parts = [render_scores(scores, style), titled("caption-to-image retrieval", table, style)]
    if len(found) > 1:
        paper, released = (e.scores.accuracy for e in found)
        points = 100 * (paper.correct - released.correct) / paper.total
        parts.append(
            f"paper is {points:+.2f} points from released: {paper.correct} and "
            f"{released.correct} of {paper.total} phrases"
        )
    return "\n\n".join(parts)


def _facts(evaluation: Evaluation) -> dict[str, Any]:
    return {
        "reading": evaluation.reading,
        "scores": evaluation.scores.to_dict(),
        "retrieval": {
            "correct": evaluation.retrieval.correct,
            "total": evaluation.retrieval.total,
        },
        "undecided": evaluation.undecided,
    }


def render_ablation(found: Sequence[Summary], style: str) -> str:
    """Render the rows of an ablation in one of `phraseloc.report.FORMATS`."""
    facts = [_row(summary) for summary in found]
    if style == "json":
        return to_json(facts)
    if style == "csv":
        return to_csv(facts)
    choices = list(found[0].cell.choices)
    heads = [*(name.replace("_", "-") for name in choices), "accuracy", "seeds"]
    heads += ["right/phrases", "published", "read in"]
    rows = [
        [
            *(str(row[name]) for name in choices),
            _spread(summary),
            str(len(summary.correct)),
            f"{min(summary.correct)} to {max(summary.correct)}/{summary.total}",
            summary.cell.published or "-",
            summary.cell.source or "-",
        ]
        for summary, row in zip(found, facts, strict=True)
    ]
    return LAYOUTS[style](Table(heads, rows, labels=len(choices)))


def save_ablation(found: Sequence[Summary], folder: Path) -> None:
    """Write an ablation's tables into its folder."""
    from phraseloc.formats.source import replacing

    for suffix, style in {"md": "markdown", "csv": "csv", "json": "json", "tex": "latex"}.items():
        with replacing(folder / f"ablation.{suffix}") as file:
            file.write(render_ablation(found, style).encode() + b"\n")


def _spread(summary: Summary) -> str:
    """Give mean and standard deviation in percent; of one run, its figure alone."""
    shown = f"{100 * summary.mean:.2f}"
    several = len(summary.correct) > 1
    return f"{shown} ± {100 * summary.deviation:.2f}" if several else shown


def _row(summary: Summary) -> dict[str, Any]:
    """Give all of a row's figures."""
    choices = summary.cell.choices
    return {
        **{name: v if isinstance(v, str) else "+".join(v) for name, v in choices.items()},
        "mean": summary.mean,
        "deviation": summary.deviation if len(summary.correct) > 1 else None,
        "correct": " ".join(map(str, summary.correct)),
        "total": summary.total,
        "published": summary.cell.published,
        "source": summary.cell.source,
    }
