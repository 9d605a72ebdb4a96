"""Worlds for the tests of streamed files, their files in every format, and both ways to score them.

A world is records of both sides, as a user's files have them. `small` and `streamed` score files by
the two paths of the program, which share nothing before the outcomes of a block.
"""

import gzip
import json
import resource
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow
import zstandard
from pyarrow import parquet

from phraseloc import BoxSpace, load_ground_truth
from phraseloc.bulk.columns import Origin, columns_of
from phraseloc.bulk.run import make_job, score_bulk, total_of
from phraseloc.bulk.shards import find_shards
from phraseloc.commands.reading import scored
from phraseloc.errors import Problems

BOOTSTRAP = (199, 3, 0.9)
SUFFIXES = (".parquet", ".jsonl", ".jsonl.gz", ".jsonl.zst", ".json", ".json.gz", ".json.zst")
TEXTS = (".csv", ".tsv", ".csv.gz", ".tsv.zst")
"""Suffixes of files that hold one box a row."""
CATEGORIES = ("people", "scène", "other", "クルマ")
FIELDS = (
    *("protocol", "accuracy", "interval", "mean", "thresholds", "categories"),
    *("category_intervals", "sizes", "boxes", "recall", "upper_bound", "coverage"),
)


@dataclass
class World:
    """Records of both sides, what their boxes mean, and how they are to be read."""

    truth: list
    guesses: list
    spaces: tuple = (BoxSpace(), BoxSpace())
    degenerate: str = "error"
    extra: str = "error"
    points: bool = False
    sizes: dict = field(default_factory=dict)

    @property
    def in_order(self):
        return len(self.truth) == len(self.guesses) and all(
            key_of(one) == key_of(two) for one, two in zip(self.truth, self.guesses, strict=True)
        )


def key_of(record):
    """The key of a record, whichever fields it stands in."""
    image, sentence = record["image"], record.get("sentence")
    if sentence is None:
        image, _, sentence = image.rpartition("#")
    return image, int(sentence), record.get("first_word", record.get("start")), record["entity"]


def make_world(seed, *, images=12, kind=None, relative=None, shuffled=None, spaces=None):
    """Draw a world; what is not asked for is drawn, too."""
    random = np.random.default_rng(seed)
    kind = kind or str(random.choice(["box", "boxes", "mixed", "ranked", "scored", "point"]))
    with_sizes = bool(random.integers(4)) or bool(relative)
    relative = with_sizes and not random.integers(3) if relative is None else relative
    spaces = spaces or (space_of(random, False), space_of(random, relative))
    world = World([], [], spaces, points=kind == "point")
    world.degenerate = str(random.choice(["error", "count"]))
    world.extra = str(random.choice(["error", "count"]))
    styles = random.integers(0, 3, size=2)
    several = bool(random.integers(4))
    for place in random.permutation(images).tolist():
        sides = random.integers(40, 400, size=2)
        image = f"{place * 7}{'#x' if place % 5 == 4 else ''}"
        entities = [drawn_boxes(random, sides, 1 + several * random.integers(3)) for _ in range(4)]
        for phrase in phrases_of(random, image):
            boxes = entities[phrase[3]]
            row = keyed(phrase, styles[0])
            row |= boxes_of(spaces[0].write(boxes), several)
            kinds = random.choice(CATEGORIES, size=random.integers(3), replace=False).tolist()
            row["categories"] = kinds
            if with_sizes:
                row |= {"width": int(sides[0]), "height": int(sides[1])}
            world.truth.append(row)
            guess = candidates(random, boxes, sides, kind, world.degenerate == "count")
            world.guesses.append(
                keyed(phrase, styles[1]) | written_guess(random, guess, sides, world, kind)
            )
    spoil(random, world, shuffled)
    return world


def space_of(random, relative):
    layout = str(random.choice(["xywh", "xyxy"]))
    if relative:
        return BoxSpace(layout, "continuous", 0, str(random.choice(["0-1", "0-1000"])))
    return BoxSpace(
        layout, str(random.choice(["inclusive", "continuous"])), int(random.integers(2))
    )


def phrases_of(random, image):
    """Draw the keys of an image's phrases: image, sentence, first word, entity."""
    keys = {
        (image, int(random.integers(3)), int(random.integers(9)), int(random.integers(4)))
        for _ in range(random.integers(1, 8))
    }
    return [sorted(keys)[i] for i in random.permutation(len(keys)).tolist()]


def keyed(phrase, style):
    image, sentence, first_word, entity = phrase
    if style == 0:
        return {"image": f"{image}#{sentence}", "start": first_word, "entity": str(entity)}
    word = "first_word" if style == 1 else "start"
    return {"image": image, "sentence": sentence, word: first_word, "entity": str(entity)}


def drawn_boxes(random, sides, count):
    """Draw boxes within an image, on whole, quarter or any pixels."""
    corners = np.sort(random.random((count, 2, 2)) * sides, axis=1).reshape(count, 4)
    corners = [np.round(corners), np.round(4 * corners) / 4, corners][random.integers(3)]
    corners[:, 2:] = np.maximum(corners[:, 2:], corners[:, :2] + 1)
    return corners


def candidates(random, boxes, sides, kind, flat):
    """Draw the candidates of a phrase, some near its boxes, some flat, perhaps none."""
    count = 1 if kind in ("box", "point") else int(random.integers(0, 5))
    found = drawn_boxes(random, sides, count)
    near = random.random(count) < 0.6
    found[near] = boxes[random.integers(len(boxes), size=near.sum())]
    if flat and count and random.random() < 0.2:
        found[0, 2] = found[0, 0]
    return found


def written_guess(random, found, sides, world, kind):
    space = world.spaces[1]
    scale = np.tile(sides, 2) if space.relative else 1.0
    if kind == "point":
        points = (found[:, :2] + found[:, 2:]) / 2
        return {
            "point": space.write_points(points / (sides if space.relative else 1.0))[0].tolist()
        }
    numbers = space.write(found / scale).tolist()
    if kind == "box" or (kind == "mixed" and len(numbers) == 1):
        return {"box": numbers[0]}
    if kind == "scored":
        return {"boxes": numbers, "scores": random.integers(0, 4, size=len(numbers)).tolist()}
    return {"boxes": numbers}


def boxes_of(boxes, several):
    if several:
        return {"boxes": boxes.tolist()}
    return {"box": boxes[0].tolist()}


def spoil(random, world, shuffled):
    """Leave rows out, repeat some, add some of no phrase, and shuffle; or leave all in order."""
    guesses = world.guesses
    if shuffled or (shuffled is None and random.integers(3)):
        kept = random.random(len(guesses)) > 0.1
        guesses = [guess for guess, keep in zip(guesses, kept, strict=True) if keep] or guesses
        guesses += [guesses[i] for i in random.integers(len(guesses), size=3).tolist()]
        if world.extra == "count":
            known = {**guesses[0], "entity": "none"}
            guesses += [known, {**known, "image": "nowhere#0" if "#" in known["image"] else "no"}]
        world.guesses = [guesses[i] for i in random.permutation(len(guesses)).tolist()]
    if not any(guess.get("boxes", [0]) for guess in world.guesses):
        world.guesses = [{**guess, "boxes": [[1, 1, 2, 2]]} for guess in world.guesses]


def one_box_a_row(world):
    """Give a world whose ground truth has one box a row, as tables of text have."""
    truth = [{**row, "box": row.get("box") or row["boxes"][0]} for row in world.truth]
    for row in truth:
        row.pop("boxes", None)
    return replace(world, truth=truth)


def write_records(records, place, space=None, layout="xywh"):
    """Write records by suffix; a space is declared in the header, where the format has one."""
    suffix = "".join(Path(place).suffixes)
    if suffix == ".parquet":
        return write_table(records, place, space)
    if suffix in TEXTS:
        text = text_of(records, space, space.layout if space else layout, suffix)
        return write_packed(text, place)
    lines = [json.dumps(record) for record in records]
    if suffix.startswith(".jsonl"):
        head = [] if space is None else [json.dumps({"phraseloc": vars(space)})]
        text = "".join(line + "\n" for line in head + lines)
    else:
        assert space is None, "an array has no header"
        text = "[" + ",\n".join(lines) + "]"
    return write_packed(text, place)


def write_packed(text, place):
    pack = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}
    Path(place).write_bytes(pack.get(Path(place).suffix, bytes)(text.encode()))
    return str(place)


def text_of(records, space, layout, suffix):
    """Write records as a table with names, every other cell in quotes, and a column of no use."""
    names = dict.fromkeys(name for record in records for name in record)
    fields = sorted(name for name in names if name not in ("box", "point"))
    box = {"xywh": "xywh", "xyxy": ("x1", "y1", "x2", "y2")}[layout] if "box" in names else "xy"
    lines = [[*fields, "a note", *box]]
    for record in records:
        cells = [record.get(name) for name in fields]
        cells = [";".join(cell) if isinstance(cell, list) else cell for cell in cells]
        numbers = record.get("box") or record.get("point") or [None] * len(box)
        lines.append([*cells, 'of no "use"', *numbers])
    mark = "\t" if suffix.startswith(".tsv") else ","
    head = ""
    if space is not None:
        head = "#phraseloc " + " ".join(f"{k}={v}" for k, v in vars(space).items()) + "\n"
    return head + "".join(mark.join(map(cell_of, range(99), line)) + "\n" for line in lines)


def cell_of(place, value):
    text = "" if value is None else str(value)
    return '"' + text.replace('"', '""') + '"' if '"' in text or "," in text or place % 2 else text


def write_table(records, place, space=None, row_group_size=50):
    names = dict.fromkeys(name for record in records for name in record)
    table = pyarrow.table({name: [record.get(name) for record in records] for name in names})
    if space is not None:
        table = table.replace_schema_metadata({"phraseloc": json.dumps(vars(space))})
    parquet.write_table(table, place, row_group_size=row_group_size)
    return str(place)


def write_shards(records, folder, count, suffix, space=None):
    """Write records as so many shards of unequal sizes."""
    folder.mkdir()
    random = np.random.default_rng(count)
    cuts = np.sort(random.integers(1, len(records), size=count - 1)).tolist()
    for shard, (low, high) in enumerate(zip([0, *cuts], [*cuts, len(records)], strict=True)):
        if high > low:
            write_records(records[low:high], folder / f"part-{shard:03}{suffix}", space)
    return str(folder)


def write_world(world, folder, suffixes=(".parquet", ".parquet"), *, header=None):
    """Write both sides; give their files and what a caller must declare of their boxes."""
    files, declared = [], []
    for name, records, space, suffix in zip(
        ("truth", "mine"), (world.truth, world.guesses), world.spaces, suffixes, strict=True
    ):
        own = (header is None or header) and not suffix.startswith(".json.")
        own = own and suffix != ".json"
        place = folder / f"{name}{suffix}"
        files.append(write_records(records, place, space if own else None, space.layout))
        declared.append({} if own else vars(space))
    return files, {"truth_boxes": declared[0], **declared[1]}


def job_of(world, files, declared, protocols, **more):
    truth, *others = map(find_shards, files)
    assert truth is not None
    reading = {"degenerate": world.degenerate, "extra": world.extra}
    return make_job(truth, others, protocols, **reading, **declared, **more)


def streamed(job, totals=None, bootstrap=BOOTSTRAP):
    return score_bulk(job, total_of(job) if totals is None else totals, bootstrap)


def small(world, files, declared, protocols, bootstrap=BOOTSTRAP):
    """Score as the command does where nothing is large; a list for each protocol's message."""
    reading = {name: value for name, value in declared.items() if name != "truth_boxes"}
    reading["degenerate"] = world.degenerate
    truth = load_ground_truth(files[0], **declared["truth_boxes"])
    options = dict(zip(("samples", "seed", "confidence"), bootstrap, strict=True))
    return truth, scored(truth, files[1:], protocols, world.extra, reading, options)


def usable(world, protocols):
    """The protocols that can score a world."""
    with_sizes = "width" in world.truth[0]
    return [
        protocol
        for protocol in protocols
        if (protocol.overlap == "point" or not world.points)
        and (with_sizes or not protocol.min_area_share)
    ]


def assert_same(found, expected):
    """Hold every field of two scores to the same bits; the median to its bins."""
    for name in FIELDS:
        ours, theirs = (plain(getattr(scores, name)) for scores in (found, expected))
        assert ours == theirs, name
    assert abs(found.median - expected.median) <= 2**-16
    for name in ("phrases", "multi_box"):
        assert found.ground_truth[name] == expected.ground_truth[name]


def plain(value):
    """Give what can be compared: NaN equals itself, and the order of categories is no matter."""
    if hasattr(value, "items"):
        return {key: repr(item) for key, item in value.items()}
    return repr(value)


def block_of(records, problems=None, *, files=("mine.parquet",), row_name="record"):
    """Make columns of records, as a reader gives them: texts, whole numbers, lists of doubles."""
    numbers = pyarrow.list_(pyarrow.float64())
    types = {
        **dict.fromkeys(("image", "entity"), pyarrow.string()),
        **dict.fromkeys(("sentence", "first_word", "start", "phraseId"), pyarrow.int64()),
        **dict.fromkeys(("box", "scores", "point"), numbers),
        **dict.fromkeys(("width", "height"), pyarrow.float64()),
        "boxes": pyarrow.list_(numbers),
        "categories": pyarrow.list_(pyarrow.string()),
    }
    names = dict.fromkeys(name for record in records for name in record)
    schema = pyarrow.schema([(name, types[name]) for name in names])
    batch = pyarrow.RecordBatch.from_pylist(records, schema)
    rows = np.arange(len(records))
    origin = Origin(files, rows % len(files), rows // len(files) + 1, row_name)
    return columns_of(batch, origin, Problems(files[0]) if problems is None else problems)


@contextmanager
def limited_files(size):
    """Let no file grow beyond so many bytes, as on a disk that is full there.

    Python ignores the signal that comes with it, so that writing fails with an error.
    """
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))
