"""Tables with a line of names: what their columns mean, what is refused, and what is written."""

import csv
import io

import numpy as np
import pytest

from phraseloc import BoxSpace, InputError, load_ground_truth, load_predictions, save_predictions
from phraseloc.formats.tsv import number_of

NAMES = "image,sentence,start,entity,phrase,x,y,w,h"
ROWS = ["10,0,0,1,a man,1,1,40,40", '10,0,3,2,"two ""big"" dogs, wet",1,1,10,10.5']


def table(*lines):
    return "\n".join(lines) + "\n"


def keys_of(data):
    columns = (getattr(data.keys, name) for name in ("image", "sentence", "first_word", "entity"))
    found = [c.tolist() if isinstance(c, np.ndarray) else c.to_list() for c in columns]
    return list(zip(*found, strict=True))


@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
def test_cells_are_the_fields_of_records(delimiter, quoting, write):
    sink = io.StringIO()
    writer = csv.writer(sink, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerow(NAMES.split(","))
    writer.writerow([10, 0, 0, 1, "a man", 1, 1, 40, 40])
    writer.writerow([10, 0, 3, 2, f'two "big"{delimiter} dogs', 1, 1, 10, 10.5])
    found = load_predictions(write("in.dat", sink.getvalue()))
    assert keys_of(found) == [("10", 0, 0, "1"), ("10", 0, 3, "2")]
    assert found.keys.phrase.to_list() == ["a man", f'two "big"{delimiter} dogs']
    assert found.boxes.tolist() == [[0, 0, 40, 40], [0, 0, 10, 10.5]]
    assert found.row_name == "line"
    assert found.rows.tolist() == [2, 3]


@pytest.mark.parametrize(
    ("names", "row"),
    [
        ("image,start,entity", "10#3,7,548"),
        ("entity,first_word,image", "548,7.0,10#3"),
        ("entity,first_word,start,image", "548,7,9,10#3"),
        ("sentence,note,image,start,entity,note", "3.0,x,10,7,548,y"),
    ],
)
def test_columns_may_stand_in_any_order(names, row, write):
    found = load_predictions(write("in.csv", table(f"{names},x,y,w,h", f"{row},1,2,3,4")))
    assert keys_of(found) == [("10", 3, 7, "548")]


def test_the_id_of_a_referring_expression_is_its_sentence(write):
    path = write("in.csv", table("image,phraseId,entity,x,y", "10,4,7,1,2"))
    assert keys_of(load_predictions(path)) == [("10", 4, 0, "7")]


@pytest.mark.parametrize(
    ("columns", "space"),
    [
        ("x,y,w,h", BoxSpace()),
        ("x1,y1,x2,y2", BoxSpace("xyxy")),
        ("y2,x2,y1,x1", BoxSpace("xyxy")),
    ],
)
def test_the_columns_of_the_box_declare_its_layout(columns, space, write):
    values = {"x": 11, "y": 21, "w": 10, "h": 20, "x1": 11, "y1": 21, "x2": 20, "y2": 40}
    row = ",".join(str(values[name]) for name in columns.split(","))
    found = load_predictions(write("in.csv", table(f"image,{columns}", f"10,{row}")))
    assert found.space == space
    assert found.boxes.tolist() == [[10, 20, 20, 40]]


def test_a_point_is_x_and_y(write):
    found = load_predictions(
        write(
            "in.csv",
            table("image,x,y", "10,3,4"),
        ),
        origin=0,
    )
    assert found.points
    assert found.boxes[:, :2].tolist() == [[3.5, 4.5]]


def test_a_header_declares_what_columns_do_not(write):
    header = "#phraseloc corners=continuous origin=0"
    found = load_predictions(write("in.csv", table(header, "image,x1,y1,x2,y2", "10,1,2,3,4")))
    assert found.space == BoxSpace("xyxy", "continuous", 0)
    assert found.rows.tolist() == [3]


def test_ground_truth_has_categories_and_sizes(write):
    names = f"{NAMES},categories,width,height"
    rows = [f"{ROWS[0]},people;other,200,100", f"{ROWS[1]},,200,100", "11,0,1,7,,1,1,9,9,animals,,"]
    truth = load_ground_truth(write("truth.csv", table(names, *rows)))
    assert [truth.categories[code] for code in truth.category_codes] == [
        *("people", "other", "animals")
    ]
    assert truth.category_offsets.tolist() == [0, 2, 2, 3]
    assert truth.image_sizes.tolist()[0] == [200, 100]
    assert np.isnan(truth.image_sizes[1]).all()
    assert truth.unions_only


def test_columns_of_empty_cells_are_as_absent(write):
    path = write("in.csv", table("image,entity,phrase,start,x,y,w,h", "10#1,,,,1,1,5,5"))
    keys = load_predictions(path).keys
    assert (keys.entity, keys.first_word, keys.phrase) == (None, None, None)


NO_BOX = (
    'expected "image" and others, each once, with the box as x, y, w, h or x1, y1, x2, y2, or the '
    "point as x, y"
)


@pytest.mark.parametrize(
    "names",
    [
        "image,phrase",
        "image,box",
        "image,x,y,w",
        "image,x1,y1,x2,y2,x",
        "image,x,y,w,h,y",
        "image,x,y,w,h,image",
        "image,entity,entity,x,y",
    ],
)
def test_columns_that_name_no_box_are_refused(names, write, truth_file, refused):
    message = refused("score", truth_file, write("bad.csv", table(names, "10,1,1,1,1")))
    found = names.replace(",", ", ")
    assert message == f"phraseloc: bad.csv: line 1: found columns {found}; {NO_BOX}\n"


def test_a_header_that_contradicts_the_columns_is_refused(write, truth_file, refused):
    path = write("bad.csv", table("#phraseloc layout=xyxy", NAMES, *ROWS))
    assert refused("score", truth_file, path) == (
        "phraseloc: bad.csv: its header declares layout 'xyxy', but its columns are x, y, w, h\n"
    )


def test_an_option_that_contradicts_the_columns_is_refused(write, truth_file, refused):
    path = write("bad.csv", table(NAMES, *ROWS))
    assert "its header declares layout 'xywh', but 'xyxy' was asked for" in refused(
        "score", truth_file, path, "--layout", "xyxy"
    )


COLUMNS = "a line without the 9 columns that the first one names"
QUOTES = "a line with a quote that is not closed, or with text after it"


@pytest.mark.parametrize(
    ("line", "kind", "found"),
    [
        ("10,0,1,2,x,1,1,5", COLUMNS, "8 columns"),
        ("10,0,1,2,x,y,1,1,5,5", COLUMNS, "10 columns"),
        ("10", COLUMNS, "1 column"),
        ("", COLUMNS, "a blank line"),
        ('10,0,1,2,"x,1,1,5,5', QUOTES, "'10,0,1,2,\"x,1,1,5,5'"),
        ('10,0,1,2,"x"y,1,1,5,5', QUOTES, "'10,0,1,2,\"x\"y,1,1,5,5'"),
        ("10,0,1,2,x,1,1,5,a", "a line with a box that is not of numbers", "['1', '1', '5', 'a']"),
        ("10,0,1,2,x,1,1,,5", "a line with a box that is not of numbers", "['1', '1', '', '5']"),
        (
            "10,0,1,2,x,1,1,1_0,5",
            "a line with a box that is not of numbers",
            "['1', '1', '1_0', '5']",
        ),
        ("10,0,1.5,2,x,1,1,5,5", '"start" is not a whole number from 0', "'1.5'"),
        ("10,0,-1,2,x,1,1,5,5", '"start" is not a whole number from 0', "'-1'"),
        ("10,0,1e17,2,x,1,1,5,5", '"start" is not a whole number from 0', "'1e17'"),
        ("10,nan,1,2,x,1,1,5,5", '"sentence" is not a whole number from 0', "'nan'"),
        (
            ",0,1,2,x,1,1,5,5",
            'a record without "image"',
            "['', '0', '1', '2', 'x', '1', '1', '5', '5']",
        ),
    ],
)
def test_wrong_lines_are_named(line, kind, found, write):
    with pytest.raises(InputError) as caught:
        load_predictions(write("bad.csv", table(NAMES, ROWS[0], line, ROWS[1], line)))
    assert (
        str(caught.value)
        == f"bad.csv: {kind} (2)\n  line 3: found {found}\n  line 5: found {found}"
    )


def test_a_row_without_a_box_is_named(write):
    with pytest.raises(InputError) as caught:
        load_predictions(write("bad.csv", table(NAMES, *ROWS, "11,0,1,2,x,,,,")))
    assert str(caught.value) == 'bad.csv: a record with neither "box" nor "boxes" (1)\n  line 4'


def test_all_that_is_wrong_comes_together(write):
    lines = ["10,0,1,2,x,1,1,5,y", "10,0,-1,2,x,1,1,0,5", "10,0,1,2,x,1,1,0,5"]
    with pytest.raises(InputError) as caught:
        load_predictions(write("bad.csv", table(NAMES, *lines)))
    assert str(caught.value).splitlines() == [
        "bad.csv: a line with a box that is not of numbers (1)",
        "  line 2: found ['1', '1', '5', 'y']",
        '"start" is not a whole number from 0 (1)',
        "  line 3: found '-1'",
        "a box whose width or height is zero or negative, read as xywh (is it xyxy?) (1)",
        "  line 4: found [1, 1, 0, 5]",
    ]


@pytest.mark.parametrize("line", ["10#0,a man,1,1,40,40", "img,x,y,w,h", "image;x;y;w;h"])
def test_tables_without_names_are_no_known_format(line, write):
    with pytest.raises(InputError, match="found a file of no known format, expected predictions"):
        load_predictions(write("bad.csv", table(line, line)))


def test_an_image_called_image_begins_the_reference_scorers_table(write):
    path = write("in.tsv", "image\ta man\t1\t1\t5\t5\n")
    assert load_predictions(path).keys.image.to_list() == ["image"]


def test_names_alone_have_no_record(write):
    with pytest.raises(InputError, match="no record"):
        load_predictions(write("bad.csv", NAMES))


def test_rows_of_one_key_are_duplicates_or_contradict(truth_file, write, scored, refused):
    names = "image,start,entity,x,y,w,h"
    rows = ["10#0,0,1,1,1,40,40", "10#0,3,2,1,1,20,20", "10#1,2,1,1,1,40,40", "10#0,0,1,1,1,40,40"]
    assert scored(truth_file, write("in.csv", table(names, *rows)))["coverage"]["duplicate"] == 1
    other = rows[0].replace("40", "39")
    message = refused("score", truth_file, write("bad.csv", table(names, *rows, other)))
    assert "  line 6: 10#0 word 0 entity 1, first in line 5\n" in message


def test_what_is_written_is_plain_csv(guess_file, run, tmp_path):
    assert run("convert", guess_file, tmp_path / "out.csv").exit_code == 0
    assert (tmp_path / "out.csv").read_text() == (
        "image,phrase,start,entity,x,y,w,h\n"
        "10#0,a man,0,1,1,1,40,40\n"
        "10#0,two dogs,3,2,1,1,10,10\n"
        "10#1,the rider,2,1,1,1,40,40\n"
        "11#0,a red car,1,7,101,51,100,100\n"
    )


def test_ground_truth_is_written_with_all_its_columns(truth_file, run, tmp_path):
    done = run("convert", "--ground-truth", truth_file, tmp_path / "out.csv")
    assert done.exit_code == 0
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == "image,phrase,start,entity,categories,width,height,x,y,w,h"
    assert lines[3] == "10#1,the rider,2,1,people;other,200,100,1,1,40,40"


@pytest.mark.parametrize(
    ("space", "lines"),
    [
        (BoxSpace("xyxy"), ["image,phrase,start,entity,x1,y1,x2,y2"]),
        (
            BoxSpace("xyxy", "continuous", 0),
            ["#phraseloc corners=continuous origin=0", "image,phrase,start,entity,x1,y1,x2,y2"],
        ),
        (BoxSpace(origin=0), ["#phraseloc origin=0", "image,phrase,start,entity,x,y,w,h"]),
    ],
)
def test_spaces_are_declared_where_columns_do_not_tell(space, lines, guess_file, tmp_path):
    before = load_predictions(guess_file)
    save_predictions(before, tmp_path / "out.csv", space)
    text = (tmp_path / "out.csv").read_text()
    assert text.splitlines()[: len(lines)] == lines
    after = load_predictions(tmp_path / "out.csv")
    assert after.space == space
    assert after.boxes.tolist() == before.boxes.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"boxes": [[1, 1, 5, 5], [1, 1, 6, 6]], "box": None}, "CSV holds one box a phrase"),
        ({"phrase": "a\nman"}, r"CSV cannot hold the line end in 'a\\nman'"),
        ({"phrase": "a\rman"}, r"CSV cannot hold the line end in 'a\\rman'"),
    ],
)
def test_what_no_cell_holds_is_not_written(change, message, guesses, write, tmp_path):
    guesses[1] |= change
    predictions = load_predictions(write("in.json", guesses))
    with pytest.raises(InputError, match=message):
        save_predictions(predictions, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("kind", ["a;b", ""])
def test_categories_that_cannot_be_joined_are_not_written(kind, truth, write, refused, tmp_path):
    truth[2]["categories"] = ["people", kind]
    message = refused("convert", "--ground-truth", write("in.json", truth), tmp_path / "out.csv")
    assert f"CSV joins categories by ;: it cannot hold ['people', '{kind}']" in message


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *((" 1.5", 1.5), ("1e3", 1000), (".5", 0.5), ("+1.", 1), ("-0", 0), ("1e999", np.inf)),
        *((text, None) for text in ("", "1_0", "1,5", "0x1", "\uff11", "1e", "true", "1 2")),
    ],
)
def test_numbers_are_plain(text, number):
    assert number_of(text) == number
