"""Word vectors are those that gensim reads and writes, to the last bit."""

import gzip
import pickle
import warnings

import numpy as np
import pytest

from phraseloc import InputError
from phraseloc.formats.vectors import load_vectors

WORDS = ["</s>", "the", "dog", "café", "日本", "ice_cream", "7", "e-mail", "...", "a" * 99]
MATRIX = np.random.default_rng(7).normal(size=(len(WORDS), 50)).astype(np.float32)
MATRIX[0] = 0
MATRIX[1, :4] = [1e-45, -3e18, np.finfo("f4").tiny, -0.0]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    keyed_vectors = pytest.importorskip("gensim.models.keyedvectors")

pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
"""gensim leaves files of text without a header open."""

KeyedVectors = keyed_vectors.KeyedVectors


def glove(path, *, digits=None):
    """Write GloVe text, with as many digits as GloVe has or all that a float32 needs."""
    rows = (
        " ".join([word, *(repr(x) if digits is None else f"{x:.{digits}g}" for x in row)])
        for word, row in zip(WORDS, MATRIX.tolist(), strict=True)
    )
    path.write_text("".join(row + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def keyed():
    vectors = KeyedVectors(MATRIX.shape[1])
    vectors.add_vectors(WORDS, MATRIX)
    return vectors


def check(path, expected):
    """Every word and every bit is gensim's."""
    found = load_vectors(path, [*WORDS, "zzxq"])
    assert found.words == expected.index_to_key == WORDS
    assert found.matrix.dtype == expected.vectors.dtype == np.float32
    assert found.matrix.tobytes() == expected.vectors.tobytes()


@pytest.mark.parametrize("digits", [None, 5, 9])
@pytest.mark.parametrize("packed", [False, True])
def test_glove(digits, packed, tmp_path):
    path = tmp_path / "glove.txt"
    glove(path, digits=digits)
    if packed:
        (tmp_path / "glove.txt.gz").write_bytes(gzip.compress(path.read_bytes()))
        path = tmp_path / "glove.txt.gz"
    check(path, KeyedVectors.load_word2vec_format(path, binary=False, no_header=True))


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_word2vec(binary, suffix, keyed, tmp_path):
    path = tmp_path / f"w2v{suffix}"
    keyed.save_word2vec_format(path, binary=binary, sort_attr="none")
    check(path, KeyedVectors.load_word2vec_format(path, binary=binary))
    check(path, keyed)


def test_line_ends_of_windows(tmp_path):
    path = tmp_path / "glove.txt"
    glove(path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    check(path, KeyedVectors.load_word2vec_format(path, binary=False, no_header=True))


@pytest.mark.parametrize("limit", [1, 2**30])
def test_keyed_vectors(limit, keyed, tmp_path):
    path = tmp_path / "vectors.kv"
    keyed.set_vecattr("dog", "count", 7)
    keyed.fill_norms()
    keyed.save(str(path), sep_limit=limit)
    assert (tmp_path / "vectors.kv.vectors.npy").exists() == (limit == 1)
    check(path, KeyedVectors.load(str(path)))


def test_keyed_vectors_of_gensim_3(monkeypatch, tmp_path):
    """gensim 3 knew words by another name, and kept an object a word."""
    kinds = {
        name: type(name, (), {"__module__": keyed_vectors.__name__})
        for name in ("Word2VecKeyedVectors", "Vocab")
    }
    for name, kind in kinds.items():
        monkeypatch.setattr(keyed_vectors, name, kind, raising=False)
    old = kinds["Word2VecKeyedVectors"]()
    old.index2word, old.vectors, old.vectors_norm, old.vocab = WORDS, MATRIX, None, {}
    for row, word in enumerate(WORDS):
        old.vocab[word] = kinds["Vocab"]()
        vars(old.vocab[word]).update(index=row, count=9)
    path = tmp_path / "vectors.kv"
    path.write_bytes(pickle.dumps(old, 2))
    found = load_vectors(path, WORDS)
    assert found.words == WORDS
    assert found.matrix.tobytes() == MATRIX.tobytes()


def test_the_first_of_a_word_counts(tmp_path):
    path = tmp_path / "v.txt"
    path.write_text("3 2\ndog 1 2\ncat 3 4\ndog 5 6\n")
    found = load_vectors(path, ["dog", "cat"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = KeyedVectors.load_word2vec_format(path, binary=False)
    assert found.words == expected.index_to_key[:2]
    assert found.matrix.tobytes() == expected.vectors[:2].tobytes()


def test_words_of_a_trained_model(tmp_path):
    from gensim.models import Word2Vec

    model = Word2Vec([["the", "dog"], ["the", "cat"]] * 9, min_count=1, vector_size=8, workers=1)
    model.wv.save(str(tmp_path / "v.kv"))
    found = load_vectors(tmp_path / "v.kv", ["the", "dog", "cat"])
    assert found.words == model.wv.index_to_key
    assert found.matrix.tobytes() == model.wv.vectors.tobytes()
    model.save(str(tmp_path / "v.model"))
    with pytest.raises(InputError) as error:
        load_vectors(tmp_path / "v.model", ["the"])
    assert "v.model: found a pickle that imports gensim.models.word2vec.W" in str(error.value)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_gensim_files_of_every_pickle_protocol(keyed, protocol, tmp_path):
    keyed.save(str(tmp_path / "v.kv"), pickle_protocol=protocol)
    check(tmp_path / "v.kv", keyed)
