"""Features and pickles that cannot be used; and that nothing in a pickle is ever run."""

import collections
import io
import os
import pickle

import h5py
import numpy as np
import pytest

from phraseloc import InputError, PhraselocError
from phraseloc.formats.plain_pickle import read_plain_pickle
from phraseloc.formats.proposals import load_proposals
from phraseloc.formats.proposals.features import check_features, open_features

IMAGE = {"bboxes": [[0, 0, 9, 9], [5, 5, 8, 9]], "classes": ["dog", "cat"]}


def refused(path):
    """Load what cannot be used, and give the message."""
    with pytest.raises(PhraselocError) as error:
        load_proposals(path)
    return str(error.value)


@pytest.fixture
def features(write):
    """Write features of two images, with anything changed."""

    def write_features(*, datasets=None, index=None, content=lambda data: data):
        sink = io.BytesIO()
        given = {"features": np.zeros((3, 4), "f2"), "pos_bboxes": np.array([[0, 2], [2, 3]])}
        with h5py.File(sink, "w") as file:
            for name, data in {**given, **(datasets or {})}.items():
                if isinstance(data, dict):
                    file.create_group(name)
                elif data is not None:
                    file[name] = data
        write("t_imgid2idx.pkl", pickle.dumps({7: 0, 8: 1}) if index is None else index)
        return write("t_features_compress.hdf5", content(sink.getvalue()))

    return write_features


def unopened(path, **options):
    with pytest.raises(PhraselocError) as error:
        open_features(path, **options)
    return str(error.value)


@pytest.mark.parametrize(
    ("datasets", "message"),
    [
        ({"features": None}, "found datasets ['pos_bboxes'], expected \"features\" among them"),
        ({"pos_bboxes": None}, "found datasets ['features'], expected \"pos_bboxes\" among them"),
        ({"features": {}}, 'found "features" as a group, expected a dataset'),
        ({"features": np.zeros(3)}, 'found "features" of shape (3,) and dtype float64, expected a'),
        ({"features": np.zeros((3, 4), int)}, "dtype int64, expected a table of floats"),
        ({"pos_bboxes": np.zeros((2, 2))}, "dtype float64, expected a table of whole numbers"),
        ({"pos_bboxes": np.zeros((2, 3), int)}, 'found "pos_bboxes" of shape (2, 3), expected two'),
        (
            {"pos_bboxes": np.array([[0, 2], [2, 4]])},
            "(1)\n  row 1: found [2, 4], expected it with",
        ),
        (
            {"pos_bboxes": np.array([[2, 1], [-1, 2]])},
            "(2)\n  row 0: found [2, 1], expected it wit",
        ),
        ({"pos_bboxes": np.array([[0, 3]])}, "image 8: found row 1, expected 0 to 0"),
    ],
)
def test_bad_datasets(datasets, message, features):
    found = unopened(features(datasets=datasets))
    assert found.startswith("t_features_compress.hdf5: ")
    assert message in found


@pytest.mark.parametrize("keep", [6, 100, 800, -1])
def test_hdf5_that_breaks_off(keep, features, write):
    path = features(content=lambda data: data[:keep])
    assert "t_features_compress.hdf5: not an HDF5 file that can be read: " in unopened(path)
    if keep > 8:
        assert "not an HDF5 file" in refused([write("p.json", {"7": IMAGE}), path])


def test_hdf5_that_is_damaged_where_it_is_read(tmp_path, write):
    path = tmp_path / "t_features_compress.hdf5"
    rows = np.random.default_rng(3).random((30, 40))
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=rows, compression="gzip", chunks=(30, 40))
        file["pos_bboxes"] = np.array([[0, 30]])
        place = file["features"].id.get_chunk_info(0).byte_offset
    write("t_imgid2idx.pkl", pickle.dumps({7: 0}))
    data = bytearray(path.read_bytes())
    data[place : place + 99] = bytes(99)
    path.write_bytes(data)
    with (
        open_features(path) as found,
        pytest.raises(InputError, match="the features of image 7 cannot be read: "),
    ):
        found.rows("7")


def test_features_that_are_not_there(features, tmp_path):
    path = features()
    with open_features(path) as found, pytest.raises(InputError, match="no features of image 9"):
        found.rows("9")
    with pytest.raises(InputError, match="the features of image 7 cannot be read"):
        found.rows("7")
    assert f"{tmp_path / 'u_imgid2idx.pkl'}: no such file" in unopened(
        path.rename(tmp_path / "u_features_compress.hdf5")
    )
    (tmp_path / "u_features_compress.hdf5").unlink()
    (tmp_path / "t_imgid2idx.pkl").rename(tmp_path / "u_imgid2idx.pkl")
    assert "u_features.hdf5: no such file" in unopened(tmp_path / "u_features.hdf5")
    assert "give it as index" in unopened(tmp_path / "regions.hdf5")


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (pickle.dumps({7: 2}), "image 7: found row 2, expected 0 to 1"),
        (pickle.dumps({7: -1}), "image 7: found row -1, expected 0 to 1"),
        (pickle.dumps([7]), "t_imgid2idx.pkl: found a pickle of list, expected a dict"),
        (pickle.dumps({7: "0"}), "not an image id and a whole number (1)\n  found int and str"),
        (pickle.dumps({7: True, 1.5: 0}), "(2)\n  found int and bool\n  found float and int"),
        (pickle.dumps({7: 0})[:-3], "t_imgid2idx.pkl: not a pickle that can be read: "),
        (b"<html>", "t_imgid2idx.pkl: not a pickle that can be read: "),
        (b"", "t_imgid2idx.pkl: the file is empty (0 bytes)"),
        (pickle.dumps(len, 4), "found a pickle that imports builtins.len; expected plain contain"),
    ],
)
def test_a_bad_index(index, message, features):
    assert message in unopened(features(index=index))


def test_features_that_do_not_fit_the_proposals(features, write):
    path = features()
    images = {"7": IMAGE, "8": IMAGE, "9": IMAGE, "10": {"bboxes": [], "classes": []}}
    proposals = load_proposals(write("p.json", images))
    with open_features(path) as found, pytest.raises(InputError) as error:
        check_features(found, proposals)
    assert str(error.value) == (
        "t_features_compress.hdf5: an image of p.json without features (1)\n  image 9\n"
        "an image whose features are not one row a box of p.json (1)\n"
        "  image 8: found 2 boxes, expected 1"
    )
    assert refused([write("p.json", images), path]) == str(error.value)


def test_features_alone(features):
    assert "features are no proposals by themselves" in refused(features())


class Calls:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


class Stateful:
    pass


RAN = []


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Calls(os.system, "true"), "system"),
        (Calls(RAN.append, 1), "getattr"),
        (Calls(eval, "1"), "eval"),
        ({7: Calls(os.getpid)}, "getpid"),
        (Stateful(), "copyreg|copy_reg|Stateful"),
        (collections.OrderedDict(a=1), "OrderedDict"),
        (np.arange(3), "_reconstruct|_frombuffer"),
        (np.float32(1), r"numpy.dtype\('f4'\)"),
    ],
)
def test_nothing_of_a_pickle_is_run(value, name, protocol):
    with pytest.raises(InputError, match=name) as error:
        read_plain_pickle(pickle.dumps(value, protocol), "p.pkl")
    assert str(error.value).startswith("p.pkl: found a pickle that ")
    assert "; expected plain containers and numbers alone; nothing was run" in str(error.value)
    assert not RAN


@pytest.mark.parametrize(
    "program",
    [
        b"cos\nsystem\n(S'true'\ntR.",
        b"(S'true'\nios\nsystem\n.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.",
    ],
)
def test_programs_that_pickle_would_not_write(program):
    with pytest.raises(InputError, match="nothing was run"):
        read_plain_pickle(program, "p.pkl")


@pytest.mark.parametrize(
    "program",
    [
        b".",
        b"0.",
        b"\x80\x02r\xff\xff\xff\xff.",
        b"\x80\x02h\x05.",
        b"\x80\x02K\x01K\x02s.",
        b"\x80\x02]K\x01K\x02s.",
        b"\x80\x02}K\x01a.",
        b"\x80\x02}u.",
        b"\x80\x02}(K\x01u.",
        b"\x80\x02}]K\x01s.",
        b"\x80\x02K\x01K\x02\x93.",
        b"\x80\x02K\x01K\x02R.",
        b"\x80\x02cnumpy\ndtype\nK\x01\x85R.",
        b"\x80\x02cnumpy._core.multiarray\nscalar\nK\x01K\x02\x86R.",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"I" + b"9" * 5_000 + b"\n.",
        b"\x80\x02\x86.",
        b"\x80\x02\x82\x01.",
        b"Pmodule.name\n.",
        b"\x80\x02cnumpy\ndtype\n}X\x08\x00\x00\x00__code__K\x01sb.",
        b"\x80\x02c_codecs\nencode\nN}X\x0c\x00\x00\x00__defaults__)s\x86b.",
    ],
)
def test_pickles_that_make_no_sense(program):
    with pytest.raises(InputError, match=r"^p.pkl: (not a pickle|found a pickle)"):
        read_plain_pickle(program, "p.pkl")
