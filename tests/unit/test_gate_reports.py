"""What the gate writes beside its line: JUnit XML and Markdown, whatever categories are called."""

from xml.etree import ElementTree

from phraseloc.formats.results import load_results
from tests.gate_files import phrases

ODD = ("a|b", "<b>&\"'", "line\nend", "\x01\ufffe", "naïve`", "")


def test_junit_has_a_case_for_each_group_whatever_it_is_called(make_world, tmp_path):
    gated = make_world(phrases(40, ODD[:5]))
    gated.against([])
    code, _ = gated.gate([row for row in range(200) if row % 5 == 2], "--junit", tmp_path / "j.xml")
    assert code == 1
    suite = ElementTree.parse(tmp_path / "j.xml").getroot()
    assert suite.tag == "testsuite"
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("6", "2", "0")
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    names = ["all phrases", "a|b", "<b>&\"'", "line\\nend", "\\x01\\ufffe", "naïve`"]
    assert sorted(cases) == sorted(names)
    assert {case.get("classname") for case in cases.values()} == {"mine"}
    failures = {name: case.find("failure") for name, case in cases.items()}
    failed = {name: f.get("message") for name, f in failures.items() if f is not None}
    assert failed == {
        "all phrases": "mine fell 20.00 points, 100.00% to 80.00% (tolerance 0.2, p < 0.0001)",
        "line\\nend": "line\\nend fell 100.00 points, 100.00% to 0.00% (tolerance 0.2, p = 0.0005)",
    }


def test_an_odd_category_keeps_the_line_one_line(make_world):
    gated = make_world(phrases(40, ("a\nresult=b", "c")))
    gated.against([1, *range(6, 200, 5)])
    code, line = gated.gate(range(0, 200, 5))
    assert code == 1
    assert line.startswith("fail: a\\nresult=b fell 33.33 points")


def test_a_category_without_a_name_is_not_the_whole(make_world):
    gated = make_world(phrases(40, ("", "c")))
    gated.against([])
    assert gated.gate([])[0] == 0
    assert {"", "c"} == set(load_results(gated.baseline).entries[0].categories)


def rows_of(markdown):
    cells = [line.strip("|").split(" | ") for line in markdown.splitlines() if line[:1] == "|"]
    return [[cell.strip() for cell in row] for row in cells]


def test_the_summary_is_a_markdown_table(gated, tmp_path):
    summary = tmp_path / "summary.md"
    summary.write_text("what was there\n")
    _, line = gated.gate([*range(0, 200, 10), 1, 6, 11], "--summary", summary)
    text = summary.read_text()
    assert text.startswith(f"**phraseloc gate** `{line}`\n\n| group | before | ")
    assert rows_of(text)[2:] == [
        ["all phrases", "90.00%", "88.50%", "-1.50", "0.25", "within noise"],
        ["people", "90.00%", "88.50%", "-1.50", "0.25", "within noise"],
    ]


def test_the_steps_summary_is_added_to(gated, tmp_path, monkeypatch):
    summary = tmp_path / "step.md"
    summary.write_text("what an earlier command said")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    gated.gate(range(0, 200, 5))
    text = summary.read_text()
    assert text.startswith("what an earlier command said\n**phraseloc gate** `fail: ")
    assert rows_of(text)[2][-1] == "fail"
    gated.gate([], "--summary", tmp_path / "own.md")
    assert summary.read_text() == text
    assert rows_of((tmp_path / "own.md").read_text())[3] == [
        *("people", "90.00%", "100.00%", "+10.00", "-", "pass")
    ]


def test_a_first_baseline_is_reported_too(make_world, tmp_path):
    gated = make_world(phrases(4))
    gated.against([0], "--junit", tmp_path / "j.xml", "--summary", tmp_path / "s.md")
    suite = ElementTree.parse(tmp_path / "j.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "0")
    rows = rows_of((tmp_path / "s.md").read_text())
    assert rows[2] == ["all phrases", "-", "95.00%", "-", "-", "first"]
