"""Word vectors that cannot be used: each is refused with what was found, where, and why."""

import bz2
import gzip
import lzma
import pickle
import sys
import types
import zipfile

import numpy as np
import pytest
import zstandard

from phraseloc import InputError, PhraselocError
from phraseloc.formats.vectors import load_vectors
from phraseloc.vectors import WordVectors
from tests.unit.test_vector_formats import MATRIX, binary, text

WORDS = ["the", "dog", "cat", "a", "of"]
TEXT = text(WORDS)
LINES = TEXT.splitlines(keepends=True)
BINARY = binary(WORDS)


def refusal(source, words=("dog",)):
    """Load what cannot be used, and give the message."""
    with pytest.raises(PhraselocError) as error:
        load_vectors(source, words)
    assert "Traceback" not in str(error.value)
    return str(error.value)


def changed(row, line):
    """The text with another line, counted from 1."""
    return b"".join([*LINES[: row - 1], line, *LINES[row:]])


@pytest.mark.parametrize("word", ["dog", "zzxq"])
@pytest.mark.parametrize("row", [2, 3, 5])
def test_a_line_of_another_dimension(row, word, write):
    path = write("v.txt", changed(row, f"{word} 1 2 3\n".encode()))
    assert refusal(path) == f"v.txt: line {row}: found 3 numbers, expected 4 by line 1"
    path = write("v.txt", changed(row, f"{word} 1 2 3 4 5\n".encode()))
    assert refusal(path) == f"v.txt: line {row}: found 5 numbers, expected 4 by line 1"
    path = write("v.txt", b"5 4\n" + changed(row, f"{word} 1 2 3\n".encode()))
    assert refusal(path) == f"v.txt: line {row + 1}: found 3 numbers, expected 4 by line 1"


def test_a_wrong_line_amid_many(write):
    lines = [f"word{i} " + " ".join(["0.5"] * 50) + "\n" for i in range(9_000)]
    lines[6_789] = lines[6_789].replace("0.5 ", "", 1)
    message = refusal(write("v.txt", "".join(lines)))
    assert message == "v.txt: line 6790: found 49 numbers, expected 50 by line 1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty (0 bytes)"),
        (b"\n", "line 1: found 0 numbers, expected a word and its numbers"),
        (b"dog\n", "line 1: found 0 numbers, expected a word and its numbers"),
        (b"5 4\n", "line 2: found 0 numbers, expected 4 by line 1"),
        (b"0 4\n", "line 1: found a header of 0 words of 4 numbers"),
        (b"4 0\ndog 1\n", "line 1: found a header of 4 words of 0 numbers"),
        (b"hello world\n", "line 1: found 'world', expected a number"),
        (changed(2, b"dog 1 x 3 4\n"), "line 2: found 'x', expected a number"),
        (changed(2, b"dog 1  3 4\n"), "line 2: found '', expected a number"),
        (changed(2, b"dog 1,5 2 3 4\n"), "line 2: found '1,5', expected a number"),
        (changed(2, b"dog 1 \xff 3 4\n"), "line 2: found '\ufffd', expected a number"),
        (changed(2, b"dog 1 nan 3 4\n"), "line 2: found a number that is not finite in 'dog'"),
        (changed(2, b"dog 1 2 -inf 4\n"), "line 2: found a number that is not finite in 'dog'"),
        (changed(2, b"dog 1 2 1e99 4\n"), "line 2: found a number that is not finite in 'dog'"),
        (changed(4, b"caf\xe9 1 2 3 4\n"), r"line 4: found a word that is not UTF-8, b'caf\xe9'"),
        (changed(2, b"dog \xe9 1 2 3 4\n"), r"line 2: found a word that is not UTF-8, b'dog \xe9'"),
        (TEXT.replace(b" ", b"\t"), "line 1: found 0 numbers, split by tabs; expected spaces"),
        (b"5 4\n" + TEXT.replace(b" ", b"\t"), "line 2: found 0 numbers, split by tabs; exp"),
        (changed(3, b"cat\t1\t2\t3\t4\n"), "line 3: found 0 numbers, split by tabs; exp"),
        (b"6 4\n" + TEXT, "line 1: found a count of 6 words, but 5 lines after it"),
        (b"4 4\n" + TEXT, "line 1: found a count of 4 words, but 5 lines after it"),
        (b"6 4\n" + TEXT + b"\n", "line 1: found a count of 6 words, but 5 lines after it"),
        (b"5 5\n" + TEXT, "line 2: found 4 numbers, expected 5 by line 1"),
        (b"\xef\xbb\xbf" + TEXT, "found a UTF-8 byte order mark, expected none"),
        (TEXT.decode().encode("utf-16"), "found a file of no known format, expected word vectors"),
        (b"<!DOCTYPE html>\n<html>", "found HTML or XML, expected word vectors: GloVe or word2vec"),
        (b"\x00\x01", "found a file of no known format, expected word vectors"),
        (gzip.compress(pickle.dumps(1)), "found a pickle, expected word vectors"),
        (gzip.compress(b""), "the file is empty (0 bytes)"),
    ],
)
def test_text(content, message, write):
    assert f"v.txt: {message}" in refusal(write("v.txt", content))


def test_a_text_that_breaks_off(write):
    assert "v.txt: line 5: found 3 numbers" in refusal(write("v.txt", TEXT[: TEXT.rindex(b" ")]))


@pytest.mark.parametrize("compress", [gzip, bz2, lzma, zstandard])
@pytest.mark.parametrize("content", [TEXT * 999, b"4995 4\n" + BINARY[4:] * 999])
def test_compressed_files_that_break_off(compress, content, write):
    packed = compress.compress(content)
    for keep in (len(packed) // 2, len(packed) - 3):
        assert "v: cannot be decompressed: " in refusal(write("v", packed[:keep]))


@pytest.mark.parametrize("compress", [gzip, bz2, lzma, zstandard])
def test_compressed_files_that_are_damaged(compress, write):
    generator = np.random.default_rng(0)
    packed = bytearray(compress.compress(text(["a"] * 999, generator.normal(size=(999, 9)))))
    packed[len(packed) // 2] ^= 0xFF
    assert "v" in refusal(write("v", bytes(packed)))


def test_zips(write, pack, tmp_path):
    whole = pack({"v.txt": TEXT * 99}, "whole.zip").read_bytes()
    for keep in (12, len(whole) // 2, len(whole) - 5):
        message = refusal(write("v.zip", whole[:keep]))
        assert message.startswith("v.zip: cannot be decompressed: ")
    damaged = bytearray(whole)
    damaged[len(whole) // 3] ^= 0xFF
    assert "v.zip: cannot be decompressed: " in refusal(write("v.zip", bytes(damaged)))
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr("folder/", "")
    assert refusal(tmp_path / "f.zip") == "f.zip: found no file in the archive, expected one text"
    encrypted = bytearray(whole)
    encrypted[6] = encrypted[whole.index(b"PK\x01\x02") + 8] = 1
    assert "v.zip: cannot be decompressed: " in refusal(write("v.zip", bytes(encrypted)))
    image = pack({"v.png": b"\x89PNG\r\n\x1a\n"}, "image.zip")
    assert "image.zip: found a PNG image, expected word vectors" in refusal(image)
    several = pack({"a": TEXT, "b": b"dog 1\ncat 1 2\n"}, "several.zip")
    message = refusal(f"{several}#b")
    assert message == "several.zip#b: line 2: found 2 numbers, expected 1 by line 1"


@pytest.mark.parametrize("content", [TEXT, b"\x93NUMPY", b"\x80\x04"])
def test_a_member_of_what_is_no_archive(content, write):
    path = write("v.txt", content)
    assert refusal(f"{path}#v") == "v.txt is no zip archive: expected no #v"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (BINARY.removesuffix(b"\n"), None),
        (BINARY[:-5], "the file breaks off: found 4 of 5 vectors"),
        (BINARY[:9], "the file breaks off: found 0 of 5 vectors"),
        (BINARY.replace(b"5 4", b"9 4"), "the file breaks off: found 5 of 9 vectors"),
        (BINARY.replace(b"5 4", b"5 99999999999"), "the file breaks off: found 0 of 5 vectors"),
        (BINARY.replace(b"5 4", b"0 4"), "line 1: found a header of 0 words of 4 numbers"),
        (BINARY.replace(b"5 4", b"4 4"), "found more than the 4 vectors that line 1 counts"),
        (BINARY.replace(b"cat", b"c\xe9t"), r"vector 3: found a word that is not UTF-8, b'c\xe9t'"),
        (
            binary(WORDS, MATRIX * np.array([[1], [np.nan], [1], [1], [1]])),
            "a vector with a number that is not finite (1)\n  'dog'",
        ),
    ],
)
def test_binary(content, message, write):
    path = write("v.bin", content)
    if message is None:
        assert len(load_vectors(path, ["dog"])) == 1
    else:
        assert refusal(path) == f"v.bin: {message}"


@pytest.fixture
def saved(tmp_path, write):
    """Write an array and its words."""

    def save(matrix, words=WORDS):
        np.save(tmp_path / "v.npy", np.asarray(matrix))
        if words is not None:
            write("v.words", "\n".join(words))
        return tmp_path / "v.npy"

    return save


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones(5), "found float64 (5,), expected a matrix of floats"),
        (np.ones((5, 2, 2)), "found float64 (5, 2, 2), expected a matrix of floats"),
        (np.ones((5, 0)), "found float64 (5, 0), expected a matrix of floats"),
        (np.ones((5, 2), int), "found int64 (5, 2), expected a matrix of floats"),
        (np.ones((5, 2), "U2"), "found <U2 (5, 2), expected a matrix of floats"),
        (np.array([[None]]), "not an array that can be read: "),
        (MATRIX[:4], None),
        (np.full((5, 2), np.nan), "a vector with a number that is not finite (1)\n  'dog'"),
        (np.full((5, 2), 1e99), "a vector with a number that is not finite (1)\n  'dog'"),
    ],
)
def test_arrays(matrix, message, saved):
    found = refusal(saved(matrix))
    assert f"v.npy: {message}" in found or (
        message is None and found == "v.words: found 5 words, expected 4 as v.npy has"
    )


def test_arrays_without_their_words(saved):
    message = refusal(saved(MATRIX, None))
    assert message == "v.npy: found no words beside it, expected v.words or v.txt"


@pytest.mark.parametrize("keep", [7, 60, 130, -1])
def test_arrays_that_break_off(keep, saved):
    path = saved(MATRIX)
    path.write_bytes(path.read_bytes()[:keep])
    assert "v.npy: not an array that can be read: " in refusal(path)


def test_words_of_arrays_that_are_not_text(saved, write):
    path = saved(MATRIX)
    write("v.words", b"the\nd\xff")
    assert "v.words: line 2: found byte 0xff, expected UTF-8 text" in refusal(path)
    write("v.words", b"the\r\ndog")
    assert "v.words: line 1: found a CR line end" in refusal(path)
    write("v.words", b"")
    assert "v.words: the file is empty" in refusal(path)


class Evil:
    """What would leave a trace, were its pickle run."""

    ran = False

    def __reduce__(self):
        return (setattr, (Evil, "ran", True))


@pytest.fixture
def keyed(write, monkeypatch):
    """Pickle attributes as those of gensim's object."""
    module = types.ModuleType("gensim.models.keyedvectors")
    module.KeyedVectors = type("KeyedVectors", (), {"__module__": module.__name__})
    for name in ("gensim", "gensim.models"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, module.__name__, module)

    def save(state):
        held = module.KeyedVectors()
        vars(held).update(state)
        return write("v.kv", pickle.dumps(held, 4))

    return save


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "found a pickle of _KeyedVectors"),
        ({"vectors": MATRIX}, "found no list of words, expected gensim's KeyedVectors"),
        ({"index_to_key": (), "vectors": MATRIX}, "found no list of words"),
        ({"index_to_key": [[]] * 5, "vectors": MATRIX}, "found no list of words"),
        ({"index_to_key": WORDS[1:], "vectors": MATRIX}, "found 4 words and 5 vectors"),
        ({"index_to_key": WORDS, "vectors": MATRIX[0]}, "found float32 (4,), expected a matrix of"),
        ({"index_to_key": WORDS, "vectors": MATRIX.astype(int)}, "found int64 (5, 4), expected a"),
        ({"index_to_key": WORDS, "vectors": None}, "found no array, expected a matrix of floats"),
        ({"index_to_key": WORDS, "vectors": [[1.0]] * 5}, "found no array, expected a matrix of"),
        ({"index_to_key": WORDS}, "v.kv.vectors.npy: no such file or directory"),
        ({"index_to_key": WORDS, "x": Evil()}, "found a pickle that imports builtins.setattr; exp"),
        ({"index_to_key": ["dog"] * 5, "vectors": MATRIX}, None),
        (
            {"index_to_key": WORDS, "vectors": np.full((5, 2), np.inf)},
            "a vector with a number that is not finite (1)\n  'dog'",
        ),
    ],
)
def test_keyed_vectors(state, message, keyed):
    path = keyed(state)
    if message is None:
        assert len(load_vectors(path, ["dog"])) == 1
    else:
        assert message in refusal(path)
    assert not Evil.ran


def test_pickles_of_something_else(write):
    for value, found in (({}, "dict"), ([1], "list"), (None, "NoneType")):
        message = refusal(write("v.kv", pickle.dumps(value)))
        assert message == f"v.kv: found a pickle of {found}, expected gensim's KeyedVectors"
    message = refusal(write("v.kv", pickle.dumps(Evil())))
    assert "v.kv: found a pickle that imports builtins.setattr; " in message
    assert message.endswith("nothing was run")
    assert not Evil.ran
    message = refusal(write("v.kv", pickle.dumps(list(range(99)))[:-9]))
    assert "v.kv: not a pickle that can be read: " in message


def test_files_that_cannot_be_opened(tmp_path):
    for name in ("absent.txt", "absent.zip#a.txt"):
        path = tmp_path / name.partition("#")[0]
        assert refusal(tmp_path / name) == f"{path}: no such file or directory"
    assert refusal(tmp_path) == f"{tmp_path}: is a directory"


def test_what_is_wrong_is_not_kept(write, cache):
    path = write("v.txt", changed(2, b"dog 1 2\n"))
    assert refusal(path, ["the"]) == refusal(path, ["the"])
    assert not list(cache.glob("vectors-*"))


@pytest.mark.parametrize(
    ("words", "matrix", "message"),
    [
        (["a"], MATRIX, "there is not one vector a word (1)\n  found vectors (5, 4) of 1 words"),
        (["a"], MATRIX[0], "there is not one vector a word (1)\n  found vectors (4,) of 1 words"),
        (["a"], MATRIX[0, 0], "there is not one vector a word (1)\n  found vectors () of 1 words"),
        (["a", "b", "b", "a", "c"], MATRIX, "a word that stands twice (2)\n  'a'\n  'b'"),
        (["a", "b"], np.array([[1, np.inf], [np.nan, 1]]), "that is not finite (2)\n  'a'\n  'b'"),
    ],
)
def test_vectors(words, matrix, message):
    with pytest.raises(InputError) as error:
        WordVectors(words, matrix, source="v.txt")
    assert str(error.value).startswith("v.txt: ")
    assert message in str(error.value)


@pytest.fixture
def proposals(write):
    item = {"bboxes": [[0, 0, 9, 9]], "classes": ["dog"], "width": 200, "height": 100}
    return write("p.json", {"10": item, "11": {**item, "width": 300, "height": 300}})


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.txt", changed(3, b"cat 1 2 3\n"), "v.txt: line 3: found 3 numbers, expected 4"),
        ("v.txt", b"<html>", "v.txt: found HTML, expected word vectors"),
        ("v.txt", b"", "v.txt: the file is empty (0 bytes)"),
        ("v.bin", BINARY[:-9], "v.bin: the file breaks off: found 4 of 5 vectors"),
        ("v.gz", gzip.compress(TEXT)[:-9], "v.gz: cannot be decompressed: "),
        ("v.npy", b"\x93NUMPY\x01", "v.npy: not an array that can be read: "),
        ("v.kv", pickle.dumps(Evil()), "v.kv: found a pickle that imports builtins.setattr"),
    ],
)
def test_the_command_line(name, content, message, write, proposals, truth_file, tmp_path, refused):
    found = refused(
        *("baseline", "glove-max", truth_file, "--proposals", proposals),
        *("--vectors", write(name, content), "-o", tmp_path / "out.json"),
    )
    assert message in found


def test_the_command_line_without_the_file(proposals, truth_file, tmp_path, refused):
    found = refused(
        *("baseline", "glove-max", truth_file, "--proposals", proposals),
        *("--vectors", tmp_path / "absent.txt", "-o", tmp_path / "out.json"),
    )
    assert "absent.txt: no such file or directory" in found
