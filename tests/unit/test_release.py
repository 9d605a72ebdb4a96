import pytest

from phraseloc import BoxSpace, load_ground_truth

NAMES = [
    "release",
    "release.zip",
    "release.tar",
    "release.tar.gz",
    "release.tar.xz",
    "release.tar.bz2",
]


@pytest.mark.parametrize("name", NAMES)
def test_every_packing_is_read(name, release, pack):
    truth = load_ground_truth(pack(release, name))
    assert [truth.keys.describe(row) for row in range(len(truth))] == [
        '10#0 word 0 entity 1 "a man"',
        '10#0 word 3 entity 2 "two dogs"',
        '10#1 word 2 entity 1 "the rider"',
        '11#0 word 1 entity 7 "a red car"',
    ]
    assert truth.union_boxes.tolist() == [
        [0, 0, 40, 40],
        [0, 0, 20, 20],
        [0, 0, 40, 40],
        [100, 50, 200, 150],
    ]
    assert truth.image_sizes.tolist() == [[200, 100], [300, 300]]
    assert (truth.source, truth.space) == (name, BoxSpace("xyxy", "inclusive", 1))
    assert not truth.unions_only


def test_a_tar_compressed_by_zstd(release, pack, write):
    import zstandard

    content = zstandard.compress(pack(release, "release.tar").read_bytes())
    assert len(load_ground_truth(write("release.tar.zst", content))) == 4


def test_a_tar_whose_first_name_begins_as_a_zip_does(release, pack):
    renamed = {name.replace("F/", "PK/"): content for name, content in release.items()}
    assert len(load_ground_truth(pack(renamed, "release.tar"))) == 4


def test_a_phrase_has_several_categories(release, pack):
    truth = load_ground_truth(pack(release, "release.zip"))
    names = [truth.categories[code] for code in truth.category_codes]
    assert names == ["people", "animals", "people", "other", "vehicles"]
    assert truth.category_offsets.tolist() == [0, 1, 2, 4, 5]


def test_phrases_without_a_box_are_counted_by_reason(release, pack):
    truth = load_ground_truth(pack(release, "release.zip"))
    assert truth.left_out_reasons == {"not annotated": 1, "not visual": 1, "scene": 1}
    assert [truth.left_out.describe(row) for row in range(3)] == [
        '10#0 word 6 entity 5 "a park"',
        '10#1 word 5 entity 0 "skill"',
        '11#0 word 5 entity 9 "a friend"',
    ]


def test_unrelated_captions_are_left_out(release, pack, write):
    unrelated = write("unrelated.txt", "# image, caption\n10 2\n")
    truth = load_ground_truth(pack(release, "release.zip"), unrelated=unrelated)
    assert len(truth) == 3
    assert truth.left_out_reasons["unrelated caption"] == 2


@pytest.mark.parametrize(("lines", "images"), [("11\n10\n", ["11", "10"]), ("11\n", ["11"])])
def test_a_split_keeps_its_images_in_its_order(lines, images, release, pack, write):
    truth = load_ground_truth(pack(release, "release.zip"), split=write("split.txt", lines))
    assert truth.keys.image.values == images


def test_a_split_ignores_what_is_wrong_elsewhere(release, pack, write):
    files = {**release, "F/Annotations/11.xml": "<broken>"}
    split = write("split.txt", "10\n")
    assert len(load_ground_truth(pack(files, "release.zip"), split=split)) == 3


def test_a_box_of_several_entities_belongs_to_each(release, pack):
    both = (
        "<annotation><size><width>300</width><height>300</height></size><object><name>7</name>"
        "<name>9</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax><ymax>5</ymax></bndbox>"
        "</object></annotation>"
    )
    truth = load_ground_truth(pack({**release, "F/Annotations/11.xml": both}, "release.zip"))
    assert truth.keys.entity.to_list()[3:] == ["7", "9"]
    assert truth.union_boxes[3:].tolist() == [[0, 0, 5, 5]] * 2


def test_other_files_of_an_archive_are_passed_over(release, pack):
    files = {**release, "F/README.md": b"\xff", "F/Annotations/notes.pdf": "%PDF"}
    assert len(load_ground_truth(pack(files, "release.zip"))) == 4


def test_predictions_of_phrases_without_a_box_are_extra(release, pack, guesses, write, scored):
    guesses.append({"image": "10#1", "phrase": "skill", "start": 5, "entity": "0"})
    guesses[-1]["box"] = [1, 1, 5, 5]
    result = scored(pack(release, "release.zip"), write("guesses.json", guesses))
    assert result["coverage"]["extra"] == 1
    assert result["accuracy"] == {"correct": 3, "total": 4, "value": 0.75}
    assert result["ground_truth"]["left_out"]["not visual"] == 1
