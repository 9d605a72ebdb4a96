"""Prediction files that cannot be used: each is refused with what was found, where, and why."""

import gzip
import json

import pytest
import zstandard

FIELDS = {
    "image": (7, '"image" is not a string'),
    "phrase": (7, '"phrase" is not a string or a list of tokens'),
    "box": ("1,2,3,4", '"box" is not 4 numbers'),
    "boxes": ([1, 2, 3, 4], '"boxes" is not a list of boxes of 4 numbers'),
    "scores": (0.5, '"scores" is not a list of finite numbers'),
    "point": ([1, 2, 3], '"point" is not 2 numbers'),
    "start": ("0", '"start" is not a whole number from 0'),
    "first_word": (1.5, '"first_word" is not a whole number from 0'),
    "sentence": (True, '"sentence" is not a whole number from 0'),
    "entity": (548, '"entity" is not a string, such as "548"'),
    "phraseId": (1.5, '"phraseId" is not a string or a whole number'),
    "categories": ("people", '"categories" is not a list of strings'),
    "width": ("200", '"width" is not a finite number'),
    "height": ([1], '"height" is not a finite number'),
}


def with_box(guesses, box, row=1):
    guesses[row]["box"] = box
    return guesses


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize(("suffix", "row_name"), [(".json", "record"), (".jsonl", "line")])
def test_a_field_of_the_wrong_type(name, suffix, row_name, truth_file, guesses, write, refused):
    value, kind = FIELDS[name]
    guesses[2][name] = value
    message = refused("score", truth_file, write("bad" + suffix, guesses))
    assert message.startswith(f"phraseloc: bad{suffix}: ")
    assert kind in message
    assert f"  {row_name} 3: found {value!r}\n" in message


@pytest.mark.parametrize("name", ["start", "first_word", "sentence", "phraseId"])
@pytest.mark.parametrize("value", [-1, 2**63, 2**64])
def test_whole_numbers_out_of_range(name, value, truth_file, guesses, write, refused):
    for guess in guesses:
        guess[name] = 0
    guesses[1][name] = value
    message = refused("score", truth_file, write("bad.json", guesses))
    assert f'"{name}" is not' in message
    assert f"record 2: found {value}" in message


def test_a_record_without_an_image(truth_file, guesses, write, refused):
    del guesses[1]["image"]
    message = refused("score", truth_file, write("bad.json", guesses))
    assert 'a record without "image" (1)\n  record 2: found {' in message


def test_a_record_that_is_no_object(truth_file, guesses, write, refused):
    message = refused("score", truth_file, write("bad.json", [*guesses, [1, 2, 3, 4]]))
    assert "a record that is not an object (1)\n  record 5: found [1, 2, 3, 4]" in message


@pytest.mark.parametrize("box", [[1, 2, 3], [1, 2, 3, 4, 5], [1, 2, "3", 4], [1, 2, None, 4]])
def test_a_box_that_is_not_four_numbers(box, truth_file, guesses, write, refused):
    message = refused("score", truth_file, write("bad.json", with_box(guesses, box)))
    assert f'"box" is not 4 numbers (1)\n  record 2: found {box!r}' in message


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
@pytest.mark.parametrize("field", ["box", "boxes", "point", "scores", "width"])
def test_numbers_that_are_not_finite(token, field, truth_file, guesses, write, refused):
    shapes = {
        "box": "[1,2,%s,4]",
        "boxes": "[[1,2,3,4],[1,2,%s,4]]",
        "point": "[%s,4]",
        "scores": "[%s]",
        "width": "%s",
    }
    text = json.dumps(guesses).replace('"10#1",', f'"10#1", "{field}": {shapes[field] % token},')
    if field == "box":
        text = text.replace('"box": [1, 1, 40, 40]}, {"image": "11', '"x": 0}, {"image": "11')
    message = refused("score", truth_file, write("bad.json", text))
    assert "finite" in message
    assert "record 3: found " in message


@pytest.mark.parametrize("row", ["nan\t1\t40\t40", "inf\t1\t40\t40", "1\t1\t1e999\t40"])
def test_numbers_of_a_tsv_that_are_not_finite(row, truth_file, write, refused):
    text = f"10#0\ta man\t1\t1\t40\t40\n10#0\ttwo dogs\t{row}\n"
    message = refused("score", truth_file, write("bad.tsv", text))
    assert "a box with a number that is not finite" in message
    assert f"line 2: found {[float(number) for number in row.split()]}" in message
    assert "Warning" not in message


@pytest.mark.parametrize("box", [[1, 1, 0, 40], [1, 1, 40, 0], [1, 1, -4, 40], [30, 1, 40, -1]])
def test_boxes_without_area(box, truth_file, guesses, write, refused):
    message = refused("score", truth_file, write("bad.json", with_box(guesses, box)))
    assert "a box whose width or height is zero or negative, read as xywh (is it xyxy?)" in message
    assert f"  record 2: found {box!r}\n" in message


def test_boxes_without_area_suggest_the_other_layout(truth_file, guesses, write, refused):
    path = write("bad.json", with_box(guesses, [30, 30, 10, 10]))
    message = refused("score", truth_file, path, "--layout", "xyxy")
    assert "read as xyxy (is it xywh?) (2)\n  record 2: found [30, 30, 10, 10]" in message


@pytest.mark.parametrize(
    ("box", "found"),
    [
        ([500, 1, 40, 40], "x 499 to 539, y 0 to 40"),
        ([1, 1, 300, 40], "x 0 to 300, y 0 to 40"),
        ([-99, 1, 140, 40], "x -100 to 40, y 0 to 40"),
        ([1, 1, 40, 400], "x 0 to 40, y 0 to 400"),
    ],
)
def test_boxes_far_outside_the_image(box, found, truth_file, guesses, write, refused):
    message = refused("score", truth_file, write("bad.json", with_box(guesses, box)))
    assert "a box that leaves its image by more than 25% of its side" in message
    assert "--layout, --origin and --units" in message
    assert f"record 2: found {found} in an image of 200 x 100" in message


def test_boxes_left_of_an_image_of_unknown_size(truth, guesses, write, refused):
    for record in truth:
        del record["width"], record["height"]
    path = write("bad.json", with_box(guesses, [-50, 1, 40, 40]))
    message = refused("score", write("truth.json", truth), path)
    assert "record 2: found x -51 to -11, y 0 to 40 in an image of unknown size" in message


def test_boxes_a_little_outside_the_image_are_scored(truth_file, guesses, write, scored):
    path = write("edge.json", with_box(guesses, [-20, -10, 240, 120]))
    assert scored(truth_file, path)["accuracy"]["total"] == 4


def test_fractions_read_as_pixels(truth_file, guesses, write, refused):
    for guess in guesses:
        guess["box"] = [0.1, 0.1, 0.5, 0.5]
    message = refused("score", truth_file, write("bad.json", guesses))
    assert "are they fractions of the image (--units 0-1)?" in message


@pytest.mark.parametrize("lacking", [(0, 1, 2, 3), (3,)], ids=["all", "one-image"])
def test_fractions_against_ground_truth_without_sizes(lacking, truth, guesses, write, refused):
    for row in lacking:
        del truth[row]["width"], truth[row]["height"]
    for guess in guesses:
        guess["box"] = [0.1, 0.1, 0.5, 0.5]
    path = write("bad.json", guesses)
    message = refused("score", write("truth.json", truth), path, "--units", "0-1")
    assert "boxes in units 0-1 need the images' sizes" in message


def test_an_unknown_image_with_the_nearest(truth_file, guesses, write, refused):
    guesses[3]["image"] = "1l#0"
    message = refused("score", truth_file, write("bad.json", guesses))
    assert "an image that the ground truth does not have" in message
    assert "(--extra count) (1)\n  record 4: found '1l', nearest '1" in message


def test_an_unknown_phrase_with_the_nearest(truth_file, guesses, write, refused):
    guesses[1]["entity"] = "3"
    message = refused("score", truth_file, write("bad.json", guesses))
    assert "a phrase that the ground truth does not have" in message
    assert '  record 2: found 10#0 word 3 entity 3 "two dogs", nearest 10#0 word 3 ent' in message


def test_images_of_which_one_lacks_its_sentence(truth_file, guesses, write, refused):
    guesses[2]["image"] = "10"
    message = refused("score", truth_file, write("bad.json", guesses))
    assert "record 3: found" in message
    assert "record 1:" not in message


@pytest.mark.parametrize("digits", [30, 5_000])
def test_sentence_numbers_without_end(digits, truth_file, guesses, write, refused):
    guesses[0]["image"] = "10#" + "9" * digits
    message = refused("score", truth_file, write("bad.json", guesses))
    assert message.startswith("phraseloc: bad.json: ")
    assert "record 1: found" in message


def test_a_key_that_some_records_lack(truth_file, guesses, write, refused):
    del guesses[1]["entity"]
    message = refused("score", truth_file, write("bad.json", guesses))
    assert '"entity" is missing where other records have it (1)\n  record 2' in message


def test_rows_with_the_same_boxes_are_counted(truth_file, guesses, write, scored):
    result = scored(truth_file, write("twice.json", [*guesses, guesses[0], guesses[0]]))
    assert result["coverage"]["duplicate"] == 2
    assert result["accuracy"]["total"] == 4


def test_rows_with_different_boxes_contradict(truth_file, guesses, write, refused):
    other = {**guesses[0], "box": [1, 1, 40, 41]}
    message = refused("score", truth_file, write("bad.json", [*guesses, other]))
    assert "a phrase with two different predictions (1)" in message
    assert '  record 5: 10#0 word 0 entity 1 "a man", first in record 1\n' in message


@pytest.mark.parametrize(
    "end", ["", '{"image": "11#0", "phr', '{"image": "11#0", ', '{"image": "11#0", "box": [1, 2']
)
def test_json_that_breaks_off(end, truth_file, guesses, write, refused):
    text = json.dumps(guesses)[:-1] + ", " + end
    message = refused("score", truth_file, write("bad.json", text))
    assert message.startswith("phraseloc: bad.json: the text breaks off at ")
    assert message.rstrip().endswith(f"in record {text.count('image')}")


def test_json_lines_that_break_off(truth_file, guesses, write, refused):
    lines = [json.dumps(guess) for guess in guesses]
    message = refused("score", truth_file, write("bad.jsonl", "\n".join(lines)[:-40]))
    assert "bad.jsonl" in message
    assert "line 4: the text breaks off" in message


def test_text_that_is_not_json(truth_file, write, refused):
    message = refused("score", truth_file, write("bad.json", '[\n{"image": }]'))
    assert "phraseloc: bad.json: not JSON at line 2, column 11: Expecting value" in message


def test_every_line_that_is_not_json_is_named(truth_file, guesses, write, refused):
    lines = [json.dumps(guess) for guess in guesses]
    lines[1] = lines[3] = '{"image": oops}'
    message = refused("score", truth_file, write("bad.jsonl", "\n".join(lines)))
    assert "line 2" in message
    assert "line 4" in message


@pytest.mark.parametrize("text", ["[" * 100_000, '[{"image": "1", "x": ' + "[" * 100_000])
def test_json_without_end_of_nesting(text, truth_file, write, refused):
    message = refused("score", truth_file, write("bad.json", text))
    assert "bad.json: not JSON that can be read: " in message


def test_unused_fields_that_nest_without_end(truth_file, guesses, write, refused):
    deep = "[" * 50_000 + "]" * 50_000
    text = json.dumps(guesses).replace('"box"', f'"x": {deep}, "box"', 1)
    message = refused("score", truth_file, write("bad.json", text))
    assert "bad.json: not JSON that can be read: " in message


def test_an_object_without_records(truth_file, write, refused):
    message = refused("score", truth_file, write("bad.json", '{\n"predictions": []\n}'))
    assert 'phraseloc: bad.json: expected an array of records, or {"records": [...]}' in message


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".csv", ".tsv"])
def test_a_byte_order_mark(suffix, truth_file, guesses, write, run, refused, tmp_path):
    sound = tmp_path / f"sound{suffix}"
    assert run("convert", write("guesses.json", guesses), sound).exit_code == 0
    path = write("bad" + suffix, b"\xef\xbb\xbf" + sound.read_bytes())
    message = refused("score", truth_file, path)
    assert f"bad{suffix}: found a UTF-8 byte order mark, expected none" in message


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".csv", ".tsv"])
def test_crlf_line_ends(suffix, truth_file, guesses, write, run, refused, tmp_path):
    sound = tmp_path / f"sound{suffix}"
    assert run("convert", write("guesses.json", guesses), sound).exit_code == 0
    text = sound.read_bytes() if suffix != ".json" else json.dumps(guesses, indent=1).encode()
    message = refused("score", truth_file, write("bad" + suffix, text.replace(b"\n", b"\r\n")))
    assert f"bad{suffix}: line 1: found a CR line end, expected LF" in message


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".csv", ".tsv"])
def test_bytes_that_are_not_utf8(suffix, truth_file, guesses, write, run, refused, tmp_path):
    sound = tmp_path / f"sound{suffix}"
    assert run("convert", write("guesses.json", guesses), sound).exit_code == 0
    text = sound.read_bytes().replace(b"two dogs", b"two d\xf6gs")
    line = text.count(b"\n", 0, text.index(b"\xf6")) + 1
    message = refused("score", truth_file, write("bad" + suffix, text))
    assert f"bad{suffix}: line {line}: found byte 0xf6, expected UTF-8 text" in message


@pytest.mark.parametrize(
    ("lines", "kind", "found"),
    [
        (
            "10#0\ta man\t1\t1\t40\n",
            "a line without the columns image, phrase, x, y, w, h",
            "5 col",
        ),
        ("10#0\ta man\n", "a line without the columns image, phrase, x, y, w, h", "2 columns"),
        (
            "10#0\ta man\t1\t1\tx\t40\n",
            "a line with a box that is not of numbers",
            "['1', '1', 'x'",
        ),
    ],
)
def test_wrong_lines_of_a_tsv(lines, kind, found, truth_file, write, refused):
    text = "10#0\ta man\t1\t1\t40\t40\n" + lines
    message = refused("score", truth_file, write("bad.tsv", text))
    assert f"phraseloc: bad.tsv: {kind}" in message
    assert f"line 2: found {found}" in message


def test_a_tsv_header_that_is_no_assignment(truth_file, write, refused):
    path = write("bad.tsv", "#phraseloc layout\n10#0\ta man\t1\t1\t40\t40\n")
    message = refused("score", truth_file, path)
    assert "bad.tsv: line 1: found 'layout' in the header, expected name=value" in message


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ({"layout": "yxyx"}, "layout is 'yxyx'; expected one of xywh, xyxy"),
        ({"origin": 2}, "origin is 2; expected one of 0, 1"),
        ({"corner": "continuous"}, "unknown corner; expected layout, corners, origin, units"),
        ({"units": "0-1", "origin": 1}, "boxes in units 0-1 are continuous with origin 0"),
    ],
)
def test_headers_that_declare_what_is_not(header, message, truth_file, guesses, write, refused):
    path = write("bad.json", {"phraseloc": header, "records": guesses})
    assert f"phraseloc: bad.json: {message}" in refused("score", truth_file, path)


@pytest.mark.parametrize(
    ("header", "option", "value"),
    [
        ({"layout": "xyxy"}, "--layout", "xywh"),
        ({"corners": "continuous"}, "--corners", "inclusive"),
        ({"origin": 0}, "--origin", "1"),
        ({"units": "0-1"}, "--units", "0-1000"),
    ],
)
def test_headers_that_contradict_the_options(
    header, option, value, truth_file, guesses, write, refused
):
    path = write("bad.jsonl", [{"phraseloc": header}, *guesses])
    [(name, declared)] = header.items()
    message = refused("score", truth_file, path, option, value)
    asked = int(value) if name == "origin" else value
    assert f"its header declares {name} {declared!r}, but {asked!r} was asked for" in message


def test_a_header_that_agrees_with_the_options(truth_file, guesses, write, scored):
    path = write("good.json", {"phraseloc": {"layout": "xywh"}, "records": guesses})
    assert scored(truth_file, path, "--layout", "xywh")["accuracy"]["total"] == 4


@pytest.mark.parametrize("count", [3, 5])
def test_row_order_of_another_length(count, truth_file, write, refused):
    path = write("bad.tsv", "10#0\ta man\t1\t1\t40\t40\n" * count)
    message = refused("score", truth_file, path)
    assert "must be the ground truth's rows in its order (1)" in message
    assert f"found {count} rows, expected 4" in message


def test_row_order_of_other_phrases(truth_file, write, refused, truth):
    rows = [(r["image"], r["phrase"]) for r in truth]
    rows[1], rows[2] = rows[2], rows[1]
    text = "".join(f"{image}\t{phrase}\t1\t1\t40\t40\n" for image, phrase in rows)
    message = refused("score", truth_file, write("bad.tsv", text))
    assert "a row that is not the ground truth's row of the same place (2)" in message
    assert 'line 2: found 10#1 "the rider", expected 10#0 word 3 entity 2 "two dogs"' in message


def test_scores_that_are_not_one_a_box(truth_file, guesses, write, refused):
    for guess in guesses:
        guess["scores"] = [0.5]
    guesses[2]["scores"] = [0.5, 0.4]
    message = refused("score", truth_file, write("bad.json", guesses))
    assert '"scores" are not one a box (1)\n  record 3: found 2 scores, 1 boxes' in message


def test_points_under_a_protocol_of_boxes(truth_file, guesses, write, refused):
    for guess in guesses:
        guess["point"] = guess.pop("box")[:2]
    message = refused("score", truth_file, write("points.json", guesses))
    assert "points.json: found points, but protocol flickr30k scores boxes" in message
    assert "expected protocol pointing" in message


def test_boxes_among_points(truth_file, guesses, write, refused):
    for guess in guesses[:3]:
        guess["point"] = guess.pop("box")[:2]
    path = write("bad.json", guesses)
    message = refused("score", truth_file, path, "--protocol", "pointing")
    assert 'a record without "point" among points (1)\n  record 4' in message


def test_points_among_boxes(truth_file, guesses, write, refused):
    guesses[3]["point"] = guesses[3].pop("box")[:2]
    message = refused("score", truth_file, write("bad.json", guesses))
    assert 'a record with neither "box" nor "boxes" (1)\n  record 4' in message


@pytest.mark.parametrize("keep", [12, 60, -4])
def test_gzip_that_breaks_off(keep, truth_file, guesses, write, refused):
    packed = gzip.compress(json.dumps(guesses).encode())
    message = refused("score", truth_file, write("bad.json.gz", packed[:keep]))
    assert "bad.json.gz: cannot be decompressed: " in message


@pytest.mark.parametrize("keep", [12, 60, -4])
def test_zstd_that_breaks_off(keep, truth_file, guesses, write, refused):
    packed = zstandard.ZstdCompressor().compress(json.dumps(guesses).encode())
    message = refused("score", truth_file, write("bad.json.zst", packed[:keep]))
    assert "bad.json.zst: cannot be decompressed: " in message


def test_zstd_of_several_frames_is_read_to_its_end(truth_file, guesses, write, scored):
    frames = [zstandard.compress(json.dumps(guess).encode() + b"\n") for guess in guesses]
    result = scored(truth_file, write("frames.jsonl.zst", b"".join(frames)))
    assert result["coverage"]["predicted"] == 4


def test_a_parquet_file_that_breaks_off(truth_file, guess_file, write, run, refused, tmp_path):
    assert run("convert", guess_file, tmp_path / "sound.parquet").exit_code == 0
    content = (tmp_path / "sound.parquet").read_bytes()
    message = refused("score", truth_file, write("bad.parquet", content[:-100]))
    assert "bad.parquet: not a Parquet file that can be read: " in message


def test_a_parquet_file_without_the_columns(truth_file, refused, tmp_path):
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"img": ["10"]}), tmp_path / "bad.parquet")
    message = refused("score", truth_file, tmp_path / "bad.parquet")
    assert """bad.parquet: found columns ['img'], expected "image" among them""" in message


@pytest.mark.parametrize("metadata", [b"[1]", b"{", b'"xyxy"', b"\xff"])
def test_parquet_metadata_that_declares_nothing(metadata, truth_file, refused, tmp_path):
    import pyarrow
    from pyarrow import parquet

    table = pyarrow.table({"image": ["10"]}).replace_schema_metadata({b"phraseloc": metadata})
    parquet.write_table(table, tmp_path / "bad.parquet")
    message = refused("score", truth_file, tmp_path / "bad.parquet")
    assert "phraseloc: bad.parquet: " in message
    assert "metadata" in message


def test_an_empty_file(truth_file, write, refused):
    message = refused("score", truth_file, write("bad.json", b""))
    assert message == "phraseloc: bad.json: the file is empty (0 bytes)\n"


def test_empty_standard_input(truth_file, refused):
    message = refused("score", truth_file, "-", stdin=b"")
    assert message == "phraseloc: standard input: the file is empty (0 bytes)\n"


def test_a_file_without_records(write, refused):
    assert "found 0" in refused("validate", write("bad.json", []))


def test_a_missing_file(truth_file, refused, tmp_path):
    message = refused("score", truth_file, tmp_path / "nowhere.json")
    assert message == f"phraseloc: {tmp_path / 'nowhere.json'}: no such file or directory\n"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "a JPEG image"),
        (b"%PDF-1.7\n%", "a PDF"),
        (b"\x89HDF\r\n\x1a\n\0\0", "an HDF5 file"),
        (b"\x80\x04\x95\x09\0\0\0\0\0\0\0}\x94.", "a pickle"),
        (b"\x93NUMPY\x01\0v\0{'descr':\t", "a NumPy array"),
        (b"<!DOCTYPE html>\n<html>", "HTML or XML"),
        (b"<html lang='en'\tdir='ltr'>\n", "HTML"),
        (b"1016887272\n1018148011\n", "a file of no known format"),
    ],
)
@pytest.mark.parametrize("place", ["predictions", "ground truth"])
def test_a_file_of_another_kind(place, content, found, truth_file, guess_file, write, refused):
    other = write("other.json", content)
    paths = (truth_file, other) if place == "predictions" else (other, guess_file)
    message = refused("score", *paths)
    assert f"phraseloc: other.json: found {found}, expected {place} as JSON, JSON Lines" in message


def test_all_problems_of_a_file_come_together(truth_file, guesses, write, refused):
    guesses += [{**guess, "box": [1, 2, 3]} for guess in guesses for _ in range(4)]
    guesses[0]["entity"] = 548
    guesses[1]["box"] = [1, 1, 0, 5]
    guesses[2]["image"] = "12#0"
    guesses[3]["box"] = [900, 1, 5, 5]
    message = refused("score", truth_file, write("bad.json", guesses))
    lines = message.splitlines()
    assert lines[0] == 'phraseloc: bad.json: "entity" is not a string, such as "548" (1)'
    assert lines[1] == "  record 1: found 548"
    assert lines[2] == '"box" is not 4 numbers (16)'
    assert lines[3:13] == [f"  record {row}: found [1, 2, 3]" for row in range(5, 15)]
    assert lines[13] == "  and 6 more"
    assert "zero or negative" in message
    assert "  record 2: found [1, 1, 0, 5]" in message
    assert "an image that the ground truth does not have" in message
    assert "  record 3: found '12'" in message
    assert "leaves its image" in message
    assert "  record 4: found x 899 to 904" in message


def test_rows_after_blank_lines_keep_their_numbers(truth_file, guesses, write, refused):
    lines = [json.dumps(guess) for guess in with_box(guesses, [1, 1, 0, 5], row=3)]
    message = refused("score", truth_file, write("bad.jsonl", "\n\n".join(lines)))
    assert "line 7" in message


def test_degenerate_boxes_count_as_wrong_on_request(truth_file, guesses, write, scored):
    path = write("flat.json", with_box(guesses, [1, 1, 0, 40], row=0))
    result = scored(truth_file, path, "--degenerate", "count")
    assert result["coverage"]["degenerate"] == 1
    assert result["accuracy"]["correct"] == 2


@pytest.mark.parametrize("name", ["flickr30k", "refcoco-giou", "pointing"])
def test_a_flipped_box_is_never_right(name, truth, guesses, write, scored):
    for record in truth:
        del record["width"], record["height"]
    for guess in guesses:
        x, y, width, height = guess["box"]
        guess["box"] = [x + width, y + height, -width, -height]
    paths = (write("truth.json", truth), write("flipped.json", guesses))
    result = scored(*paths, "--degenerate", "count", "--protocol", name)
    assert result["coverage"]["degenerate"] == 4
    assert result["accuracy"]["correct"] == 0


def test_extra_rows_are_counted_on_request(truth_file, guesses, write, scored, refused):
    extra = [{**guesses[0], "image": "99#0"}, {**guesses[0], "entity": "99"}]
    path = write("extra.json", [*guesses, *extra])
    assert scored(truth_file, path, "--extra", "count")["coverage"]["extra"] == 2
    assert "does not have" in refused("score", truth_file, path)
