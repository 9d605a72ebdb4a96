"""The action for GitHub: what action.yml says, run by bash as GitHub runs it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
EXPRESSION = re.compile(r"\$\{\{ *inputs\.([a-z-]+) *\}\}")
BASH = ["bash", "--noprofile", "--norc", "-eo", "pipefail"]

TRUTH = [
    {
        "image": f"{image}#0",
        "phrase": "a man",
        "start": 0,
        "entity": "1",
        "boxes": [[1, 1, 40, 40]],
        "categories": ["people"],
    }
    for image in range(40)
]


def guess(right):
    """Predictions of which the first so many are right."""
    kept = ("image", "phrase", "start", "entity")
    return [
        {**{k: r[k] for k in kept}, "box": [1, 1, 40, 40] if n < right else [90, 90, 2, 2]}
        for n, r in enumerate(TRUTH)
    ]


class Job:
    """A folder in which the action's steps run, with programs that stand on the PATH."""

    def __init__(self, folder):
        self.folder = folder
        self.programs = folder.parent / "the programs"
        self.programs.mkdir()
        self.program("phraseloc", f'exec "{sys.executable}" -m phraseloc "$@"')
        self.program("python", 'printf "%s\\n" "$@" >>"$RUNNER_TEMP/called"')

    def program(self, name, line):
        path = self.programs / name
        path.write_text(f"#!/bin/bash\n{line}\n")
        path.chmod(0o755)

    def run(self, **inputs):
        """Run every step, as long as they succeed; give the last one's exit code and output."""
        given = {name: facts.get("default", "") for name, facts in ACTION["inputs"].items()}
        given |= {name.replace("_", "-"): text for name, text in inputs.items()}
        environment = {
            "PATH": f"{self.programs}:/usr/bin:/bin",
            "PHRASELOC_CACHE": "off",
            "PYTHONPATH": str(ROOT),
            "RUNNER_TEMP": str(self.folder.parent),
            "GITHUB_ACTION_PATH": str(self.folder.parent / "the action"),
            "GITHUB_OUTPUT": str(self.folder.parent / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder.parent / "summary"),
        }
        for step in ACTION["runs"]["steps"]:
            script = self.folder.parent / "step.sh"
            script.write_text(step["run"])
            own = {
                name: EXPRESSION.sub(lambda found: given[found[1]], text)
                for name, text in step.get("env", {}).items()
            }
            done = subprocess.run(
                [*BASH, script],
                cwd=self.folder,
                env={**environment, **own},
                capture_output=True,
                text=True,
            )
            if done.returncode:
                break
        return done

    @property
    def outputs(self):
        lines = (self.folder.parent / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def summary(self):
        return (self.folder.parent / "summary").read_text()

    @property
    def names(self):
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}


@pytest.fixture
def job(tmp_path, write, run, monkeypatch):
    """A job whose baseline has 38 of 40 phrases right; its folder and files have spaces."""
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    folder = tmp_path / "job"
    files = {
        "the truth.json": TRUTH,
        "old.json": guess(38),
        "a fall/mine.json": guess(20),
        "new.json": guess(39),
    }
    truth, old, *_ = [write(f"job/{name}", content) for name, content in files.items()]
    baseline = folder / "base line.json"
    assert run("gate", truth, old, "--against", baseline, "--update").exit_code == 0
    return Job(folder)


FILES = {"ground_truth": "the truth.json", "against": "base line.json"}


def test_a_gain_passes(job):
    done = job.run(**FILES, predictions="new.json")
    assert done.returncode == 0, done.stderr
    line = "pass: new 97.50% against 95.00% (+2.50 points, tolerance 0.2); the baseline is old"
    assert done.stdout == f"{line}\n"
    assert job.outputs == {"result": line, "exit-code": "0"}
    assert f"**phraseloc gate** `{line}`\n\n| group | before |" in job.summary


def test_a_fall_fails(job):
    done = job.run(**FILES, predictions="old=a fall/mine.json")
    assert done.returncode == 1
    assert job.outputs["exit-code"] == "1"
    assert job.outputs["result"] == done.stdout.rstrip("\n")
    assert done.stdout.startswith("fail: old fell 45.00 points, 95.00% to 50.00% (tolerance 0.2, ")
    assert "| all phrases | 95.00% | 50.00% | -45.00 | <0.0001 | fail |" in job.summary


def test_unusable_input_fails_otherwise(job):
    done = job.run(**FILES, predictions="none.json")
    assert done.returncode == 2
    assert "none.json: no such file" in done.stderr
    assert job.outputs == {"result": "unusable input, as the log says", "exit-code": "2"}


def test_every_input_reaches_the_gate(job):
    (job.folder / "ids of images").write_text("".join(f"{n}\n" for n in range(38)))
    options = {"tolerance": "50", "significance": "0.01", "protocol": "strict"}
    some = {"split": "ids of images", "arguments": "--extra count"}
    done = job.run(**FILES, predictions="old.json", **some, **options)
    assert done.returncode == 2
    assert "protocol field operator is >= there and > here, ground truth sha256 is" in done.stderr
    (job.folder.parent / "output").unlink()
    del options["protocol"]
    done = job.run(
        **FILES,
        predictions="old=a fall/mine.json",
        junit="the junit.xml",
        arguments=" --samples\n 150  --summary table.md ",
        **options,
    )
    assert job.outputs["result"].startswith("pass: old 50.00% against 95.00% (-45.00 points, tol")
    assert done.returncode == 0
    assert "<testsuite " in (job.folder / "the junit.xml").read_text()
    assert "| people |" in (job.folder / "table.md").read_text()


def test_the_significance_is_passed_on(job):
    done = job.run(**FILES, predictions="old.json", significance="0.01", arguments="--samples 99")
    assert done.returncode == 2
    assert "99 samples find no fall of 1 categories significant at 0.01" in done.stderr


@pytest.mark.parametrize("attack", ["$(touch pwned)", '"; touch pwned; "', "`touch pwned`", "*"])
@pytest.mark.parametrize("name", sorted(ACTION["inputs"]))
def test_no_input_is_run(name, attack, job):
    before = job.names
    inputs = {**FILES, "predictions": "new.json", name.replace("-", "_"): attack}
    done = job.run(**inputs)
    assert done.returncode in (0, 2)
    written = {attack} if name == "junit" and done.returncode == 0 else set()
    assert job.names - before <= written
    assert set(job.outputs) == {"result", "exit-code"}


@pytest.mark.parametrize("name", ["ground-truth", "predictions", "against"])
def test_an_option_in_the_place_of_a_file_is_a_file(name, job):
    inputs = {**FILES, "predictions": "new.json", name.replace("-", "_"): "--help"}
    done = job.run(**inputs)
    assert done.returncode == 2
    assert "Usage" not in done.stdout


def test_a_star_among_the_arguments_is_a_star(job):
    (job.folder / "old.xml").write_text("what was there")
    assert job.run(**FILES, predictions="new.json", arguments="--junit ol*.xml").returncode == 0
    assert (job.folder / "old.xml").read_text() == "what was there"
    assert "<testsuite" in (job.folder / "ol*.xml").read_text()


def test_text_of_several_lines_gives_one_line_of_output(job):
    done = job.run(**FILES, predictions="new.json", arguments="--help")
    assert done.returncode == 0
    assert set(job.outputs) == {"result", "exit-code"}


def test_phraseloc_is_installed_only_where_it_is_not(job):
    called = job.folder.parent / "called"
    assert job.run(**FILES, predictions="new.json").returncode == 0
    assert not called.exists()
    (job.programs / "phraseloc").unlink()
    assert job.run(**FILES, predictions="new.json").returncode == 127
    words = ["-m", "pip", "install", "--quiet", str(job.folder.parent / "the action")]
    assert called.read_text().splitlines() == words


def test_it_is_an_action_whose_inputs_reach_bash_as_variables_alone():
    assert ACTION["runs"]["using"] == "composite"
    assert {n for n, f in ACTION["inputs"].items() if f.get("required")} == {
        *("ground-truth", "predictions", "against")
    }
    used = set()
    for step in ACTION["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]
        used |= {EXPRESSION.fullmatch(text)[1] for text in step.get("env", {}).values()}
    assert used == set(ACTION["inputs"])
    identities = [step.get("id") for step in ACTION["runs"]["steps"]]
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.gate.outputs.{name} }}}}"
    assert "gate" in identities
