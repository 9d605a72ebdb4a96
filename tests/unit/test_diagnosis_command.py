"""What ``phraseloc diagnose`` prints and writes, and what it refuses.

Of the four phrases, the man is predicted elsewhere, the dogs as one of them, the rider as the dogs'
union (a quarter of the man), and the car not at all.
"""

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from phraseloc.diagnosis import CLASSES
from phraseloc.report import FORMATS

BOXES = {"a man": [101, 51, 90, 40], "two dogs": [1, 1, 10, 10], "the rider": [1, 1, 20, 20]}
DETECTED = {
    "10": {"bboxes": [[0, 0, 39, 39], [0, 0, 19, 19]], "classes": ["man", "dog"]},
    "12": {"bboxes": [[0, 0, 9, 9]], "classes": ["dog"]},
}
GLOVE = "a 1 0\nman 0 1\nred 1 1\nrider 1 0\n"


@pytest.fixture
def mine(write, guesses):
    """Predictions of three of the four phrases, all wrong."""
    rows = [{**g, "box": BOXES[g["phrase"]]} for g in guesses if g["phrase"] in BOXES]
    return write("mine.json", rows)


@pytest.fixture
def exact(write, guesses):
    guesses[1]["box"] = [1, 1, 20, 20]
    return write("exact.json", guesses)


@pytest.fixture
def objects(write):
    return write("detections.json", DETECTED)


@pytest.fixture
def printed(run, truth_file):
    """Diagnose through the command line, and give what it prints."""

    def diagnose(*arguments, truth=truth_file, stdin=None):
        result = run("diagnose", truth, *arguments, stdin=stdin)
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return result.stdout

    return diagnose


@pytest.fixture
def found(printed):
    """The same as JSON."""
    return lambda *arguments, **more: json.loads(printed(*arguments, "--format", "json", **more))


def counts_of(report):
    return {name: facts["phrases"] for name, facts in report["classes"].items()}


def test_the_classes_and_what_mending_them_gives(found, mine):
    report = found(mine)
    assert report["predictions"] == "mine.json"
    assert report["accuracy"] == {"correct": 0, "total": 4}
    assert {name: count for name, count in counts_of(report).items() if count} == {
        "missing": 1,
        "one of a group": 1,
        "near miss": 1,
        "background": 1,
    }
    assert report["classes"]["near miss"]["accuracy_if_mended"] == 0.25
    assert report["classes"]["near miss"]["meaning"] == "overlap from 0.25 to the threshold"
    assert report["classes"]["same image"]["accuracy_if_mended"] == 0
    assert report["signature"].startswith("phraseloc|flickr30k|target:union|")


def test_the_worst_phrases(found, mine):
    """The man's boxes lie 61 and 11 pixels apart in a hull of 190 x 90."""
    worst = found(mine)["worst"]
    assert [(w["caption"], w["phrase"], w["class"], w["overlap"]) for w in worst] == [
        ("10#0", "a man", "background", 0),
        ("10#0", "two dogs", "one of a group", 0.25),
        ("10#1", "the rider", "near miss", 0.25),
    ]
    assert worst[0]["GIoU"] == round((1600 + 3600) / (190 * 90) - 1, 4)
    assert [w["phrase"] for w in found(mine, "--worst", 1)["worst"]] == ["a man"]
    assert found(mine, "--worst", 0)["worst"] == []


def test_groups_of_errors(found, mine, objects, write):
    vectors = write("glove.txt", GLOVE)
    report = found(mine, "--proposals", objects, "--vectors", vectors)
    shown = {
        title: {
            line["group"]: {name: line[name] for name in CLASSES if line[name]} for line in lines
        }
        for title, lines in report["groups"].items()
    }
    background, one, near, missing = (
        {name: 1} for name in ("background", "one of a group", "near miss", "missing")
    )
    assert shown == {
        "category": {
            "people": near | background,
            "animals": one,
            "other": near,
            "vehicles": missing,
        },
        "words of the phrase": {"2": one | near | background, "3": missing},
        "head noun": {"car": missing, "dogs": one, "man": background, "rider": near},
        "size of the union box": {"small": one, "medium": near | background, "large": missing},
        "boxes of the entity": {"one": missing | near | background, "several": one},
        "objects of the image": {"0": missing, "1 to 9": one | near | background},
        "words with a vector": {"none": one, "some": near | missing, "all": background},
    }
    totals = {line["group"]: line["total"] for line in report["groups"]["category"]}
    assert totals == {"people": 2, "animals": 1, "other": 1, "vehicles": 1}


@pytest.mark.parametrize(
    ("policies", "share"),
    [((), "some"), (("case=keep",), "all"), (("case=keep", "hyphens=keep"), "some")],
)
def test_the_policy_says_what_a_word_is(policies, share, found, mine, truth, write):
    truth[3]["phrase"] = "A red-rider"
    path = write("hyphens.json", truth)
    options = ["--vectors", write("glove.txt", "A 1 0\nred 1 1\nrider 1 0\n")]
    options += [word for policy in policies for word in ("--words", policy)]
    lines = found(mine, *options, truth=path)["groups"]["words with a vector"]
    assert [line["group"] for line in lines if line["missing"]] == [share]


def test_objects_tell_what_the_detector_missed(found, mine, write):
    """Without an object near the man, both phrases of him are the detector's misses."""
    dogs = write("dogs.json", {"10": {"bboxes": [[0, 0, 19, 19]], "classes": ["dog"]}})
    report = found(mine, "--proposals", dogs)
    assert {name: count for name, count in counts_of(report).items() if count} == {
        "missing": 1,
        "no proposal": 2,
        "one of a group": 1,
    }
    assert [w["class"] for w in report["worst"]] == ["no proposal", "one of a group", "no proposal"]


def test_objects_of_a_declared_space(found, mine, write):
    """Read as 1-based xywh, the object is the man's right half."""
    half = write("half.json", {"10": {"bboxes": [[21, 1, 20, 40]], "classes": ["man"]}})
    declared = "--proposals", half, "--proposal-boxes", "layout=xywh,origin=1"
    assert counts_of(found(mine, *declared))["no proposal"] == 1  # the dogs
    assert counts_of(found(mine, *declared, "--protocol", "strict"))["no proposal"] == 3


def test_csv_has_a_row_for_each_group(printed, mine):
    rows = list(csv.DictReader(io.StringIO(printed(mine, "--format", "csv"))))
    assert rows[0] == {
        "grouping": "all",
        "group": "all",
        "total": "4",
        "correct": "0",
        "missing": "1",
        "one of a group": "1",
        "near miss": "1",
        "same caption": "0",
        "same image": "0",
        "part or whole": "0",
        "background": "1",
    }
    assert [row["group"] for row in rows if row["grouping"] == "category"] == [
        *("people", "animals", "other", "vehicles")
    ]
    assert all(None not in row and None not in row.values() for row in rows)


def test_the_table(printed, mine):
    shown = printed(mine)
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    for line in (
        "errors of mine.json",
        "missing no prediction 1 25.0% 25.00% +25.00",
        "same image right for another entity of the image 0 0.0% 0.00% +0.00",
        "all errors 4 100.0% 100.00% +100.00",
        "errors by category",
        "people 2 0.00% 0 0 1 0 0 0 1",
        "10#0 a man background 0.0000 -0.6959",
        "mine.json: 0.00% (0/4) right",
        "the detector's misses are told with --proposals",
    ):
        assert line in lines
    assert "no proposal" not in shown
    assert "errors by objects" not in shown


def test_the_table_with_objects(printed, mine, objects):
    shown = printed(mine, "--proposals", objects, "--worst", 0)
    assert "no proposal     no object of the image would be right" in shown
    assert "told with --proposals" not in shown
    assert "worst phrases" not in shown


@pytest.mark.parametrize(
    ("style", "shown"),
    [
        ("markdown", "| near miss | overlap from 0.25 to the threshold | 1 | 25.0% | 25.00% |"),
        ("latex", r"near miss & overlap from 0.25 to the threshold & 1 & 25.0\% & 25.00\% &"),
        ("markdown", "| 10#0 | two dogs | one of a group | 0.2500 | 0.2500 |"),
        ("latex", r"10\#0 & two dogs & one of a group & 0.2500 & 0.2500 \\"),
    ],
)
def test_styles(style, shown, printed, mine):
    assert shown in printed(mine, "--format", style)


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize("option", [(), ("--worst", 0)])
def test_no_errors_at_all(style, option, printed, exact, objects):
    shown = printed(exact, "--format", style, "--proposals", objects, *option)
    assert "worst phrases" not in shown
    assert "nan" not in shown.lower()
    assert "+1" not in shown
    assert {"json": '"correct": 4', "csv": "all,all,4,4,0,"}.get(style, "(4/4) right") in shown


def test_every_phrase_missing_has_no_worst(found, write, guesses):
    guesses[0].update(image="12#0")
    report = found(write("none.json", guesses[:1]), "--extra", "count")
    assert counts_of(report)["missing"] == 4
    assert report["classes"]["missing"]["accuracy_if_mended"] == 1
    assert report["worst"] == []


def test_an_entity_that_counts_once(found, mine):
    """The man and the rider are one entity, of whom the man is farther off."""
    report = found(mine, "--set", "unit=entity")
    assert {name: count for name, count in counts_of(report).items() if count} == {
        "missing": 1,
        "one of a group": 1,
        "background": 1,
    }
    assert [w["phrase"] for w in report["worst"]] == ["a man", "two dogs"]


@pytest.mark.parametrize("style", FORMATS)
def test_the_order_of_rows_moves_nothing(style, printed, mine, write):
    rows = json.loads(mine.read_text())
    expected = printed(mine, "--format", style)
    turned = write("turned/mine.json", rows[::-1])
    assert printed(turned, "--format", style) == expected


def test_predictions_from_standard_input(found, mine):
    report = found("-", stdin=mine.read_bytes())
    assert counts_of(report) == counts_of(found(mine))


def test_degenerate_boxes_are_errors_where_they_are_admitted(found, refused, mine, truth_file):
    rows = json.loads(mine.read_text())
    rows[2]["box"] = [5, 5, 0, 10]
    mine.write_text(json.dumps(rows))
    assert "zero or negative" in refused("diagnose", truth_file, mine)
    report = found(mine, "--degenerate", "count")
    assert counts_of(report)["background"] == 2
    assert sum(counts_of(report).values()) == 4


def test_ground_truth_of_one_box_a_phrase_has_no_groups(printed, found, mine, truth, write):
    for record in truth:
        first, *more = record.pop("boxes")
        record["box"] = [1, 1, 20, 20] if more else first
    path = write("unions.json", truth)
    assert counts_of(found(mine, truth=path))["one of a group"] == 0
    assert counts_of(found(mine, truth=path))["near miss"] == 2
    assert "unions.json holds one box a phrase" in printed(
        mine, "--protocol", "any-box", truth=path
    )


KEYS = ("image", "sentence", "first_word", "entity", "phrase", "categories", "boxes")
PER_PHRASE = [
    ("a man", "background", 0.0),
    ("two dogs", "one of a group", 0.25),
    ("the rider", "near miss", 0.25),
    ("a red car", "missing", 0.0),
]


def read_back(path):
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    text = path.read_text()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    dialect = "excel" if path.suffix == ".csv" else "excel-tab"
    return list(csv.DictReader(io.StringIO(text), dialect=dialect))


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet"])
def test_the_class_of_every_phrase_in_a_file(suffix, printed, mine, tmp_path):
    path = tmp_path / f"classes.{suffix}"
    printed(mine, "--per-phrase", path)
    rows = read_back(path)
    assert [tuple(row) for row in rows] == [(*KEYS, "overlap", "class")] * 4
    assert [(r["phrase"], r["class"], float(r["overlap"])) for r in rows] == PER_PHRASE
    several = "people other" if suffix in ("csv", "tsv") else ["people", "other"]
    assert rows[2]["categories"] == several
    assert (rows[2]["image"], str(rows[2]["sentence"]), rows[2]["entity"]) == ("10", "1", "1")


def test_right_phrases_are_in_the_file_too(printed, exact, tmp_path):
    path = tmp_path / "classes.csv"
    printed(exact, "--per-phrase", path)
    assert [(row["class"], row["overlap"]) for row in read_back(path)] == [("right", "1.0")] * 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--protocol", "pointing"), "by IoU; protocol pointing has point"),
        (("--protocol", "refcoco-giou"), "by IoU; protocol refcoco-giou has giou"),
        (("--set", "overlap=giou"), "by IoU; protocol flickr30k+ has giou"),
        (("--protocol", "flikr30k"), "did you mean 'flickr30k'?"),
        (("--worst", -1), "--worst"),
        (("--per-phrase", "classes.json"), "expected .csv, .tsv, .jsonl, .parquet"),
        (("--per-phrase", "not/there/classes.csv"), "not/there/classes.csv"),
        (("--vectors", "not-there.txt"), "not-there.txt"),
        (("--proposals", "not-there.json"), "not-there.json"),
        (("--words", "hyphens"), "'hyphens' is no word policy"),
        (("--format", "html"), "--format"),
    ],
)
def test_what_is_refused(options, message, refused, truth_file, mine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in refused("diagnose", truth_file, mine, *options)


def test_a_refused_protocol_writes_no_file(refused, truth_file, mine, tmp_path):
    options = "--protocol", "pointing", "--per-phrase", tmp_path / "classes.csv"
    assert "protocol pointing" in refused("diagnose", truth_file, mine, *options)


def test_objects_of_no_image_are_refused(refused, truth_file, mine, write):
    path = write("other.json", {"12": DETECTED["12"]})
    message = refused("diagnose", truth_file, mine, "--proposals", path)
    assert "no image of truth.json has proposals here" in message


def test_points_are_refused(refused, truth_file, guesses, write):
    for guess in guesses:
        guess["point"] = guess.pop("box")[:2]
    message = refused("diagnose", truth_file, write("points.json", guesses))
    assert "found points, but protocol flickr30k scores boxes" in message


def test_phrases_of_images_that_the_proposals_lack_are_said(run, truth_file, write, guesses):
    """Three wrong phrases are of image 10; the file has objects of image 11 alone."""
    wrong = [{**guess, "box": [150, 60, 20, 20]} for guess in guesses]
    objects = {"11": {"bboxes": [[100, 50, 199, 149]], "classes": ["car"]}}
    files = (truth_file, write("wrong.json", wrong), "--proposals", write("objects.json", objects))
    done = run("diagnose", *files)
    assert "3 wrong phrases are of images that the proposals do not have" in done.stdout
