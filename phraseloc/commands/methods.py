"""Commands that run methods: ``leaderboard``, ``baseline``, ``baselines``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phraseloc.commands.options import (
    bootstrap_options,
    extra_option,
    format_option,
    options,
    proposal_options,
    protocol_of,
    protocol_options,
    space_options,
    truth_options,
)
from phraseloc.commands.reading import (
    TASK_OPTIONS,
    aligned,
    chosen_baselines,
    named_file,
    read_task,
    trained_methods,
)
from phraseloc.commands.streaming import WORKER_OPTIONS, worker_options, workers_of

if TYPE_CHECKING:
    from phraseloc.baselines import Baseline, Task
    from phraseloc.baselines.run import Choosing
    from phraseloc.formats.results import Entry

proposals_option = click.option(
    "--proposals",
    "files",
    multiple=True,
    metavar="FILE",
    help="A detector's objects; repeat it to join several files.",
)
vectors_option = click.option(
    "--vectors",
    metavar="FILE",
    help="Word vectors. [default: GloVe 6B 50d, of phraseloc[glove]]",
)
word_option = click.option(
    "--words",
    "policies",
    multiple=True,
    metavar="POLICY=CHOICE",
    help="How texts become words, as hyphens=split; see docs/baselines.md.",
)
word_options = options(vectors_option, word_option)
fallback_option = click.option(
    "--fallback",
    type=click.Choice(["whole-image", "largest", "center", "random", "none"]),
    default="whole-image",
    show_default=True,
    help="What a phrase gets that a method has no opinion about.",
)
features_option = click.option(
    "--features",
    multiple=True,
    metavar="FILE",
    help="MAF's HDF5 region features of the proposals; may be repeated.",
)
prediction_option = click.option(
    "--output",
    "-o",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The prediction file (.json .jsonl .tsv .parquet).",
)


@click.command()
def baselines() -> None:
    """List the baselines, with the paper that each comes from.

    \b
    Example:
      phraseloc baselines
    """
    from phraseloc.baselines import baselines as table

    rows = list(table().values())
    width = max(len(variant) for baseline in rows for variant in baseline.variants)
    for baseline in rows:
        for name in baseline.variants:
            shown = baseline.summary if name == baseline.name else f"the same, {name.split(':')[1]}"
            source = f" ({baseline.source})" if name == baseline.name else ""
            click.echo(f"{name:{width}}  {shown}{source}")


@click.command()
@click.argument("method", metavar="NAME")
@click.argument("ground_truth")
@prediction_option
@truth_options
@proposals_option
@proposal_options
@word_options
@fallback_option
@protocol_options
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def baseline(
    method: str,
    ground_truth: str,
    output: Path,
    fallback: str,
    name: str,
    settings: tuple[str, ...],
    seed: int,
    **reading: Any,
) -> None:
    """Run the baseline NAME on the phrases of GROUND_TRUTH, and write its prediction file.

    The protocol tells the oracle right from wrong; other baselines know none.

    \b
    Example:
      phraseloc baseline glove-att annotations.zip --split test.txt \\
          --proposals test_detection_dict.json -o glove-att.json
    """
    from phraseloc.baselines import find_baseline
    from phraseloc.formats.source import suffix_of
    from phraseloc.formats.write import SUFFIXES

    suffix_of(output, SUFFIXES)
    chosen = find_baseline(method)
    task = read_task(ground_truth, [chosen], protocol_of(name, settings), seed, **reading)
    write_choices(chosen, task, fallback, output)


def write_choices(method: Baseline, task: Task, fallback: str, output: Path) -> None:
    """Run a method, write its prediction file, and tell what is in it."""
    from phraseloc.baselines import run_baseline
    from phraseloc.formats.write import save_predictions

    run = run_baseline(method, task, fallback)
    save_predictions(run.alignment.predictions, output)
    click.echo(f"{method.name}: {len(run.alignment.predictions):,} of {len(task):,} phrases")
    if run.undecided:
        click.echo(f"  {run.undecided:,} of them by the fallback, {fallback}")
    if len(run.without_objects):
        click.echo(f"  {len(run.without_objects):,} left out: their images have no proposals")
    click.echo(f"wrote {output}", err=True)


@click.command()
@click.argument("ground_truth")
@truth_options
@proposals_option
@proposal_options
@word_options
@click.option(
    "--predictions",
    "given",
    multiple=True,
    metavar="NAME=FILE",
    help="A prediction file to score with the baselines; may be repeated.",
)
@click.option("--baselines", "names", metavar="A,B,...", help="Which baselines. [default: all]")
@click.option(
    "--maf",
    "checkpoints",
    multiple=True,
    metavar="NAME=CHECKPOINT",
    help="A MAF checkpoint to run with the baselines; may be repeated.",
)
@features_option
@click.option("--detector", default="", metavar="NAME", help="What to call the proposals' source.")
@fallback_option
@protocol_options
@click.option(
    "--output",
    "-o",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep results, tables and predictions in this folder.",
)
@format_option
@extra_option
@bootstrap_options
@space_options
@worker_options
def leaderboard(
    ground_truth: str,
    files: tuple[str, ...],
    given: tuple[str, ...],
    names: str | None,
    checkpoints: tuple[str, ...],
    features: tuple[str, ...],
    detector: str,
    fallback: str,
    name: str,
    settings: tuple[str, ...],
    output: Path | None,
    style: str,
    extra: str,
    samples: int,
    seed: int,
    confidence: float,
    **more: Any,
) -> None:
    """Score every baseline on GROUND_TRUTH, with prediction files of your own, in one table.

    A second run with the same --output and inputs uses what is there. Workers choose for images
    apart, and give the same bits as one process.

    \b
    Example:
      phraseloc leaderboard annotations.zip --split test.txt \\
          --proposals test_detection_dict.json --predictions mine=mine.json -o results
      phraseloc leaderboard train.parquet --proposals objects.parquet --workers 8
    """
    protocol = protocol_of(name, settings)
    choosing = choosing_of({option: more.pop(option) for option in WORKER_OPTIONS})
    from phraseloc.leaderboard import Plan, run_leaderboard
    from phraseloc.report.leaderboard import render_leaderboard

    chosen = chosen_baselines(names, bool(files))
    reading = {key: more.pop(key) for key in TASK_OPTIONS}
    task = read_task(ground_truth, chosen, protocol, seed, files=files, **reading)
    predictions = {
        label: aligned(task.truth, path, extra, more) for label, path in map(named_file, given)
    }
    plan = Plan(
        task,
        [baseline.name for baseline in chosen],
        predictions,
        detector,
        fallback,
        samples,
        confidence,
        trained_methods(task, map(named_file, checkpoints), features, reading["vectors"]),
    )
    results = run_leaderboard(plan, output, _show, choosing)
    if output is not None:
        from phraseloc.report.leaderboard import save_leaderboard

        save_leaderboard(results, output)
        click.echo(f"wrote {output}", err=True)
    click.echo(render_leaderboard(results, style))


def choosing_of(workers: dict[str, Any]) -> Choosing:
    """Give how methods are to choose: here, or on workers."""
    from phraseloc.baselines.run import choose_here

    count, address = workers_of(workers)
    if not count and not address:
        return choose_here
    from phraseloc.baselines.sharded import choose_on

    return partial(choose_on, count, address)


def _show(entry: Entry, reused: bool) -> None:
    """Tell of an entry when it is there."""
    how = "as stored" if reused or entry.seconds is None else f"{entry.seconds:.3f} s"
    accuracy = f"{100 * entry.accuracy.value:.2f}%"
    click.echo(f"{entry.name:16} {accuracy:>7}  {how}", err=True)
