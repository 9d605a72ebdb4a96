"""Whatever bytes a file has, reading it gives data or a PhraselocError, and nothing else."""

import io
import json
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phraseloc import PhraselocError, load_ground_truth, load_predictions

RECORDS = [
    {
        "image": f"{image}#0",
        "phrase": ["a", "man"],
        "start": 0,
        "entity": "1",
        "box": [1, 2.5, 30, 40],
        "categories": ["people"],
        "width": 100,
        "height": 90,
    }
    for image in (10, 11)
]
RELEASE = {
    "F/Annotations/1.xml": (
        "<annotation><size><width>50</width><height>40</height></size><object><name>3</name>"
        "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"
        "</annotation>"
    ),
    "F/Sentences/1.txt": "[/EN#3/people/other a man] in [/EN#4/scene a park] .\n",
}


def parquet():
    import pyarrow
    from pyarrow import parquet as writer

    table = pyarrow.Table.from_pylist(RECORDS)
    table = table.replace_schema_metadata({b"phraseloc": b'{"origin": 1}'})
    sink = io.BytesIO()
    writer.write_table(table, sink)
    return sink.getvalue()


def zipped():
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in RELEASE.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return sink.getvalue()


def tarred(mode):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode=mode) as archive:
        for name, text in RELEASE.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    return sink.getvalue()


TEXTS = {
    "json": json.dumps({"phraseloc": {"origin": 1}, "records": RECORDS}).encode(),
    "jsonl": b"\n".join(json.dumps(r).encode() for r in [{"phraseloc": {}}, *RECORDS]),
    "csv": (
        b"#phraseloc origin=1\nimage,phrase,start,entity,categories,width,height,x,y,w,h\n"
        b'10#0,"a ""man"", old",0,1,people;other,100,90,1,2.5,30,40\n11#0,,1,2,,,,1,1,3,4\n'
    ),
    "tsv": b"#phraseloc origin=1\n10#0\ta man\t1\t2.5\t30\t40\n11#0\ta dog\t1\t1\t3\t4\n",
}
ARCHIVES = {"zip": zipped(), "tar": tarred("w"), "tar.gz": tarred("w:gz"), "tar.xz": tarred("w:xz")}
FILES = {**TEXTS, **ARCHIVES, "parquet": parquet()}

TOKENS = st.sampled_from(
    [
        b"null", b"NaN", b"1e999", b"-1", b"[", b"]", b"{", b"}", b'"', b",", b"\n", b"\t", b"\r",
        b"\0", b"\xff", b'"\\ud800"', b"1" * 400, b"9" * 5_000, b"true", b"#", b"<", b">", b"/",
        b"18446744073709551616", b"[[1,2,3,4]]", b"\xef\xbb\xbf", b"&#0;", b"]]>", b" ",
    ]
)  # fmt: skip


@st.composite
def mutated(draw, contents):
    """Cut, overwrite, repeat and insert: up to eight small changes of a valid file."""
    content = bytearray(contents)
    for _ in range(draw(st.integers(1, 8))):
        place = draw(st.integers(0, len(content)))
        kind = draw(st.sampled_from(["cut", "byte", "token", "drop", "repeat"]))
        if kind == "cut":
            del content[place:]
        elif kind == "byte" and place < len(content):
            content[place] = draw(st.integers(0, 255))
        elif kind == "token":
            content[place:place] = draw(TOKENS)
        else:
            end = place + draw(st.integers(1, 40))
            part = bytes(content[place:end])
            content[place:end] = b"" if kind == "drop" else part * 2
    return bytes(content)


def read(load, path):
    """Read a file; give None where it is refused on purpose."""
    try:
        return load(path)
    except PhraselocError:
        return None


def read_both(content):
    """Read a file as predictions and as ground truth."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        found = [read(load, path) for load in (load_predictions, load_ground_truth)]
    for data in filter(None, found):
        assert len(data.boxes) == data.offsets[-1]
        assert len(data.keys) == len(data.offsets) - 1


@pytest.fixture(autouse=True)
def no_cache(monkeypatch):
    monkeypatch.setenv("PHRASELOC_CACHE", "off")


@pytest.mark.parametrize("kind", FILES)
def test_the_files_to_change_are_sound(kind, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(FILES[kind])
    assert len(load_ground_truth(path)) == (1 if kind in ARCHIVES else 2)


@given(st.binary(max_size=300))
def test_any_bytes(content):
    read_both(content)


@given(st.text(max_size=200))
def test_any_text(text):
    read_both(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("kind", FILES)
@given(data=st.data())
def test_mutated_files(kind, data):
    read_both(data.draw(mutated(FILES[kind])))


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from(["", "10#0", "a", "1", "\0", "#", "x#²", "x#1", "xyxy", "0-1"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=8,
)
FIELDS = ["point", "boxes", "scores", "sentence", "first_word", "phraseId", *RECORDS[0]]
ODD_RECORDS = st.lists(
    st.builds(
        lambda record, changes: {**record, **changes},
        st.sampled_from([{}, *RECORDS]),
        st.dictionaries(st.sampled_from(FIELDS), JSON_VALUES, max_size=3),
    ),
    max_size=4,
)
HEADERS = st.dictionaries(
    st.sampled_from(["layout", "corners", "origin", "units", "x"]), JSON_VALUES, max_size=2
)


@given(ODD_RECORDS, HEADERS, st.booleans())
def test_records_of_any_values(records, header, as_lines):
    if as_lines:
        content = "\n".join(json.dumps(item) for item in [{"phraseloc": header}, *records])
    else:
        content = json.dumps({"phraseloc": header, "records": records} if header else records)
    read_both(content.encode())


@given(st.dictionaries(st.sampled_from(sorted(RELEASE)), st.binary(max_size=200), min_size=1))
def test_releases_of_any_content(changes):
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in {**RELEASE, **changes}.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    read_both(sink.getvalue())


@pytest.mark.parametrize("name", RELEASE)
@given(data=st.data())
def test_releases_with_mutated_content(name, data):
    sink = io.BytesIO()
    content = data.draw(mutated(RELEASE[name].encode()))
    with zipfile.ZipFile(sink, "w") as archive:
        for member, text in {**RELEASE, name: content}.items():
            archive.writestr(zipfile.ZipInfo(member), text)
    read_both(sink.getvalue())
