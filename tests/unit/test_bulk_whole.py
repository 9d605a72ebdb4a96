"""Files that break off where DuckDB takes them for whole."""

import json

import numpy as np
import pytest
import zstandard

from phraseloc.bulk.contents import check_closed, check_unpacked
from phraseloc.errors import InputError

LINES = [json.dumps({"image": f"{n}#0", "box": [n, 1, 5, 5]}).encode() + b"\n" for n in range(900)]
SKIPPED = bytes.fromhex("532a4d18") + (5).to_bytes(4, "little") + b"hello"


def in_blocks():
    packer = zstandard.ZstdCompressor().compressobj()
    parts = [
        packer.compress(line) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        for line in LINES[:60]
    ]
    return b"".join(parts) + packer.flush()


def packed(data, **options):
    return zstandard.ZstdCompressor(**options).compress(data)


PACKED = {
    "blocks": in_blocks(),
    "checksum": packed(b"".join(LINES), write_checksum=True, level=19),
    "repeated": packed(b"a" * 10**6),
    "random": packed(np.random.default_rng(0).bytes(2000)),
    "empty": packed(b""),
}


@pytest.mark.parametrize("name", sorted(PACKED))
def test_frames_are_whole_or_named(name, tmp_path):
    place = tmp_path / "p.jsonl.zst"
    data = PACKED[name]
    for whole in (data, data + SKIPPED, SKIPPED + data, data + PACKED["repeated"]):
        place.write_bytes(whole)
        check_unpacked(str(place))
    for lost in range(1, len(data)):
        place.write_bytes(data[:-lost])
        with pytest.raises(InputError, match=r"zst: the compressed data break off: found [\d,]+ b"):
            check_unpacked(str(place))


def test_what_is_no_frame_is_left_to_others(tmp_path):
    place = tmp_path / "p.jsonl.zst"
    place.write_bytes(b"".join(LINES))
    check_unpacked(str(place))
    place.write_bytes(PACKED["empty"][:-1])
    check_unpacked(str(place.rename(tmp_path / "p.jsonl")))


@pytest.mark.parametrize("end", [b"", b"\n", b" \n\t "])
def test_arrays_are_closed_or_named(end, tmp_path):
    place = tmp_path / "p.json"
    text = b"[" + b",".join(LINES) + b"]" + end
    place.write_bytes(text)
    check_closed(str(place))
    place.write_bytes(b"[]" + end)
    check_closed(str(place))
    for wrong in (text[: text.rindex(b",") + 1] + end, b"[" + end, b"[" + LINES[0] + end):
        place.write_bytes(wrong)
        with pytest.raises(InputError, match=r"the array breaks off: found '.*' at its end, exp"):
            check_closed(str(place))


def test_lines_are_no_array(tmp_path):
    place = tmp_path / "p.json"
    place.write_bytes(b"".join(LINES))
    check_closed(str(place))
