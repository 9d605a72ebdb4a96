import csv
import io
import json

import msgspec
import pytest

from phraseloc import Interval
from phraseloc.report import FORMATS
from phraseloc.report.tables import Table, to_latex, to_markdown, to_text


class Count(msgspec.Struct):
    correct: int
    total: int
    value: float | None


class Ends(msgspec.Struct):
    low: float
    high: float
    confidence: float
    samples: int
    seed: int


class Category(msgspec.Struct):
    correct: int
    total: int
    value: float | None
    interval: Ends


class Covered(msgspec.Struct, forbid_unknown_fields=True):
    predicted: int
    missing: int
    duplicate: int
    extra: int
    respanned: int
    degenerate: int


class Report(msgspec.Struct):
    """What programs may rely on in a score's JSON."""

    predictions: str
    protocol: dict[str, object]
    accuracy: Count
    interval: Ends
    mean_iou: float
    median_iou: float
    thresholds: dict[str, Count]
    categories: dict[str, Category]
    sizes: dict[str, Count]
    boxes: dict[str, Count]
    recall: dict[str, Count]
    upper_bound: Count | None
    coverage: Covered
    ground_truth: dict[str, object]
    signature: str
    notes: list[str]
    version: str


@pytest.fixture
def printed(run, truth_file, guess_file):
    """Score through the command line, and give what it prints."""

    def print_scores(style, *options, predictions=(guess_file,)):
        result = run("score", truth_file, *predictions, "--format", style, *options)
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        return result.stdout

    return print_scores


def test_json_has_the_fields_that_programs_rely_on(printed):
    [report] = msgspec.json.decode(printed("json"), type=list[Report])
    assert report.accuracy == Count(3, 4, 0.75)
    assert 0 <= report.interval.low <= 0.75 <= report.interval.high <= 1
    assert report.interval.samples == 10_000
    assert report.categories["people"].correct == 2
    assert report.categories["animals"].total == 1
    assert report.mean_iou == pytest.approx((3 + 100 / 400) / 4)
    assert report.protocol["name"] == "flickr30k"
    assert report.signature.startswith("phraseloc|flickr30k|target:union|")
    assert report.coverage == Covered(4, 0, 0, 0, 0, 0)
    assert report.ground_truth["phrases"] == 4
    assert (report.ground_truth["captions"], report.ground_truth["images"]) == (3, 2)


def test_json_of_points_has_no_means(printed, write, guesses):
    for guess in guesses:
        guess["point"] = guess.pop("box")[:2]
    path = write("points.json", guesses)
    [report] = json.loads(printed("json", "--protocol", "pointing", predictions=(path,)))
    assert not [name for name in report if name.startswith(("mean", "median"))]
    assert report["accuracy"]["correct"] == 4


def test_json_has_a_score_for_each_file_and_protocol(printed, write, guesses, guess_file):
    other = write("other.json", guesses)
    reports = json.loads(
        printed(
            "json", "--protocol", "strict", "--protocol", "merged", predictions=(guess_file, other)
        )
    )
    assert [(r["predictions"], r["protocol"]["name"]) for r in reports] == [
        ("guesses.json", "strict"),
        ("guesses.json", "merged"),
        ("other.json", "strict"),
        ("other.json", "merged"),
    ]


def test_files_of_one_name_are_told_apart(printed, write, guesses):
    paths = [write(f"{folder}/out.json", guesses) for folder in "ab"]
    reports = json.loads(printed("json", predictions=paths))
    assert [r["predictions"] for r in reports] == [str(path) for path in paths]


def test_csv_has_a_row_for_each_score(printed):
    text = printed("csv", "--protocol", "strict", "--protocol", "pointing")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["protocol"] for row in rows] == ["strict", "pointing"]
    assert rows[0]["accuracy"] == "0.75"
    assert (rows[0]["correct"], rows[0]["total"]) == ("3", "4")
    assert rows[0]["category.people.correct"] == "2"
    assert float(rows[0]["low"]) <= 0.75 <= float(rows[0]["high"])
    assert all(row["signature"].startswith("phraseloc|") for row in rows)
    assert all(None not in row for row in rows)


@pytest.mark.parametrize("style", ["table", "markdown", "latex"])
def test_tables_show_figures_sections_and_signature(style, printed):
    text = printed(style)
    for shown in ("75.00", "3/4", "people", "flickr30k", "95", "interval"):
        assert shown in text
    assert ("coverage" in text) == (style == "table")
    escaped = text.replace("\\", "")
    assert "guesses.json" in escaped
    assert "phraseloc|flickr30k|target:union" in escaped


@pytest.mark.parametrize("style", FORMATS)
def test_nothing_depends_on_the_run(style, printed):
    assert printed(style) == printed(style)


def test_ranked_predictions_show_recall(printed, write, guesses):
    guesses[1]["boxes"] = [guesses[1].pop("box"), [1, 1, 20, 20]]
    text = printed("table", predictions=(write("ranked.json", guesses),))
    assert "R@1" in text
    assert "upper bound" in text
    assert "100.00 (4/4)" in text


def test_a_note_is_shown(printed, write, truth, run, guess_file):
    for record in truth:
        record["box"] = record.pop("boxes")[0]
    path = write("unions.json", truth)
    result = run("score", path, guess_file, "--protocol", "any-box")
    assert "unions.json holds one box a phrase" in result.stdout
    assert "holds one box a phrase" not in printed("table", "--protocol", "any-box")


def test_files_that_seem_swapped_are_noted(write, truth, guesses, run):
    for record in truth:
        record["box"] = record.pop("boxes")[0]
    result = run("score", write("mine.json", guesses), write("truth.json", truth))
    assert "truth.json has categories, mine.json has none" in result.stdout


def test_a_figure_of_nothing_is_a_dash(printed):
    text = printed("table", "--set", "min_area_share=0.06")
    assert "- (0/0)" in text
    assert "nan" not in text.lower()


TABLE = Table(["name", "a|b"], [["x_1 & 50%", "1"], ["<~^\\{}#$>", "22"]])


def test_text_is_laid_out_in_columns():
    assert to_text(Table(["name", "n"], [["long name", "1"], ["x", "22"]])) == (
        "name        n\nlong name   1\nx          22"
    )


def test_markdown_is_escaped():
    lines = to_markdown(TABLE).splitlines()
    assert lines[0] == "| name | a\\|b |"
    assert lines[1] == "| :-- | --: |"
    assert len(lines) == 4


@pytest.mark.parametrize("mark", "_&%#$")
def test_latex_is_escaped(mark):
    text = to_latex(TABLE)
    assert f"\\{mark}" in text
    assert text.count(mark) - text.count("\\" + mark) == {"&": 3, "$": 4}.get(mark, 0)


def test_latex_spells_marks_that_are_no_letters():
    row = to_latex(TABLE).splitlines()[5]
    assert row == (r"$<$\textasciitilde{}\textasciicircum{}\textbackslash{}\{\}\#\$$>$ & 22 \\")


def test_an_interval_knows_how_it_was_made():
    assert vars(Interval(0.1, 0.2)) == {
        "low": 0.1,
        "high": 0.2,
        "confidence": 0.95,
        "samples": 10_000,
        "seed": 0,
    }
