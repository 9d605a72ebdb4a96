"""Word vectors are read as they were written; any bytes give vectors or a PhraselocError."""

import gzip
import io
import pickle
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from phraseloc import PhraselocError
from phraseloc.formats.vectors import load_vectors
from tests.property.test_readers import mutated
from tests.unit.test_vector_formats import binary, text

NAMES = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), min_size=1, max_size=9
)
NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def vectors(draw):
    words = draw(st.lists(NAMES, min_size=1, max_size=8, unique=True))
    shape = (len(words), draw(st.integers(1, 6)))
    return words, draw(arrays(np.float32, shape, elements=NUMBERS))


def read(content, words, name="file", beside=()):
    """Read vectors, without cache; None where they are refused on purpose."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHRASELOC_CACHE", "off")
        for other, held in [(name, content), *beside]:
            (Path(folder) / other).write_bytes(held)
        try:
            found = load_vectors(Path(folder) / name, words)
        except PhraselocError:
            return None
        assert set(found.words) <= set(words)
        assert found.matrix.shape == (len(found), found.dimension)
        assert np.isfinite(found.matrix).all()
        assert found.digest
        return found


def numpy(matrix):
    sink = io.BytesIO()
    np.save(sink, matrix)
    return sink.getvalue()


def zipped(content):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("v.txt", content)
    return sink.getvalue()


@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstandard.compress, zipped])
@pytest.mark.parametrize("end", ["\n", "\r\n", " \n"])
@given(held=vectors(), header=st.booleans(), data=st.data())
def test_text_is_read_as_it_was_written(packed, end, held, header, data):
    words, matrix = held
    if not header and len(matrix[0]) == 1 and words[0].isdigit():
        words = ["x", *words[1:]]
    wanted = data.draw(st.lists(st.sampled_from(words), unique=True))
    found = read(packed(text(words, matrix, header=header, end=end)), wanted)
    rows = [row for row, word in enumerate(words) if word in wanted]
    assert found.words == [words[row] for row in rows]
    assert found.matrix.tobytes() == matrix[rows].tobytes()


@pytest.mark.parametrize("end", [b"", b"\n"])
@given(held=vectors(), data=st.data())
def test_binary_is_read_as_it_was_written(end, held, data):
    words, matrix = held
    matrix[0, 0] = 1  # bytes that no text has
    wanted = data.draw(st.lists(st.sampled_from(words), unique=True))
    found = read(binary(words, matrix, end=end), wanted)
    rows = [row for row, word in enumerate(words) if word in wanted]
    assert found.words == [words[row] for row in rows]
    assert found.matrix.tobytes() == matrix[rows].tobytes()


@given(held=vectors())
def test_the_order_of_words_moves_no_digest(held):
    words, matrix = held
    turned = read(text(words[::-1], matrix[::-1], header=True), words)
    assert turned.digest == read(text(words, matrix, header=True), words).digest


WORDS = ["the", "dog", "cat", ". . .", "caf\u00e9"]
MATRIX = np.linspace(-1, 1, 15, dtype=np.float32).reshape(5, 3)


def keyed():
    """What gensim keeps, as far as its pickle names it."""

    class KeyedVectors:
        pass

    held = KeyedVectors()
    held.index_to_key, held.vectors = WORDS, MATRIX
    patch = pytest.MonkeyPatch()
    with patch.context() as inner:
        import sys
        from types import ModuleType

        module = ModuleType("gensim.models.keyedvectors")
        module.KeyedVectors = KeyedVectors
        KeyedVectors.__module__, KeyedVectors.__qualname__ = module.__name__, "KeyedVectors"
        for name in ("gensim", "gensim.models"):
            inner.setitem(sys.modules, name, ModuleType(name))
        inner.setitem(sys.modules, module.__name__, module)
        return pickle.dumps(held, 4)


FILES = {
    "glove": text(WORDS, MATRIX),
    "word2vec": text(WORDS, MATRIX, header=True),
    "binary": binary([*WORDS[:3], "a", "b"], MATRIX),
    "numpy": numpy(MATRIX),
    "keyed": keyed(),
    "gzip": gzip.compress(text(WORDS, MATRIX)),
    "zstd": zstandard.compress(text(WORDS, MATRIX)),
    "zip": zipped(text(WORDS, MATRIX)),
}
BESIDE = [("file.words", "\n".join(WORDS).encode())]


@pytest.mark.parametrize("kind", FILES)
def test_the_files_to_change_are_sound(kind):
    assert len(read(FILES[kind], ["the", "dog", "zzxq"], beside=BESIDE)) == 2


STARTS = [b"", b"2 3\n", b"\x80\x04", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"\x1f\x8b", b"BZh9",
          b"\x28\xb5\x2f\xfd", b"dog 1 2\n"]  # fmt: skip


@given(st.sampled_from(STARTS), st.binary(max_size=300))
def test_any_bytes(start, content):
    read(start + content, WORDS, beside=BESIDE)


@given(st.sampled_from(["", "2 3\n", "dog 1 2\n"]), st.text(max_size=200), NAMES)
def test_any_text(start, content, word):
    read((start + content).encode("utf-8", "surrogatepass"), [*WORDS, word, content[:3].strip()])


@pytest.mark.parametrize("kind", FILES)
@given(data=st.data())
def test_mutated_files(kind, data):
    read(data.draw(mutated(FILES[kind])), WORDS, beside=BESIDE)
