"""The report's page as text: what its figures are, and what makes it refuse."""

import json
import re
import sys
from base64 import b64decode
from html import unescape

import numpy as np
import pytest

from phraseloc import InputError
from phraseloc.formats.stored import load_folder, load_predicted

MAF = {
    "10": {"bboxes": [[0, 0, 39, 39], [0, 0, 19, 19]], "classes": ["man", "dog"]},
    "11": {"bboxes": [[100, 50, 199, 149]], "classes": ["car"]},
}


def data_of(page):
    [text] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(text)


def unpacked(text, kind):
    return np.frombuffer(b64decode(text), np.dtype(kind).newbyteorder("<"))


@pytest.fixture
def files(write, truth, guesses):
    spoiled = [{**guess, "box": [150, 60, 20, 20]} for guess in guesses]
    return write("truth.json", truth), write("a.json", guesses), write("b.json", spoiled)


@pytest.fixture
def make(run, tmp_path):
    def make_page(*arguments):
        done = run("report", *arguments, "-o", tmp_path / "report.html")
        assert done.exit_code == 0, done.output
        assert done.stdout == f"{tmp_path / 'report.html'}\n"
        return (tmp_path / "report.html").read_text()

    return make_page


@pytest.fixture
def folder(files, run, tmp_path):
    """A leaderboard's folder, of whole-image and a prediction file."""
    truth, first, _ = files
    folder = tmp_path / "results"
    command = ("leaderboard", truth, "--baselines", "whole-image", "--predictions", f"mine={first}")
    done = run(*command, "--set", "threshold=0.4", "-o", folder)
    assert done.exit_code == 0, done.output
    return folder


def test_a_page_holds_every_figure_of_its_methods(make, files, scored):
    page = unescape(make(*files))
    for file in files[1:]:
        found = scored(files[0], file)
        assert found["signature"] in page
        assert f"{found['accuracy']['correct']}/{found['accuracy']['total']}" in page
        for name, category in found["categories"].items():
            assert name in page
            assert f"{100 * category['value']:.2f}" in page
    assert page.index('<th scope="row">a') < page.index('<th scope="row">b')


def test_a_page_asks_for_nothing_else(make, files):
    page = make(*files)
    addresses = set(re.findall(r"\w+://[^\"' <)]+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(link|img|iframe|object|embed)\b|\bsrc=|@import|url\(", page)
    assert "default-src 'none'" in page


def test_phrases_keep_their_numbers(make, files, truth):
    data = data_of(make(*files))
    assert data["rows"] == 4
    names = [data["phrase"]["values"][i] for i in unpacked(data["phrase"]["codes"], "i4")]
    assert names == [record["phrase"] for record in truth]
    first, second = data["methods"]
    assert (first["name"], second["name"]) == ("a", "b")
    assert unpacked(first["right"], "u1").tolist() == [1, 0, 1, 1]
    assert unpacked(first["overlap"], "i2").tolist() == [10000, 2500, 10000, 10000]
    assert unpacked(second["box"], "f4").reshape(-1, 4)[0].tolist() == [149, 59, 169, 79]
    assert unpacked(data["boxes"], "f4").reshape(-1, 4)[1].tolist() == [0, 0, 10, 10]
    assert unpacked(data["boxStarts"], "i4").tolist() == [0, 1, 3, 4, 5]


def test_text_cannot_leave_its_element(make, write, truth, guesses):
    evil = "</script><script>alert(1)</script><!--"
    truth[0] |= {"phrase": evil, "categories": [evil]}
    guesses[0]["phrase"] = evil
    page = make(write("t.json", truth), f"<i>={write('g.json', guesses)}", "--title", evil)
    assert page.count("<script") == 3
    assert page.count("</script>") == 3
    assert "alert(1)</script>" not in page
    assert "&lt;i&gt;" in page
    assert "<i>" not in page
    names = data_of(page)["phrase"]["values"]
    assert evil in names


def test_a_long_list_is_thinned_evenly_and_said_so(make, files):
    page = make(*files, "--phrases", 2)
    assert "2 of 4 phrases are listed" in page
    names = data_of(page)["phrase"]
    assert [names["values"][i] for i in unpacked(names["codes"], "i4")] == ["a man", "the rider"]


def test_a_single_method_has_no_matrix_and_points_have_no_classes(make, files, write, guesses):
    assert 'id="significance"' not in make(*files[:2])
    points = [{**{k: g[k] for k in ("image", "start", "entity")}, "point": [5, 5]} for g in guesses]
    page = make(files[0], write("points.json", points), "--protocol", "pointing")
    for section in ("significance", "errors", "thresholds", "overlaps"):
        assert f'id="{section}"' not in page
    assert data_of(page)["methods"][0]["points"] is True


def test_methods_scored_on_different_phrases_list_what_they_share(make, files, write, guesses):
    some = write("some.json", guesses[1:])
    page = make(*files[:2], some, "--set", "missing=skip")
    assert data_of(page)["rows"] == 3
    assert 'id="significance"' not in page
    assert "3/4" in page
    assert "2/3" in page


def test_proposals_tell_the_detectors_misses(make, files, write):
    objects = write("objects.json", MAF)
    page = make(*files, "--proposals", objects)
    assert "no object of the image would be right" in page
    assert "objects.json, sha256" in page
    assert "no proposal" not in make(*files).partition("<main")[2].partition("<script")[0]


def test_a_folder_of_results_needs_nothing_else(make, folder, files):
    for file in files:
        file.unlink()
    page = make(folder)
    assert ">mine<" in page
    assert ">whole-image<" in page
    assert "pass:&gt;=0.4" in page
    assert "in truth.json" in page
    assert "mine" in page.partition("<dl>")[2]


def test_files_join_a_folder_under_its_protocol(make, folder, files):
    page = make(folder, f"theirs={files[2]}")
    assert ">theirs<" in page
    assert data_of(page)["methods"][0]["name"] == "mine"
    assert "pass:&gt;=0.7" in make(folder, "--set", "threshold=0.7")
    assert "any-box|target:any" in make(folder, "--protocol", "any-box")


def test_a_folder_gives_back_what_was_measured(folder):
    truth, results = load_folder(folder)
    assert truth.digest == load_folder(folder)[0].digest
    entry = results.entries[1]
    assert load_predicted(folder, entry).boxes[0].tolist() == [0, 0, 40, 40]
    (folder / entry.predictions).write_bytes(b"[]")
    with pytest.raises(InputError, match="is not what mine was measured with"):
        load_predicted(folder, entry)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["truth.json"], "is no folder of results: expected PREDICTIONS with it"),
        (["truth.json", "a.json", "a.json"], "two methods are called 'a'"),
        (["truth.json", "a.json", "--protocol", "flickr"], "no protocol 'flickr'; did you mean"),
        (["results", "--split", "test.txt"], "has a ground truth of its own"),
        (["results", "mine=a.json"], "two methods are called 'mine'"),
        (["absent.json", "a.json"], "absent.json"),
    ],
)
@pytest.mark.usefixtures("files", "folder")
def test_what_cannot_be_reported_is_refused(arguments, message, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert message in refused("report", *arguments, "-o", tmp_path / "out.html")


def test_another_suffix_is_refused(files, refused, tmp_path):
    assert "found suffix '.pdf', expected .html" in refused(
        "report", *files, "-o", tmp_path / "out.pdf"
    )


def test_a_changed_ground_truth_is_refused(folder, refused, run, truth, write, tmp_path):
    truth[0]["boxes"] = [[2, 2, 40, 40]]
    run("convert", "--ground-truth", write("new.json", truth), tmp_path / "new.jsonl.zst")
    (tmp_path / "new.jsonl.zst").replace(folder / "ground_truth.jsonl.zst")
    message = refused("report", folder, "-o", tmp_path / "out.html")
    assert "is not what the results were measured on" in message


def test_a_page_that_cannot_be_written_leaves_nothing(files, refused, tmp_path):
    assert "cannot be written" in refused("report", *files, "-o", tmp_path / "no" / "out.html")


def test_without_jinja2_the_extra_is_named(files, refused, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jinja2", None)
    message = refused("report", *files, "-o", tmp_path / "out.html")
    assert "a report needs jinja2: pip install 'phraseloc[report]'" in message
