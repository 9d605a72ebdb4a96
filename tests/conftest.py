"""What tests share: a private cache, small data, files of every kind and the real command line."""

from __future__ import annotations

import io
import json
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import settings

settings.register_profile("suite", deadline=None, derandomize=True, max_examples=60)
settings.register_profile("fuzz", deadline=None, max_examples=2_000)
settings.load_profile("suite")

Records = list[dict[str, Any]]
Run = Callable[..., Result]
Write = Callable[[str, Any], Path]

TRUTH: Records = [
    {
        "image": "10#0",
        "phrase": "a man",
        "start": 0,
        "entity": "1",
        "boxes": [[1, 1, 40, 40]],
        "categories": ["people"],
        "width": 200,
        "height": 100,
    },
    {
        "image": "10#0",
        "phrase": "two dogs",
        "start": 3,
        "entity": "2",
        "boxes": [[1, 1, 10, 10], [11, 11, 10, 10]],
        "categories": ["animals"],
        "width": 200,
        "height": 100,
    },
    {
        "image": "10#1",
        "phrase": "the rider",
        "start": 2,
        "entity": "1",
        "boxes": [[1, 1, 40, 40]],
        "categories": ["people", "other"],
        "width": 200,
        "height": 100,
    },
    {
        "image": "11#0",
        "phrase": "a red car",
        "start": 1,
        "entity": "7",
        "boxes": [[101, 51, 100, 100]],
        "categories": ["vehicles"],
        "width": 300,
        "height": 300,
    },
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test's cache to itself."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("PHRASELOC_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def data() -> Path:
    """The real data set's folder; where it is not, the test is skipped, or fails on request."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("PHRASELOC_DATA") or beside)
    if not (folder / "flickr30k_entities").is_dir():
        reason = f"the real data set is not in {folder} ($PHRASELOC_DATA)"
        if os.environ.get("PHRASELOC_REQUIRE_DATA") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture
def truth() -> Records:
    """Four phrases of two images, as JSON records: one of two boxes, one of two categories."""
    return json.loads(json.dumps(TRUTH))


@pytest.fixture
def guesses() -> Records:
    """A prediction for each phrase of `truth`: each is the first box of its entity."""
    kept = ("image", "phrase", "start", "entity")
    return [{**{k: r[k] for k in kept}, "box": list(r["boxes"][0])} for r in TRUTH]


@pytest.fixture(scope="session")
def make_truth() -> Callable[..., Any]:
    """Make ground truth of each phrase's boxes, in the numbers of their space.

    A phrase is the only one of its image, unless ``images`` says otherwise.
    """
    from phraseloc import BoxSpace, GroundTruth, PhraseKeys, Strings
    from phraseloc.columns import offsets_of

    def make(
        boxes: Sequence[Sequence[Sequence[float]]],
        *,
        space: Any = None,
        images: Sequence[str] | None = None,
        entities: Sequence[str] | None = None,
        categories: Sequence[Sequence[str]] | None = None,
        sizes: Any = None,
        **more: Any,
    ) -> Any:
        space = space or BoxSpace("xyxy", "inclusive", 1)
        count = len(boxes)
        kinds = Strings.of([name for names in categories or () for name in names])
        keys = PhraseKeys(
            Strings.of(images or [f"image{i}" for i in range(count)]),
            np.zeros(count, np.int64),
            np.arange(count),
            Strings.of(entities or [str(i) for i in range(count)]),
        )
        return GroundTruth(
            keys,
            offsets_of([len(group) for group in boxes]),
            space.read([box for group in boxes for box in group]),
            categories=kinds.values,
            category_offsets=offsets_of([len(names) for names in categories or [()] * count]),
            category_codes=kinds.codes,
            sizes=sizes,
            space=space,
            **more,
        )

    return make


@pytest.fixture(scope="session")
def make_predictions() -> Callable[..., Any]:
    """Make predictions for ground truth of each row's candidates, in the numbers of their space."""
    from phraseloc import BoxSpace, Predictions
    from phraseloc.columns import offsets_of

    def make(
        truth: Any, candidates: Sequence[Sequence[Sequence[float]]], *, space: Any = None
    ) -> Any:
        space = space or BoxSpace("xyxy", "inclusive", 1)
        boxes = np.array([box for row in candidates for box in row], np.float64)
        points = boxes.ndim == 2 and boxes.shape[1] == 2
        return Predictions(
            truth.keys,
            offsets_of([len(row) for row in candidates]),
            np.tile(space.read_points(boxes), 2) if points else space.read(boxes),
            points=points,
            space=space,
        )

    return make


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file: bytes and text as they are, a list for ``.jsonl`` a line an item, else JSON."""

    def write_file(name: str, content: Any) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            content = content.encode()
        elif not isinstance(content, bytes) and name.endswith(".jsonl"):
            content = "".join(json.dumps(item) + "\n" for item in content).encode()
        elif not isinstance(content, bytes):
            content = json.dumps(content).encode()
        path.write_bytes(content)
        return path

    return write_file


@pytest.fixture
def truth_file(write: Write, truth: Records) -> Path:
    """`truth` as a JSON file."""
    return write("truth.json", truth)


@pytest.fixture
def guess_file(write: Write, guesses: Records) -> Path:
    """`guesses` as a JSON file."""
    return write("guesses.json", guesses)


@pytest.fixture
def run() -> Run:
    """Run the command line in this process; an exception that it does not handle is the test's."""

    def run_main(*arguments: object, stdin: bytes | None = None) -> Result:
        from phraseloc.commands import main

        result = CliRunner().invoke(main, [str(a) for a in arguments], input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run_main


@pytest.fixture
def scored(run: Run) -> Callable[..., dict[str, Any]]:
    """Score through the command line, and give the first score of its JSON."""

    def score_files(*arguments: object, stdin: bytes | None = None) -> dict[str, Any]:
        result = run("score", *arguments, "--format", "json", stdin=stdin)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)[0]

    return score_files


@pytest.fixture
def refused(run: Run, tmp_path: Path) -> Callable[..., str]:
    """Run a command that must end with exit code 2, leaving no file; give its message."""

    def run_refused(*arguments: object, stdin: bytes | None = None) -> str:
        def files() -> set[Path]:
            cache = tmp_path / "cache"
            return {p for p in tmp_path.rglob("*") if p != cache and cache not in p.parents}

        before = files()
        result = run(*arguments, stdin=stdin)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert files() == before, "a refused command left files behind"
        return result.stderr

    return run_refused


def annotation(
    width: int, height: int, objects: Iterable[tuple[str, tuple[Any, ...] | None]]
) -> str:
    """An annotation of the release: entities with their corners, None for a scene."""
    tags = ("xmin", "ymin", "xmax", "ymax")
    items = []
    for entity, corners in objects:
        inner = (
            "<scene>1</scene><nobndbox>1</nobndbox>"
            if corners is None
            else "<bndbox>"
            + "".join(f"<{t}>{n}</{t}>" for t, n in zip(tags, corners, strict=False))
            + "</bndbox>"
        )
        items.append(f"<object><name>{entity}</name>{inner}</object>")
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation>{size}{''.join(items)}</annotation>"


@pytest.fixture
def annotate() -> Callable[..., str]:
    """Build an annotation's XML."""
    return annotation


@pytest.fixture
def release() -> dict[str, str]:
    """A release of two images: the phrases of `truth`, and three that have no box."""
    return {
        "F/Annotations/10.xml": annotation(
            200,
            100,
            [
                ("1", (1, 1, 40, 40)),
                ("2", (1, 1, 10, 10)),
                ("2", (11, 11, 20, 20)),
                ("5", None),
            ],
        ),
        "F/Sentences/10.txt": (
            "[/EN#1/people a man] and [/EN#2/animals two dogs] in [/EN#5/scene a park] .\n"
            "Here comes [/EN#1/people/other the rider] with [/EN#0/notvisual skill] .\n"
        ),
        "F/Annotations/11.xml": annotation(300, 300, [("7", (101, 51, 200, 150))]),
        "F/Sentences/11.txt": "Behold [/EN#7/vehicles a red car] of [/EN#9/people a friend] .\n",
    }


@pytest.fixture
def pack(tmp_path: Path) -> Callable[[Mapping[str, str | bytes], str], Path]:
    """Pack files into a folder, a ``.zip`` or a ``.tar.*`` by the name's suffix."""

    def pack_files(files: Mapping[str, str | bytes], name: str) -> Path:
        path = tmp_path / name
        contents = {n: c.encode() if isinstance(c, str) else c for n, c in files.items()}
        if name.endswith(".zip"):
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                for member, content in contents.items():
                    archive.writestr(zipfile.ZipInfo(member), content)
        elif ".tar" in name:
            mode = {"gz": "w:gz", "xz": "w:xz", "bz2": "w:bz2"}.get(name.rpartition(".")[2], "w")
            with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
                for member, content in contents.items():
                    info = tarfile.TarInfo(member)
                    info.size = len(content)
                    archive.addfile(info, io.BytesIO(content))
        else:
            for member, content in contents.items():
                (path / member).parent.mkdir(parents=True, exist_ok=True)
                (path / member).write_bytes(content)
        return path

    return pack_files
