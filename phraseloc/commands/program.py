"""The program: a group of commands, and what its exit codes say."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import click

from phraseloc._version import __version__
from phraseloc.bulk.addresses import is_address
from phraseloc.errors import OptionError, PhraselocError

UNUSABLE = 2
FAILED = 1

WITH_ADDRESSES = ("score", "compare", "fetch")
"""The commands that take addresses, for files or for a host."""


class Program(click.Group):
    """A group whose commands turn this project's errors into a message and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; nothing but its own errors is caught."""
        try:
            return super().invoke(ctx)
        except PhraselocError as error:
            click.echo(f"phraseloc: {error}", err=True)
            ctx.exit(UNUSABLE)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command; an address would be a strange path to most."""
        name, command, rest = super().resolve_command(ctx, args)
        if name not in WITH_ADDRESSES:
            for before, argument in pairwise(["", *rest]):
                if before != "--cluster" and not argument.startswith("--cluster="):
                    _check_path(argument, str(name))
        return name, command, rest


def _check_path(argument: str, command: str) -> None:
    """Refuse an address, also as ``--option=ADDRESS`` and ``NAME=ADDRESS``."""
    for path in (argument, argument.partition("=")[2]):
        if is_address(path):
            raise OptionError(
                f"{path}: addresses are read by `phraseloc score` and `phraseloc compare`; "
                f"`phraseloc {command}` expects a file of this machine"
            )


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="phraseloc")
def main() -> None:
    """Evaluate phrase localization: one prediction file in, one honest, reproducible figure out.

    Exit codes: 0 good, 1 the check failed, 2 unusable input.
    """
