"""``python -m benchmarks``: measure, print, and write ``RESULTS.md`` after a whole run."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import machine
from benchmarks.results import Section, to_markdown

RESULTS = Path(__file__).with_name("RESULTS.md")

_OPENING = """# Results

One run of `python -m benchmarks` from the checkout; `benchmarks/requirements.txt` names the peers.
Both sides of a row take turns, and *ratio* is the median over the turns of how many times faster
ours is (of memory: which share of its speed ours reaches). Times of each side are medians too.
"""


def _process() -> list[Section]:
    from benchmarks import process

    return [process.measure()]


def _page() -> list[Section]:
    from benchmarks import page

    return [page.measure()]


def _kernels() -> list[Section]:
    from benchmarks import kernels

    return kernels.measure()


def _reading() -> list[Section]:
    from benchmarks import reading

    return [reading.measure()]


def _baselines() -> list[Section]:
    from benchmarks import baselines

    return baselines.measure()


def _vectors() -> list[Section]:
    from benchmarks import vectors

    return [vectors.measure()]


def _maf() -> list[Section]:
    from benchmarks import maf

    return maf.measure()


GROUPS: dict[str, Callable[[], list[Section]]] = {
    "process": _process,
    "page": _page,
    "kernels": _kernels,
    "reading": _reading,
    "baselines": _baselines,
    "vectors": _vectors,
    "maf": _maf,
}


def _measured(names: list[str]) -> Iterator[str]:
    for name in names:
        for section in GROUPS[name]():
            text = to_markdown(section)
            print(text, flush=True)
            yield text


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=f"of {', '.join(GROUPS)}")
    names = parser.parse_args().groups or list(GROUPS)
    if unknown := set(names) - set(GROUPS):
        parser.error(f"found {', '.join(sorted(unknown))}; expected {', '.join(GROUPS)}")
    # Idle threads of one side would otherwise spin through the other side's turn; the program
    # itself runs with one BLAS thread too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    facts = machine.describe()
    print(facts, flush=True)
    texts = list(_measured(names))
    if names == list(GROUPS):
        RESULTS.write_text("\n".join([_OPENING, facts, "", *texts]).rstrip() + "\n")
        print(f"wrote {RESULTS.name}")


if __name__ == "__main__":
    main()
