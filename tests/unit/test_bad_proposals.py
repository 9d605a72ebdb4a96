"""Files of proposals that cannot be used: each is refused with what was found, where, and why."""

import base64
import gzip
import json
import pickle

import numpy as np
import pytest

from phraseloc import InputError, OptionError, PhraselocError
from phraseloc.formats.proposals import load_proposals
from phraseloc.formats.proposals.vocabulary import read_vocabulary
from phraseloc.formats.proposals.write import save_proposals

IMAGE = {"bboxes": [[0, 0, 9, 9], [5, 5, 8, 9]], "classes": ["dog", "cat"]}
RESULT = {"image_id": 7, "category_id": 18, "bbox": [0, 0, 10, 20], "score": 0.5}


def refused(path, **options):
    """Load what cannot be used, and give the message."""
    with pytest.raises(PhraselocError) as error:
        load_proposals(path, **options)
    assert "Traceback" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", ["classes", "attrs", "scores"])
def test_columns_that_are_not_one_a_box(name, write):
    value = [0.5] if name == "scores" else ["dog"]
    bad = {**IMAGE, name: value}
    message = refused(write("p.json", {"1": IMAGE, "2": bad, "3": {**bad, name: value * 3}}))
    assert message == (
        f'p.json: "{name}" that are not one a box (2)\n'
        f"  image 2: found 1 {name}, expected 2\n  image 3: found 3 {name}, expected 2"
    )


@pytest.mark.parametrize(
    "box", [[1, 2, 3], [1, 2, 3, 4, 5], [1, 2, "3", 4], [1, None, 3, 4], [True, 1, 2, 3], 5, {}]
)
def test_a_box_that_is_not_four_numbers(box, write):
    message = refused(write("p.json", {"1": IMAGE, "2": {**IMAGE, "bboxes": [[0, 0, 9, 9], box]}}))
    assert f"p.json: a box that is not 4 numbers (1)\n  image 2 object 2: found {box!r}" in message


@pytest.mark.parametrize("token", ["NaN", "-Infinity", "1e999", "1e16", "1" + "0" * 400])
def test_a_box_that_is_not_finite(token, write):
    text = json.dumps({"1": IMAGE, "2": IMAGE}).replace("[5, 5", f"[5, {token}", 1)
    message = refused(write("p.json", text))
    assert "image 1 object 2: found [5" in message
    assert "not finite" in message or "not 4 numbers" in message


@pytest.mark.parametrize("box", [[5, 5, 4, 9], [5, 5, 9, 4], [5, 5, 3, 3]])
def test_a_box_without_area(box, write):
    message = refused(write("p.json", {"1": {**IMAGE, "bboxes": [[0, 0, 9, 9], box]}}))
    assert "a box whose width or height is zero or negative, read as xyxy (is it xywh?)" in message
    assert f"image 1 object 2: found {box!r}" in message


FIELDS = {
    "bboxes": (5, '"bboxes" is not a list of boxes'),
    "classes": (["dog", 5], '"classes" is not a list of strings'),
    "attrs": ("tall", '"attrs" is not a list of strings'),
    "scores": ([0.5, "x"], '"scores" is not a list of numbers'),
    "width": ("200", '"width" is not a number'),
    "height": ([1], '"height" is not a number'),
}


@pytest.mark.parametrize("name", FIELDS)
def test_a_field_of_the_wrong_type(name, write):
    value, kind = FIELDS[name]
    bad = {**IMAGE, name: value}
    message = refused(write("p.json", {"1": IMAGE, "2": bad, "3": bad}))
    assert f"{kind} (2)\n  image 2: found {value!r}\n  image 3: found {value!r}" in message


@pytest.mark.parametrize("value", [5, [1], None, "x"])
def test_an_image_that_is_no_object(value, write):
    message = refused(write("p.json", {"1": value, "2": IMAGE}))
    assert 'an image that is not an object of "bboxes" and "classes" (1)' in message
    assert f"image 1: found {value!r}" in message


def test_an_image_without_its_fields(write):
    message = refused(write("p.json", {"1": {"boxes": [], "classes": []}}))
    assert "an image without \"bboxes\" (1)\n  image 1: found ['boxes', 'classes']" in message


@pytest.mark.parametrize("second", [IMAGE, {**IMAGE, "bboxes": [[0, 0, 1, 1]]}, 5])
def test_an_image_that_stands_twice(second, write):
    text = f'{{"1": {json.dumps(IMAGE)}, "2": {json.dumps(IMAGE)}, "1": {json.dumps(second)}}}'
    message = refused(write("p.json", text))
    assert "an image that stands twice (1)\n  image 1" in message


def test_every_problem_of_a_file_is_named_at_once(write):
    bad = {"1": 5, "2": {**IMAGE, "scores": "x"}, "3": {**IMAGE, "classes": []}}
    many = {f"{i}": {**IMAGE, "width": "x"} for i in range(10, 22)}
    message = refused(write("p.json", {**bad, **many}))
    for kind in ("an image that is not", '"scores" is not', '"classes" that are not one a box'):
        assert kind in message
    assert '"width" is not a number (12)' in message
    assert "  and 2 more" in message


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (5, None), (1e16, 5)])
def test_a_size_that_is_none(size, write):
    width, height = size
    message = refused(write("p.json", {"1": {**IMAGE, "width": width, "height": height}}))
    assert "a width and height that are no size (1)\n  image 1: found " in message


def test_a_box_far_outside_its_image(write):
    message = refused(write("p.json", {"1": {**IMAGE, "width": 6, "height": 100}}))
    assert "a box that leaves its image by more than 25% of its side; are layout, orig" in message
    assert "image 1 object 1: found x 0 to 10, y 0 to 10 in an image of 6 x 100" in message


def test_fractions_read_as_pixels(write):
    path = write("p.json", {"1": {**IMAGE, "bboxes": [[0, 0, 0.5, 1], [0, 0, 1, 1]]}})
    message = refused(path)
    assert "are they fractions of the image (units 0-1)?" in message
    message = refused(path, units="0-1")
    assert "boxes in units 0-1 need the images' sizes (sizes=) (1)\n  image 1" in message
    assert len(load_proposals(path, units="0-1", sizes={"1": (20, 10)})) == 2


def test_no_image(write):
    assert "p.json: no image (1)\n  found 0 images" in refused(write("p.json", "{}"))
    assert "p.json: no image (1)" in refused(write("p.json", "[]"))


def test_json_that_breaks_off(write):
    for text, content in (("{", {"1": IMAGE, "2": IMAGE}), ("[", [RESULT] * 3)):
        message = refused(write("p.json", text + json.dumps(content)[1:-20]))
        assert "p.json: the text breaks off at line 1, column " in message
    assert "p.json: not JSON at line 2, column 6" in refused(write("p.json", '{\n"1": }'))


@pytest.mark.parametrize("start", ["[", '{"1":'])
def test_json_without_end_of_nesting(start, write):
    assert "p.json: not JSON that can be read: " in refused(write("p.json", start * 100_000))


@pytest.mark.parametrize("text", ['{"\\ud800": {"bboxes": [], "classes": []}}', '{"1": IMAGE}'])
def test_what_the_decoder_alone_refuses(text, write):
    assert "p.json: " in refused(write("p.json", text))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_id": 1.5}, '"image_id" is not a whole number or a string (1)'),
        ({"category_id": "dog"}, '"category_id" is not a whole number (1)'),
        ({"bbox": [1, 2, 3]}, '"bbox" is not 4 numbers (1)'),
        ({"score": "high"}, '"score" is not a number (1)'),
    ],
)
def test_a_field_of_a_result(change, message, write):
    [value] = change.values()
    found = refused(write("r.json", [RESULT, {**RESULT, **change}, RESULT]))
    assert f"r.json: {message}\n  result 2: found {value!r}" in found


@pytest.mark.parametrize("name", ["image_id", "category_id", "bbox"])
def test_a_result_without_a_field(name, write):
    without = {field: value for field, value in RESULT.items() if field != name}
    found = refused(write("r.json", [RESULT, without]))
    assert f'a result without "{name}" (1)\n  result 2: found {{' in found


def test_a_result_that_is_no_object(write):
    message = refused(write("r.json", [RESULT, [1, 2], RESULT]))
    assert "a result that is not an object (1)\n  result 2: found [1, 2]" in message


def test_a_result_of_an_unknown_category(write):
    message = refused(write("r.json", [RESULT, {**RESULT, "category_id": 12}]))
    assert "an id that COCO's categories has no label for (1)" in message
    assert "result 2: found id 12, expected one of 80 ids from 1 to 90" in message


def test_a_result_without_area(write):
    message = refused(write("r.json", [RESULT, {**RESULT, "bbox": [1, 2, 3, 0]}]))
    assert "read as xywh (is it xyxy?) (1)\n  image 7 object 2: found [1, 2, 3, 0]" in message


def encoded(array, dtype="<f4"):
    return base64.b64encode(np.asarray(array, dtype).tobytes()).decode()


def line(changes=(), *, fields=10, objects=(2, 1)):
    """A line of two boxes with some fields changed, by name."""
    six = {"image": "7", "width": "100", "height": "50", "num_boxes": "2"}
    ten = {
        "image": "7",
        "height": "50",
        "width": "100",
        "objects_id": encoded(objects, "<i8"),
        "objects_conf": encoded([0.5, 0.25]),
        "attrs_id": encoded([0, 1], "<i8"),
        "attrs_conf": encoded([0.5, 0.25]),
        "num_boxes": "2",
    }
    named = {
        **(ten if fields == 10 else six),
        "boxes": encoded([[0, 0, 9, 9], [5, 5, 8, 9]]),
        "features": encoded(np.zeros((2, 3))),
        **dict(changes),
    }
    return "\t".join(named.values())


@pytest.fixture
def objects(write):
    return write("objects.txt", "yolk\ngoal\nbathroom")


def test_ids_without_their_labels(write):
    with pytest.raises(OptionError, match=r"p\.tsv: its objects are ids .* as objects"):
        load_proposals(write("p.tsv", line()))


def test_ids_outside_the_vocabulary(write, objects):
    text = f"{line()}\n{line({'image': '8'}, objects=(0, 1600))}\n"
    message = refused(write("p.tsv", text), objects=objects)
    assert message == (
        "p.tsv: an id that objects.txt has no label for (1)\n"
        "  line 2 object 2: found id 1600, expected one of 3 ids from 0 to 2"
    )
    attributes = write("attributes.txt", "tall")
    message = refused(write("p.tsv", line()), objects=objects, attributes=attributes)
    assert (
        "an id that attributes.txt has no label for (1)\n  line 1 object 2: found id 1" in message
    )


def test_negative_ids(write, objects):
    message = refused(write("p.tsv", line(objects=(0, -1))), objects=objects)
    assert "line 1 object 2: found id -1" in message


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.8])
@pytest.mark.parametrize("fields", [6, 10])
def test_a_line_that_breaks_off(cut, fields, write, objects):
    last = line({"image": "8"}, fields=fields)
    text = f"{line(fields=fields)}\n{last[: int(cut * len(last))]}"
    message = refused(write("p.tsv", text), objects=objects)
    assert "  line 2: found " in message
    assert "(1)" in message


def test_lines_of_another_number_of_fields(write, objects):
    text = f"{line()}\n8\t100\t50\n{line(fields=6)}\n\n"
    message = refused(write("p.tsv", text), objects=objects)
    assert message == (
        "p.tsv: a line without 10 fields, split by tabs (3)\n"
        "  line 2: found 3 fields\n  line 3: found 6 fields\n  line 4: found 1 fields"
    )
    message = refused(write("p.tsv", "7\t1\t2\t3\t4\n"))
    assert "a line without 6 or 10 fields, split by tabs (1)\n  line 1: found 5 fields" in message


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("boxes", "b'AAAA'", "boxes that are not base64 (1)\n  line 1: found 7 characters"),
        ("boxes", "AAA=AAAA", "boxes that are not base64 (1)"),
        ("boxes", "A===", "boxes that are not base64 (1)"),
        ("boxes", "AAA\u00e9AAAA", "boxes that are not base64 (1)"),
        ("boxes", encoded([1] * 7), "boxes that are not num_boxes rows (1)\n  line 1: found 28 by"),
        ("objects_id", encoded([1, 2]), "objects_id that are not num_boxes rows (1)"),
        ("objects_conf", encoded([1]), "found 4 bytes, expected 8 for 2 boxes"),
        ("attrs_id", "", "attrs_id that are not num_boxes rows (1)\n  line 1: found 0 bytes, exp"),
        ("attrs_conf", "!", "attrs_conf that are not base64 (1)"),
        ("features", "", "features that are not num_boxes rows (1)\n  line 1: found 0 bytes, exp"),
        ("features", encoded([1] * 5), "found 20 bytes, expected 2 x N numbers of 4 bytes"),
        ("features", "AA#A", "features that are not base64 (1)"),
        ("num_boxes", "3", "objects_id that are not num_boxes rows (1)\n  line 1: found 16 bytes"),
        ("num_boxes", "1.5", "a number of boxes that is not whole (1)\n  line 1: found 1.5"),
        ("num_boxes", "-2", "a number of boxes that is not whole (1)\n  line 1: found -2"),
        ("num_boxes", "two", "num_boxes is not a number (1)\n  line 1: found 'two'"),
        ("width", "1e999", "image_w is not a number (1)\n  line 1: found '1e999'"),
        ("height", "nan", "image_h is not a number (1)\n  line 1: found 'nan'"),
        ("height", "0", "a width and height that are no size (1)\n  image 7: found 100 x 0"),
        ("boxes", encoded([np.nan] * 8), "a box with a number that is not finite"),
        ("boxes", encoded([5, 5, 3, 3] * 2), "read as xyxy (is it xywh?) (2)\n  image 7 object 1"),
        ("objects_conf", encoded([1, np.inf]), "a score that is not finite (1)\n  image 7 object"),
    ],
)
def test_a_wrong_field_of_a_line(name, value, message, write, objects):
    assert message in refused(write("p.tsv", line({name: value})), objects=objects)


def test_features_of_another_width(write):
    text = f"{line(fields=6)}\n{line({'image': '8', 'features': encoded([0] * 8)}, fields=6)}"
    message = refused(write("p.tsv", text))
    assert "line 2: found 32 bytes, expected 2 x 3 numbers of 4 bytes" in message


def test_an_image_that_is_not_text(write):
    data = line(fields=6).encode().replace(b"7", b"\xff", 1)
    assert "an image that is not UTF-8 text (1)\n  line 1" in refused(write("p.tsv", data))


def test_an_image_on_two_lines(write):
    message = refused(write("p.tsv", "\n".join([line(fields=6)] * 2)))
    assert "an image that stands twice (1)\n  image 7" in message


def test_predictions_in_place_of_proposals(write):
    message = refused(write("p.tsv", "10#0\ta man\t1\t1\t40\t40\n"))
    assert "image_w is not a number (1)\n  line 1: found 'a man'" in message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a\n\nb", "a line without a label (1)\n  line 2"),
        ("a\r\nb", "line 1: found a CR line end"),
        ("[]", 'expected a COCO annotation with "categories" of "id" and "name"'),
        ({"categories": []}, 'its "categories" are empty'),
        ({"categories": [{"id": 1, "name": "a"}] * 2}, "an id that stands twice (1)\n  id 1"),
        ({"categories": [{"id": 1}]}, "missing required field `name`"),
        ({"annotations": []}, "missing required field `categories`"),
        (b"\xff", "line 1: found byte 0xff"),
        (b"", "the file is empty (0 bytes)"),
    ],
)
def test_a_bad_vocabulary(content, message, write):
    with pytest.raises(InputError) as error:
        read_vocabulary(write("labels", content))
    assert str(error.value).startswith("labels: ")
    assert message in str(error.value)


def test_scene_labels_of_images_of_unknown_size(write):
    path = write("s.tsv", "7\tpark\n8\tpark\n8\tsky\n9\tsea\n")
    message = refused(path, sizes={"7": (10, 10)})
    assert "s.tsv: an image of unknown size; give sizes, or a file of proposals" in message
    assert "(2)\n  image 8\n  image 9" in message
    detections = write("p.json", {"8": IMAGE, "9": {**IMAGE, "width": 50, "height": 50}})
    message = refused([path, detections], sizes={"7": (10, 10)})
    assert "(1)\n  image 8" in message


def test_wrong_lines_of_scene_labels(write):
    path = write(
        "s.tsv", "7\tpark\npark\n\tpark\n7\t \n7\ta\tb\tc\n7\ta\thigh\n7\ta\tinf\n7\ta\tnan"
    )
    message = refused(path)
    assert "a line that is not image, label and perhaps a score, split by tabs (4)" in message
    assert "line 2: found 'park'" in message
    assert "a score that is not a finite number (3)\n  line 6: found 'high'" in message


COLUMNS = {"image": ["7", "8"], "boxes": [[[0, 0, 9, 9.5]], []], "labels": [["dog"], []]}


@pytest.fixture
def table(tmp_path):
    def write_table(columns, metadata=None):
        import pyarrow
        from pyarrow import parquet

        found = pyarrow.table({n: v for n, v in columns.items() if v is not None})
        found = found.replace_schema_metadata(metadata)
        parquet.write_table(found, tmp_path / "p.parquet")
        return tmp_path / "p.parquet"

    return write_table


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": None}, "found columns ['image', 'labels'], expected boxes among them"),
        ({"labels": None, "image": None}, "found columns ['boxes'], expected image, labels"),
        ({"labels": [["dog", "cat"], []]}, '"labels" that are not one a box (1)\n  image 7: found'),
        ({"labels": [["dog"], None]}, None),
        ({"scores": [[], [0.5]]}, "image 7: found 0 scores, expected 1\n  image 8: found 1 scores"),
        ({"attributes": [["a"], ["b"]]}, "image 8: found 1 attributes, expected 0"),
        ({"boxes": [[[1, 2, 3.0]], []]}, "image 7 object 1: found 3 numbers"),
        ({"boxes": [[[1, 2, 3, None]], []]}, "a box with a number that is not finite"),
        ({"boxes": [[None], []]}, "image 7 object 1: found 0 numbers"),
        ({"boxes": [["abcd"], []]}, "not a Parquet file that can be read: "),
        ({"boxes": [[[5.0, 5, 3, 3]], []]}, "read as xyxy (is it xywh?) (1)\n  image 7 object 1"),
        ({"image": ["7", None]}, "a row without an image (1)\n  row 2"),
        ({"image": ["7", "7"]}, "an image that stands twice (1)\n  image 7"),
        ({"width": [5.0, None], "height": [None, 5.0]}, "a width and height that are no size (2)"),
    ],
)
def test_a_bad_table(change, message, table):
    path = table({**COLUMNS, **change})
    if message is None:
        assert len(load_proposals(path)) == 1
    else:
        assert message in refused(path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({b"phraseloc": b"[]"}, "its phraseloc metadata cannot be read"),
        ({b"phraseloc": b'{"origin": 2}'}, "origin is 2; expected one of 0, 1"),
        ({b"phraseloc": b'{"layout": "xywh"}'}, "its header declares layout 'xywh', but 'xyxy'"),
    ],
)
def test_bad_metadata(metadata, message, table):
    assert message in refused(table(COLUMNS, metadata), layout="xyxy")


@pytest.mark.parametrize("name", [b"image", b"doggy"])
def test_parquet_with_bytes_that_are_not_utf8(name, table):
    path = table({**COLUMNS, "labels": [["doggy"], []]})
    path.write_bytes(path.read_bytes().replace(name, b"\xff" * 5))
    assert "p.parquet: not a Parquet file that can be read: " in refused(path)


@pytest.mark.parametrize("keep", [4, 100, -10])
def test_parquet_that_breaks_off(keep, table):
    path = table(COLUMNS)
    path.write_bytes(path.read_bytes()[:keep])
    assert "p.parquet: not a Parquet file that can be read: " in refused(path)


def test_files_of_other_kinds(write):
    expected = "expected proposals: MAF's JSON, bottom-up attention's TSV, COCO results, Parquet"
    for content, found in [
        ("<!DOCTYPE html>\n<html>", "HTML or XML"),
        ("\n <html>", "HTML"),
        (b"\x89PNG\r\n\x1a\n\t\t", "a PNG image"),
        (pickle.dumps({1: 2}), "a pickle"),
        (b"PK\x03\x04", "a zip archive"),
        ("hello", "a file of no known format"),
        ("\t", None),
    ]:
        message = refused(write("p", content))
        assert found is None or f"p: found {found}" in message
        assert found is None or expected in message


def test_files_that_cannot_be_opened(write, tmp_path):
    assert (
        refused(tmp_path / "absent.json")
        == f"{tmp_path / 'absent.json'}: no such file or directory"
    )
    assert "is a directory" in refused(tmp_path)
    assert refused(write("p.json", "")) == "p.json: the file is empty (0 bytes)"
    packed = gzip.compress(json.dumps({"1": IMAGE}).encode())
    for keep in (12, 40, -4):
        message = refused(write("p.json.gz", packed[:keep]))
        assert "p.json.gz: cannot be decompressed: " in message
    assert "p.gz: the file is empty" in refused(write("p.gz", gzip.compress(b"")))
    lines = gzip.compress((line(fields=6) + "\n").encode() * 9)
    assert "cannot be decompressed" in refused(write("p.tsv.gz", lines[:-12]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xef\xbb\xbf{}", "found a UTF-8 byte order mark, expected none"),
        (b'{"1":\r\n5}', "line 1: found a CR line end, expected LF"),
        (b'{"\xff": 5}', "line 1: found byte 0xff, expected UTF-8 text"),
    ],
)
def test_text_of_other_encodings(content, message, write):
    assert message in refused(write("p.json", content))


def test_sizes_that_disagree(write):
    sized = {**IMAGE, "width": 50, "height": 40}
    one, two = write("one.json", {"7": sized, "8": sized}), write("two.json", {"8": sized})
    assert len(load_proposals([one, two], sizes={"7": (50, 40)})) == 6
    message = refused([one, two], sizes={"7": (50, 40), "8": (50, 41)})
    assert message == (
        "one.json: an image of another size than the sizes given (1)\n"
        "  image 8: found 50 x 40, expected 50 x 41"
    )
    two = write("two.json", {"8": {**sized, "height": 41}})
    message = refused([one, two])
    assert "two.json: an image of another size than in the files before (1)\n  image 8" in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sizes": {"7": (0, 5)}}, "sizes: image 7: found (0, 5), expected width and height"),
        ({"sizes": {"7": (5,)}}, "sizes: image 7: found (5,), expected width and height"),
        ({"layout": "yxyx"}, "layout is 'yxyx'; expected one of xywh, xyxy"),
        ({"corner": "inclusive"}, "unknown corner; expected layout, corners, origin, units"),
        ({"units": "0-1", "origin": 1}, "boxes in units 0-1 are continuous with origin 0"),
    ],
)
def test_options_that_cannot_be_used(options, message, write):
    with pytest.raises(OptionError) as error:
        load_proposals(write("p.json", {"7": IMAGE}), **options)
    assert message in str(error.value)


def test_no_file():
    with pytest.raises(OptionError, match="found no file of proposals, expected at least one"):
        load_proposals([])


def test_files_that_cannot_be_written(write, tmp_path):
    proposals = load_proposals(write("p.json", {"7": IMAGE}))
    with pytest.raises(OptionError, match=r"found suffix '\.tsv', expected \.json, \.parquet"):
        save_proposals(proposals, tmp_path / "p.tsv")
    with pytest.raises(InputError, match="cannot be written: no such file or directory"):
        save_proposals(proposals, tmp_path / "absent" / "p.json")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.json"]
