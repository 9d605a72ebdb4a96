"""Reports: scores as text, JSON, CSV, Markdown and LaTeX."""

from phraseloc.report.scores import FORMATS, render_scores

__all__ = ["FORMATS", "render_scores"]
