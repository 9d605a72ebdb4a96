"""The published figure, and every preset's figures, on the real test split.

Predicting the whole image is right for 3,185 of 14,481 phrases, the 21.99% of Tables 2 and 5 of
Wang et al., MAF, EMNLP 2020. The other figures are pinned by ``tests/golden/real_make.py``.
"""

import json
import os
import subprocess
import sys

import pytest

from phraseloc import PROTOCOLS, save_predictions, score
from tests.golden import real_make

pytestmark = pytest.mark.real

GOLDEN = json.loads(real_make.GOLDEN.read_text())
UNIONS = [name for name, protocol in PROTOCOLS.items() if protocol.target == "union"]


@pytest.fixture(scope="session")
def predictions(official):
    return {name: make(official) for name, make in real_make.PREDICTIONS.items()}


def test_nothing_is_pinned_that_is_not_tested():
    assert list(GOLDEN) == list(real_make.PREDICTIONS)
    assert {tuple(figures) for figures in GOLDEN.values()} == {tuple(PROTOCOLS)}


@pytest.mark.parametrize("source", ["official release", "reference JSON"])
def test_the_whole_image_has_the_published_accuracy(source, sources, predictions):
    scores = score(sources[source], predictions["whole image"])
    assert (scores.accuracy.correct, scores.accuracy.total) == (3185, 14_481)
    assert f"{100 * scores.accuracy.value:.2f}" == "21.99"
    assert scores.interval.low < scores.accuracy.value < scores.interval.high


@pytest.mark.parametrize("name", PROTOCOLS)
@pytest.mark.parametrize("kind", real_make.PREDICTIONS)
def test_pinned_figures(kind, name, official, predictions):
    assert real_make.figures(official, predictions[kind], name) == GOLDEN[kind][name]


@pytest.mark.parametrize("name", UNIONS)
@pytest.mark.parametrize("kind", real_make.PREDICTIONS)
def test_pinned_figures_of_unions_from_the_reference_file(kind, name, reference, predictions):
    """The file has union boxes alone, so that every phrase counts as one of a single box."""
    expected = {**GOLDEN[kind][name], "boxes": None}
    assert {**real_make.figures(reference, predictions[kind], name), "boxes": None} == expected


@pytest.fixture(scope="session")
def prediction_files(predictions, tmp_path_factory):
    folder = tmp_path_factory.mktemp("predictions")
    for kind in predictions:
        save_predictions(predictions[kind], folder / f"{kind}.jsonl")
    return {kind: folder / f"{kind}.jsonl" for kind in predictions}


@pytest.fixture
def command_line(session_cache):
    """Run the program as a user does, and give what it prints."""

    def run(*arguments):
        command = [sys.executable, "-m", "phraseloc", *map(str, arguments)]
        environment = os.environ | {"PHRASELOC_CACHE": str(session_cache)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    return run


@pytest.mark.parametrize("source", ["official release", "reference JSON"])
def test_the_command_line(source, data, official, prediction_files, command_line):
    """Both prediction files under every protocol, in one call."""
    paths = {
        "official release": ["flickr30k_entities/annotations.tar.xz", "--split"],
        "reference JSON": ["phraseloceval/flickr30k_annotation_test.json"],
    }
    truth, *split = paths[source]
    split = [*split, data / "flickr30k_entities/test.txt"] if split else []
    protocols = [word for name in PROTOCOLS for word in ("--protocol", name)]
    arguments = [data / truth, *prediction_files.values(), *split, *protocols]
    printed = json.loads(command_line("score", *arguments, "--format", "json", "--samples", "100"))
    kinds = [(kind, name) for kind in prediction_files for name in PROTOCOLS]
    assert len(printed) == len(kinds)
    for (kind, name), found in zip(kinds, printed, strict=True):
        assert found["protocol"]["name"] == name
        respanned = 0 if source == "official release" else 16
        assert found["coverage"]["predicted"] == 14_481
        assert found["coverage"]["respanned"] == respanned
        if source == "official release" or name in UNIONS:
            expected = GOLDEN[kind][name]["accuracy"]
            assert f"{found['accuracy']['correct']}/{found['accuracy']['total']}" == expected
        if name in UNIONS:
            assert f"|gt:{official.union_digest[:12]}|" in found["signature"]


def test_the_command_line_prints_the_published_figure(data, prediction_files, command_line):
    truth = data / "phraseloceval/flickr30k_annotation_test.json"
    printed = command_line("score", truth, prediction_files["whole image"])
    assert "21.99%" in printed
    assert "3185/14481" in printed
