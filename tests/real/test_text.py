"""The reference scorer's data as its own TSV, and as CSV: the published figure by both paths."""

import json

import pytest

from phraseloc import save_ground_truth, save_predictions
from tests.golden import real_make

pytestmark = pytest.mark.real


@pytest.fixture(scope="session")
def text_files(official, reference, tmp_path_factory):
    """The whole image for every phrase, under the keys of either source."""
    folder = tmp_path_factory.mktemp("text")
    whole = real_make.whole_image(official)
    for suffix in ("tsv", "csv", "csv.gz"):
        save_predictions(whole, folder / f"whole.{suffix}")
        save_ground_truth(reference, folder / f"reference.{suffix}")
    save_ground_truth(official, folder / "official.jsonl")
    return folder


@pytest.mark.parametrize("more", [(), ("--memory", "1GB")], ids=["small", "streamed"])
@pytest.mark.parametrize(
    ("truth", "mine", "respanned"),
    [
        ("official.jsonl", "whole.tsv", 0),
        ("official.jsonl", "whole.csv", 0),
        ("reference.tsv", "whole.tsv", 16),
        ("reference.csv", "whole.tsv", 16),
        ("reference.tsv", "whole.csv.gz", 16),
    ],
)
def test_the_whole_image_has_the_published_accuracy(truth, mine, respanned, more, text_files, run):
    paths = (text_files / truth, text_files / mine)
    done = run("score", *paths, "--format", "json", *more)
    assert done.exit_code == 0, done.stderr
    [scores] = json.loads(done.stdout)
    assert scores["accuracy"]["correct"] == 3185
    assert scores["accuracy"]["total"] == 14_481
    assert scores["coverage"]["respanned"] == respanned
    assert f"{100 * scores['accuracy']['value']:.2f}" == "21.99"
