"""A driver of fsspec for tests: files in memory, which it refuses, breaks off or gives slowly."""

import gzip
import json
import time
from typing import ClassVar

import fsspec
from fsspec.implementations.memory import MemoryFileSystem
from pyarrow import Table, parquet

SCHEME = "moody"
LARGE = 130_000
"""More rows than a block has."""


class Moody(MemoryFileSystem):
    """Memory with moods: an exception for a part of a path, when looked up or when read."""

    protocol = SCHEME
    cachable = False
    store: ClassVar[dict] = {}
    pseudo_dirs: ClassVar[list] = [""]
    refused: ClassVar[dict] = {}
    broken: ClassVar[dict] = {}
    unsized: ClassVar[set] = set()
    whole: ClassVar[set] = set()
    pages: ClassVar[set] = set()
    delay: ClassVar[float] = 0.0
    asked: ClassVar[list] = []

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(path.removeprefix(f"{SCHEME}:/"))

    def info(self, path, **more):
        for part, error in self.refused.items():
            if part in path:
                raise error
        found = super().info(path, **more)
        if path in self.pages:
            found = {**found, "type": "file"}
        return {**found, "size": None} if path in self.unsized else found

    def ls(self, path, detail=True, **more):
        for part, error in self.refused.items():
            if part in path + "/":
                raise error
        return super().ls(path, detail=detail, **more)

    def cat_file(self, path, start=None, end=None, **more):
        self.asked.append((path, start, end))
        time.sleep(self.delay)
        for part, (place, error) in self.broken.items():
            if part in path and (start or 0) <= place < end:
                raise error
        if path in self.whole:
            start = end = None
        return super().cat_file(path, start=start, end=end, **more)


def reset():
    """Register the driver, without files and in a good mood."""
    fsspec.register_implementation(SCHEME, Moody, clobber=True)
    Moody.store.clear()
    Moody.pseudo_dirs[:] = [""]
    for moods in (
        Moody.refused,
        Moody.broken,
        Moody.unsized,
        Moody.whole,
        Moody.pages,
        Moody.asked,
    ):
        moods.clear()
    Moody.delay = 0.0
    return Moody()


def put(driver, local, path):
    """Copy a file, or a folder's files, to a path of the driver; give its address."""
    if local.is_dir():
        for file in local.iterdir():
            driver.pipe(f"{path}/{file.name}", file.read_bytes())
    else:
        driver.pipe(path, local.read_bytes())
    return f"{SCHEME}:/{path}"


def entity_of(row):
    """The entity of a row of a large file."""
    return str(row * 7919 % LARGE)


def write_large(folder):
    """Write a file of more than one block, which DuckDB reads in parts, in three formats."""
    lines = [
        f'{{"image":"{n // 9}","sentence":{n % 5},"start":{n % 9},"entity":"{entity_of(n)}",'
        f'"box":[{n % 90 + 1},1,5,{n % 7 + 1}]}}\n'
        for n in range(LARGE)
    ]
    text = "".join(lines).encode()
    (folder / "p.jsonl").write_bytes(text)
    (folder / "p.jsonl.gz").write_bytes(gzip.compress(text, 1))
    table = Table.from_pylist([json.loads(line) for line in lines])
    parquet.write_table(table, folder / "p.parquet", compression="none", use_dictionary=False)
    return folder
