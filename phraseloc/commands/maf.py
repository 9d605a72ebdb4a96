"""The commands of MAF: ``maf predict``, ``evaluate``, ``train``, ``convert``, ``ablate``."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from phraseloc.commands.maf_reading import loaded, read_run
from phraseloc.commands.methods import (
    fallback_option,
    features_option,
    prediction_option,
    proposals_option,
    vectors_option,
    word_option,
    write_choices,
)
from phraseloc.commands.options import (
    bootstrap_options,
    format_option,
    options,
    proposal_options,
    protocol_of,
    protocol_options,
    truth_options,
)
from phraseloc.commands.reading import need_torch
from phraseloc.errors import OptionError

if TYPE_CHECKING:
    from phraseloc.maf.checkpoint import History
    from phraseloc.maf.run import Run

STOPPED = 130
"""The exit code of a process that Ctrl-C ends, as shells have it."""

method_options = options(
    truth_options,
    proposals_option,
    proposal_options,
    features_option,
    vectors_option,
    fallback_option,
    protocol_options,
)


@click.group()
def maf() -> None:
    """MAF (EMNLP 2020): predict with checkpoints, evaluate, train, convert, redo the ablations.

    CHECKPOINT is one of this project's, or a released one, which needs the --vectors that it was
    trained with (by default the words of GloVe 6B).

    \b
    Example:
      phraseloc maf evaluate --help
    """
    need_torch()


@maf.command()
@click.argument("checkpoint")
@click.argument("ground_truth")
@prediction_option
@click.option(
    "--reading",
    type=click.Choice(["paper", "released"]),
    default="paper",
    show_default=True,
    help="The paper's equations, or a released checkpoint as the released code runs it.",
)
@method_options
def predict(
    checkpoint: str,
    ground_truth: str,
    output: Path,
    reading: str,
    fallback: str,
    name: str,
    settings: tuple[str, ...],
    **more: Any,
) -> None:
    """Predict the phrases of GROUND_TRUTH with a CHECKPOINT, and write the prediction file.

    \b
    Example:
      phraseloc maf predict maf.safetensors annotations.zip --split test.txt \\
          --proposals test_detection_dict.json --features test_features_compress.hdf5 -o maf.json
    """
    from phraseloc.formats.source import suffix_of
    from phraseloc.formats.write import SUFFIXES

    suffix_of(output, SUFFIXES)
    found, task, regions = loaded(checkpoint, ground_truth, protocol_of(name, settings), **more)
    from phraseloc.maf.method import as_baseline

    write_choices(as_baseline("maf", found, regions, reading), task, fallback, output)


@maf.command()
@click.argument("checkpoint")
@click.argument("ground_truth")
@format_option
@method_options
@bootstrap_options
def evaluate(
    checkpoint: str,
    ground_truth: str,
    style: str,
    fallback: str,
    name: str,
    settings: tuple[str, ...],
    samples: int,
    seed: int,
    confidence: float,
    **more: Any,
) -> None:
    """Predict with a CHECKPOINT and score it, with its caption-to-image retrieval accuracy.

    A released checkpoint is read in both ways, as the paper's equations say and as the released
    code runs it, and the difference is told.

    \b
    Example:
      phraseloc maf evaluate released.pt annotations.zip --split test.txt \\
          --proposals test_detection_dict.json --features test_features_compress.hdf5 \\
          --vectors glove.6B.300d.txt
    """
    found, task, regions = loaded(checkpoint, ground_truth, protocol_of(name, settings), **more)
    from phraseloc.maf.evaluation import evaluate as evaluated
    from phraseloc.report.maf import render_evaluation

    readings = evaluated(
        found, task, regions, fallback=fallback, samples=samples, seed=seed, confidence=confidence
    )
    click.echo(render_evaluation(readings, style))


@maf.command()
@click.argument("source", metavar="RELEASED", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))
@vectors_option
def convert(source: Path, target: Path, vectors: str | None) -> None:
    """Convert a RELEASED checkpoint to this project's, which holds its words, and runs no code.

    \b
    Example:
      phraseloc maf convert released.pt maf.safetensors --vectors glove.6B.300d.txt
    """
    from phraseloc.formats.vectors.vocabulary import load_words
    from phraseloc.maf.checkpoint import SUFFIX, save_checkpoint
    from phraseloc.maf.loading import vectors_name
    from phraseloc.maf.released import check_released, load_released

    check_released(source)
    if target.suffix != SUFFIX:
        raise OptionError(f"{target}: found suffix {target.suffix!r}, expected {SUFFIX}")
    words = load_words(vectors)
    save_checkpoint(load_released(source, words, vectors=vectors_name(vectors)), target)
    click.echo(f"wrote {target}: {len(words):,} words", err=True)


def _run_options(command: Callable[..., None]) -> Callable[..., None]:
    from phraseloc.maf.settings import CHOICES, PARTS, Settings

    default = Settings()

    def choice(name: str, text: str) -> Callable[..., Any]:
        return click.option(
            f"--{name.replace('_', '-')}",
            type=click.Choice(CHOICES[name]),
            default=CHOICES[name][0],
            show_default=True,
            help=text,
        )

    def number(name: str, kind: Any, text: str) -> Callable[..., Any]:
        value = getattr(default, name)
        option = f"--{name.replace('_', '-')}"
        return click.option(option, type=kind, default=value, show_default=True, help=text)

    return options(
        truth_options,
        click.option("--validation", metavar="FILE", help="Image ids to validate on, one a line."),
        proposals_option,
        proposal_options,
        features_option,
        vectors_option,
        word_option,
        protocol_options,
        click.option(
            "--vfr",
            metavar="A,B,…",
            help=f"An object's parts, of {', '.join(PARTS)}. [default: all that there are]",
        ),
        choice("tfr", "How the words of a phrase are weighed."),
        choice("init_f", "W_f and W_t before training."),
        choice("init_p", "W_p before training."),
        number("epochs", click.IntRange(0), "Times through the captions."),
        number("batch", click.IntRange(2), "Captions of a batch."),
        number("learning_rate", click.FloatRange(0, min_open=True), "Of Adam."),
        number("accumulate", click.IntRange(1), "Batches of a step."),
        choice("precision", "Of products."),
        number("seed", click.IntRange(0), "Of initial weights and of the order of captions."),
        click.option(
            "--device",
            type=click.Choice(["auto", "cpu", "cuda"]),
            default="auto",
            show_default=True,
        ),
        click.option(
            "--output",
            "-o",
            required=True,
            type=click.Path(file_okay=False, path_type=Path),
            help="The folder of the run.",
        ),
    )(command)


@maf.command()
@click.argument("ground_truth")
@_run_options
@click.option("--resume", is_flag=True, help="Go on with the run in the folder, if there is one.")
@click.option("--tensorboard", is_flag=True, help="Log for TensorBoard, too.")
def train(ground_truth: str, output: Path, resume: bool, tensorboard: bool, **more: Any) -> None:
    """Train MAF on the captions of GROUND_TRUTH; no box of it is learned from.

    The folder gets a checkpoint an epoch, history.csv, and what --resume needs. Checkpoints know
    every word of GROUND_TRUTH that the vectors have, so that --split does not narrow their words.

    \b
    Example:
      phraseloc maf train annotations.zip --split train.txt --validation val.txt \\
          --proposals train_detection_dict.json --features train_features_compress.hdf5 \\
          --proposals val_detection_dict.json --features val_features_compress.hdf5 -o run
    """
    from phraseloc.maf.training import Interrupted
    from phraseloc.maf.training import train as trained

    run = read_run(ground_truth, **more)
    first = _is_first()
    if first:
        _tell(run)
    try:
        trained(
            run,
            output,
            resume=resume,
            tensorboard=tensorboard,
            progress=_show if first else None,
            tick=_tick if first and sys.stderr.isatty() else None,
        )
    except Interrupted as stopped:
        if first:
            click.echo(f"\n{stopped}", err=True)
        sys.exit(STOPPED)
    if first:
        click.echo(f"wrote {output}", err=True)


@maf.command()
@click.argument("grid", type=click.Choice(["tfr-vfr", "init"]))
@click.argument("ground_truth")
@_run_options
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="Runs a row.")
@format_option
def ablate(grid: str, ground_truth: str, output: Path, seeds: int, style: str, **more: Any) -> None:
    """Redo an ablation of the paper: GRID tfr-vfr is Table 3, init is Table 4.

    Every row is trained with several seeds, and its accuracy on --validation is told as mean and
    standard deviation. What is done already in the folder is not done again.

    \b
    Example:
      phraseloc maf ablate init annotations.zip --split train.txt --validation test.txt \\
          --proposals train_detection_dict.json --features train_features_compress.hdf5 \\
          --proposals test_detection_dict.json --features test_features_compress.hdf5 -o ablation
    """
    from phraseloc.maf.ablation import ablate as ablated
    from phraseloc.maf.training import Interrupted
    from phraseloc.report.maf import render_ablation, save_ablation

    run = read_run(ground_truth, **more)
    _tell(run)

    def tell(cell: str, seed: int, last: History) -> None:
        click.echo(f"{cell} seed {seed}: {last.correct}/{last.total}", err=True)

    try:
        found = ablated(run, grid, seeds, output, tell)
    except Interrupted as stopped:
        click.echo(f"\n{stopped}; the same command does", err=True)
        sys.exit(STOPPED)
    save_ablation(found, output / grid)
    click.echo(render_ablation(found, style))


def _is_first() -> bool:
    """Tell whether this is the first of the processes that torchrun started, or the only one."""
    import os

    return os.environ.get("RANK", "0") == "0"


def _tell(run: Run) -> None:
    """Say what is trained on, and what is left out of it."""
    from phraseloc.maf.inputs import inputs_of

    inputs = inputs_of(run.task, run.vectors.words, run.settings.vfr, run.regions)
    total = len(run.task)
    silent = total - len(inputs.phrases)
    click.echo(
        f"{len(inputs):,} captions of {len(inputs.objects) - 1:,} images, {len(inputs.phrases):,} "
        f"phrases, {len(inputs.shown):,} objects, {len(run.vectors):,} words; "
        f"{'+'.join(run.settings.vfr)}, {run.settings.tfr}",
        err=True,
    )
    if silent:
        click.echo(f"  {silent:,} phrases left out: no known word, or no object", err=True)


def _tick(epoch: int, done: int, of: int) -> None:
    """Tell a terminal how far an epoch is; the next line takes its place."""
    click.echo(f"\repoch {epoch:3}  batch {done:,} of {of:,}\r", nl=False, err=True)


def _show(figures: History) -> None:
    """Tell of an epoch."""
    parts = [f"epoch {figures.epoch:3}"]
    if figures.loss is not None and figures.retrieval is not None:
        parts += [f"loss {figures.loss:.4f}", f"retrieval {100 * figures.retrieval:.2f}%"]
    if figures.total:
        share = 100 * (figures.correct or 0) / figures.total
        parts.append(f"accuracy {share:.2f}% ({figures.correct}/{figures.total})")
    if figures.epoch:
        parts.append(f"{figures.seconds:.1f} s")
    click.echo("  ".join(parts), err=True)
