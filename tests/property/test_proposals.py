"""Proposals are read as they were written; and any bytes give proposals or a PhraselocError."""

import base64
import io
import json
import pickle
import tempfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloc import PhraselocError, Strings
from phraseloc.columns import offsets_of
from phraseloc.formats.plain_pickle import read_plain_pickle
from phraseloc.formats.proposals import load_proposals
from phraseloc.formats.proposals.features import open_features
from phraseloc.formats.proposals.write import save_proposals
from phraseloc.proposals import Proposals, merge_proposals
from tests.property.test_readers import JSON_VALUES, mutated

NUMBERS = st.floats(0, 1e6, allow_subnormal=False)
"""Edges whose every bit counts; a right or bottom edge lies beyond the first half pixel."""

WORDS = st.text(st.characters(exclude_categories=("Cs",)), max_size=9)
SCORES = st.just(np.nan) | st.floats(-1e9, 1e9)
SIZES = st.just((np.nan, np.nan)) | st.tuples(st.floats(2e6, 1e9), st.floats(2e6, 1e9))


@st.composite
def boxes(draw):
    """Boxes of some size, so that a file never looks like one of fractions."""
    (x1, x2), (y1, y2) = (sorted((draw(NUMBERS), draw(NUMBERS))) for _ in range(2))
    return [x1, y1, max(x2 + 3, x1 * 1.5), max(y2 + 3, y1 * 1.5)]


@st.composite
def proposals(draw, names=WORDS):
    images = draw(st.lists(names, min_size=1, max_size=5, unique=True))
    counts = draw(st.lists(st.integers(0, 4), min_size=len(images), max_size=len(images)))
    total = sum(counts)

    def column(items):
        return draw(st.lists(items, min_size=total, max_size=total))

    return Proposals(
        images,
        offsets_of(counts),
        np.array(column(boxes()), np.float64).reshape(-1, 4),
        Strings.of(column(WORDS)),
        Strings.of(column(WORDS)) if draw(st.booleans()) else None,
        np.array(column(SCORES)) if draw(st.booleans()) else None,
        np.array([draw(SIZES) for _ in images]) if draw(st.booleans()) else None,
    )


def facts(found):
    """All that proposals hold, to the last bit; a column that says nothing counts as none."""
    attributes = None if found.attributes is None else found.attributes.to_list()
    scores = np.full(len(found), np.nan) if found.scores is None else found.scores
    return {
        "images": list(found.images),
        "offsets": found.offsets.tolist(),
        "boxes": found.boxes.tobytes(),
        "labels": found.labels.to_list(),
        "attributes": attributes or None,
        "scores": scores.tobytes(),
        "sizes": found.image_sizes.tobytes(),
    }


def written_and_read(before, suffix):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        save_proposals(before, path)
        return load_proposals(path)


@pytest.mark.parametrize("suffix", [".json", ".json.gz", ".parquet"])
@given(before=proposals())
def test_what_is_written_is_read(suffix, before):
    assert facts(written_and_read(before, suffix)) == facts(before)


@given(before=proposals(), seed=st.integers(0, 9))
def test_the_order_of_images_and_objects_moves_nothing(before, seed):
    order = np.random.default_rng(seed).permutation(len(before.images))
    turned = before.take(order)
    assert turned.digest == before.digest
    assert (
        written_and_read(turned, ".parquet").canonical.digest
        == written_and_read(before, ".json").canonical.digest
    )


@given(one=proposals(st.sampled_from("abcdef")), two=proposals(st.sampled_from("abcdef")))
def test_files_are_joined_image_by_image(one, two):
    one, two = replace(one, sizes=None), replace(two, sizes=None)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "one.parquet", Path(folder) / "two.json.gz"]
        for path, part in zip(paths, (one, two), strict=True):
            save_proposals(part, path)
        both, turned = load_proposals(paths), load_proposals(paths[::-1])
    assert facts(both) == facts(merge_proposals([one, two]))
    assert sorted(both.images) == sorted({*one.images, *two.images})
    assert len(both) == len(one) + len(two)
    assert both.digest == turned.digest


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=9))
def test_scene_labels_lie_after_the_detections(images):
    sizes = {image: (3.0 + row, 4.5) for row, image in enumerate("abcd")}
    lines = [f"{image}\tscene {row}\n" for row, image in enumerate(images)]
    detected = {"a": {"bboxes": [[0, 0, 1, 2]], "classes": ["dog"], "width": 3, "height": 4.5}}
    with tempfile.TemporaryDirectory() as folder:
        scenes, detections = Path(folder) / "scenes.tsv", Path(folder) / "p.json"
        scenes.write_text("".join(lines))
        detections.write_text(json.dumps(detected))
        found = load_proposals([scenes, detections], sizes=sizes)
    assert found.images[0] == "a"
    assert found.labels[0] == "dog"
    assert len(found) == 1 + len(images)
    for row, image in enumerate(found.images):
        for place in range(found.offsets[row] + (row == 0), found.offsets[row + 1]):
            assert found.boxes[place].tolist() == [0, 0, *sizes[image]]


def encoded(array, dtype="<f4"):
    return base64.b64encode(np.asarray(array, dtype).tobytes())


DETECTED = {
    image: {
        "bboxes": [[0, 0, 9, 9.5], [1, 2, 3, 4]],
        "classes": ["dog", "bboxes"],
        "attrs": ["tall", ""],
        "scores": [0.5, None],
        "width": 100,
        "height": 50,
    }
    for image in ("7", "8")
}
RESULTS = [{"image_id": 7, "category_id": 18, "bbox": [0, 0, 9, 9], "score": 0.5}] * 2
LINE = [
    b"7", b"50", b"100", encoded([1, 0], "<i8"), encoded([0.5, 0.25]), encoded([0, 1], "<i8"),
    encoded([0.5, 0.25]), b"2", encoded([[0, 0, 9, 9], [1, 2, 3, 4]]), encoded(np.zeros((2, 3))),
]  # fmt: skip


def parquet():
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "p.json").write_text(json.dumps(DETECTED))
        save_proposals(load_proposals(Path(folder) / "p.json"), Path(folder) / "p.parquet")
        return (Path(folder) / "p.parquet").read_bytes()


def hdf5():
    sink = io.BytesIO()
    with h5py.File(sink, "w") as file:
        file.create_dataset("features", data=np.ones((4, 3), "f2"), compression="gzip")
        file["pos_bboxes"] = np.array([[0, 2], [2, 4]])
    return sink.getvalue()


FILES = {
    "detections": json.dumps(DETECTED).encode(),
    "results": json.dumps(RESULTS).encode(),
    "ten-fields": b"\t".join(LINE) + b"\r\n" + b"\t".join([b"8", *LINE[1:]]) + b"\n",
    "six-fields": b"\t".join([b"7", b"100", b"50", *LINE[7:]]) + b"\n",
    "scenes": b"7\t/p/park 3\t0.5\n7\tsky\n",
    "parquet": parquet(),
}
INDEX = pickle.dumps({7: 0, 8: np.int64(1)}, 2)


SIZED = {"7": (100.0, 50.0)}


def read(content, **options):
    """Read a file of proposals; None where it is refused on purpose."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        labels = Path(folder) / "labels.txt"
        labels.write_text("dog\ncat")
        try:
            return load_proposals(
                path, objects=options.get("objects", labels), attributes=labels, sizes=SIZED
            )
        except PhraselocError:
            return None


def check(content, **options):
    """Read a file; what is read is sound."""
    found = read(content, **options)
    if found is not None:
        assert len(found.images) == len(found.offsets) - 1 == len(found.image_sizes)
        assert len(found) == found.offsets[-1] == len(found.labels)
        assert np.isfinite(found.boxes).all()
        assert found.canonical.digest


@pytest.mark.parametrize("kind", FILES)
def test_the_files_to_change_are_sound(kind):
    objects = {"objects": None} if kind == "results" else {}
    assert len(read(FILES[kind], **objects)) >= 2


@given(st.binary(max_size=300))
def test_any_bytes(content):
    check(content)


@given(st.text(max_size=200), st.sampled_from(["", "{", "[", "\t", "7\t", "PAR1", "\x89HDF"]))
def test_any_text(text, start):
    check((start + text).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("kind", FILES)
@given(data=st.data())
def test_mutated_files(kind, data):
    check(data.draw(mutated(FILES[kind])), **({"objects": None} if kind == "results" else {}))


FIELDS = ["bboxes", "classes", "attrs", "scores", "width", "height", "image_id", "category_id"]
CHANGES = st.dictionaries(st.sampled_from([*FIELDS, "bbox", "score"]), JSON_VALUES, max_size=3)


@given(st.lists(CHANGES, max_size=3), st.booleans())
def test_objects_of_any_values(changes, as_results):
    base = RESULTS[0] if as_results else DETECTED["7"]
    items = [{**base, **change} for change in changes]
    content = items if as_results else {str(row): item for row, item in enumerate(items)}
    check(json.dumps(content).encode(), objects=None)


@given(mutated(INDEX) | st.binary(max_size=60))
def test_any_pickle(content):
    with tempfile.TemporaryDirectory() as folder:
        path, index = Path(folder) / "features", Path(folder) / "index"
        path.write_bytes(hdf5())
        index.write_bytes(content)
        try:
            with open_features(path, index) as features:
                for image in features.images:
                    assert features.rows(image).shape == (features.counts[image], 3)
        except PhraselocError:
            pass


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | WORDS,
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.integers() | st.text(), inner)
        | st.tuples(inner, inner)
        | st.tuples(inner)
    ),
    max_leaves=20,
)


@given(PLAIN, st.integers(0, pickle.HIGHEST_PROTOCOL))
def test_plain_pickles(value, protocol):
    assert read_plain_pickle(pickle.dumps(value, protocol), "p.pkl") == value
