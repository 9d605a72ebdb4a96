"""Files that are sound: every format is found by its content, read, written and read again."""

import gzip
import itertools
import json
import lzma
from dataclasses import replace

import numpy as np
import pytest
import zstandard

from phraseloc import BoxSpace, load_ground_truth, load_predictions

SUFFIXES = [
    f"{stem}{packing}"
    for stem in (".json", ".jsonl", ".csv", ".tsv", ".txt", ".parquet")
    for packing in ("", ".gz", ".zst")
]
COLUMNS = ("sentence", "first_word", "entity")


def contents(data, columns=COLUMNS):
    """What rows hold, for comparison: keys, texts and boxes."""
    keys = data.keys
    rows = [keys.image.to_list(), keys.phrase.to_list()]
    for name in columns:
        column = getattr(keys, name)
        rows.append(column.to_list() if name == "entity" else column.tolist())
    bounds = data.offsets.tolist()
    rows.append([data.boxes[a:b].tolist() for a, b in itertools.pairwise(bounds)])
    return rows


def columns_of(suffix):
    return COLUMNS[:1] if suffix.startswith((".tsv", ".txt")) else COLUMNS


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_predictions_come_back_as_they_were(suffix, guesses, write, run, tmp_path):
    guesses[0]["box"] = [1.25, 2.5, 40.75, 3]
    source, target = write("in.json", guesses), tmp_path / f"out{suffix}"
    result = run("convert", source, target)
    assert result.exit_code == 0
    assert result.stderr == f"wrote {target}\n"
    columns = columns_of(suffix)
    before, after = load_predictions(source), load_predictions(target)
    assert contents(after, columns) == contents(before, columns)
    assert after.space == BoxSpace()


TABLES = (".csv", ".tsv", ".txt")
"""The suffixes of files that hold one box a phrase."""


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if not s.startswith(TABLES)])
@pytest.mark.parametrize("scored", [True, False])
def test_ranked_predictions_come_back(suffix, scored, guesses, write, run, tmp_path):
    guesses[1]["boxes"] = [[1, 1, 5.5, 5], [2, 2, 6, 6], guesses[1].pop("box")]
    guesses[2]["boxes"] = []
    del guesses[2]["box"]
    if scored:
        for guess in guesses:
            guess["scores"] = [0.9, 0.5, 0.25][: len(guess.get("boxes", "1"))]
    source, target = write("in.json", guesses), tmp_path / f"out{suffix}"
    assert run("convert", source, target).exit_code == 0
    before, after = load_predictions(source), load_predictions(target)
    assert contents(after) == contents(before)
    assert after.ranked
    if scored:
        assert after.scores.tolist() == before.scores.tolist() == [0.9, 0.9, 0.5, 0.25, 0.9]
    else:
        assert after.scores is None


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_points_come_back(suffix, guesses, write, run, tmp_path):
    for guess in guesses:
        x, y, *_ = guess.pop("box")
        guess["point"] = [x + 0.25, y]
    source, target = write("in.json", guesses), tmp_path / f"out{suffix}"
    assert run("convert", source, target).exit_code == 0
    before, after = load_predictions(source), load_predictions(target)
    assert before.points
    assert after.points
    assert contents(after, columns_of(suffix)) == contents(before, columns_of(suffix))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_fractions_stay_fractions(suffix, guesses, write, run, tmp_path):
    for guess in guesses:
        guess["box"] = [0.25, 0.125, 0.5, 1]
    source, target = write("in.json", guesses), tmp_path / f"out{suffix}"
    options = ("--units", "0-1", "--layout", "xyxy")
    assert run("convert", source, target, *options).exit_code == 0
    after = load_predictions(target)
    assert after.space == BoxSpace("xyxy", "continuous", 0, "0-1")
    assert after.boxes.tolist() == [[0.25, 0.125, 0.5, 1]] * 4


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_ground_truth_comes_back(suffix, truth, write, run, tmp_path):
    source, target = write("in.json", truth), tmp_path / f"out{suffix}"
    assert run("convert", "--ground-truth", source, target).exit_code == 0
    before, after = load_ground_truth(source), load_ground_truth(target)
    if suffix.startswith(TABLES):
        assert after.boxes.tolist() == before.union_boxes.tolist()
        assert after.unions_only
        before = replace(before, boxes=before.union_boxes, offsets=np.arange(len(before) + 1))
    if suffix.startswith((".tsv", ".txt")):
        return
    assert contents(after) == contents(before)
    assert after.digest == before.digest
    assert after.image_sizes.tolist() == before.image_sizes.tolist()
    assert after.unions_only == suffix.startswith(TABLES)
    for name in ("categories", "category_offsets", "category_codes"):
        assert list(getattr(after, name)) == list(getattr(before, name))


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".csv", ".parquet"])
def test_sizes_that_only_later_images_have_come_back(suffix, truth, write, run, tmp_path):
    for record in truth[:3]:
        del record["width"], record["height"]
    target = tmp_path / f"out{suffix}"
    assert run("convert", "--ground-truth", write("in.json", truth), target).exit_code == 0
    sizes = load_ground_truth(target).image_sizes
    assert np.isnan(sizes[0]).all()
    assert sizes[1].tolist() == [300, 300]


def test_a_release_becomes_records(release, pack, run, truth_file, tmp_path):
    target = tmp_path / "out.json"
    assert run("convert", pack(release, "release.zip"), target).exit_code == 0
    converted, expected = load_ground_truth(target), load_ground_truth(truth_file)
    assert contents(converted) == contents(expected)
    assert converted.digest == expected.digest


@pytest.mark.parametrize("image", ["[a", "{a", "<a", "<!a", "%PDF", "#a", "#phraseloc", " a"])
def test_a_tsv_whose_first_image_looks_like_another_format(image, write, run, tmp_path):
    source = write("in.json", [{"image": image, "phrase": "x", "box": [1, 1, 5, 5]}])
    assert run("convert", source, tmp_path / "out.tsv").exit_code == 0
    assert load_predictions(tmp_path / "out.tsv").keys.image[0] == image


def test_the_reference_scorers_json_is_written(guess_file, run, tmp_path):
    assert run("convert", guess_file, tmp_path / "out.json").exit_code == 0
    assert json.loads((tmp_path / "out.json").read_bytes()) == json.loads(guess_file.read_bytes())


def test_the_reference_scorers_tsv_is_written(guess_file, run, tmp_path):
    assert run("convert", guess_file, tmp_path / "out.tsv").exit_code == 0
    assert (tmp_path / "out.tsv").read_text() == (
        "10#0\ta man\t1\t1\t40\t40\n"
        "10#0\ttwo dogs\t1\t1\t10\t10\n"
        "10#1\tthe rider\t1\t1\t40\t40\n"
        "11#0\ta red car\t101\t51\t100\t100\n"
    )


def test_writing_twice_gives_the_same_bytes(guess_file, run, tmp_path):
    for suffix in SUFFIXES:
        first, second = tmp_path / f"first{suffix}", tmp_path / f"second{suffix}"
        run("convert", guess_file, first)
        run("convert", guess_file, second)
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".csv", ".tsv", ".parquet"])
def test_standard_input(suffix, guess_file, run, scored, truth_file, tmp_path):
    path = tmp_path / f"in{suffix}"
    run("convert", guess_file, path)
    result = scored(truth_file, "-", stdin=path.read_bytes())
    assert result["predictions"] == "standard input"
    assert result["accuracy"]["correct"] == 3


def test_ground_truth_from_standard_input(truth_file, guess_file, scored):
    result = scored("-", guess_file, stdin=truth_file.read_bytes())
    assert result["ground_truth"]["source"] == "standard input"


@pytest.mark.parametrize("pack_bytes", [gzip.compress, zstandard.compress, lzma.compress])
def test_compression_is_found_by_content(pack_bytes, truth_file, guess_file, write, scored):
    path = write("guesses.json", pack_bytes(guess_file.read_bytes()))
    assert scored(truth_file, path)["accuracy"]["correct"] == 3


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".csv", ".tsv", ".parquet"])
def test_the_suffix_of_a_file_that_is_read_says_nothing(suffix, guess_file, run, tmp_path):
    path = tmp_path / f"in{suffix}"
    run("convert", guess_file, path)
    other = path.rename(tmp_path / "in.dat")
    assert len(load_predictions(other)) == 4


@pytest.mark.parametrize("indent", [None, 0, 2])
@pytest.mark.parametrize("wrapped", [True, False])
def test_layouts_of_json(indent, wrapped, guesses, write):
    content = {"phraseloc": {"origin": 1}, "records": guesses} if wrapped else guesses
    path = write("in.json", "\n " + json.dumps(content, indent=indent) + "\n")
    assert len(load_predictions(path)) == 4


@pytest.mark.parametrize("word", ["records", "phraseloc"])
def test_words_of_the_header_in_phrases(word, guesses, write):
    for guess in guesses:
        guess["phrase"] = ["the", word]
    for name in ("in.json", "in.jsonl"):
        assert load_predictions(write(name, guesses)).keys.phrase[0] == f"the {word}"


@pytest.mark.parametrize("end", ["", "\n"])
def test_the_last_line_end_is_optional(end, guesses, write):
    lines = "\n".join(json.dumps(guess) for guess in guesses)
    assert len(load_predictions(write("in.jsonl", lines + end))) == 4
    rows = "\n".join(f"{guess['image']}\tx\t1\t1\t5\t5" for guess in guesses)
    assert len(load_predictions(write("in.tsv", rows + end))) == 4


def test_one_record_a_file(guesses, write):
    assert len(load_predictions(write("in.jsonl", guesses[:1]))) == 1
    assert len(load_predictions(write("in.json", guesses[:1]))) == 1


HEADER = {"layout": "xyxy", "corners": "continuous", "origin": 0}


def with_header(guesses, kind):
    for guess in guesses:
        x, y, width, height = guess["box"]
        guess["box"] = [x - 1, y - 1, x - 1 + width, y - 1 + height]
    if kind == "json":
        return {"phraseloc": HEADER, "records": guesses}
    if kind == "jsonl":
        return [{"phraseloc": HEADER}, *guesses]
    lines = [" ".join(["#phraseloc", *(f"{k}={v}" for k, v in HEADER.items())])]
    rows = ([guess["image"], guess["phrase"], *guess["box"]] for guess in guesses)
    lines += ["\t".join(map(str, row)) for row in rows]
    return "\n".join(lines)


@pytest.mark.parametrize("kind", ["json", "jsonl", "tsv"])
def test_headers_declare_the_space(kind, guesses, guess_file, write):
    expected = load_predictions(guess_file).boxes.tolist()
    read = load_predictions(write(f"in.{kind}", with_header(guesses, kind)))
    assert read.space == BoxSpace("xyxy", "continuous", 0)
    assert read.boxes.tolist() == expected


@pytest.mark.parametrize("kind", ["json", "jsonl", "tsv"])
def test_options_complete_a_header(kind, guesses, write):
    content = with_header(guesses, kind)
    read = load_predictions(write(f"in.{kind}", content), units="pixel", origin=0)
    assert read.space == BoxSpace("xyxy", "continuous", 0)


def test_the_header_of_parquet_is_metadata(guess_file, run, tmp_path):
    from pyarrow import parquet

    run("convert", guess_file, tmp_path / "out.parquet")
    metadata = parquet.read_schema(tmp_path / "out.parquet").metadata
    assert json.loads(metadata[b"phraseloc"]) == vars(BoxSpace())


@pytest.mark.parametrize(
    ("changes", "sentence", "first_word"),
    [
        ({"image": "10", "sentence": 4, "start": 2}, 4, 2),
        ({"image": "10#4", "first_word": 2}, 4, 2),
        ({"image": "10", "phraseId": 4}, 4, 0),
        ({"image": "10", "phraseId": "4"}, 4, 0),
    ],
)
def test_keys_by_other_names(changes, sentence, first_word, write):
    record = {"entity": "1", "box": [1, 1, 5, 5], **changes}
    keys = load_predictions(write("in.json", [record])).keys
    assert keys.complete
    assert keys.image[0] == "10"
    assert (keys.sentence[0], keys.first_word[0]) == (sentence, first_word)


def test_unused_fields_are_passed_over(truth_file, guesses, write, scored):
    for guess in guesses:
        guess |= {"tokens": ["a"], "score": {"model": None}}
    path = write("in.json", [{**guess, "extra": [1, {"x": None}]} for guess in guesses])
    assert scored(truth_file, path)["accuracy"]["correct"] == 3


def test_tokens_are_joined(write):
    record = {"image": "10#0", "phrase": ["two", "dogs"], "box": [1, 1, 5, 5]}
    assert load_predictions(write("in.json", [record])).keys.phrase[0] == "two dogs"


def test_candidates_are_ranked_by_score_and_ties_stand(write):
    boxes = [[x, 1, 5, 5] for x in (1, 2, 3, 4)]
    record = {"image": "10", "boxes": boxes, "scores": [0.5, 0.9, 0.5, -1.0]}
    read = load_predictions(write("in.json", [record]))
    assert read.boxes[:, 0].tolist() == [1, 0, 2, 3]
    assert read.scores.tolist() == [0.9, 0.5, 0.5, -1.0]


def test_a_split_keeps_its_images(truth_file, write):
    kept = load_ground_truth(truth_file, split=write("split.txt", "11\n12\n"))
    assert kept.keys.image.to_list() == ["11"]
