from dataclasses import FrozenInstanceError

import pytest

from phraseloc import PROTOCOLS, OptionError, Protocol
from phraseloc.protocol import CHOICES, find_protocol, parse_overrides


@pytest.mark.parametrize("name", PROTOCOLS)
def test_presets_have_a_summary_and_a_citation(name):
    preset = PROTOCOLS[name]
    assert preset.name == name
    assert preset.summary
    assert any(year in preset.citation for year in ("2016", "2019", "2020", "2021"))


def test_presets_differ_in_their_choices():
    choices = [str(preset.choices()) for preset in PROTOCOLS.values()]
    assert len(set(choices)) >= len(choices) - 1  # refcoco is flickr30k for single boxes


def test_a_protocol_is_a_value():
    assert Protocol("mine") == Protocol("mine")
    assert hash(Protocol("mine")) == hash(Protocol("mine"))
    assert len(set(PROTOCOLS.values())) == len(PROTOCOLS)
    with pytest.raises(FrozenInstanceError):
        Protocol("mine").threshold = 0.7


def test_ranks_of_a_list_are_hashable():
    assert hash(Protocol("mine", ranks=[1, 3])) == hash(Protocol("mine", ranks=(1, 3)))
    assert hash(PROTOCOLS["flickr30k"].override(ranks=[1, 3]))


def test_an_override_marks_the_name():
    changed = PROTOCOLS["flickr30k"].override(threshold=0.7)
    assert (changed.name, changed.threshold) == ("flickr30k+", 0.7)
    assert changed.override(threshold=0.8).name == "flickr30k+"


def test_an_override_that_changes_nothing_is_none():
    assert PROTOCOLS["flickr30k"].override(threshold=0.5) is PROTOCOLS["flickr30k"]


@pytest.mark.parametrize("field", CHOICES)
def test_choices_are_closed(field):
    for choice in CHOICES[field]:
        assert getattr(Protocol("mine", **{field: choice}), field) == choice
    with pytest.raises(OptionError, match=f"field {field} is 'x'; expected one of"):
        Protocol("mine", **{field: "x"})


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"threshold": -0.1}, "threshold is -0.1; expected 0 to 1"),
        ({"threshold": -1.1, "overlap": "giou"}, "threshold is -1.1; expected -1 to 1"),
        ({"min_area_share": 1.1}, "min_area_share is 1.1; expected 0 to 1"),
        ({"ranks": ()}, "expected rising whole numbers, 1 first"),
        ({"ranks": (2, 3)}, "expected rising whole numbers, 1 first"),
        ({"ranks": (1, 1)}, "expected rising whole numbers, 1 first"),
    ],
)
def test_numbers_out_of_range(fields, message):
    with pytest.raises(OptionError, match=message):
        Protocol("mine", **fields)


def test_generalized_iou_has_thresholds_below_zero():
    assert Protocol("mine", overlap="giou", threshold=-0.5).threshold == -0.5


@pytest.mark.parametrize(
    "change",
    [
        {"target": "any"},
        {"overlap": "giou"},
        {"threshold": 0.7},
        {"threshold": 0.5000001},
        {"operator": ">"},
        {"corners": "exclusive"},
        {"frame": "written"},
        {"truncate": True},
        {"skip_zero_corner": True},
        {"missing": "skip"},
        {"min_area_share": 0.1},
        {"unit": "entity"},
    ],
    ids=str,
)
def test_the_signature_shows_every_choice(change):
    plain = Protocol("mine")
    assert Protocol("mine", **change).signature != plain.signature
    assert plain.signature == (
        "mine|target:union|overlap:iou|pass:>=0.5|corners:declared|frame:declared|"
        "missing:wrong|unit:phrase"
    )


def test_settings_are_parsed_by_their_kind():
    assert parse_overrides(
        ("threshold=0.7", "ranks = 1,3", "skip-zero-corner=yes", "operator=>", "truncate=FALSE")
    ) == {
        "threshold": 0.7,
        "ranks": (1, 3),
        "skip_zero_corner": True,
        "operator": ">",
        "truncate": False,
    }


def test_a_protocol_finds_itself():
    mine = Protocol("mine")
    assert find_protocol(mine) is mine
    assert find_protocol("strict") is PROTOCOLS["strict"]


@pytest.mark.parametrize(("name", "near"), [("Flickr30k", "flickr30k"), ("anybox", "any-box")])
def test_an_unknown_name_gets_the_nearest(name, near):
    with pytest.raises(OptionError, match=f"did you mean '{near}'"):
        find_protocol(name)
