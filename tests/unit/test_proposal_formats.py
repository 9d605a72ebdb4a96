"""Files of proposals and features, each made small: what they hold is what is read."""

import base64
import binascii
import bz2
import gzip
import io
import json
import lzma
import pickle

import h5py
import numpy as np
import pytest
import zstandard

from phraseloc import BoxSpace, Strings
from phraseloc.errors import MissingExtra
from phraseloc.formats.plain_pickle import read_plain_pickle
from phraseloc.formats.proposals import load_proposals
from phraseloc.formats.proposals.features import check_features, open_features
from phraseloc.formats.proposals.write import save_proposals
from phraseloc.proposals import DETECTOR_SPACE, Proposals

DICT = {
    "7": {
        "bboxes": [[0, 0, 9, 19], [5, 5.5, 8, 9.25]],
        "classes": ["dog", "traffic light"],
        "attrs": ["brown", ""],
        "scores": [0.5, 0.25],
        "width": 100,
        "height": 50,
    },
    "8": {"bboxes": [[1, 2, 3, 4]], "classes": ["gray,grey"], "width": 40, "height": 60},
}
RESULTS = [
    {"image_id": 7, "category_id": 18, "bbox": [0, 0, 10, 20], "score": 0.5},
    {"image_id": 8, "category_id": 1, "bbox": [1.5, 2, 3, 4], "score": 0.75},
    {"image_id": 7, "category_id": 90, "bbox": [5, 5, 1, 1], "score": 0.25, "segmentation": []},
]
VOCABULARY = "yolk\nstop sign,stopsign\nbathroom"


def encoded(array, dtype):
    return base64.b64encode(np.asarray(array, dtype).tobytes()).decode()


def ten_fields(image, boxes, objects, *, width=100, height=50, attributes=None, numbers=8):
    count = len(boxes)
    return "\t".join(
        [
            image,
            str(height),
            str(width),
            encoded(objects, "<i8"),
            encoded(np.arange(count) / 4, "<f4"),
            encoded(attributes or [0] * count, "<i8"),
            encoded(np.ones(count), "<f4"),
            str(count),
            encoded(boxes, "<f4"),
            encoded(np.zeros((count, numbers)), "<f4"),
        ]
    )


def six_fields(image, boxes, *, width=100, height=50, numbers=8):
    features = encoded(np.zeros((len(boxes), numbers)), "<f4")
    fields = [image, str(width), str(height), str(len(boxes)), encoded(boxes, "<f4"), features]
    return "\t".join(fields)


def hdf5(features, spans):
    sink = io.BytesIO()
    with h5py.File(sink, "w") as file:
        file["features"] = features
        file["pos_bboxes"] = spans
    return sink.getvalue()


@pytest.fixture
def split(write):
    """Detections of two images, with features and their index, by MAF's names."""
    write("val_imgid2idx.pkl", pickle.dumps({7: 1, 8: 0}, 2))
    rows = np.arange(12, dtype=np.float16).reshape(3, 4)
    features = write("val_features_compress.hdf5", hdf5(rows, np.array([[0, 1], [1, 3]], "i4")))
    return write("val_detection_dict.json", DICT), features


def facts(proposals):
    """All that proposals hold, as plain values."""
    attributes, scores = proposals.attributes, proposals.scores
    return {
        "images": list(proposals.images),
        "offsets": proposals.offsets.tolist(),
        "boxes": proposals.boxes.tolist(),
        "labels": proposals.labels.to_list(),
        "attributes": None if attributes is None else attributes.to_list(),
        "scores": None if scores is None else np.nan_to_num(scores, nan=-1).tolist(),
        "sizes": np.nan_to_num(proposals.image_sizes, nan=-1).tolist(),
    }


EXPECTED = {
    "images": ["7", "8"],
    "offsets": [0, 2, 3],
    "boxes": [[0, 0, 10, 20], [5, 5.5, 9, 10.25], [1, 2, 4, 5]],
    "labels": ["dog", "traffic light", "gray,grey"],
    "attributes": ["brown", "", ""],
    "scores": [0.5, 0.25, -1],
    "sizes": [[100, 50], [40, 60]],
}


def test_a_detection_dict(write):
    found = load_proposals(write("val_detection_dict.json", DICT))
    assert facts(found) == EXPECTED
    assert (found.space, found.source) == (DETECTOR_SPACE, "val_detection_dict.json")


def test_a_detection_dict_of_the_least(write):
    path = write("p.json", {"7": {"bboxes": [[0, 0, 9, 9]], "classes": ["dog"], "more": 1}})
    found = load_proposals(str(path))
    assert found.attributes is None
    assert found.scores is None
    assert found.sizes is None


def test_an_image_without_objects(write):
    found = load_proposals(write("p.json", {**DICT, "9": {"bboxes": [], "classes": []}}))
    assert found.offsets.tolist() == [0, 2, 3, 3]


def test_a_label_that_looks_like_a_name_of_the_format(write):
    path = write("p.json", {"7": {"bboxes": [[0, 0, 9, 9]], "classes": ["bboxes"]}})
    assert load_proposals(path).labels.to_list() == ["bboxes"]


@pytest.mark.parametrize(
    "compress", [gzip.compress, zstandard.compress, bz2.compress, lzma.compress]
)
def test_compressed_files(compress, write):
    assert facts(load_proposals(write("p", compress(json.dumps(DICT).encode())))) == EXPECTED
    lines = six_fields("7", [[0, 0, 9, 9]]) + "\r\n"
    assert load_proposals(write("t", compress(lines.encode()))).boxes.tolist() == [[0, 0, 10, 10]]


@pytest.mark.parametrize(
    ("declared", "box"),
    [
        ({}, [2, 3, 6, 8]),
        ({"corners": "continuous"}, [2, 3, 5, 7]),
        ({"origin": 1}, [1, 2, 5, 7]),
        ({"layout": "xywh"}, [2, 3, 7, 10]),
        ({"layout": "xywh", "origin": 1, "corners": None}, [1, 2, 6, 9]),
    ],
)
def test_a_declared_space_lies_over_the_formats_own(declared, box, write):
    path = write("p.json", {"7": {"bboxes": [[2, 3, 5, 7]], "classes": ["dog"]}})
    assert load_proposals(path, **declared).boxes.tolist() == [box]


@pytest.mark.parametrize(("units", "scale"), [("0-1", 1), ("0-1000", 1000)])
def test_fractions_of_the_image(units, scale, write):
    box = [0.25 * scale, 0.5 * scale, 0.5 * scale, 1 * scale]
    detected = {"bboxes": [box], "classes": ["dog"]}
    path = write("p.json", {"7": {**detected, "width": 200, "height": 100}, "8": detected})
    found = load_proposals(path, units=units, sizes={"8": (20, 10)})
    assert found.boxes.tolist() == [[50, 50, 100, 100], [5, 5, 10, 10]]
    assert found.space == BoxSpace("xyxy", "continuous", 0)


def test_sizes_of_the_caller(write):
    path = write("p.json", {"7": {"bboxes": [[0, 0, 9, 9]], "classes": ["dog"]}, "8": DICT["8"]})
    found = load_proposals(path, sizes={"7": (30, 20), "8": (40, 60), "9": (1, 1)})
    assert found.image_sizes.tolist() == [[30, 20], [40, 60]]


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_ten_fields(end, write):
    lines = [
        ten_fields("COCO_7", [[0, 0, 9, 19], [5, 5, 8, 9]], [2, 1], attributes=[1, 0]),
        ten_fields("COCO_8", [], []),
        ten_fields("COCO_9", [[1, 1, 1, 1]], [0], width=3, height=4),
    ]
    path = write("p.tsv", (end or "\n").join(lines) + end)
    objects = write("objects.txt", VOCABULARY)
    found = load_proposals(path, objects=objects, attributes=write("attributes.txt", "tall\nold\n"))
    assert facts(found) == {
        "images": ["COCO_7", "COCO_8", "COCO_9"],
        "offsets": [0, 2, 2, 3],
        "boxes": [[0, 0, 10, 20], [5, 5, 9, 10], [1, 1, 2, 2]],
        "labels": ["bathroom", "stop sign,stopsign", "yolk"],
        "attributes": ["old", "tall", "tall"],
        "scores": [0, 0.25, 0],
        "sizes": [[100, 50], [100, 50], [3, 4]],
    }
    assert load_proposals(path, objects=objects).attributes is None


def test_six_fields_have_no_labels(write):
    boxes = [[0, 0, 9, 19], [5, 5, 8, 9]]
    path = write("p.tsv", six_fields("7", boxes) + "\n" + six_fields("8", [[0, 0, 49, 5]]))
    found = load_proposals(path)
    assert found.labels.to_list() == [""] * 3
    assert (found.attributes, found.scores) == (None, None)
    assert found.image_sizes.tolist() == [[100, 50]] * 2
    assert found.offsets.tolist() == [0, 2, 3]


def test_features_of_a_tsv_are_measured_and_not_decoded(write, monkeypatch):
    decoded = []

    def noted(text, decode=binascii.a2b_base64):
        decoded.append(len(text))
        return decode(text)

    monkeypatch.setattr("binascii.a2b_base64", noted)
    load_proposals(write("p.tsv", six_fields("7", [[0, 0, 9, 9]], numbers=2048)))
    assert decoded == [24]


def test_coco_results(write):
    found = load_proposals(write("results.json", RESULTS))
    assert facts(found) == {
        "images": ["7", "8"],
        "offsets": [0, 2, 3],
        "boxes": [[0, 0, 10, 20], [5, 5, 6, 6], [1.5, 2, 4.5, 6]],
        "labels": ["dog", "toothbrush", "person"],
        "attributes": None,
        "scores": [0.5, 0.25, 0.75],
        "sizes": [[-1, -1]] * 2,
    }


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("annotation.json", {"categories": [{"id": i, "name": f"kind {i}"} for i in (1, 18, 90)]}),
        ("labels.txt", "\n".join(f"kind {i}" for i in range(91))),
    ],
)
def test_coco_results_of_other_categories(name, content, write):
    found = load_proposals(write("results.json", RESULTS), objects=write(name, content))
    assert found.labels.to_list() == ["kind 18", "kind 90", "kind 1"]


@pytest.mark.parametrize("suffix", [".parquet", ".json", ".json.gz", ".json.zst"])
def test_what_is_saved_is_loaded(suffix, write, tmp_path):
    before = load_proposals(write("val_detection_dict.json", DICT))
    save_proposals(before, tmp_path / f"saved{suffix}")
    after = load_proposals(tmp_path / f"saved{suffix}")
    assert facts(after) == EXPECTED
    assert after.digest == before.digest


def test_json_is_saved_in_the_layout_of_maf(write, tmp_path):
    save_proposals(load_proposals(write("p.json", DICT)), tmp_path / "saved.json")
    saved = json.loads((tmp_path / "saved.json").read_text())
    more = {"attrs": [""], "scores": [None]}
    assert saved == {**DICT, "8": {**DICT["8"], **more}}
    assert '"width":100,' in (tmp_path / "saved.json").read_text()


def test_parquet_declares_its_space(write, tmp_path):
    save_proposals(load_proposals(write("p.json", DICT)), tmp_path / "p.parquet")
    found = load_proposals(tmp_path / "p.parquet", layout="xyxy")
    assert found.space == BoxSpace("xyxy", "continuous", 0)


def test_parquet_of_others_is_read_as_detectors_mean_it(tmp_path):
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table({"image": ["7"], "boxes": [[[0, 0, 9, 9]]], "labels": [["dog"]]})
    parquet.write_table(table, tmp_path / "p.parquet")
    assert load_proposals(tmp_path / "p.parquet").boxes.tolist() == [[0, 0, 10, 10]]
    declared = load_proposals(tmp_path / "p.parquet", layout="xywh", corners="continuous")
    assert declared.boxes.tolist() == [[0, 0, 9, 9]]


SCENES = "8\t/p/park\t0.5\n7\t/a/apartment_building/outdoor 8\n8\tsky_line\t0.25\n"


def test_scene_labels_cover_the_image(write):
    path = write("scenes.tsv", SCENES)
    found = load_proposals(path, sizes={"7": (30, 20), "8": (40, 60.5)})
    assert facts(found) == {
        "images": ["8", "7"],
        "offsets": [0, 2, 3],
        "boxes": [[0, 0, 40, 60.5], [0, 0, 40, 60.5], [0, 0, 30, 20]],
        "labels": ["park", "sky_line", "apartment building outdoor"],
        "attributes": None,
        "scores": [0.5, 0.25, -1],
        "sizes": [[40, 60.5], [30, 20]],
    }


@pytest.mark.parametrize("scenes_first", [False, True])
def test_scene_labels_take_sizes_from_the_other_files(scenes_first, write):
    paths = [write("p.json", DICT), write("scenes.tsv", SCENES)]
    found = load_proposals(paths[::-1] if scenes_first else paths)
    assert found.labels.to_list() == [
        "dog", "traffic light", "apartment building outdoor", "gray,grey", "park", "sky_line",
    ]  # fmt: skip
    assert found.boxes[2].tolist() == [0, 0, 100, 50]
    assert found.attributes.to_list() == ["brown", *[""] * 5]
    assert np.isnan(found.scores[[2, 3]]).all()
    assert found.source == "p.json + scenes.tsv"


def test_scene_labels_without_scores(write):
    assert load_proposals(write("s.tsv", "7\tpark"), sizes={"7": (2, 2)}).scores is None


def test_several_files_are_joined(write):
    results = write("results.json", RESULTS[:1])
    found = load_proposals([write("p.json", DICT), results])
    assert found.labels.to_list() == ["dog", "traffic light", "dog", "gray,grey"]
    assert found.boxes[2].tolist() == [0, 0, 10, 20]


def test_features(split):
    path, features_path = split
    with open_features(features_path) as features:
        assert features.images == ["7", "8"]
        assert (features.shape, features.dtype) == ((3, 4), np.dtype("float16"))
        assert features.counts == {"7": 2, "8": 1}
        assert features.rows("7").tolist() == [[4, 5, 6, 7], [8, 9, 10, 11]]
        assert features.rows("8").dtype == np.float16
        check_features(features, load_proposals(path))
    features.close()


def test_features_with_their_index_elsewhere(split, write):
    _, path = split
    path = path.rename(path.with_name("regions.h5"))
    index = write("index", pickle.dumps({"7": np.int64(0)}))
    with open_features(path, index) as features:
        assert features.counts == {"7": 1}


@pytest.mark.parametrize("features_first", [False, True])
def test_features_are_checked_and_are_no_proposals(features_first, split, write):
    paths = [*split, write("scenes.tsv", SCENES)]
    found = load_proposals(paths[::-1] if features_first else paths)
    assert len(found) == 6


def test_features_of_two_splits(split, write):
    write("test_imgid2idx.pkl", pickle.dumps({9: 0}))
    rows = np.zeros((1, 4), "f4")
    other = write("test_features_compress.hdf5", hdf5(rows, np.array([[0, 1]])))
    more = write("test.json", {"9": {"bboxes": [[0, 0, 9, 9]], "classes": ["dog"]}})
    assert len(load_proposals([*split, more, other])) == 4


def test_h5py_is_an_extra(split, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MissingExtra, match=r"HDF5 features needs h5py: .*phraseloc\[maf\]"):
        open_features(split[1])


def test_parquet_is_an_extra(write, monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"phraseloc\[scale\]"):
        save_proposals(load_proposals(write("p.json", DICT)), tmp_path / "p.parquet")


PYTHON_2 = (
    b"\x80\x02}q\x00K\x07cnumpy.core.multiarray\nscalar\nq\x01cnumpy\ndtype\nq\x02U\x02i8K\x00K\x01"
    b"\x87Rq\x03(K\x03U\x01>NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    b"U\x08\x00\x00\x00\x00\x00\x00\x01\x02\x86Rq\x04s."
)
"""``{7: numpy.int64(258)}`` as Python 2 wrote it on a machine that is big-endian."""


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "value",
    [
        {},
        {1: 2, 2**70: -3},
        {number: number * 7_919 for number in range(2_000)},
        {7: np.int64(-5), 8: np.uint8(200), 9: np.int32(2**31 - 1)},
        ["a", b"\xff\x00", 2.5, None, True, False, (), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4)],
        {"a": {"b": [[1]]}, None: "é\\d", 2.5: "x" * 300},
    ],
)
def test_plain_pickles(value, protocol):
    found = read_plain_pickle(pickle.dumps(value, protocol), "p.pkl")
    assert found == value
    if isinstance(value, dict):
        assert {type(item) for item in found.values()} <= {int, dict, str}


def test_pickles_of_python_2():
    assert read_plain_pickle(PYTHON_2, "p.pkl") == {7: 258}
    assert read_plain_pickle(b"(dp0\nI7\nL12L\nsS'a'\np1\nI01\ns.", "p.pkl") == {7: 12, "a": True}


def test_the_order_of_images_does_not_move_the_digest(write):
    """Nor does the file's format."""
    path = write("p.json", DICT)
    turned = write("turned.json", dict(reversed(DICT.items())))
    assert load_proposals(path).digest == load_proposals(turned).digest
    results = load_proposals(write("results.json", RESULTS)).digest
    assert load_proposals(write("turned.json", RESULTS[::-1])).digest == results


def test_proposals_of_no_file_can_be_saved(tmp_path):
    before = Proposals(
        ["a b", "ü"],
        np.array([0, 1, 1]),
        np.array([[0.1, 0.2, 0.7, 30.000000000000004]]),
        Strings.of(["x\ty"]),
        sizes=np.array([[np.nan, np.nan], [1.5, 2]]),
    )
    for name in ("p.parquet", "p.json"):
        save_proposals(before, tmp_path / name)
        after = load_proposals(tmp_path / name)
        assert facts(after) == facts(before)
