import csv
import json
import subprocess
import sys

import pytest

from phraseloc import PROTOCOLS, __version__
from phraseloc.commands import main


@pytest.mark.parametrize("name", ["", *sorted(main.commands)])
@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help(name, flag, run):
    result = run(*filter(None, [name]), flag)
    assert result.exit_code == 0
    assert "Usage: main" in result.stdout
    for command in () if name else main.commands:
        assert f"\n  {command} " in result.stdout


@pytest.mark.parametrize("name", sorted(main.commands))
def test_help_has_an_example(name, run):
    assert f"Example:\n    phraseloc {name}" in run(name, "--help").stdout or (
        f'eval "$(phraseloc {name}' in run(name, "--help").stdout
    )


def test_an_unknown_command(refused):
    assert "No such command 'scores'" in refused("scores")


def test_the_version(run):
    assert run("--version").stdout == f"phraseloc, version {__version__}\n"


def test_protocols_are_listed(run):
    lines = run("protocols").stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(PROTOCOLS)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_shows_every_choice(name, run):
    text = run("protocols", name).stdout
    preset = PROTOCOLS[name]
    assert text.startswith(f"{name}: {preset.summary}\n{preset.citation}\n")
    shown = dict(line.split(maxsplit=1) for line in text.splitlines() if line.startswith("  "))
    assert set(shown) == set(preset.choices())
    assert shown["target"] == preset.target
    assert shown["ranks"] == "1,5,10"
    assert text.endswith(f"\n{preset.signature}\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell, run):
    script = run("completion", shell).stdout
    assert f"_PHRASELOC_COMPLETE={shell}_complete" in script


def test_protocols_are_completed():
    from click.shell_completion import ShellComplete

    complete = ShellComplete(main, {}, "phraseloc", "_PHRASELOC_COMPLETE")
    found = complete.get_completions(["score", "truth.json", "mine.json", "--protocol"], "re")
    assert [item.value for item in found] == ["refcoco", "refcoco-giou"]
    assert [i.value for i in complete.get_completions(["protocols"], "any")] == ["any-box"]


def test_validate_a_file(guess_file, run):
    result = run("validate", guess_file)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "guesses.json: 4 rows, 4 boxes, sound",
        "  keys: complete",
        "  boxes: layout xywh, corners inclusive, origin 1, units pixel",
    ]


def test_validate_a_file_of_row_order(write, run):
    result = run("validate", write("rows.tsv", "10\ta man\t5\t5\n10\ta dog\t6\t6\n"))
    assert result.stdout.startswith("rows.tsv: 2 rows, 2 points, sound\n  keys: by row order\n")


def test_validate_against_ground_truth(truth_file, guess_file, run):
    result = run("validate", guess_file, "--ground-truth", truth_file)
    assert result.exit_code == 0
    assert result.stdout == "guesses.json: sound; 4 of 4 phrases have a prediction\n"


def test_validate_names_what_is_missing(truth_file, guesses, write, run):
    path = write("few.json", guesses[:1])
    result = run("validate", path, "--ground-truth", truth_file)
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "few.json: sound; 1 of 4 phrases have a prediction",
        '  missing: 10#0 word 3 entity 2 "two dogs"',
        '  missing: 10#1 word 2 entity 1 "the rider"',
        '  missing: 11#0 word 1 entity 7 "a red car"',
    ]


def test_validate_names_ten_that_are_missing(truth, guesses, write, run):
    truth += [{**truth[0], "start": 10 + i, "entity": f"e{i}"} for i in range(12)]
    path = write("many.json", truth)
    result = run("validate", write("few.json", guesses), "--ground-truth", path)
    assert result.stdout.count("missing: ") == 10
    assert result.stdout.endswith("  and 2 more\n")


def test_score_takes_a_split(release, pack, guess_file, write, scored):
    split = write("split.txt", "10\n")
    result = scored(pack(release, "release.zip"), guess_file, "--split", split, "--extra", "count")
    assert result["accuracy"]["total"] == 3
    assert result["coverage"]["extra"] == 1


def test_score_takes_overrides(truth_file, guess_file, scored):
    result = scored(truth_file, guess_file, "--set", "target=any", "--set", "threshold=0.9")
    assert result["protocol"]["name"] == "flickr30k+"
    assert result["accuracy"]["correct"] == 4


def test_score_takes_the_bootstraps_options(truth_file, guess_file, scored):
    options = ("--samples", 20, "--seed", 3, "--confidence", 0.5)
    interval = scored(truth_file, guess_file, *options)["interval"]
    assert (interval["samples"], interval["seed"], interval["confidence"]) == (20, 3, 0.5)


def test_score_takes_the_space_of_the_predictions(truth_file, guesses, write, scored):
    for guess in guesses:
        x, y, width, height = guess["box"]
        guess["box"] = [x - 1, y - 1, x - 1 + width, y - 1 + height]
    options = ("--layout", "xyxy", "--corners", "continuous", "--origin", "0")
    result = scored(truth_file, write("edges.json", guesses), *options)
    assert result["accuracy"]["correct"] == 3
    assert result["thresholds"]["0.95"]["correct"] == 3


def test_score_takes_the_space_of_the_ground_truth(truth, guess_file, write, scored):
    for record in truth:
        record["boxes"] = [[x - 1, y - 1, w, h] for x, y, w, h in record["boxes"]]
    path = write("zero.json", truth)
    result = scored(path, guess_file, "--truth-boxes", "origin=0")
    assert result["thresholds"]["0.95"]["correct"] == 3


def test_score_scales_fractions(truth_file, guesses, write, scored):
    sizes = {"10": (200, 100), "11": (300, 300)}
    for guess in guesses:
        x, y, w, h = guess["box"]
        width, height = sizes[guess["image"].partition("#")[0]]
        guess["box"] = [(x - 1) / width, (y - 1) / height, w / width, h / height]
    result = scored(truth_file, write("shares.json", guesses), "--units", "0-1")
    assert result["accuracy"]["correct"] == 3
    assert result["thresholds"]["0.95"]["correct"] == 3


PER_PHRASE = [
    "predictions",
    "protocol",
    "image",
    "sentence",
    "first_word",
    "entity",
    "phrase",
    "categories",
    "boxes",
    "predicted",
    "overlap",
    "best_overlap",
    "correct",
]


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".jsonl.zst"])
def test_per_phrase_results(suffix, truth_file, guesses, write, run, tmp_path):
    target = tmp_path / f"out{suffix}"
    path = write("guesses.json", guesses[:3])
    options = ("--protocol", "strict", "--protocol", "any-box", "--per-phrase", target)
    assert run("score", truth_file, path, *options).exit_code == 0
    rows = read_rows(target)
    assert len(rows) == 8
    assert list(rows[0]) == PER_PHRASE
    assert [str(row["protocol"]) for row in rows] == ["strict"] * 4 + ["any-box"] * 4
    assert [str(row["correct"]) for row in rows[:4]] == ["True", "False", "True", "False"]
    assert [str(row["predicted"]) for row in rows[4:]] == ["True", "True", "True", "False"]
    assert [float(row["overlap"]) for row in rows[:4]] == [1, 0.25, 1, 0]
    assert (rows[2]["image"], rows[2]["phrase"]) == ("10#1".partition("#")[0], "the rider")
    assert rows[2]["categories"] in ("people other", ["people", "other"])


def read_rows(path):
    from phraseloc.formats.source import read_bytes

    content = read_bytes(path)
    if ".parquet" in path.name:
        from pyarrow import parquet

        return parquet.read_table(path).to_pylist()
    text = content.decode()
    if ".jsonl" in path.name:
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(text.splitlines(), delimiter="," if ".csv" in path.name else "\t"))


def test_a_per_phrase_file_replaces_another(truth_file, guess_file, run, write):
    target = write("out.csv", "old")
    run("score", truth_file, guess_file, "--per-phrase", target)
    assert target.read_text().startswith("predictions,protocol,image")


@pytest.mark.parametrize("program", [["cli.py"], ["-m", "phraseloc"]])
@pytest.mark.parametrize("flag", ["--version", "--help"])
def test_other_ways_to_start(program, flag, request):
    done = subprocess.run(
        [sys.executable, *program, flag],
        cwd=request.config.rootpath,
        capture_output=True,
        text=True,
        check=True,
    )
    expected = f"phraseloc, version {__version__}\n" if flag == "--version" else "Usage: "
    assert done.stdout.startswith(expected)
