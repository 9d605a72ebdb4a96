"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from phraseloc.bulk.addresses import is_address
from phraseloc.errors import OptionError
from phraseloc.protocol import PROTOCOLS, Protocol, find_protocol, parse_overrides
from phraseloc.report import FORMATS
from phraseloc.space import CHOICES

Command = Callable[..., None]


def options(*decorators: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Join options that several commands share into one decorator; help lists them in order."""

    def decorate(command: Command) -> Command:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


def parse_space(_ctx: Any, _param: Any, text: str | None) -> dict[str, Any]:
    """Parse ``layout=xywh,corners=continuous,origin=0`` into declared fields."""
    fields = dict(item.partition("=")[::2] for item in text.split(",")) if text else {}
    unknown = set(fields) - set(CHOICES)
    if unknown:
        found = ", ".join(sorted(unknown))
        raise click.BadParameter(f"found {found}; expected {', '.join(CHOICES)}")
    return {k: int(v) if k == "origin" and v.isdecimal() else v for k, v in fields.items()}


def _parse_origin(_ctx: Any, _param: Any, text: str | None) -> int | None:
    return None if text is None else int(text)


truth_options = options(
    click.option("--split", metavar="FILE", help="Image ids to keep, one a line."),
    click.option(
        "--unrelated", metavar="FILE", help="UNRELATED_CAPTIONS of the release, to leave out."
    ),
    click.option(
        "--truth-boxes",
        metavar="FIELD=VALUE,...",
        callback=parse_space,
        help="What the ground truth's boxes mean, as layout=xywh,corners=continuous,origin=0.",
    ),
)
space_options = options(
    click.option("--layout", type=click.Choice(CHOICES["layout"]), help="[default: xywh]"),
    click.option(
        "--corners",
        type=click.Choice(CHOICES["corners"]),
        help="Does the right and bottom pixel belong to the box? [default: inclusive]",
    ),
    click.option(
        "--origin",
        type=click.Choice([str(origin) for origin in CHOICES["origin"]]),
        callback=_parse_origin,
        help="The coordinate of the first pixel. [default: 1]",
    ),
    click.option(
        "--units",
        type=click.Choice(CHOICES["units"]),
        help="Pixels, or fractions of the image's size. [default: pixel]",
    ),
    click.option(
        "--degenerate",
        type=click.Choice(["error", "count"]),
        default="error",
        show_default=True,
        help="What a predicted box without area is.",
    ),
)
proposal_options = options(
    click.option(
        "--objects", metavar="FILE", help="The labels that numbers in the proposals stand for."
    ),
    click.option(
        "--attributes", metavar="FILE", help="The attributes that numbers in them stand for."
    ),
    click.option(
        "--proposal-boxes",
        metavar="FIELD=VALUE,...",
        callback=parse_space,
        help="What the proposals' boxes mean, where their format does not say it.",
    ),
)
extra_option = click.option(
    "--extra",
    type=click.Choice(["error", "count"]),
    default="error",
    show_default=True,
    help="What a row of an unknown image or phrase is.",
)
bootstrap_options = options(
    click.option("--samples", type=click.IntRange(1), default=10_000, show_default=True),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True),
    click.option(
        "--confidence", type=click.FloatRange(0, 1, True, True), default=0.95, show_default=True
    ),
)


setting_option = click.option(
    "--set", "settings", multiple=True, metavar="FIELD=VALUE", help="Override a protocol's field."
)


format_option = click.option(
    "--format",
    "style",
    type=click.Choice(FORMATS),
    default="table",
    show_default=True,
)


def per_phrase_option(rows: str) -> Callable[[Command], Command]:
    """Give the option that writes some rows, one a phrase."""
    return click.option(
        "--per-phrase", metavar="FILE", help=f"Write {rows} (.csv .tsv .jsonl .parquet)."
    )


def check_rows_file(path: str | None) -> None:
    """Refuse a file of rows at an address, or of no known suffix, before anything is read."""
    if path is not None:
        from phraseloc.formats.per_phrase import SUFFIXES
        from phraseloc.formats.source import suffix_of

        check_path(path)
        suffix_of(Path(path), SUFFIXES)


def check_path(path: str) -> None:
    """Refuse an address where a file of this machine is read or written."""
    if is_address(path):
        raise OptionError(f"{path}: found an address, expected a file of this machine")


def protocol_names(_ctx: Any, _param: Any, incomplete: str) -> list[str]:
    """Complete a protocol's name in the shell."""
    return [name for name in PROTOCOLS if name.startswith(incomplete)]


protocol_options = options(
    click.option(
        "--protocol",
        "name",
        default="flickr30k",
        show_default=True,
        metavar="NAME",
        shell_complete=protocol_names,
    ),
    setting_option,
)


def protocol_of(name: str, settings: tuple[str, ...]) -> Protocol:
    """Find a protocol, with the overrides of ``--set``."""
    return find_protocol(name).override(**parse_overrides(settings))
