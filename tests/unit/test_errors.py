import pytest

from phraseloc import InputError, MissingExtra, OptionError, PhraselocError
from phraseloc.errors import EXAMPLES, Problems


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [(InputError, ValueError), (OptionError, ValueError), (MissingExtra, ImportError)],
)
def test_errors_are_of_one_tree_and_of_pythons(kind, builtin):
    assert issubclass(kind, PhraselocError)
    assert issubclass(kind, builtin)


def test_a_missing_extra_says_how_to_install_it():
    error = MissingExtra("pyarrow", "scale", "Parquet")
    assert str(error) == "Parquet needs pyarrow: pip install 'phraseloc[scale]'"


def test_no_problem_is_no_error():
    problems = Problems("p.json")
    problems.add_rows("nothing", [], str)
    assert not problems
    problems.raise_if_any()


def test_problems_of_a_kind_are_counted_and_the_first_ones_shown():
    problems = Problems("p.json")
    problems.add_rows("odd", range(8), lambda row: f"record {row}")
    problems.add("even", "record 99")
    problems.add_rows("odd", range(8, 1508), lambda row: f"record {row}")
    with pytest.raises(InputError) as caught:
        problems.raise_if_any()
    lines = str(caught.value).splitlines()
    assert lines[0] == "p.json: odd (1,508)"
    assert lines[1 : EXAMPLES + 1] == [f"  record {row}" for row in range(10)]
    assert lines[EXAMPLES + 1 :] == ["  and 1,498 more", "even (1)", "  record 99"]
    assert caught.value.source == "p.json"
