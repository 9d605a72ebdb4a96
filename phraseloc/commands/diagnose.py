"""The command ``diagnose``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from phraseloc.commands.methods import proposals_option, word_option
from phraseloc.commands.options import (
    check_rows_file,
    extra_option,
    format_option,
    per_phrase_option,
    proposal_options,
    protocol_of,
    protocol_options,
    space_options,
    truth_options,
)
from phraseloc.commands.reading import aligned, read_objects


@click.command()
@click.argument("ground_truth")
@click.argument("predictions")
@truth_options
@proposals_option
@proposal_options
@click.option(
    "--vectors", metavar="FILE", help="Word vectors, to tell phrases apart by their words."
)
@word_option
@protocol_options
@format_option
@click.option(
    "--worst", type=click.IntRange(0), default=10, show_default=True, help="How many to list."
)
@per_phrase_option("every phrase's class")
@extra_option
@space_options
def diagnose(
    ground_truth: str,
    predictions: str,
    split: str | None,
    unrelated: str | None,
    truth_boxes: dict[str, Any],
    files: tuple[str, ...],
    objects: str | None,
    attributes: str | None,
    proposal_boxes: dict[str, Any],
    vectors: str | None,
    policies: tuple[str, ...],
    name: str,
    settings: tuple[str, ...],
    style: str,
    worst: int,
    per_phrase: str | None,
    extra: str,
    **reading: Any,
) -> None:
    """Tell where PREDICTIONS fail: each wrong phrase in one class, and what mending it would give.

    With --proposals, phrases that no object could have got right are the detector's misses; with
    --vectors, phrases are told apart by how many of their words have a vector.

    \b
    Example:
      phraseloc diagnose annotations.zip mine.json --split test.txt \\
          --proposals test_detection_dict.json
    """
    protocol = protocol_of(name, settings)
    check_rows_file(per_phrase)
    from phraseloc.diagnosis import diagnose as diagnosed
    from phraseloc.formats import load_ground_truth
    from phraseloc.groups import groupings
    from phraseloc.report.diagnosis import class_rows, render_diagnosis
    from phraseloc.scoring import score
    from phraseloc.words import parse_policy

    policy = parse_policy(policies)
    truth = load_ground_truth(ground_truth, split=split, unrelated=unrelated, **truth_boxes)
    alignment = aligned(truth, predictions, extra, reading)
    found = known = None
    if files:
        found = read_objects(truth, files, objects, attributes, proposal_boxes)
    if vectors is not None:
        from phraseloc.formats.vectors import load_vectors

        texts = truth.keys.phrase
        known = load_vectors(vectors, policy.candidates([] if texts is None else texts.values))
    scores = score(truth, alignment.predictions, protocol, alignment=alignment)
    result = diagnosed(truth, scores, alignment, found)
    if per_phrase is not None:
        from phraseloc.formats.per_phrase import write_rows

        write_rows(list(class_rows(truth, result)), Path(per_phrase))
    groups = list(groupings(truth, result.outcomes.phrase, found, known, policy))
    click.echo(render_diagnosis(truth, result, groups, worst, style))
