"""The command line: options and calls. Commands import what they use, so that help is instant."""

from __future__ import annotations

from phraseloc.commands.diagnose import diagnose
from phraseloc.commands.draw import draw
from phraseloc.commands.files import completion, convert, fetch, proposals
from phraseloc.commands.gate import gate
from phraseloc.commands.maf import maf
from phraseloc.commands.methods import baseline, baselines, leaderboard
from phraseloc.commands.program import main
from phraseloc.commands.report import report
from phraseloc.commands.scoring import compare, protocols, score, validate

__all__ = ["main"]

for command in (
    score,
    compare,
    diagnose,
    gate,
    report,
    draw,
    validate,
    leaderboard,
    baseline,
    baselines,
    maf,
    protocols,
    convert,
    proposals,
    fetch,
    completion,
):
    main.add_command(command)
