"""Scale: files of 10^4 to 10^8 phrases in every format, whole processes of ``phraseloc score``.

Files are those of `benchmarks.synthetic`, in the folder that ``$PHRASELOC_SCALE`` names, where they
stay; by default in a temporary one. ``$PHRASELOC_SCALE_ROWS`` says up to how many phrases, by
default 10^7; 10^8 are measured as Parquet alone, and take some 3 GB.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.children import Run, middle, run_phraseloc
from benchmarks.machine import version
from benchmarks.results import Row, Section, Table, megabytes, not_installed
from benchmarks.synthetic import FORMATS, Pair, write_pair
from phraseloc.bulk.shards import find_shards, is_large

SIZES = {10_000: 5, 100_000: 5, 1_000_000: 3, 10_000_000: 1, 100_000_000: 1}
"""Numbers of phrases, each with its runs."""

ALL_FORMATS = 10_000_000
"""Up to how many phrases are written as text, too."""

LEAST = min(SIZES)

LINEAR, FLAT = 0.8, 0.9
"""How near to 1 time a row and peak memory must stay while rows grow tenfold."""


@dataclass(frozen=True)
class Case:
    """Files of a format and size, and whether streaming was asked for where they are small."""

    suffix: str
    rows: int
    asked: bool = False


@dataclass(frozen=True)
class Found:
    """What a case took."""

    size: int
    streamed: bool
    run: Run


Findings = dict[Case, Found]


def measure() -> Iterator[Section | Table]:
    """Measure every size and format; then the goals, and what a plan for more rows needs."""
    for package in ("duckdb", "pyarrow", "distributed"):
        if version(package) is None:
            yield Section("Scale", [not_installed("files of any size", package)])
            return
    from benchmarks import scale_goals, scale_stages

    most = int(float(os.environ.get("PHRASELOC_SCALE_ROWS", 10_000_000)))
    with _folder() as folder:
        found = {case: _find(case, folder) for case in _cases(most)}
        yield _table(found)
        yield from _growth(found)
        yield scale_goals.measure(min(most, 10_000_000), folder)
        yield scale_stages.measure(min(most, 1_000_000), folder)


@contextmanager
def _folder() -> Iterator[Path]:
    given = os.environ.get("PHRASELOC_SCALE")
    if given is None:
        with TemporaryDirectory(prefix="phraseloc-scale-") as name:
            yield Path(name)
        return
    Path(given).mkdir(parents=True, exist_ok=True)
    yield Path(given)


def _cases(most: int) -> Iterator[Case]:
    for suffix in FORMATS:
        yield Case(suffix, LEAST, asked=True)
        for rows in SIZES:
            if rows <= most and (rows <= ALL_FORMATS or suffix == ".parquet"):
                yield Case(suffix, rows)


def _find(case: Case, folder: Path) -> Found:
    pair = write_pair(case.rows, case.suffix, folder)
    words = ["score", pair.truth, pair.predictions, "--format", "json"]
    words += ["--memory", "4GB"] if case.asked else []
    if case.rows == LEAST:
        run_phraseloc(*words)  # compiles what is not compiled yet
    runs = [run_phraseloc(*words) for _ in range(SIZES[case.rows])]
    return Found(pair.size, case.asked or is_streamed(pair), middle(runs))


def is_streamed(pair: Pair) -> bool:
    """Tell which way the program goes with files, as it decides itself."""
    shards = [find_shards(str(path)) for path in (pair.truth, pair.predictions)]
    return any(is_large(one) for one in shards if one is not None)


def _table(found: Findings) -> Table:
    runs = ", ".join(f"{runs} of {rows:,}" for rows, runs in SIZES.items())
    notes = [
        "Whole processes, without workers or cache, with intervals and categories.",
        "A row is a phrase and its prediction; size is of both files.",
        "Small files are read whole, large ones are streamed; *asked* is streamed by --memory.",
        "Beyond the start: less what 10,000 rows take that go the same way.",
        f"Medians of runs: {runs} rows. Files lie in the system's page cache as far as it goes.",
    ]
    return Table("Scale", _HEADS, [_cells(case, found) for case in found], notes)


_HEADS = (
    *("format", "rows", "way", "size", "time", "rows a second", "processor time", "peak memory"),
    "bytes a row beyond the start",
)


def _cells(case: Case, found: Findings) -> Sequence[str]:
    one = found[case]
    run, more = one.run, case.rows - LEAST
    beyond = (run.peak - _start(case, found).peak) / more if more else None
    return (
        case.suffix,
        f"{case.rows:,}",
        "streamed, asked" if case.asked else "streamed" if one.streamed else "small",
        megabytes(one.size) if one.size >= 1e7 else f"{one.size / 1e6:.2g} MB",
        f"{run.seconds:,.2f} s",
        f"{case.rows / run.seconds:,.0f}",
        f"{run.processor:,.2f} s",
        megabytes(run.peak),
        "-" if beyond is None else f"{beyond:,.1f}",
    )


def _start(case: Case, found: Findings) -> Run:
    """Give the run of the fewest rows that went the same way."""
    return found[Case(case.suffix, LEAST, asked=found[case].streamed)].run


def _growth(found: Findings) -> list[Section]:
    """Compare each streamed case with that of a tenth of its rows, where there is any."""
    rows = _growth_rows(found)
    notes = [
        "Times are beyond the start, which is what 10,000 streamed rows take.",
        "Ratios are of the fewer rows to the more, so that 1 is linear, and flat.",
    ]
    return [Section("Scale: growth", rows, notes)] if rows else []


_TIMES = (("time", "seconds", LINEAR), ("processor time", "processor", None))


def _growth_rows(found: Findings) -> list[Row]:
    rows = []
    for case, more in found.items():
        less = found.get(Case(case.suffix, case.rows // 10))
        if less is None or not less.streamed or case.asked:
            continue
        start = _start(case, found)
        what = f"{case.rows:,} rows of {case.suffix}"
        peer = f"{case.rows // 10:,} rows"
        for name, field, goal in _TIMES:
            begin = getattr(start, field)
            ours = (getattr(more.run, field) - begin) / (case.rows - LEAST)
            theirs = (getattr(less.run, field) - begin) / (case.rows // 10 - LEAST)
            mine, other = (f"{1e6 * side:.3g} s a million" for side in (ours, theirs))
            rows.append(Row(f"{name}, {what}", mine, peer, other, theirs / ours, goal))
        mine, other = megabytes(more.run.peak), megabytes(less.run.peak)
        ratio = less.run.peak / more.run.peak
        rows.append(Row(f"peak memory, {what}", mine, peer, other, ratio, FLAT))
    return rows
