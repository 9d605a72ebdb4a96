"""Options and targets that cannot be used: exit code 2, a message, and nothing written."""

import os
import subprocess
import sys

import pytest


def test_an_unknown_protocol_with_the_nearest(truth_file, guess_file, refused):
    message = refused("score", truth_file, guess_file, "--protocol", "flikr30k")
    assert "no protocol 'flikr30k'; did you mean 'flickr30k'? (known: flickr30k, " in message


def test_an_unknown_protocol_of_which_none_is_near(refused):
    message = refused("protocols", "zzz")
    assert message.startswith("phraseloc: no protocol 'zzz' (known: flickr30k, strict")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("threshold", "'threshold' is no protocol setting; expected FIELD=VALUE with a field of"),
        ("treshold=0.5", "'treshold=0.5' is no protocol setting"),
        ("name=mine", "'name=mine' is no protocol setting"),
        ("threshold=half", "protocol field threshold is 'half'; expected a number"),
        ("threshold=1.5", "threshold is 1.5; expected 0 to 1"),
        ("threshold=nan", "threshold is nan; expected 0 to 1"),
        ("min-area-share=2", "min_area_share is 2.0; expected 0 to 1"),
        ("ranks=5,1", "ranks are (5, 1); expected rising whole numbers, 1 first"),
        ("ranks=1,x", "protocol field ranks is '1,x'; expected whole numbers split by commas"),
        ("truncate=maybe", "protocol field truncate is 'maybe'; expected true or false"),
        ("target=all", "protocol field target is 'all'; expected one of union, any, each"),
        ("operator=<", "protocol field operator is '<'; expected one of >=, >"),
    ],
)
def test_settings_that_no_protocol_has(setting, message, truth_file, guess_file, refused):
    assert message in refused("score", truth_file, guess_file, "--set", setting)


@pytest.mark.parametrize(
    "option",
    [
        ("--seed", 2**63),
        ("--seed", "one"),
        ("--samples", 0),
        ("--confidence", "nan"),
        ("--confidence", 1),
        ("--layout", "yxyx"),
        ("--format", "html"),
        ("--nonsense", "1"),
    ],
)
def test_options_out_of_range(option, truth_file, guess_file, refused):
    assert option[0].strip("-") in refused("score", truth_file, guess_file, *option)


def test_missing_predictions_are_an_error_on_request(truth_file, guesses, write, refused):
    path = write("few.json", guesses[:2])
    message = refused("score", truth_file, path, "--set", "missing=error")
    assert 'few.json: a phrase without prediction (2)\n  10#1 word 2 entity 1 "the r' in message


def test_an_area_share_needs_sizes(truth, guess_file, write, refused):
    for record in truth:
        del record["width"], record["height"]
    path = write("truth.json", truth)
    message = refused("score", path, guess_file, "--set", "min_area_share=0.1")
    assert "min_area_share needs the images' sizes, which truth.json does not have" in message


def test_a_protocol_that_leaves_nothing(truth_file, guess_file, refused):
    message = refused("score", truth_file, guess_file, "--set", "min_area_share=1")
    assert "protocol flickr30k+ leaves no phrase to score" in message


@pytest.mark.parametrize("name", ["out.json", "out", "out.xlsx.gz"])
def test_a_per_phrase_file_of_no_known_suffix(name, truth_file, guess_file, refused, tmp_path):
    message = refused("score", truth_file, guess_file, "--per-phrase", tmp_path / name)
    assert "expected .csv, .tsv, .jsonl, .parquet" in message
    assert f"{name}: found suffix '" in message


@pytest.mark.parametrize("name", ["nowhere/out.csv", "folder.csv", f"{'x' * 260}.csv"])
def test_a_per_phrase_file_that_cannot_be_written(name, truth_file, guess_file, refused, tmp_path):
    (tmp_path / "folder.csv").mkdir()
    message = refused("score", truth_file, guess_file, "--per-phrase", tmp_path / name)
    assert f"phraseloc: {tmp_path / name}: cannot be written: " in message


@pytest.mark.parametrize("name", ["nowhere/out.json", "folder.json"])
def test_a_target_that_cannot_be_written(name, guess_file, run, tmp_path):
    (tmp_path / "folder.json").mkdir()
    before = sorted(tmp_path.iterdir())
    result = run("convert", guess_file, tmp_path / name)
    assert result.exit_code == 2
    assert name in result.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_a_target_of_no_known_suffix(guess_file, refused, tmp_path):
    message = refused("convert", guess_file, tmp_path / "out.xls")
    assert (
        "out.xls: found suffix '.xls', expected .json, .jsonl, .csv, .tsv, .txt, .parquet"
        in message
    )


def test_a_target_survives_an_input_that_cannot_be_read(write, refused, tmp_path):
    target = write("out.json", "precious")
    refused("convert", write("bad.json", "[1,"), target)
    assert target.read_text() == "precious"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bad.json", "out.json"]


def test_ranked_boxes_do_not_fit_a_tsv(guesses, write, refused, tmp_path):
    guesses[0]["boxes"] = [guesses[0].pop("box")] * 2
    message = refused("convert", write("ranked.json", guesses), tmp_path / "out.tsv")
    assert "TSV holds one box a phrase; these are ranked: expected .jsonl" in message


@pytest.mark.parametrize("mark", ["\t", "\n", "\r"])
def test_text_that_a_tsv_cannot_hold(mark, guesses, write, refused, tmp_path):
    guesses[0]["phrase"] = f"a{mark}man"
    message = refused("convert", write("odd.json", guesses), tmp_path / "out.tsv")
    assert "TSV cannot hold the tab or line end in ['10#0', " in message


def test_whole_numbers_too_large_for_integers_are_kept_or_refused(write, run, tmp_path):
    path = write("large.json", [{"image": "1", "box": [1, 1, 1e19, 1e19]}])
    result = run("convert", path, tmp_path / "out.json")
    assert result.exit_code == 2 or b"10000000000000000000" in (tmp_path / "out.json").read_bytes()


def test_several_files_of_which_one_is_bad(truth_file, guess_file, write, refused, tmp_path):
    target = tmp_path / "out.csv"
    bad = write("bad.json", "[")
    message = refused("score", truth_file, guess_file, bad, "--per-phrase", target)
    assert message.startswith("phraseloc: bad.json: ")


@pytest.mark.parametrize("program", [["-m", "phraseloc"], ["cli.py"]])
def test_a_process_ends_with_a_message_and_no_traceback(program, write, guess_file, request):
    command = [sys.executable, *program, "score", str(write("bad.json", '[{"image"')), guess_file]
    done = subprocess.run(
        command, cwd=request.config.rootpath, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("phraseloc: bad.json: the text breaks off at ")


def test_a_process_reads_standard_input(truth_file, guess_file):
    command = [sys.executable, "-m", "phraseloc", "score", str(truth_file), "-", "--format", "csv"]
    content = guess_file.read_bytes()
    done = subprocess.run(command, input=content, capture_output=True, check=False, env=os.environ)
    assert done.returncode == 0
    assert done.stdout.splitlines()[1].startswith(b"standard input,flickr30k,0.75,3,4")
