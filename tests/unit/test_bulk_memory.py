"""Large files: memory stays flat, and nothing is printed while they are read."""

import json
import os
import subprocess
import sys

import numpy as np
import pyarrow
import pytest
from pyarrow import compute, parquet

ROWS = 600_000
"""Enough to fill what is read ahead of two files."""

MEASURED = """
import sys
from pathlib import Path
from phraseloc.__main__ import run
try:
    run()
finally:
    status = Path("/proc/self/status").read_text()
    sys.stderr.write(status.partition("VmHWM:")[2].split()[0])
"""
"""Runs the command and tells its peak, kB; that of `resource` counts the tests' process, too."""


def write_rows(place, count, order):
    """Write phrases of images of five, with boxes that depend on their number alone."""
    number = np.arange(count)[order]
    boxes = 1.0 + number[:, None] * [7, 11, 13, 17] % 50
    ends = pyarrow.array(4 * np.arange(count + 1, dtype=np.int32))
    image = compute.binary_join_element_wise(
        pyarrow.array(number // 5).cast("string"), pyarrow.scalar("0"), "#"
    )
    table = pyarrow.table(
        {
            "image": image,
            "start": pyarrow.array(number % 5),
            "entity": pyarrow.repeat("1", count),
            "box": pyarrow.ListArray.from_arrays(ends, pyarrow.array(boxes.reshape(-1))),
        }
    )
    parquet.write_table(table, place, row_group_size=100_000)
    return str(place)


def output_of(command, root):
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        timeout=240,
        env={**os.environ, "PYTHONPATH": root},
    )
    return done.stdout, done.stderr


def peak_of(truth, mine, rows, root):
    """Score by a process of its own; give its peak in bytes."""
    words = ("score", truth, mine, "--memory", "200MB", "--samples", "10", "--format", "json")
    printed, peak = output_of([sys.executable, "-c", MEASURED, *words], root)
    [scores] = json.loads(printed)
    assert (scores["accuracy"]["correct"], scores["accuracy"]["total"]) == (rows, rows)
    return 1000 * int(peak)


@pytest.mark.parametrize("shuffled", [False, True])
def test_four_times_the_rows_need_no_more_memory(shuffled, tmp_path, request):
    peaks = []
    for rows in (ROWS, 4 * ROWS):
        truth = write_rows(tmp_path / f"truth-{rows}.parquet", rows, slice(None))
        mine = truth
        if shuffled:
            order = np.random.default_rng(rows).permutation(rows)
            mine = write_rows(tmp_path / f"mine-{rows}.parquet", rows, order)
        peaks.append(peak_of(truth, mine, rows, str(request.config.rootpath)))
    few, many = peaks
    assert many - few < 100_000_000  # 56 bytes a row; a row that is kept needs twice as much
    assert many < 700_000_000


SLOW = """
import sys, time
from phraseloc.bulk.reading import read_blocks
from phraseloc.bulk.tables import open_table
from phraseloc.bulk.shards import find_shards
from phraseloc.errors import Problems
table = open_table(find_shards(sys.argv[1]), {})
rows = 0
for block in read_blocks(table, Problems("t"), 10**8, ahead=False):
    rows += len(block)
    time.sleep(0.3)
assert rows == int(sys.argv[2])
"""


def test_nothing_is_printed_while_a_file_is_read(tmp_path, request):
    """DuckDB would print how far it is after two seconds, into a score that is JSON."""
    rows = 3 * ROWS
    place = write_rows(tmp_path / "t.parquet", rows, slice(None))
    command = [sys.executable, "-c", SLOW, place, str(rows)]
    assert output_of(command, str(request.config.rootpath)) == ("", "")
