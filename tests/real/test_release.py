"""What the official release of Flickr30k Entities holds (Plummer et al., ICCV 2015), pinned.

Whoever changes a reader learns here whether any phrase, box or reason of the 31,783 images moved.
"""

import io
import tarfile
import zipfile
from collections import Counter, defaultdict

import numpy as np
import pytest
import zstandard

from phraseloc import load_ground_truth
from phraseloc.formats import flickr30k_entities
from tests.real.conftest import HANDFUL
from tests.real.contents import categories_of, contents_of, keys_of, multi_box, of_images

pytestmark = pytest.mark.real


def test_every_image_of_the_release(everything):
    assert len(everything) == 456_140
    assert len(everything.boxes) == 708_863
    assert everything.captions == 158_121
    assert len(everything.keys.image.values) == 31_780
    assert multi_box(everything) == 100_393
    assert Counter(map(len, categories_of(everything))) == {1: 453_119, 2: 3_021}
    assert np.diff(everything.offsets).max() == 40
    assert everything.left_out_reasons == {"no box": 65_695, "not visual": 30_695, "scene": 7_237}
    assert len(everything.left_out) == 103_627


SPLITS = {
    "train": (29_783, 427_226, 665_161, 148_166, 29_781, 94_309, 97_294),
    "val": (1_000, 14_433, 22_061, 4_986, 1_000, 3_177, 3_295),
    "test": (1_000, 14_481, 21_641, 4_969, 999, 2_907, 3_038),
}


@pytest.mark.parametrize("name", SPLITS)
def test_splits(name, everything, files):
    """Images of the list, phrases, boxes, captions, images with boxes, multi-box, left out."""
    images = set((files / f"{name}.txt").read_text().split())
    split = of_images(everything, images)
    left_out = sum(image in images for image in everything.left_out.image.to_list())
    found = (len(split), len(split.boxes), split.captions, len(split.keys.image.values))
    assert (len(images), *found, multi_box(split), left_out) == SPLITS[name]


def test_splits_are_parts_of_the_whole(files):
    images = [image for name in SPLITS for image in (files / f"{name}.txt").read_text().split()]
    assert len(images) - len(set(images)) == 0
    assert len(images) == 31_783


def test_a_split_is_read_as_the_whole_is(official, everything):
    part = of_images(everything, set(official.keys.image.values))
    assert part.digest == official.digest
    assert sorted(keys_of(part.keys)) == sorted(keys_of(official.keys))


def test_the_test_split(official):
    assert len(official) + len(official.left_out) == 17_519
    assert official.left_out_reasons == {"no box": 1_893, "not visual": 943, "scene": 202}
    assert Counter(map(len, categories_of(official))) == {1: 14_404, 2: 77}


def test_texts_that_do_not_tell_phrases_apart(official):
    """In 21 captions one text names several entities: a text is no key."""
    entities = defaultdict(list)
    keys = keys_of(official.keys)
    for (image, sentence, _, entity), text in zip(
        keys, official.keys.phrase.to_list(), strict=True
    ):
        entities[image, sentence, text].append(entity)
    repeated = [names for names in entities.values() if len(names) > 1]
    ambiguous = [names for names in repeated if len(set(names)) > 1]
    assert (len(repeated), sum(map(len, repeated))) == (27, 58)
    assert (len(ambiguous), sum(map(len, ambiguous))) == (21, 46)


def test_phrases_come_in_the_order_of_split_caption_and_word(official, files):
    place = {image: row for row, image in enumerate((files / "test.txt").read_text().split())}
    order = [(place[image], sentence, word) for image, sentence, word, _ in keys_of(official.keys)]
    assert order == sorted(order)


def test_unrelated_captions_of_the_release_have_no_phrases(everything, files):
    """They say that the image is missing, or nothing of it, and hold no mark."""
    _, *lines = (files / "UNRELATED_CAPTIONS").read_text().split("\n")
    numbered = [line.split() for line in lines]
    unrelated = {(image, int(number) - 1) for image, number in numbered}
    assert len(unrelated) == 21
    assert unrelated.isdisjoint(key[:2] for key in keys_of(everything.keys))
    assert unrelated.isdisjoint(key[:2] for key in keys_of(everything.left_out))


def test_unrelated_captions_are_left_out(official, files, tmp_path):
    image = official.keys.image[0]
    listed = tmp_path / "unrelated"
    listed.write_text(f"# format: <imageID> <sentence number>\n{image} 2\n")
    archive = files / "annotations.tar.xz"
    kept = load_ground_truth(archive, split=files / "test.txt", unrelated=listed)
    of_caption = [key[:2] == (image, 1) for key in keys_of(official.keys)]
    assert keys_of(kept.keys) == keys_of(official.take(np.flatnonzero(~np.array(of_caption))).keys)
    assert kept.captions == 4_968
    unrelated = kept.left_out_reasons["unrelated caption"]
    assert len(kept) + sum(kept.left_out_reasons.values()) == 17_519
    assert unrelated >= sum(of_caption) > 0


def as_folder(path, members):
    for name, content in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)


def as_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def as_tar(path, members):
    packed = io.BytesIO()
    mode = {".gz": "w:gz", ".xz": "w:xz", ".bz2": "w:bz2"}.get(path.suffix, "w")
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    data = packed.getvalue()
    path.write_bytes(zstandard.compress(data) if path.suffix == ".zst" else data)


PACKED = {
    "release": as_folder,
    "release.zip": as_zip,
    "release.tar": as_tar,
    "release.tar.gz": as_tar,
    "release.tar.xz": as_tar,
    "release.tar.bz2": as_tar,
    "release.tar.zst": as_tar,
}


@pytest.mark.parametrize("name", PACKED)
def test_every_packing_holds_the_same(name, handful, official, tmp_path):
    path = tmp_path / name
    PACKED[name](path, handful)
    split = tmp_path / "split.txt"
    split.write_text("\n".join(HANDFUL))
    expected = contents_of(of_images(official, set(HANDFUL)))
    found = contents_of(load_ground_truth(path, split=split))
    left_out = [key for key in expected.pop("left out") if key[0] in HANDFUL]
    assert len(expected["keys"]) == 73
    assert sorted(found.pop("left out")) == sorted(left_out)
    assert sum(found.pop("reasons").values()) == len(left_out)
    assert expected.pop("reasons")
    assert found == expected


def test_without_a_split_images_stand_by_number(handful, tmp_path):
    as_zip(tmp_path / "release.zip", handful)
    truth = load_ground_truth(tmp_path / "release.zip")
    assert truth.keys.image.values == sorted(set(HANDFUL) - {"4797050581"}, key=int)


def test_the_cache_gives_what_was_read(official, load, files, session_cache, monkeypatch):
    assert len(list(session_cache.iterdir())) >= 1
    monkeypatch.setattr(flickr30k_entities, "read_release", None)
    again = load(files / "annotations.tar.xz", split=files / "test.txt")
    assert contents_of(again) == contents_of(official)
    assert (again.source, again.unions_only) == (official.source, official.unions_only)
