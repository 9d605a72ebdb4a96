"""Synthetic phrases of any number, with predictions: shaped like Flickr30k, drawn by seed.

An image has five captions of 2.9 phrases on average, nine entities, and 500 x 375 pixels. Targets
lie on whole pixels, predictions on hundredths, and three of five are right. Blocks of images are
drawn and written one by one, so that memory is that of a block, and fewer rows are the first ones
of more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import disk_usage
from typing import Any

import numpy as np

VERSION, SEED = 1, 0
"""What files are named by, so that kept ones are used again only where they would be the same."""

IMAGES = 8_192
"""Images of a block: about 119,000 phrases."""

CAPTIONS, ENTITIES = 5, 9
SIZE = np.array([500, 375])
CATEGORIES = {"people": 0.4, "other": 0.25, "clothing": 0.15, "scene": 0.1, "animals": 0.1}
NOISE = 0.19
"""Standard deviation of every number of a predicted box, of the box's side."""

Flat = Mapping[str, Any]
"""Columns of a block: image, sentence, first_word, entity, x, y, w, h and, of truth, category."""

Write = Callable[[Flat], object]


@dataclass(frozen=True)
class Pair:
    """The files of both sides."""

    truth: Path
    predictions: Path

    @property
    def size(self) -> int:
        """How many bytes they have."""
        return sum(path.stat().st_size for path in (self.truth, self.predictions))


def draw_blocks(rows: int, seed: int = SEED) -> Iterator[tuple[Flat, Flat]]:
    """Draw ground truth and predictions of so many phrases, block by block."""
    number = 0
    while rows > 0:
        truth, predictions = _drawn(number, np.random.default_rng([seed, number]))
        count = min(rows, len(truth["x"]))
        yield tuple(  # type: ignore[misc]
            {name: column[:count] for name, column in side.items()} for side in (truth, predictions)
        )
        rows, number = rows - count, number + 1


def _drawn(number: int, draw: np.random.Generator) -> tuple[Flat, Flat]:
    import pyarrow

    counts = 1 + draw.binomial(6, 1.9 / 6, IMAGES * CAPTIONS)
    caption = np.repeat(np.arange(len(counts)), counts)
    words = np.cumsum(draw.integers(1, 5, len(caption)))
    image = caption // CAPTIONS
    entity = ENTITIES * image + draw.integers(0, ENTITIES, len(caption))
    sides = np.floor(SIZE * draw.beta(1.2, 2.0, (ENTITIES * IMAGES, 2))) + 10
    sides = np.minimum(sides, SIZE)
    corners = np.floor(draw.random(sides.shape) * (SIZE - sides + 1)) + 1
    boxes = np.concatenate([corners, sides], axis=1)[entity]
    kinds = draw.choice(len(CATEGORIES), ENTITIES * IMAGES, p=list(CATEGORIES.values()))
    keys = {
        # as irregular as real ids: a multiple modulo a prime, so that no two are the same
        "image": _texts(100_000_000 + (number * IMAGES + image) * 48_271 % 899_999_963),
        "sentence": pyarrow.array(caption % CAPTIONS),
        "first_word": pyarrow.array(words - np.repeat(words[np.cumsum(counts) - counts], counts)),
        "entity": _texts(ENTITIES * IMAGES * number + entity),
    }
    category = pyarrow.array(list(CATEGORIES)).take(pyarrow.array(kinds[entity]))
    truth = {**keys, **_numbers(boxes.astype(np.int64)), "category": category}
    return truth, {**keys, **_numbers(_predicted(boxes, draw))}


def _predicted(boxes: Any, draw: np.random.Generator) -> Any:
    """Move every number of the boxes by noise, and keep them within the image."""
    moved = boxes + NOISE * draw.standard_normal(boxes.shape) * np.tile(boxes[:, 2:], 2)
    low = np.clip(moved[:, :2], 1, SIZE - 5)
    sides = np.clip(moved[:, 2:], 2, SIZE + 1 - low)
    return np.concatenate([low, sides], axis=1).round(2)


def _texts(numbers: Any) -> Any:
    import pyarrow

    return pyarrow.array(numbers).cast(pyarrow.string())


def _numbers(boxes: Any) -> dict[str, Any]:
    import pyarrow

    return {name: pyarrow.array(boxes[:, place]) for place, name in enumerate("xywh")}


@contextmanager
def _parquet(path: Path, side: str) -> Iterator[Write]:
    import pyarrow
    from pyarrow import parquet

    fields = [("image", pyarrow.string()), ("sentence", pyarrow.int64())]
    fields += [("first_word", pyarrow.int64()), ("entity", pyarrow.string())]
    fields += [("box", pyarrow.list_(pyarrow.float64()))]
    if side == "truth":
        fields += [("categories", pyarrow.list_(pyarrow.string()))]
    schema = pyarrow.schema(fields)
    with parquet.ParquetWriter(path, schema) as writer:
        yield lambda flat: writer.write_table(pyarrow.table(_nested(flat), schema))


def _nested(flat: Flat) -> dict[str, Any]:
    """Give the columns of records, which have lists."""
    import pyarrow

    numbers = np.stack([flat[name].to_numpy() for name in "xywh"], axis=1).astype(np.float64)
    every = np.arange(len(numbers) + 1, dtype=np.int32)
    lists = {"box": pyarrow.ListArray.from_arrays(4 * every, numbers.reshape(-1))}
    if "category" in flat:
        lists["categories"] = pyarrow.ListArray.from_arrays(every, flat["category"])
    return {name: flat[name] for name in ("image", "sentence", "first_word", "entity")} | lists


@contextmanager
def _text(
    path: Path,
    side: str,
    rows: Mapping[str, str],
    opening: str = "",
    between: str = "\n",
    closing: str = "\n",
) -> Iterator[Write]:
    """Write rows of each side by a template, whose ``$name`` is a column's text."""
    with path.open("wb") as file:
        file.write(opening.encode())
        first = True

        def write(flat: Flat) -> None:
            nonlocal first
            text = _joined(flat, between + rows[side])
            file.write(text[len(between) :] if first else text)
            first = False

        yield write
        file.write(closing.encode())


def _joined(flat: Flat, row: str) -> memoryview:
    """Give the text of all rows, one after another."""
    import pyarrow
    from pyarrow import compute

    pieces = [
        flat[piece].cast(pyarrow.string()) if place % 2 else piece
        for place, piece in enumerate(re.split(r"\$(\w+)", row))
    ]
    joined = compute.binary_join_element_wise(*pieces, "")
    _, offsets, text = joined.buffers()
    return memoryview(text)[: int(np.frombuffer(offsets, np.int32)[len(joined)])]


_KEYS = '{"image":"$image","sentence":$sentence,"first_word":$first_word,"entity":"$entity"'
_RECORDS = {
    "truth": _KEYS + ',"box":[$x,$y,$w,$h],"categories":["$category"]}',
    "predictions": _KEYS + ',"box":[$x,$y,$w,$h]}',
}

_CELLS = {
    "truth": "$image,$sentence,$first_word,$entity,$x,$y,$w,$h,$category",
    "predictions": "$image,$sentence,$first_word,$entity,$x,$y,$w,$h,",
}
_NAMES = "image,sentence,first_word,entity,x,y,w,h,categories\n"

FORMATS: dict[str, Callable[[Path, str], AbstractContextManager[Write]]] = {
    ".parquet": _parquet,
    ".jsonl": partial(_text, rows=_RECORDS),
    ".json": partial(_text, rows=_RECORDS, opening="[", between=",\n", closing="]\n"),
    ".csv": partial(_text, rows=_CELLS, opening=_NAMES),
}
"""How each format is written; a suffix that the program finds it by, and a writer."""


def write_pair(rows: int, suffix: str, folder: Path) -> Pair:
    """Write both sides of so many phrases, unless the folder has them."""
    pair = Pair(*(folder / f"{_name(rows)}-{side}{suffix}" for side in ("truth", "predictions")))
    if not (pair.truth.exists() and pair.predictions.exists()):
        _check_room(rows, suffix, folder)
        with ExitStack() as stack:
            places = [stack.enter_context(_whole(path)) for path in (pair.truth, pair.predictions)]
            sides = zip(places, ("truth", "predictions"), strict=True)
            writers = [stack.enter_context(FORMATS[suffix](*side)) for side in sides]
            for block in draw_blocks(rows):
                for write, flat in zip(writers, block, strict=True):
                    write(flat)
    return pair


def shuffle_predictions(rows: int, pair: Pair) -> Pair:
    """Give a pair of Parquet files whose predictions stand in an order of their own."""
    import duckdb

    path = pair.predictions.with_name(f"{_name(rows)}-shuffled.parquet")
    if not path.exists():
        source = f"read_parquet('{pair.predictions}', file_row_number=true)"
        order = f"hash(file_row_number + {SEED})"
        with _whole(path) as place:
            duckdb.sql(
                f"COPY (SELECT * EXCLUDE file_row_number FROM {source} ORDER BY {order}) "
                f"TO '{place}' (FORMAT parquet)"
            )
    return Pair(pair.truth, path)


def _name(rows: int) -> str:
    return f"scale-{VERSION}-{SEED}-{rows}"


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give a place to write to; the file has its name when it is whole."""
    place = path.with_name(f"{path.name}.part")
    yield place
    place.rename(path)


def _check_room(rows: int, suffix: str, folder: Path) -> None:
    needed, free = rows * (50 if suffix == ".parquet" else 300), disk_usage(folder).free
    if free < needed:
        raise OSError(
            f"{folder} has {free / 1e9:.1f} GB of room; {rows:,} phrases need {needed / 1e9:.1f} GB"
        )
