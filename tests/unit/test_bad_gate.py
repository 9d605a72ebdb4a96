"""Baselines, limits and files that the gate refuses: it never passes by mistake."""

import base64
import os
import subprocess
import sys

import pytest

from phraseloc import load_ground_truth
from phraseloc.formats.results import load_results
from tests.gate_files import guess, phrases


def test_a_missing_baseline_is_told_how_to_make(make_world, refused):
    gated = make_world(phrases(4))
    message = refused("gate", gated.truth, gated.predict("mine", []), "--against", gated.baseline)
    assert "baseline.json: there is no such file; --update writes a first baseline" in message


def test_of_several_entries_that_of_the_name_is_taken(gated, refused):
    gated.edit(lambda stored: stored["entries"].append({**stored["entries"][0], "name": "theirs"}))
    assert gated.gate([], name="theirs")[0] == 0
    file = gated.predict("other", [])
    arguments = ("gate", gated.truth, file, "--against", gated.baseline)
    message = refused(*arguments)
    assert "found 0 entries called 'other', expected one; it holds mine, theirs" in message
    assert refused(*arguments, "--update") == message
    result = gated.run("gate", gated.truth, f"mine={file}", "--against", gated.baseline)
    assert result.stdout.startswith("pass: mine 100.00% against 90.00%")
    gated.edit(lambda stored: stored["entries"][1].update(name="mine"))
    assert "found 2 entries called 'mine'" in refused(
        "gate", gated.truth, f"mine={file}", "--against", gated.baseline
    )


def unusable(gated, refused):
    """The message of a baseline that must be refused, with --update and without, and must stay."""
    before = gated.baseline.read_bytes()
    arguments = ("gate", gated.truth, gated.predict("mine", []), "--against", gated.baseline)
    message = refused(*arguments)
    assert refused(*arguments, "--update") == message
    assert gated.baseline.read_bytes() == before
    assert message.startswith(f"phraseloc: {gated.baseline}: ")
    assert message.endswith("; to start anew, remove it and run with --update\n")
    return message


def test_a_baseline_that_breaks_off_anywhere_is_refused(gated, refused):
    whole = gated.baseline.read_bytes().rstrip()
    for length in (*range(0, len(whole), 311), len(whole) - 1):
        gated.baseline.write_bytes(whole[:length])
        unusable(gated, refused)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"12.5", "found no results of a leaderboard: Expected `object`, got `float`"),
        (b'{"protocol": "caf\xe9"}', "found no results of a leaderboard: 'utf-8' codec"),
        (b'{"inputs": {"a": {"b": ' + b"[" * 200_000, "leaderboard: maximum recursion depth"),
        (b'{"layout": 3, "entries": 5}', "found layout 3, expected 2; make the results anew"),
    ],
)
def test_something_else_is_refused(content, message, gated, refused):
    gated.baseline.write_bytes(content)
    assert message in unusable(gated, refused)


def accuracy(correct, total):
    return lambda stored: stored["entries"][0].update(
        accuracy={"correct": correct, "total": total}, marks=None
    )


def marks(**columns):
    packed = {name: base64.b64encode(bits).decode() for name, bits in columns.items()}
    return lambda stored: stored["entries"][0]["marks"].update(packed)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda stored: stored.update(layout=1), "found layout 1, expected 2"),
        (marks(correct=b"\xff" * 24), "found marks of 192 phrases, expected 200"),
        (marks(scored=b"\xff" * 26), "found marks of 208 phrases, expected 200"),
        (marks(scored=b"\x7f" + b"\xff" * 24), "mine and mine are of different phrases"),
        (
            marks(correct=b"\xff" * 25),
            "mine says of the whole that 180 of 200 phrases are right, its marks that 200 of 200",
        ),
        (
            lambda stored: stored["entries"][0]["categories"]["people"].update(correct=179),
            "mine says of 'people' that 179 of 200 phrases are right, its marks that 180 of 200",
        ),
        (accuracy(201, 200), "201 of 200 cannot be right"),
        (accuracy(-1, 200), "-1 of 200 cannot be right"),
        (accuracy(180, 199), "the whole has 199 phrases there and 200 here"),
        (accuracy(0, 0), "the whole has 0 phrases there and 200 here"),
        (
            lambda stored: stored["entries"][0].update(
                categories={"animals": {"correct": 180, "total": 200}}
            ),
            "'people' has 0 phrases there and 200 here, 'animals' has 200 phrases there and 0 here",
        ),
        (
            lambda stored: stored["entries"][0]["scores"].pop("ground_truth"),
            "the scores of mine do not say what was scored: ",
        ),
        (
            lambda stored: stored["entries"][0]["scores"].update(protocol="flickr30k"),
            "the scores of mine do not say what was scored: ",
        ),
        (
            lambda stored: stored["entries"][0]["scores"]["protocol"].pop("unit"),
            "protocol field unit is absent there and phrase here",
        ),
        (
            lambda stored: stored["entries"][0]["scores"]["protocol"].update(wrap=True),
            "protocol field wrap is True there and absent here",
        ),
    ],
)
def test_a_baseline_of_something_else_is_refused(change, message, gated, refused):
    gated.edit(change)
    assert message in unusable(gated, refused)


def test_no_entries_are_none_to_judge_by(gated, refused):
    gated.edit(lambda stored: stored.update(entries=[]))
    file = gated.predict("mine", [])
    message = refused("gate", gated.truth, file, "--against", gated.baseline)
    assert "found 0 entries called 'mine', expected one; it holds nothing" in message


def test_another_ground_truth_is_never_a_pass(gated, write, refused):
    gated.records[3]["boxes"] = [[2, 1, 40, 40]]
    gated.truth = write("truth.json", gated.records)
    message = unusable(gated, refused)
    found = load_ground_truth(gated.truth).union_digest[:12]
    stored = load_results(gated.baseline).ground_truth["sha256"][:12]
    assert (
        f"ground truth sha256 is {stored} (truth.json) there and {found} (truth.json) here"
        in message
    )
    assert "protocol" not in message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--set", "threshold=0.7"), "protocol field threshold is 0.5 there and 0.7 here; to"),
        (("--set", "ranks=1,3"), "protocol field ranks is [1, 5, 10] there and [1, 3] here; to"),
        (("--protocol", "strict"), "protocol field operator is >= there and > here; to"),
        (
            ("--protocol", "any-box"),
            "target is union there and any here, protocol field corners is declared there and ex",
        ),
    ],
)
def test_another_protocol_is_never_a_pass(options, message, gated, refused):
    file = gated.predict("mine", [])
    found = refused("gate", gated.truth, file, "--against", gated.baseline, *options)
    assert message in found


def test_other_boxes_are_no_other_ground_truth_where_the_protocol_looks_for_them(
    make_world, refused
):
    records = phrases(4)
    records[0]["boxes"] = [[1, 1, 40, 20], [1, 21, 40, 20]]
    gated = make_world(records)
    gated.against([])
    file = gated.predict("mine", [])
    message = refused("gate", gated.truth, file, "--against", gated.baseline, "--set", "target=any")
    assert "do not compare: protocol field target is union there and any here; to" in message


def test_other_categories_of_the_same_ground_truth_are_refused(gated, write, refused):
    for record in gated.records[:3]:
        record["categories"] = ["clothing"]
    gated.truth = write("truth.json", gated.records)
    message = unusable(gated, refused)
    assert "'people' has 200 phrases there and 197 here" in message
    assert "'clothing' has 0 phrases there and 3 here" in message


def test_phrases_that_are_skipped_must_be_the_same(make_world, refused):
    gated = make_world(phrases(4))
    skip = ("--set", "missing=skip")

    def predict(absent):
        rows = guess(gated.records, [])
        return gated.write("mine.json", [r for n, r in enumerate(rows) if n not in absent])

    start = ("gate", gated.truth)
    rest = ("--against", gated.baseline, *skip)
    assert gated.run(*start, predict({0}), *rest, "--update").exit_code == 0
    assert gated.run(*start, predict({0}), *rest).exit_code == 0
    assert "mine and mine are of different phrases" in refused(*start, predict({1}), *rest)
    assert "the whole has 19 phrases there and 20 here" in refused(*start, predict(()), *rest)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--tolerance", "nan"), "found tolerance nan and significance 0.05; expected points"),
        (("--tolerance", "inf"), "found tolerance inf"),
        (("--tolerance", "-0.1"), "-0.1 is not in the range x>=0"),
        (("--significance", "nan"), "found tolerance 0.2 and significance nan"),
        (("--significance", "1"), "1.0 is not in the range 0<x<1"),
        (("--samples", "19"), "19 samples find no fall of 1 categories significant at 0.05"),
    ],
)
def test_limits_under_which_nothing_fails_are_refused(options, message, gated, refused):
    file = gated.predict("mine", range(0, 200, 2))
    assert message in refused("gate", gated.truth, file, "--against", gated.baseline, *options)


@pytest.mark.parametrize("option", ["--junit", "--summary"])
def test_a_report_that_cannot_be_written_leaves_the_baseline(option, gated, tmp_path, refused):
    before = gated.baseline.read_bytes()
    file = gated.predict("mine", [])
    nowhere = tmp_path / "nowhere" / "file"
    options = ("--against", gated.baseline, "--update", option, nowhere)
    assert "cannot be written" in refused("gate", gated.truth, file, *options)
    assert gated.baseline.read_bytes() == before


def test_a_steps_summary_that_cannot_be_written_is_an_error(gated, tmp_path, refused, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path))
    file = gated.predict("mine", [])
    message = refused("gate", gated.truth, file, "--against", gated.baseline)
    assert "cannot be written: is a directory" in message


def test_an_update_that_cannot_be_written_leaves_the_old_baseline(gated, tmp_path):
    """A process that may write no byte into files stands for a full disk."""
    before = gated.baseline.read_bytes()
    file = gated.predict("mine", [])
    program = (sys.executable, "-m", "phraseloc", "gate")
    options = ("--against", gated.baseline, "--update")
    names = set(tmp_path.iterdir())
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 0; exec "$@"', "-", *program, gated.truth, file, *options],
        capture_output=True,
        text=True,
        env={**os.environ, "PHRASELOC_CACHE": "off"},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "baseline.json: cannot be written: file too large" in done.stderr
    assert gated.baseline.read_bytes() == before
    assert set(tmp_path.iterdir()) == names


def test_a_directory_in_the_way_is_refused(make_world, tmp_path, refused):
    gated = make_world(phrases(4))
    (tmp_path / "board" / "results.json").mkdir(parents=True)
    arguments = ("gate", gated.truth, gated.predict("mine", []), "--against", tmp_path / "board")
    assert "results.json: is a directory; to start anew" in refused(*arguments, "--update")
