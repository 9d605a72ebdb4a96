"""Comparing methods: wins and losses, what is refused, and what the command prints."""

import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from phraseloc import OptionError, score
from phraseloc.comparison import compare
from phraseloc.formats import load_ground_truth


@pytest.fixture
def files(truth, write):
    """Three prediction files: all right, the first phrase alone right, and nothing right."""
    boxes = [record["boxes"] for record in truth]
    unions = [
        [
            min(b[0] for b in found),
            min(b[1] for b in found),
            max(b[0] + b[2] for b in found) - min(b[0] for b in found),
            max(b[1] + b[3] for b in found) - min(b[1] for b in found),
        ]
        for found in boxes
    ]
    kept = {"all.json": 4, "one.json": 1, "none.json": 0}
    keys = ("image", "start", "entity", "phrase")
    return [
        write(
            name,
            [
                {**{k: r[k] for k in keys}, "box": box if n < count else [90, 90, 2, 2]}
                for n, (r, box) in enumerate(zip(truth, unions, strict=True))
            ],
        )
        for name, count in kept.items()
    ]


def scored(truth_file, files, **options):
    truth = load_ground_truth(truth_file)
    return truth, [score(truth, file, **options) for file in files]


def test_wins_and_losses(truth_file, files):
    truth, scores = scored(truth_file, files)
    against_one, against_none = compare(truth, scores)
    assert (against_one.first, against_one.second) == ("all.json", "one.json")
    assert (against_one.change.wins, against_one.change.losses) == (0, 3)
    assert against_none.change.difference == -1
    assert against_none.mcnemar == 2 / 2**4
    assert {n: (c.wins, c.losses) for n, c in against_none.categories.items()} == {
        "people": (0, 2),
        "animals": (0, 1),
        "other": (0, 1),
        "vehicles": (0, 1),
    }
    values = [against_one.permutation, against_none.permutation]
    assert min(against_one.adjusted, against_none.adjusted) == min(1, 2 * min(values))


def test_a_method_against_itself(truth_file, files):
    truth, scores = scored(truth_file, [files[1], files[1]])
    [found] = compare(truth, scores)
    assert (found.change.wins, found.change.losses, found.change.difference) == (0, 0, 0)
    assert found.mcnemar == found.permutation == found.adjusted == 1
    assert (found.change.interval.low, found.change.interval.high) == (0, 0)


def test_order_of_rows_and_methods(truth_file, files):
    truth, scores = scored(truth_file, files[:2])
    [found] = compare(truth, scores)
    [back] = compare(truth, scores[::-1])
    assert (found.change.wins, found.change.losses) == (back.change.losses, back.change.wins)
    assert found.permutation == back.permutation
    assert found.change.interval.low == -back.change.interval.high
    shuffled = truth.take(np.array([2, 0, 3, 1]))
    again = [score(shuffled, file) for file in files[:2]]
    [other] = compare(shuffled, again)
    assert other.change == found.change
    assert other.permutation == found.permutation


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "strict"}, "pass is >=0.5 and >0.5"),
        ({"protocol": "any-box"}, "target is union and any"),
        ({"seed": 3}, "ci is images-10000-seed0-0.95 and images-10000-seed3-0.95"),
    ],
)
def test_other_signatures_are_refused(options, message, truth_file, files):
    truth, [first, _, _] = scored(truth_file, files)
    other = score(truth, files[1], **options)
    with pytest.raises(OptionError) as error:
        compare(truth, [first, other])
    text = str(error.value)
    assert text.startswith("all.json and one.json cannot be compared, as their signatures differ: ")
    assert message in text


def test_other_ground_truth_is_refused(truth_file, files):
    truth, [first, second, _] = scored(truth_file, files)
    moved = replace(truth, boxes=truth.boxes + 1)
    with pytest.raises(OptionError, match="their signatures differ: gt is "):
        compare(truth, [first, score(moved, files[1])])
    with pytest.raises(OptionError, match="expected two or more methods"):
        compare(truth, [first])
    with pytest.raises(OptionError, match="has no outcomes"):
        compare(truth, [first, replace(second, outcomes=None)])


def test_the_table(run, truth_file, files):
    shown = run("compare", truth_file, *files).stdout
    for text in (
        "against all.json, in points\n",
        "  one.json         -75.00",
        "p, Holm",
        "  vehicles ",
        "all.json, none.json: no difference beyond chance",
        "|n:4|",
    ):
        assert text in shown
    assert "p, Holm" not in run("compare", truth_file, *files[:2]).stdout


def test_json_and_csv(run, truth_file, files):
    found = json.loads(run("compare", truth_file, *files[:2], "--format", "json").stdout)
    [comparison] = found["comparisons"]
    assert comparison["difference"] == -0.75
    assert comparison["change"]["losses"] == 3
    assert [s["accuracy"]["correct"] for s in found["scores"]] == [4, 1]
    lines = run("compare", truth_file, *files[:2], "--format", "csv").stdout
    rows = list(csv.DictReader(io.StringIO(lines)))
    assert [row["group"] for row in rows] == ["all", "people", "animals", "other", "vehicles"]
    assert rows[0]["losses"] == "3"
    assert rows[1]["permutation"] == ""


@pytest.mark.parametrize("style", ["markdown", "latex"])
def test_styles(style, run, truth_file, files):
    shown = run("compare", truth_file, *files, "--format", style).stdout
    assert "one.json" in shown
    assert "-75.00" in shown


def test_one_file_is_refused(refused, truth_file, files):
    assert "Missing argument 'B…'" in refused("compare", truth_file, files[0])


def test_files_of_one_name_are_told_apart(run, truth_file, files, tmp_path):
    other = tmp_path / "again" / "all.json"
    other.parent.mkdir()
    other.write_bytes(files[1].read_bytes())
    shown = run("compare", truth_file, files[0], other).stdout
    assert f"{files[0]}" in shown
    assert f"{other}" in shown


@pytest.fixture
def results(run, truth_file, guess_file, tmp_path):
    """A leaderboard's folder with a method whose name has a colon."""
    folder = tmp_path / "results"
    methods = ("--baselines", "whole-image", "--predictions", f"mine:2={guess_file}")
    assert run("leaderboard", truth_file, *methods, "-o", folder).exit_code == 0
    return folder


def test_a_leaderboards_method_compares_as_it_was_measured(run, truth_file, guess_file, results):
    done = run("compare", truth_file, f"{results}:whole-image", guess_file, "--format", "json")
    direct = run("compare", truth_file, guess_file, f"{results}:mine:2", "--format", "json")
    assert done.exit_code == direct.exit_code == 0, done.output + direct.output
    assert json.loads(done.stdout)["comparisons"][0]["change"]["second"]["correct"] == 3
    assert json.loads(direct.stdout)["comparisons"][0]["change"]["wins"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--set", "threshold=0.7"],
            "their signatures differ: protocol is flickr30k and flickr30k+",
        ),
        (["--samples", "99"], "ci is images-10000-seed0-0.95 and images-99-seed0-0.95"),
        (["--protocol", "any-box"], "target is union and any"),
    ],
)
def test_what_was_measured_otherwise_is_refused_and_named(
    refused, truth_file, guess_file, results, arguments, message
):
    assert message in refused(
        "compare", truth_file, f"{results}:whole-image", guess_file, *arguments
    )


def test_another_ground_truth_than_the_results_is_refused(
    refused, write, truth, guess_file, results
):
    truth[0]["boxes"] = [[2, 2, 40, 40]]
    other = write("other.json", truth)
    message = refused("compare", other, f"{results}:whole-image", guess_file)
    assert re.search(r"signatures differ: gt is \w{12} and \w{12}$", message)


def test_a_method_that_a_folder_does_not_have_is_refused(refused, truth_file, guess_file, results):
    message = refused("compare", truth_file, f"{results}:theirs", guess_file)
    assert "has no method 'theirs': expected one of whole-image, mine:2" in message
    assert "expected" in refused("compare", truth_file, results, guess_file)


def test_two_stored_methods_are_checked_against_the_ground_truth(refused, write, truth, results):
    truth[0]["boxes"] = [[2, 2, 40, 40]]
    pair = (f"{results}:whole-image", f"{results}:mine:2")
    assert "signatures differ: gt is" in refused("compare", write("other.json", truth), *pair)


def test_two_stored_methods_are_not_what_other_options_ask_for(refused, truth_file, results):
    pair = (f"{results}:whole-image", f"{results}:mine:2")
    message = refused("compare", truth_file, *pair, "--protocol", "strict")
    assert "protocol is flickr30k and strict" in message
    assert "ci is" in refused("compare", truth_file, *pair, "--samples", 99)
