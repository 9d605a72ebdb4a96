import json

import pytest

from phraseloc import formats, load_ground_truth
from phraseloc.formats import cache as cache_module


def facts(truth):
    """All that a cache must keep."""
    left_out = truth.left_out and [truth.left_out.describe(i) for i in range(len(truth.left_out))]
    return {
        "keys": [truth.keys.describe(row) for row in range(len(truth))],
        "boxes": truth.boxes.tolist(),
        "offsets": truth.offsets.tolist(),
        "categories": [truth.categories[code] for code in truth.category_codes],
        "sizes": truth.image_sizes.tolist(),
        "left_out": left_out,
        "reasons": dict(truth.left_out_reasons),
        "space": truth.space,
        "source": truth.source,
        "unions": truth.unions_only,
        "digests": (truth.digest, truth.union_digest),
    }


@pytest.fixture
def sources(release, pack, truth_file):
    return {
        "zip": pack(release, "release.zip"),
        "tar": pack(release, "release.tar.gz"),
        "folder": pack(release, "release"),
        "json": truth_file,
    }


@pytest.fixture
def readers(monkeypatch):
    """Make parsing fail from now on."""

    def forbid():
        def fail(*_args, **_options):
            raise AssertionError("the source was parsed again")

        monkeypatch.setattr("phraseloc.formats.flickr30k_entities.read_release", fail)
        monkeypatch.setattr(formats, "_from_records", fail)

    return forbid


@pytest.mark.parametrize("kind", ["zip", "tar", "folder", "json"])
def test_a_second_load_does_not_parse(kind, sources, readers):
    first = facts(load_ground_truth(sources[kind]))
    readers()
    assert facts(load_ground_truth(sources[kind])) == first


@pytest.mark.parametrize("kind", ["zip", "folder", "json"])
def test_a_source_that_changed_is_read_again(kind, sources, release, pack, truth, write):
    load_ground_truth(sources[kind])
    if kind == "json":
        truth[0]["boxes"] = [[1, 1, 41, 40]]
        write("truth.json", truth)
    else:
        name = "F/Annotations/10.xml"
        changed = release[name].replace("<xmax>40</xmax>", "<xmax>41</xmax>")
        pack({**release, name: changed}, sources[kind].name)
    assert load_ground_truth(sources[kind]).boxes[0].tolist() == [0, 0, 41, 40]


def test_choices_have_files_of_their_own(sources, write, readers):
    split = write("split.txt", "11\n")
    assert len(load_ground_truth(sources["zip"])) == 4
    assert len(load_ground_truth(sources["zip"], split=split)) == 1
    unrelated = write("unrelated.txt", "10 1\n")
    assert len(load_ground_truth(sources["zip"], unrelated=unrelated)) == 2
    shifted = load_ground_truth(sources["json"], origin=0)
    assert shifted.boxes[0].tolist() == [1, 1, 41, 41]
    readers()
    assert len(load_ground_truth(sources["zip"])) == 4
    assert len(load_ground_truth(sources["zip"], split=split)) == 1


def test_the_same_content_under_another_name_keeps_its_name(sources, tmp_path):
    load_ground_truth(sources["json"])
    other = sources["json"].rename(tmp_path / "other.json")
    assert load_ground_truth(other).source == "other.json"


def header_of(content):
    return 8 + int.from_bytes(content[:8], "little")


DAMAGE = {
    "empty": lambda c: c[:0],
    "text": lambda c: b"not a cache" + c,
    "long-header": lambda c: (2**60).to_bytes(8, "little") + c[8:],
    "cut": lambda c: c[:-9],
    "cut-in-header": lambda c: c[: header_of(c) - 9],
    "header-of-a-number": lambda c: (8).to_bytes(8, "little") + b"12345678" + c[header_of(c) :],
    "header-of-a-list": lambda c: (8).to_bytes(8, "little") + b"[      ]" + c[header_of(c) :],
    "header-of-a-text": lambda c: (8).to_bytes(8, "little") + b'"      "' + c[header_of(c) :],
    "other-kind": lambda c: c.replace(b'"F64"', b'"I64"'),
    "unknown-kind": lambda c: c.replace(b'"F64"', b'"X64"'),
    "no-metadata": lambda c: c.replace(b"__metadata__", b"__metadate__"),
    "no-boxes": lambda c: c.replace(b'"boxes"', b'"foxes"'),
    "other-shape": lambda c: c.replace(b'"shape":[5,4]', b'"shape":[4,5]'),
    "strings": lambda c: c.replace(b"vehicles", b"\xff" * 8),
    "flipped-bits": lambda c: c[:-64] + bytes(b ^ 0x55 for b in c[-64:]),
    "flipped-boxes": lambda c: c.replace(b"\0\0\0\0\0\0\x69\x40", b"\0\0\0\0\0\0\x6a\x40"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_file_is_passed_over(name, sources, cache):
    first = facts(load_ground_truth(sources["zip"]))
    [path] = cache.iterdir()
    content = path.read_bytes()
    damaged = DAMAGE[name](content)
    assert damaged != content
    path.write_bytes(damaged)
    assert facts(load_ground_truth(sources["zip"])) == first


def test_a_damaged_file_is_replaced(sources, cache, readers):
    load_ground_truth(sources["zip"])
    [path] = cache.iterdir()
    path.write_bytes(b"not a cache")
    load_ground_truth(sources["zip"])
    readers()
    assert len(load_ground_truth(sources["zip"])) == 4


def test_the_file_opens_with_safetensors(sources, cache):
    from safetensors import numpy

    truth = load_ground_truth(sources["zip"])
    [path] = cache.iterdir()
    arrays = numpy.load_file(path)
    assert arrays["boxes"].tolist() == truth.boxes.tolist()
    assert arrays["offsets"].tolist() == truth.offsets.tolist()
    assert arrays["keys.sentence"].tolist() == truth.keys.sentence.tolist()


def test_arrays_are_aligned(sources, cache):
    load_ground_truth(sources["zip"])
    [path] = cache.iterdir()
    content = path.read_bytes()
    header = json.loads(content[8 : header_of(content)])
    assert header_of(content) % 8 == 0
    for name, item in header.items():
        if name != "__metadata__" and item["dtype"] != "U8":
            assert item["data_offsets"][0] % 8 == 0


def test_the_cache_can_be_off(sources, cache, monkeypatch):
    monkeypatch.setenv("PHRASELOC_CACHE", "off")
    assert len(load_ground_truth(sources["zip"])) == 4
    assert not cache.exists()


def test_a_cache_that_cannot_be_written_does_no_harm(sources, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PHRASELOC_CACHE", str(tmp_path / "file"))
    assert len(load_ground_truth(sources["zip"])) == 4


def test_the_cache_is_the_users_by_default(tmp_path, monkeypatch):
    monkeypatch.delenv("PHRASELOC_CACHE")
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path / "user"))
    assert cache_module.cache_folder() == tmp_path / "user" / "phraseloc"


def test_predictions_and_errors_leave_nothing(guess_file, truth_file, write, run, cache):
    run("validate", guess_file)
    run("score", write("bad.json", "["), guess_file)
    assert not cache.exists() or not list(cache.iterdir())
    run("score", truth_file, guess_file)
    assert len(list(cache.iterdir())) == 1
