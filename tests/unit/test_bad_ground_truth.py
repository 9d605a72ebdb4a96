"""Ground truth that cannot be used, as records and as a release: refused, with every reason."""

import pytest


def test_a_missing_file(guess_file, refused, tmp_path):
    message = refused("score", tmp_path / "nowhere.zip", guess_file)
    assert message == f"phraseloc: {tmp_path / 'nowhere.zip'}: no such file or directory\n"


def test_a_name_too_long_for_a_file(guess_file, refused):
    assert "too long" in refused("score", "x" * 300, guess_file)


def test_an_empty_file(guess_file, write, refused):
    message = refused("score", write("truth.json", b""), guess_file)
    assert message == "phraseloc: truth.json: the file is empty (0 bytes)\n"


def test_a_file_without_phrases(guess_file, write, refused):
    message = refused("score", write("truth.json", []), guess_file)
    assert "truth.json: no phrase with a box (1)\n  found 0 phrases" in message


@pytest.mark.parametrize(("field", "value"), [("point", [3, 4]), ("scores", [0.5])])
def test_a_prediction_file(field, value, truth, guess_file, write, refused):
    truth[2][field] = value
    message = refused("score", write("truth.json", truth), guess_file)
    assert f'"{field}" in ground truth; is this a prediction file? (1)\n  record 3' in message


def test_a_split_list(guess_file, write, refused):
    message = refused("score", write("test.txt", "10\n11\n"), guess_file)
    assert "test.txt: found a file of no known format, expected ground truth as JSON" in message
    assert "or an official release" in message


@pytest.mark.parametrize(
    ("field", "value"),
    [("width", -5), ("height", 0), ("width", "200"), ("height", float("nan"))],
)
def test_sizes_that_no_image_has(field, value, truth, guess_file, write, refused):
    for record in truth[:3]:
        record[field] = value
    message = refused("score", write("truth.json", truth), guess_file)
    assert "truth.json: " in message
    assert f'"{field}"' in message
    assert "record 1: found" in message
    assert str(value) in message.partition("record 1")[2]


def test_sizes_of_an_image_that_differ(truth, guess_file, write, refused):
    truth[1]["width"] = 150
    message = refused("score", write("truth.json", truth), guess_file)
    assert message.startswith("phraseloc: truth.json: ")
    assert "record 2" in message
    assert "150" in message


def test_a_width_without_a_height(truth, guess_file, write, refused):
    del truth[3]["height"]
    message = refused("score", write("truth.json", truth), guess_file)
    assert message.startswith("phraseloc: truth.json: ")
    assert "record 4" in message


@pytest.mark.parametrize("field", ["start", "sentence"])
def test_negative_whole_numbers(field, truth, guess_file, write, refused):
    for record in truth:
        record[field] = 0
    truth[1][field] = -3
    message = refused("score", write("truth.json", truth), guess_file)
    assert f'"{field}" is not a whole number from 0 (1)\n  record 2: found -3' in message


def test_boxes_without_area(truth, guess_file, write, refused):
    truth[1]["boxes"][1] = [11, 11, 0, 10]
    message = refused("score", write("truth.json", truth), guess_file)
    assert "a box whose width or height is zero or negative, read as xywh" in message
    assert "  record 2: found [11, 11, 0, 10]\n" in message


def test_an_entity_without_boxes(truth, guess_file, write, refused):
    truth[1]["boxes"] = []
    message = refused("score", write("truth.json", truth), guess_file)
    assert "a phrase of the ground truth without a box (1)\n  10#0 word 3 entity 2" in message


def test_a_phrase_that_stands_twice(truth, guess_file, write, refused):
    message = refused("score", write("truth.json", [*truth, truth[0]]), guess_file)
    assert "a phrase that stands twice in the ground truth (1)\n  10#0 word 0 entity 1" in message


def test_units_that_ground_truth_cannot_have(truth, guess_file, write, refused):
    path = write("truth.json", {"phraseloc": {"units": "0-1"}, "records": truth})
    message = refused("score", path, guess_file)
    assert "truth.json: ground truth in units 0-1 is not supported" in message


def test_a_contradiction_of_header_and_option(truth, guess_file, write, refused):
    path = write("truth.json", {"phraseloc": {"origin": 1}, "records": truth})
    message = refused("score", path, guess_file, "--truth-boxes", "origin=0")
    assert "truth.json: its header declares origin 1, but 0 was asked for" in message


@pytest.mark.parametrize("text", ["split=x", "layuot=xywh", "xywh"])
def test_declarations_of_no_known_field(text, truth_file, guess_file, refused):
    message = refused("score", truth_file, guess_file, "--truth-boxes", text)
    assert "--truth-boxes" in message
    assert f"found {text.partition('=')[0]}" in message
    assert "layout" in message.partition(": found")[2].replace(text, "")


@pytest.mark.parametrize("name", ["release.zip", "release.tar", "release.tar.gz", "release.tar.xz"])
def test_names_that_lead_out_of_the_archive(name, release, pack, guess_file, refused):
    files = {**release, "F/../../Annotations/12.xml": release["F/Annotations/11.xml"]}
    message = refused("score", pack(files, name), guess_file)
    assert f"{name}: a name that leads out of the archive (1)" in message
    assert "found 'F/../../Annotations/12.xml'" in message


@pytest.mark.parametrize("suffix", ["zip", "tar", "tar.gz", "tar.xz", "tar.bz2"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9])
def test_archives_that_break_off(suffix, share, release, pack, write, guess_file, refused):
    noise = {f"F/Sentences/{i}.txt": f"[/EN#{i}/other {i * i}]\n" * 40 for i in range(20, 60)}
    content = pack({**release, **noise}, f"whole.{suffix}").read_bytes()
    path = write(f"release.{suffix}", content[: int(len(content) * share)])
    message = refused("score", path, guess_file)
    assert message.startswith(f"phraseloc: release.{suffix}: ")
    reasons = ("cannot be decompressed", "archive cannot be read", "a zip archive that is damaged")
    assert any(reason in message for reason in reasons), message


@pytest.mark.parametrize(
    ("place", "value"), [(8, 1), (10, 99)], ids=["encrypted", "unknown-compression"]
)
def test_a_zip_that_cannot_be_unpacked(place, value, release, pack, write, guess_file, refused):
    content = bytearray(pack(release, "whole.zip").read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + place] = content[place - 2] = value
    message = refused("score", write("release.zip", bytes(content)), guess_file)
    assert "release.zip: the archive cannot be read: " in message


def test_a_zip_whose_content_is_damaged(release, pack, write, guess_file, refused):
    content = bytearray(pack(release, "whole.zip").read_bytes())
    content[60] ^= 255
    message = refused("score", write("release.zip", bytes(content)), guess_file)
    assert "release.zip: the archive cannot be " in message


def test_a_file_too_large_for_an_annotation(release, pack, guess_file, refused):
    files = {**release, "F/Annotations/10.xml": " " * (16 * 2**20 + 1)}
    message = refused("score", pack(files, "release.zip"), guess_file)
    assert "F/Annotations/10.xml: found 16,777,217 bytes, expected at most 16,777,216" in message


def test_an_entity_bomb_is_not_expanded(release, pack, guess_file, refused):
    entities = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12))
    bomb = f'<!DOCTYPE x [<!ENTITY l0 "{"ha" * 99}">{entities}]><annotation>&l11;</annotation>'
    files = {**release, "F/Annotations/10.xml": bomb}
    message = refused("score", pack(files, "release.zip"), guess_file)
    assert "F/Annotations/10.xml: found a document type declaration, expected none" in message


def test_an_external_document_type_is_not_followed(release, pack, guess_file, refused):
    outside = '<!DOCTYPE annotation SYSTEM "file:///etc/hostname">'
    files = {**release, "F/Annotations/10.xml": outside + release["F/Annotations/10.xml"]}
    message = refused("score", pack(files, "release.zip"), guess_file)
    assert "F/Annotations/10.xml: found a document type declaration, expected none" in message


def test_a_mark_without_end_returns_at_once(release, pack, guess_file, refused):
    files = {**release, "F/Sentences/10.txt": "[/EN#1/people a" + " " * 300_000}
    message = refused("score", pack(files, "release.zip"), guess_file)
    assert "a phrase mark that cannot be read (1)\n  F/Sentences/10.txt: line 1: [/EN#1" in message


@pytest.mark.parametrize("line", ["[/EN#1 a man] runs", "[/EN#x/people a man]", "[/EN#1/people ]"])
def test_marks_that_cannot_be_read(line, release, pack, guess_file, refused):
    files = {**release, "F/Sentences/11.txt": f"A sound line .\n{line}\n"}
    message = refused("score", pack(files, "release.zip"), guess_file)
    assert f"a phrase mark that cannot be read (1)\n  F/Sentences/11.txt: line 2: {line}" in message


@pytest.mark.parametrize(
    ("corners", "kind", "found"),
    [
        ((0, 1, 40, 40), "a box that is not inside its image", "found (0, 1, 40, 40) in 300 x 300"),
        ((1, 1, 301, 40), "a box that is not inside its image", "found (1, 1, 301, 40) in 300 x"),
        ((40, 1, 1, 40), "a box that is not inside its image", "found (40, 1, 1, 40) in 300 x 300"),
        ((1, 1, 40), "a box without four whole numbers", ""),
        ((1, 1, 40, 4.5), "a box without four whole numbers", ""),
        ((1, 1, 40, "nan"), "a box without four whole numbers", ""),
    ],
)
def test_annotations_with_wrong_boxes(
    corners, kind, found, release, annotate, pack, guess_file, refused
):
    files = {**release, "F/Annotations/11.xml": annotate(300, 300, [("7", corners)])}
    message = refused("score", pack(files, "release.zip"), guess_file)
    assert f"{kind} (1)\n  F/Annotations/11.xml: object 1" in message
    assert found in message


@pytest.mark.parametrize(
    "text",
    ["<annotation>", "<annotation></annotation>", "", "\xef\xbb\xbf<annotation/>", "<a>\r</a>"],
)
def test_annotations_that_cannot_be_read(text, release, pack, guess_file, refused):
    files = {**release, "F/Annotations/11.xml": text.encode("latin-1")}
    message = refused("score", pack(files, "release.zip"), guess_file)
    assert "a file that cannot be read (1)\n  F/Annotations/11.xml: " in message


def test_all_problems_of_a_release_come_together(release, annotate, pack, guess_file, refused):
    files = {
        **release,
        "F/Annotations/10.xml": annotate(200, 100, [("1", (1, 1, "x", 4))] * 12),
        "F/Annotations/11.xml": annotate(300, 300, [("7", (0, 0, 1, 1))]),
        "F/Sentences/11.txt": b"\xff",
    }
    message = refused("score", pack(files, "release.zip"), guess_file)
    assert "a box without four whole numbers (12)\n  F/Annotations/10.xml: object 1\n" in message
    assert "  F/Annotations/10.xml: object 10\n  and 2 more\n" in message
    assert "a box that is not inside its image (1)" in message
    assert "F/Sentences/11.txt: line 1: found byte 0xff, expected UTF-8 text" in message


@pytest.mark.parametrize("folder", ["Annotations", "Sentences"])
def test_an_image_that_lacks_a_file(folder, release, pack, guess_file, refused):
    files = {name: text for name, text in release.items() if f"{folder}/11" not in name}
    message = refused("score", pack(files, "release.zip"), guess_file)
    assert f"release.zip: an image without a file in {folder}/ (1)\n  11\n" in message


def test_a_split_that_names_an_image_the_release_lacks(release, pack, write, guess_file, refused):
    split = write("split.txt", "10\n12\n")
    message = refused("score", pack(release, "release.zip"), guess_file, "--split", split)
    assert "release.zip: an image without a file in Annotations/ (1)\n  12\n" in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10\n\n11\n", "a line that is not an image id (1)\n  line 2: found ''"),
        ("10\nan image\n", "a line that is not an image id (1)\n  line 2: found 'an image'"),
        ("10\n11\n10\n", "an image that stands twice (1)\n  line 3: 10, first in 1"),
        ("10\r\n11\r\n", "line 1: found a CR line end"),
        (b"\xef\xbb\xbf10\n", "found a UTF-8 byte order mark"),
        ("", "the file is empty (0 bytes)"),
    ],
)
def test_split_lists_that_cannot_be_used(text, message, truth_file, guess_file, write, refused):
    split = write("split.txt", text)
    found = refused("score", truth_file, guess_file, "--split", split)
    assert f"phraseloc: split.txt: {message}" in found


def test_a_missing_split_list(truth_file, guess_file, refused, tmp_path):
    message = refused("score", truth_file, guess_file, "--split", tmp_path / "none.txt")
    assert "none.txt: no such file or directory" in message


def test_a_split_of_other_images(truth_file, guess_file, write, refused):
    split = write("split.txt", "99\n")
    message = refused("score", truth_file, guess_file, "--split", split)
    assert "truth.json: no image of the split is in it" in message


@pytest.mark.parametrize("line", ["10", "10 x", "10 0", "10 -1"])
def test_lists_of_unrelated_captions_that_cannot_be_used(
    line, release, pack, guess_file, write, refused
):
    unrelated = write("unrelated.txt", f"# image caption\n10 1\n{line}\n")
    path = pack(release, "release.zip")
    message = refused("score", path, guess_file, "--unrelated", unrelated)
    assert f"unrelated.txt: line 3: found {line!r}, expected an image and a number" in message


def test_a_folder_without_a_release(guess_file, refused, tmp_path):
    (tmp_path / "empty").mkdir()
    message = refused("score", tmp_path / "empty", guess_file)
    assert "empty: not a Flickr30k Entities release (1)\n  found no Sentences/" in message


def test_the_current_folder_has_a_name(guess_file, refused, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert "here: not a Flickr30k Entities release" in refused("score", ".", guess_file)


def test_a_folder_with_a_broken_link_is_read(release, pack, guess_file, scored):
    path = pack(release, "release")
    (path / "broken").symlink_to("nowhere")
    assert scored(path, guess_file)["accuracy"]["total"] == 4


def test_what_macos_adds_to_archives_is_passed_over(release, pack, guess_file, scored):
    files = {**release, "__MACOSX/F/Annotations/._10.xml": b"\0\x05\x16\x07"}
    assert scored(pack(files, "release.zip"), guess_file)["accuracy"]["total"] == 4


def test_unrelated_captions_need_a_release(truth_file, guess_file, write, refused):
    unrelated = write("unrelated.txt", "10 1\n")
    message = refused("score", truth_file, guess_file, "--unrelated", unrelated)
    assert "unrelated" in message.lower()


def test_a_release_is_read_by_its_own_convention(release, pack, refused, tmp_path):
    path = pack(release, "release.zip")
    message = refused("convert", path, tmp_path / "out.json", "--layout", "xywh", "--origin", "0")
    assert "layout" in message


def test_a_zip_of_predictions(truth_file, pack, guess_file, refused):
    path = pack({"guesses.json": guess_file.read_bytes()}, "guesses.zip")
    message = refused("score", truth_file, path)
    assert "guesses.zip: found a zip archive" in message
    assert "expected predictions as JSON, JSON Lines, CSV" in message
