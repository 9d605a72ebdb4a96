"""``python -m benchmarks``: measure and print; a whole run writes ``RESULTS.md``.

With ``--write``, groups that are asked for by name take the place of their sections there, each of
which then says when and on what commit it was measured; and where, if it was elsewhere.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks import machine
from benchmarks.results import Section, Table, replace_sections, to_markdown

RESULTS = Path(__file__).with_name("RESULTS.md")

_OPENING = """# Results

One run of `python -m benchmarks` from the checkout; `benchmarks/requirements.txt` names the peers.
Both sides of a row take turns, and *ratio* is the median over the turns of how many times faster
ours is (of memory: which share of its speed ours reaches). Times of each side are medians too.
A section that was measured apart says so; the others were in the run of these facts:
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


def _scale() -> Iterator[Section | Table]:
    from benchmarks import scale

    return scale.measure()


GROUPS: dict[str, Callable[[], Iterable[Section | Table]]] = {
    "process": _process,
    "page": _page,
    "kernels": _kernels,
    "reading": _reading,
    "baselines": _baselines,
    "vectors": _vectors,
    "maf": _maf,
    "scale": _scale,
}


def _measured(names: Sequence[str], notes: Sequence[str] = ()) -> Iterator[str]:
    for name in names:
        for section in GROUPS[name]():
            text = to_markdown(replace(section, notes=[*section.notes, *notes]))
            print(text, flush=True)
            yield text


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("groups", nargs="*", metavar="group", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--write", action="store_true", help="put the groups into RESULTS.md")
    asked = parser.parse_args()
    names = asked.groups or list(GROUPS)
    if unknown := set(names) - set(GROUPS):
        parser.error(f"found {', '.join(sorted(unknown))}; expected {', '.join(GROUPS)}")
    # Idle threads of one side would otherwise spin through the other side's turn; the program
    # itself runs with one BLAS thread too.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    facts = machine.describe()
    print(*(f"- {fact}" for fact in facts), sep="\n", flush=True)
    whole = names == list(GROUPS)
    apart = [] if whole else [_apart(facts)]
    texts = list(_measured(names, apart))
    if whole:
        opening = "\n".join([_OPENING, *(f"- {fact}" for fact in facts)])
        _write(replace_sections(f"{opening}\n", texts))
    elif asked.write:
        _write(replace_sections(RESULTS.read_text(), texts))


def _apart(facts: Sequence[str]) -> str:
    """Say in which facts a run differs from that of the other sections."""
    known = RESULTS.read_text().splitlines()
    return f"Measured apart: {'; '.join(fact for fact in facts if f'- {fact}' not in known)}."


def _write(text: str) -> None:
    RESULTS.write_text(text)
    print(f"wrote {RESULTS.name}")


if __name__ == "__main__":
    main()
