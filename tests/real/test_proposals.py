"""Real detections and features: 1,000 images of Flickr30k, and 10 of COCO by bottom-up attention.

Whoever changes a reader learns here whether any object or label of them moved.
"""

import json
from collections import Counter

import numpy as np
import pytest

from phraseloc.formats.proposals import load_proposals
from phraseloc.formats.proposals.features import check_features, open_features
from phraseloc.formats.proposals.scenes import place_words
from phraseloc.formats.proposals.vocabulary import read_vocabulary
from phraseloc.formats.proposals.write import save_proposals
from phraseloc.proposals import DETECTOR_SPACE

pytestmark = pytest.mark.real

SPLITS = {"train": (683, 18_876), "val": (114, 3_142), "test": (203, 5_552)}


@pytest.fixture(scope="session")
def flickr(data):
    """The folder of detections and features in MAF's layout."""
    return data / "proposals/flickr1k"


@pytest.fixture(scope="session")
def splits(flickr):
    return {name: load_proposals(flickr / f"{name}_detection_dict.json") for name in SPLITS}


@pytest.fixture(scope="session")
def coco(data):
    """Ten images of COCO, with their labels."""
    vocabularies = {
        "objects": data / "vocab/vg_objects_1600.txt",
        "attributes": data / "vocab/vg_attributes_400.txt",
    }
    return load_proposals(data / "proposals/bottom_up_coco10.tsv", **vocabularies)


@pytest.mark.parametrize("name", SPLITS)
def test_detections(name, splits, flickr):
    found = splits[name]
    assert (len(found.images), len(found)) == SPLITS[name]
    assert sorted(found.images) == sorted((flickr / f"{name}.txt").read_text().split())
    assert found.attributes is None
    assert np.isfinite(found.scores).all()
    assert (found.boxes >= 0).all()
    assert (found.boxes[:, 2:] <= found.sizes[found.owners]).all()
    assert np.diff(found.offsets).max() == 30


@pytest.mark.parametrize("name", SPLITS)
def test_detections_are_read_as_they_stand(name, splits, flickr):
    found = splits[name]
    images = json.loads((flickr / f"{name}_detection_dict.json").read_text())
    assert list(images) == found.images
    labels = [label for image in images.values() for label in image["classes"]]
    assert found.labels.to_list() == labels
    corners = [box for image in images.values() for box in image["bboxes"]]
    assert found.boxes.tolist() == [[x1, y1, x2 + 1, y2 + 1] for x1, y1, x2, y2 in corners]


def test_labels_are_those_of_coco(splits):
    labels = {label for found in splits.values() for label in found.labels.values}
    assert len(labels) <= 80
    assert {"person", "traffic light", "dog"} <= labels


@pytest.mark.parametrize("name", SPLITS)
def test_features_have_a_row_a_box(name, splits, flickr):
    path = flickr / f"{name}_features_compress.hdf5"
    found = splits[name]
    with open_features(path) as features:
        check_features(features, found)
        assert features.shape == (len(found), 256)
        assert features.dtype == np.float16
        assert sorted(features.images) == sorted(found.images)
        for row in (0, 50, len(found.images) - 1):
            scores = found.scores[found.offsets[row] : found.offsets[row + 1]]
            lengths = np.linalg.norm(features.rows(found.images[row]).astype(float), axis=1)
            assert np.abs(lengths - 16 * np.sqrt(scores)).max() < 0.05
    both = load_proposals([flickr / f"{name}_detection_dict.json", path])
    assert both.digest == found.digest


def test_all_splits_at_once(flickr, splits):
    files = ("detection_dict.json", "features_compress.hdf5")
    found = load_proposals([flickr / f"{name}_{file}" for name in SPLITS for file in files])
    assert (len(found.images), len(found)) == (1_000, 27_570)
    assert set(found.labels.values) == {
        label for part in splits.values() for label in part.labels.values
    }


@pytest.mark.parametrize("suffix", [".json", ".parquet", ".json.zst"])
def test_what_is_saved_is_loaded(suffix, splits, tmp_path):
    found = splits["test"]
    save_proposals(found, tmp_path / f"saved{suffix}")
    again = load_proposals(tmp_path / f"saved{suffix}")
    assert again.digest == found.digest
    assert again.boxes.tobytes() == found.boxes.tobytes()
    assert again.scores.tobytes() == found.scores.tobytes()


def test_the_order_of_images_moves_no_bit(splits, flickr, tmp_path):
    images = json.loads((flickr / "test_detection_dict.json").read_text())
    (tmp_path / "turned.json").write_text(json.dumps(dict(reversed(images.items()))))
    turned = load_proposals(tmp_path / "turned.json")
    assert turned.images != splits["test"].images
    assert turned.digest == splits["test"].digest


def test_scenes_over_detections(splits, flickr, data, tmp_path):
    names = (data / "vocab/places365.txt").read_text().split("\n")
    images = splits["test"].images
    lines = [f"{image}\t{names[row % 365]}\n" for row, image in enumerate(images)]
    (tmp_path / "scenes.tsv").write_text("".join(lines))
    found = load_proposals([tmp_path / "scenes.tsv", flickr / "test_detection_dict.json"])
    assert len(found) == 5_552 + 203
    last = found.offsets[1:] - 1
    assert found.boxes[last, 2:].tolist() == found.sizes.tolist()
    assert found.labels[int(last[0])] == "airfield"


def test_places_are_words(data):
    words = [place_words(name) for name in (data / "vocab/places365.txt").read_text().split("\n")]
    assert len(set(words)) == 365
    assert {"apartment building outdoor", "stadium baseball", "zen garden"} <= set(words)
    assert all(word.replace(" ", "").replace("-", "").isalpha() for word in words)


def test_bottom_up_attention(coco):
    assert np.diff(coco.offsets).tolist() == [36] * 10
    assert coco.images[0] == "COCO_train2014_000000132417"
    assert coco.sizes[0].tolist() == [500, 333]
    assert (coco.boxes[:, :2] >= 0).all()
    assert (coco.boxes[:, 2:] <= coco.sizes[coco.owners] + 1).all()
    assert coco.space == DETECTOR_SPACE


def test_ids_count_from_zero(coco, data):
    """The labels make sense: one id further, the sky would be "keyboard", trees "license plate"."""
    assert coco.labels.to_list()[:6] == ["sky", "tree", "tree", "tree", "field", "pole"]
    assert coco.attributes.to_list()[:6] == ["blue", "white", "green", "white", "green", "tall"]
    common = Counter(coco.labels.to_list()).most_common(20)
    assert {name for name, _ in common} >= {"tree", "sky", "window", "wall"}
    pairs = set(zip(coco.labels.to_list(), coco.attributes.to_list(), strict=True))
    assert {("sky", "cloudy"), ("grass", "green"), ("man", "skiing"), ("wall", "blue")} <= pairs
    objects = read_vocabulary(data / "vocab/vg_objects_1600.txt")
    assert (len(objects.names), objects.names[1599]) == (1_600, "buoy")
    assert ("sidewalk,side walk", "gray,grey") in pairs
