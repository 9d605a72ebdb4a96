import json
import subprocess
import sys

import pytest

import phraseloc

HEAVY = (
    *("numpy", "numba", "scipy", "torch", "gensim", "pyarrow", "msgspec", "zstandard", "pooch"),
    *("matplotlib", "jinja2", "duckdb", "dask", "fsspec"),
)
"""What neither the import nor the help of the command line may load."""


def loaded_by(code):
    """Run code in a fresh interpreter; give the top-level modules that it loads."""
    report = "\nimport json, sys; print('\\n' + json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code + report], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in json.loads(done.stdout.splitlines()[-1])}


@pytest.mark.parametrize("name", phraseloc.__all__)
def test_public_names_can_be_had_and_are_documented(name):
    value = getattr(phraseloc, name)
    assert value is not None
    if callable(value):
        assert value.__doc__


def test_public_names_are_sorted_as_ruff_sorts_them():
    constants = [name for name in phraseloc.__all__ if name.isupper()]
    classes = [n for n in phraseloc.__all__ if n[0].isupper() and not n.isupper()]
    others = [n for n in phraseloc.__all__ if not n[0].isupper()]
    assert phraseloc.__all__ == sorted(constants) + sorted(classes) + sorted(others)
    assert dir(phraseloc) == sorted(phraseloc.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'phraseloc' has no attribute 'scores'"):
        _ = phraseloc.scores


@pytest.mark.parametrize(
    "code",
    [
        "import phraseloc",
        "import phraseloc; phraseloc.__version__, dir(phraseloc), phraseloc.PROTOCOLS",
        *(
            f"from phraseloc.commands import main; main({arguments!r}, standalone_mode=False)"
            for arguments in (["--help"], ["score", "--help"], ["--version"], ["protocols"])
        ),
    ],
)
def test_what_needs_no_numbers_loads_nothing_heavy(code):
    assert not loaded_by(code) & set(HEAVY)


def test_names_load_on_first_use():
    assert "numpy" in loaded_by("import phraseloc; phraseloc.GroundTruth")


def test_a_small_score_does_not_load_numba(truth_file, guess_file):
    arguments = ["score", str(truth_file), str(guess_file)]
    code = f"from phraseloc.commands import main; main({arguments!r}, standalone_mode=False)"
    assert not loaded_by(code) & {"numba", "scipy", "torch", "gensim", "pyarrow"}
