"""The gate: what passes, what fails and why, and what an update leaves behind."""

import itertools
import subprocess
import sys

import pytest
from msgspec import structs

from phraseloc import __version__, load_ground_truth, score
from phraseloc.errors import OptionError
from phraseloc.formats.results import entry_of, load_results
from phraseloc.gate import judge
from tests.gate_files import drop_marks, guess, phrases


def test_the_same_predictions_pass(gated):
    line = "pass: mine 90.00% against 90.00% (+0.00 points, tolerance 0.2)"
    assert gated.gate(range(0, 200, 10)) == (0, line)


def test_a_gain_passes(gated):
    line = "pass: mine 95.00% against 90.00% (+5.00 points, tolerance 0.2)"
    assert gated.gate(range(0, 200, 20)) == (0, line)


def test_a_fall_of_every_image_fails(gated):
    code, line = gated.gate(range(0, 200, 5))
    assert code == 1
    reason = "mine fell 10.00 points, 90.00% to 80.00% (tolerance 0.2, p < 0.0001)"
    assert line == f"fail: {reason}; 1 more group fell"


def test_a_fall_of_a_few_images_is_noise(gated):
    """Three images alone differ: two of the eight ways to swap them differ as much."""
    code, line = gated.gate([*range(0, 200, 10), 1, 6, 11], "--samples", 99_999)
    assert code == 0
    fall = "mine fell 1.50 points, 90.00% to 88.50% (tolerance 0.2)"
    assert line == f"pass: {fall}, but within noise (p = 0.25)"


def test_without_marks_the_tolerance_alone_decides(gated):
    gated.edit(drop_marks)
    code, line = gated.gate([*range(0, 200, 10), 1, 6, 11])
    assert (code, line) == (
        1,
        "fail: mine fell 1.50 points, 90.00% to 88.50% (tolerance 0.2); 1 more group fell",
    )
    assert gated.gate([*range(0, 200, 10), 1], "--tolerance", 0.5)[0] == 0


@pytest.fixture
def thousand(make_world):
    made = make_world(phrases(200))
    made.against([])
    made.edit(drop_marks)
    return made


@pytest.mark.parametrize("lost", [1, 2, 3, 6, 7, 11, 29])
def test_a_fall_of_just_the_tolerance_passes(lost, thousand):
    """Of 1,000 phrases, k fewer are k tenths of a point, which floats seldom hold exactly."""
    tolerance = f"{lost // 10}.{lost % 10}"
    assert thousand.gate(range(lost), "--tolerance", tolerance)[0] == 0
    code, line = thousand.gate(range(lost + 1), "--tolerance", tolerance)
    assert code == 1
    assert f"tolerance {tolerance.removesuffix('.0')})" in line


def test_decimals_tell_a_change_from_the_tolerance(make_world):
    """Two of 600 phrases are a third of a point, four are two thirds."""
    gated = make_world(phrases(120))
    gated.against([])
    gated.edit(drop_marks)
    _, line = gated.gate(range(2), "--tolerance", 0.333)
    assert line.startswith("fail: mine fell 0.3333 points, 100.00% to 99.67% (tolerance 0.333)")
    _, line = gated.gate(range(4), "--tolerance", 0.667)
    assert line == "pass: mine 99.33% against 100.00% (-0.667 points, tolerance 0.667)"


def test_a_fall_in_one_category_alone_is_named(make_world):
    """Phrases 0, 2 and 4 of an image are people; all phrases together stay as they are."""
    gated = make_world(phrases(40, ("people", "clothing")))
    gated.against([row for row in range(200) if row % 5 in (0, 2)])
    code, line = gated.gate([row for row in range(200) if row % 5 in (0, 1)])
    assert (code, line) == (
        1,
        "fail: clothing fell 50.00 points, 100.00% to 50.00% (tolerance 0.2, p = 0.0002)",
    )


def test_the_deepest_of_several_falls_is_named(make_world):
    gated = make_world(phrases(60, ("a", "b", "c", "d", "e")))
    gated.against([row for row in range(300) if row % 5 in (3, 4)])
    lost = {0: 40, 1: 60, 2: 30}
    wrong = [row for row in range(300) if row // 5 < lost.get(row % 5, 0)]
    code, line = gated.gate(wrong)
    assert code == 1
    assert line.startswith("fail: b fell 100.00 points, 100.00% to 0.00% (tolerance 0.2, p = ")
    assert line.endswith("); 2 more groups fell")


def test_all_phrases_come_before_their_categories(make_world):
    gated = make_world(phrases(40, ("a", "b")))
    gated.against([])
    code, line = gated.gate([row for row in range(200) if row % 5 == 1])
    assert code == 1
    assert line.startswith("fail: mine fell 20.00 points, 100.00% to 80.00% (")
    assert line.endswith("; 1 more group fell")


def swapped(lost):
    """The share of all ways to swap images whose difference is as large: the exact p-value."""
    sums = [
        abs(sum(sign * n for sign, n in zip(signs, lost, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(lost))
    ]
    return sum(total >= abs(sum(lost)) for total in sums) / len(sums)


@pytest.fixture
def two_entries(write):
    """Entries of three categories; images lose and win phrases of them, all right before."""
    records = phrases(12, ("a", "b", "c"))
    before = [row for row in range(60) if row % 5 == 2 and row < 20]
    after = [row for row in range(60) if row < (40, 9, 0, 40, 0)[row % 5]]
    truth = load_ground_truth(write("truth.json", records))
    files = [write(f"{n}.json", guess(records, w)) for n, w in (("old", before), ("new", after))]
    return (
        truth,
        before,
        after,
        [entry_of(truth, score(truth, file), key="", source=file.name) for file in files],
    )


def test_p_values_are_those_of_swapping_images_corrected_among_categories(two_entries):
    truth, before, after, entries = two_entries
    lost = {name: [0] * 12 for name in (None, "a", "b", "c")}
    for row in (*before, *after):
        change = (row in after) - (row in before)
        for name in (None, "abc"[row % 5 % 3]):
            lost[name][row // 5] += change
    assert [sum(lost[name]) for name in "abc"] == [16, 2, -4]
    exact = {name: swapped(lost[name]) for name in (None, "a", "b")}
    # Of three categories, one did not fall: it stands with p = 1, and never comes first.
    exact["a"] = min(1, 3 * exact["a"])
    exact["b"] = min(1, max(exact["a"], 2 * exact["b"]))
    verdict = judge(truth, *entries, "b.json", samples=200_000)
    found = {group.name: group.p for group in verdict.groups}
    assert found.pop("c") is None
    assert found == pytest.approx(exact, abs=0.005)
    assert [group.name for group in verdict.failed] == [None, "a"]


def test_samples_must_reach_the_significance_of_every_category(two_entries):
    truth, _, _, entries = two_entries
    with pytest.raises(OptionError, match=r"59 samples .* 3 categories .* at least 60"):
        judge(truth, *entries, "b.json", samples=59)
    assert judge(truth, *entries, "b.json", samples=60).failed


def test_the_order_of_the_ground_truth_moves_nothing(gated, write):
    shuffled = gated.records[::-1]
    gated.truth = write("truth.json", shuffled[7:] + shuffled[:7])
    wrong = [*range(0, 200, 10), *range(1, 60, 5)]
    code, line = gated.gate(wrong)
    gated.truth = write("truth.json", gated.records)
    assert gated.gate(wrong) == (code, line)
    assert line.startswith("fail: mine fell 6.00 points, 90.00% to 84.00%")


def test_the_name_of_a_protocol_and_the_bootstrap_may_differ(gated):
    options = ("--protocol", "strict", "--set", "operator=>=", "--seed", 3, "--confidence", 0.9)
    assert gated.gate(range(0, 200, 10), *options)[0] == 0


def test_an_update_is_judged_by_the_old_and_replaces_it(gated):
    code, line = gated.gate(range(0, 200, 5), "--update")
    assert code == 0
    assert line.startswith("updated: fail: mine fell 10.00 points, 90.00% to 80.00%")
    again = "pass: mine 80.00% against 80.00% (+0.00 points, tolerance 0.2)"
    assert gated.gate(range(0, 200, 5)) == (0, again)


def test_an_update_leaves_other_entries_alone(gated):
    gated.edit(lambda stored: stored["entries"].append({**stored["entries"][0], "name": "theirs"}))
    before = load_results(gated.baseline).entries
    assert gated.gate([], "--update", name="theirs")[1].startswith("updated: pass: theirs 100.00%")
    mine, theirs = load_results(gated.baseline).entries
    assert mine == before[0]
    assert (theirs.name, theirs.accuracy.correct) == ("theirs", 200)
    assert gated.gate(range(0, 200, 10), name="theirs")[0] == 1


def test_a_single_entry_is_taken_and_replaced_whatever_its_name(gated):
    code, line = gated.gate(range(0, 200, 10), "--update", name="theirs")
    assert code == 0
    assert line.endswith("; the baseline is mine")
    [entry] = load_results(gated.baseline).entries
    assert entry.name == "theirs"


def test_a_folder_may_be_called_as_a_setting(gated):
    file = gated.predict("rate=0.1/mine", range(0, 200, 10))
    result = gated.run("gate", gated.truth, file, "--against", gated.baseline)
    assert result.stdout.startswith("pass: mine 90.00% against 90.00%")


def test_a_first_baseline_makes_its_folder_and_may_be_compressed(make_world):
    gated = make_world(phrases(4))
    gated.baseline = gated.baseline.with_name("new") / "baseline.json.gz"
    assert gated.against([0]) == "pass: mine 95.00%, a first baseline\n"
    assert gated.baseline.read_bytes().startswith(b"\x1f\x8b")
    assert gated.gate([0])[0] == 0


def test_another_version_is_told(gated):
    gated.edit(lambda stored: stored["entries"][0]["scores"].update(version="0.0.1"))
    code, line = gated.gate(range(0, 200, 10))
    assert code == 0
    assert "; the baseline is of phraseloc 0.0.1, this is " in line
    gated.edit(lambda stored: stored.update(version="0.0.1", signature="old"))
    gated.gate(range(0, 200, 10), "--update")
    assert "the baseline is" not in gated.gate(range(0, 200, 10))[1]
    results = load_results(gated.baseline)
    assert results.version == __version__
    assert results.signature == results.entries[0].scores["signature"]


def test_a_leaderboard_is_a_baseline_and_reuses_nothing_that_an_update_put_there(gated, tmp_path):
    board = tmp_path / "board"
    old, new = gated.predict("mine", range(0, 200, 10)), gated.predict("new", range(0, 200, 5))

    def leaderboard():
        options = ("--baselines", "whole-image", "--predictions", f"mine={old}", "-o", board)
        result = gated.run("leaderboard", gated.truth, *options)
        assert result.exit_code == 0, result.output
        entries = load_results(board).entries
        return {entry.name: structs.replace(entry, seconds=None) for entry in entries}

    made = leaderboard()
    for name in ("mine", "whole-image"):
        arguments = ("gate", gated.truth, f"{name}={new}", "--against", board)
        result = gated.run(*arguments, "--update")
        assert result.stdout.startswith(f"updated: {'fail' if name == 'mine' else 'pass'}: {name}")
        stored = load_results(board)
        assert name not in stored.inputs
        [entry] = [entry for entry in stored.entries if entry.name == name]
        assert (entry.accuracy.correct, entry.predictions, entry.key) == (160, None, "")
        assert stored.ground_truth == made["mine"].scores["ground_truth"]
    assert leaderboard() == made


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from phraseloc.commands import main\n"
        "try: main(['gate', '--help'])\n"
        "finally: print({'numpy', 'msgspec', 'xml'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "Example:" in done.stdout
    assert done.stdout.endswith("set()\n")
