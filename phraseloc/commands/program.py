"""The program: a group of commands, and what its exit codes say."""

from __future__ import annotations

from typing import Any

import click

from phraseloc._version import __version__
from phraseloc.errors import PhraselocError

UNUSABLE = 2
FAILED = 1


class Program(click.Group):
    """A group whose commands turn this project's errors into a message and exit code 2."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; nothing but its own errors is caught."""
        try:
            return super().invoke(ctx)
        except PhraselocError as error:
            click.echo(f"phraseloc: {error}", err=True)
            ctx.exit(UNUSABLE)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="phraseloc")
def main() -> None:
    """Evaluate phrase localization: one prediction file in, one honest, reproducible figure out.

    Exit codes: 0 good, 1 the check failed, 2 unusable input.
    """
