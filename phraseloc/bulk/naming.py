"""Names of shards: messages call the only one as a small file is called, others by their paths."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from phraseloc.bulk.addresses import is_address
from phraseloc.bulk.shards import Shards
from phraseloc.errors import InputError
from phraseloc.formats.source import name_of


def called(file: str, shards: Shards) -> str:
    """Name a shard; an address stands whole."""
    return name_of(file) if shards.files == (shards.name,) and not is_address(file) else file


def label_of(shards: Shards) -> str:
    """Give what results call shards: by the name of a single file alone."""
    return name_of(shards.name) if shards.files == (shards.name,) else shards.name


@contextmanager
def naming(file: str, shards: Shards) -> Iterator[None]:
    """Let errors of a file call it as it is called among its shards."""
    try:
        yield
    except InputError as error:
        if error.source != file or called(file, shards) == file:
            raise
        raise InputError(called(file, shards), error.message) from None
