"""``protocols --explain``: its tables, its files, and what it refuses."""

import csv
import io
import json
import re

import pytest

from phraseloc.report import FORMATS


@pytest.fixture
def explained(run, truth_file, guess_file):
    """Explain the small files through the command line, and give what it prints."""

    def explain_files(*arguments):
        result = run("protocols", "--explain", truth_file, guess_file, *arguments)
        assert result.exit_code == 0, result.output
        return result.stdout

    return explain_files


SHOWN = """\
**accuracy of guesses.json**

| protocol | accuracy | right/phrases |
| :-- | --: | --: |
| flickr30k | 75.00% | 3/4 |
| any-box | 100.00% | 4/4 |

**phrases that flip from flickr30k to any-box**

| reason | what it is | from -> to | right to wrong | wrong to right | flips | alone changes |
| :-- | :-- | :-- | --: | --: | --: | --: |
| target | union, any or each box | union -> any | 0 | 1 | 1 | 1 |
| corners | +1 on corners | declared -> exclusive | 0 | 0 | 0 | 0 |
| frame | origin as written | declared -> written | 0 | 0 | 0 | 0 |
| all |  |  | 0 | 1 | 1 |  |

- a reason is a field that alone takes a phrase"""


def test_the_tables(explained):
    """One box of two dogs is a quarter of their union; the others' boxes are exact."""
    shown = explained("flickr30k", "any-box", "--format", "markdown")
    assert shown.startswith(SHOWN)
    *_, first, second = shown.splitlines()
    assert first.startswith("- signature: phraseloc|flickr30k|target:union|")
    assert second.startswith("- signature: phraseloc|any-box|target:any|")
    assert "|n:4|gt:" in second


def test_signatures_are_those_of_the_score_without_its_interval(
    explained, scored, truth_file, guess_file
):
    found = json.loads(explained("flickr30k", "any-box", "--format", "json"))
    for side in ("first", "second"):
        report = scored(truth_file, guess_file, "--protocol", found[side]["protocol"]["name"])
        parts = [p for p in report["signature"].split("|") if not p.startswith("ci:")]
        assert found[side]["signature"] == "|".join(parts)
        for key in ("protocol", "accuracy"):
            assert found[side][key] == report[key]


def test_rows_of_several_reasons_and_of_none(run, write, truth, guesses):
    """Halves of the man and of the rider; nine tenths of the car; and a box elsewhere."""
    guesses[0]["box"] = guesses[2]["box"] = [1, 1, 40, 20]
    guesses[3]["box"] = [101, 51, 100, 90]
    files = write("truth.json", truth), write("halves.json", guesses)
    pair = "flickr30k", "strict,corners=exclusive,threshold=0.9"
    lines = run("protocols", "--explain", *files, *pair).stdout.splitlines()
    cells = [re.split(r"\s{2,}", line.strip()) for line in lines]
    rows = {first: others for first, *others in cells}
    several, *ending = list(rows)[list(rows).index("corners") + 1 :][:3]
    assert (several, ending) == ("threshold or operator or corners", ["together", "all"])
    assert rows["threshold"] == ["overlap that passes", "0.5 -> 0.9", "0", "0", "0", "2"]
    assert rows["operator"] == ["strictness (>= or >)", ">= -> >", "0", "0", "0", "2"]
    assert rows["threshold or operator or corners"] == ["each of them alone", "2", "0", "2"]
    assert rows["together"] == ["only fields together", "1", "0", "1"]
    assert rows["all"] == ["3", "0", "3"]


def test_json(explained):
    found = json.loads(
        explained("flickr30k", "strict,target=any,threshold=0.2", "--format", "json")
    )
    assert found["predictions"] == "guesses.json"
    assert found["first"]["accuracy"] == {"correct": 3, "total": 4, "value": 0.75}
    assert found["second"]["name"] == "strict,target=any,threshold=0.2"
    assert found["second"]["protocol"]["name"] == "strict+"
    assert [field["field"] for field in found["fields"]] == ["target", "threshold", "operator"]
    assert [field["alone"] for field in found["fields"]] == [1, 1, 0]
    assert found["fields"][1] | {"first": 0.5, "second": 0.2} == found["fields"][1]
    counts = {row["reason"]: (row["wrong_to_right"], row["flips"]) for row in found["reasons"]}
    assert counts["target or threshold"] == (1, 1)
    assert sum(flips for _, flips in counts.values()) == found["flips"] == 1


def test_csv(explained):
    text = explained("flickr30k", "any-box,min_area_share=0.05", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["reason"] for row in rows] == [
        "target",
        "corners",
        "frame",
        "min_area_share",
        "all",
    ]
    filtered, total = rows[-2:]
    assert (filtered["from"], filtered["to"]) == ("0.0", "0.05")
    assert (filtered["wrong_to_not_scored"], filtered["right_to_not_scored"]) == ("1", "0")
    assert (filtered["flips"], filtered["alone"], total["flips"]) == ("1", "1", "1")
    assert [
        total[f"{place}_{n}"] for place in ("first", "second") for n in ("correct", "total")
    ] == [
        *("3", "4"),
        *("3", "3"),
    ]


def test_csv_of_several_fields_has_no_values(explained):
    text = explained("flickr30k", "flickr30k,target=any,threshold=0.2", "--format", "csv")
    row = list(csv.DictReader(io.StringIO(text)))[2]
    assert (row["reason"], row["flips"]) == ("target or threshold", "1")
    assert row["from"] == row["to"] == row["alone"] == ""


def test_values_are_spelt_as_they_are_set(explained):
    assert "false -> true" in explained("strict", "strict,truncate=true")


@pytest.mark.parametrize("style", ["table", "markdown", "latex"])
def test_columns_of_phrases_that_are_not_scored_where_there_are_any(style, explained):
    shown = explained("flickr30k", "any-box,min_area_share=0.05", "--format", style)
    assert "wrong to not scored" in shown
    assert "not scored to" not in shown
    assert "right to not scored" not in shown
    assert "not scored" not in explained("flickr30k", "any-box", "--format", style)


@pytest.mark.parametrize("style", FORMATS)
def test_every_format_names_both_protocols_and_the_field(style, explained):
    shown = explained("flickr30k", "any-box", "--format", style)
    for name in ("flickr30k", "any-box", "target", "corners"):
        assert name in shown
    assert shown == explained("flickr30k", "any-box", "--format", style)


def test_protocols_of_the_same_choices_are_noted(explained):
    assert "flickr30k and refcoco differ in nothing that can flip a phrase" in explained(
        "flickr30k", "refcoco"
    )


def test_a_field_that_cannot_be_tried_alone_is_noted(explained):
    shown = explained("refcoco-giou,threshold=-0.5", "flickr30k")
    assert "overlap cannot be tried alone: threshold is -0.5; expected 0 to 1" in shown
    [row] = [line for line in shown.splitlines() if line.startswith("  overlap  ")]
    assert row.endswith(" -")


def test_ground_truth_of_unions_is_noted_once_for_each_protocol(run, write, truth, guess_file):
    for record in truth:
        record["box"] = record.pop("boxes")[0]
    path = write("unions.json", truth)
    for pair, count in ((("flickr30k", "strict"), 0), (("flickr30k", "any-box"), 1)):
        shown = run("protocols", "--explain", path, guess_file, *pair).stdout
        assert shown.count("unions.json holds one box a phrase") == count
    again = run(
        "protocols", "--explain", path, guess_file, "any-box", "any-box,threshold=0.6"
    ).stdout
    assert "any-box needs them all" in again
    assert "any-box+ needs them all" in again


def test_files_that_seem_swapped_are_noted_once(run, write, truth, guesses):
    for record in truth:
        record["box"] = record.pop("boxes")[0]
    files = write("mine.json", guesses), write("truth.json", truth)
    shown = run("protocols", "--explain", *files, "flickr30k", "strict").stdout
    assert shown.count("truth.json has categories, mine.json has none") == 1


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_a_row_for_each_phrase_that_flips(suffix, explained, tmp_path):
    path = tmp_path / f"flips.{suffix}"
    explained("flickr30k", "strict,target=any,threshold=0.2", "--per-phrase", path)
    if suffix == "jsonl":
        [row] = map(json.loads, path.read_text().splitlines())
        assert row["reasons"] == ["target", "threshold"]
    else:
        delimiter = "," if suffix == "csv" else "\t"
        [row] = csv.DictReader(io.StringIO(path.read_text()), delimiter=delimiter)
        assert row["reasons"] == "target threshold"
    assert (row["image"], row["entity"], row["phrase"]) == ("10", "2", "two dogs")
    assert (float(row["overlap_a"]), float(row["overlap_b"])) == (0.25, 1.0)
    assert (row["state_a"], row["state_b"]) == ("wrong", "right")


def test_rows_of_phrases_that_are_not_scored_have_no_overlap(explained, tmp_path):
    lines, table = tmp_path / "flips.jsonl", tmp_path / "flips.csv"
    for path in (lines, table):
        explained("flickr30k,min_area_share=0.05", "flickr30k", "--per-phrase", path)
    [row] = map(json.loads, lines.read_text().splitlines())
    assert (row["overlap_a"], row["overlap_b"]) == (None, 0.25)
    assert (row["state_a"], row["state_b"]) == ("not scored", "wrong")
    [row] = csv.DictReader(io.StringIO(table.read_text()))
    assert (row["overlap_a"], row["overlap_b"]) == ("", "0.25")


def test_rows_of_fields_together(run, write, truth, guesses, tmp_path):
    guesses[0]["box"] = [1, 1, 40, 24]
    files = write("truth.json", truth), write("mine.json", guesses)
    path = tmp_path / "flips.csv"
    pair = "flickr30k", "strict,threshold=0.6"
    assert run("protocols", "--explain", *files, *pair, "--per-phrase", path).exit_code == 0
    [row] = csv.DictReader(io.StringIO(path.read_text()))
    assert (row["phrase"], row["reasons"], row["overlap_a"]) == ("a man", "together", "0.6")


@pytest.mark.parametrize(("suffix", "mark"), [("csv", ","), ("tsv", "\t")])
def test_no_flip_gives_a_file_of_heads(suffix, mark, explained, tmp_path):
    some, none = tmp_path / f"some.{suffix}", tmp_path / f"none.{suffix}"
    explained("flickr30k", "any-box", "--per-phrase", some)
    explained("flickr30k", "refcoco", "--per-phrase", none)
    assert none.read_text() == some.read_text().splitlines()[0] + "\n"
    assert none.read_text().startswith(mark.join(["image", "sentence", "first_word", "entity"]))


def test_options_of_reading_are_honoured(run, truth_file, write, guesses):
    guesses.append({"image": "12#0", "phrase": "x", "start": 0, "entity": "1", "box": [1, 1, 2, 2]})
    files = truth_file, write("more.json", guesses)
    pair = "flickr30k", "any-box"
    assert run("protocols", "--explain", *files, *pair).exit_code == 2
    assert run("protocols", "--explain", *files, *pair, "--extra", "count").exit_code == 0
    split = write("split.txt", "11\n")
    shown = run("protocols", "--explain", *files, *pair, "--extra", "count", "--split", split)
    assert "1/1" in shown.stdout


def test_the_origin_of_the_predictions_counts(run, write):
    """Three by three pixels: shifted by one, 4 of 14 are shared; as written, all are."""
    truth = [{"image": "1#0", "phrase": "a", "start": 0, "entity": "1", "box": [1, 1, 3, 3]}]
    files = write("truth.json", truth), write("mine.json", truth)
    pair = "flickr30k", "strict,frame=written"
    ours, theirs = ("--truth-boxes", "origin=0"), ("--origin", 0)
    for options, flips in ((theirs, "1"), ((), "0"), ((*ours, *theirs), "0")):
        shown = run("protocols", "--explain", *files, *pair, *options).stdout
        [row] = [line for line in shown.splitlines() if line.startswith("  frame ")]
        assert row.split()[-4:] == ["0", flips, flips, flips]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("flikr30k", "strict"), "no protocol 'flikr30k'; did you mean 'flickr30k'?"),
        (("strict", "any-bux,target=any"), "no protocol 'any-bux'; did you mean 'any-box'?"),
        (("strict,treshold=0.7", "strict"), "'treshold=0.7' is no protocol setting"),
        (("strict,", "strict"), "'' is no protocol setting; expected FIELD=VALUE"),
        (("strict", "strict,threshold=7"), "threshold is 7.0; expected 0 to 1"),
        (("strict", "strict,unit=entity"), "has unit entity, under which a phrase has no state"),
        (("strict", "any-box", "--per-phrase", "flips.txt"), "flips.txt: found suffix '.txt', exp"),
        (("strict", "any-box", "merged"), "found 'merged' beside --explain"),
        (("strict",), "Option '--explain' requires 4 arguments"),
    ],
)
def test_what_cannot_be_used_is_refused_before_anything_is_read(arguments, message, refused):
    assert message in refused("protocols", "--explain", "absent.json", "absent.json", *arguments)


def test_a_file_that_is_not_there(refused, truth_file, tmp_path):
    flips = tmp_path / "flips.csv"
    arguments = (truth_file, "absent.json", "strict", "any-box", "--per-phrase", flips)
    assert "absent.json: no such file" in refused("protocols", "--explain", *arguments)


def test_unrelated_captions_are_left_out_of_a_release_only(refused, write, truth_file, guess_file):
    arguments = (truth_file, guess_file, "strict", "any-box", "--unrelated")
    message = refused("protocols", "--explain", *arguments, write("unrelated.txt", "10 1\n"))
    assert "truth.json: unrelated captions are left out of releases only" in message


def test_a_protocol_that_leaves_no_phrase(refused, truth_file, guess_file):
    pair = ("strict", "strict,min_area_share=0.9")
    message = refused("protocols", "--explain", truth_file, guess_file, *pair)
    assert "protocol strict+ leaves no phrase to score" in message


def test_options_of_an_explanation_mean_nothing_without_one(run):
    options = ("--format", "json", "--per-phrase", "flips.nothing", "--origin", 0)
    for name in ([], ["strict"]):
        assert run("protocols", *name, *options).stdout == run("protocols", *name).stdout
