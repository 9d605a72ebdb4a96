"""The report of two files of 14,481 phrases: how long it takes to make, and to open in a browser.

Opening is from the request to the page's load event in headless Chromium: the whole script has run
by then, and the first phrases are listed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.inputs import ROOT, ground_truth_file, predicted_records, write_json
from benchmarks.results import Row, Section, milliseconds, not_installed
from benchmarks.timing import take_turns

WORK = "report of two files of 14,481 phrases"
LOADED = "performance.getEntriesByType('navigation')[0].loadEventEnd"


def measure(turns: int = 7) -> Section:
    """Measure the making and the opening of one page."""
    truth = ground_truth_file()
    with TemporaryDirectory() as name:
        folder = Path(name)
        records = predicted_records(truth)
        changed = [{**r, "box": [1, 1, 99, 99]} if n % 9 == 0 else r for n, r in enumerate(records)]
        files = [write_json(records, folder / "a.json"), write_json(changed, folder / "b.json")]
        page = folder / "report.html"
        command = [
            sys.executable,
            "-m",
            "phraseloc",
            "report",
            *map(str, (truth, *files)),
            "-o",
            str(page),
        ]
        times = take_turns({"make": lambda: subprocess.check_output(command, cwd=ROOT)}, turns)
        size = f"The page has {page.stat().st_size / 1e6:.1f} MB."
        rows = [_row(f"make the {WORK}, whole process", times.median("make")), _opened(page, turns)]
    return Section("Report", rows, [size])


def _row(what: str, seconds: float) -> Row:
    return Row(what, milliseconds(seconds), "one second", "1,000 ms", 1 / seconds, 1)


def _opened(page: Path, turns: int) -> Row:
    what, found = f"open the {WORK}", shutil.which("chromium")
    if found is None:
        return not_installed(what, "Chromium")
    from playwright.sync_api import sync_playwright

    seconds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found, args=["--no-sandbox", "--disable-background-networking"]
        )
        for _ in range(turns):
            tab = browser.new_page()
            tab.goto(page.as_uri())
            seconds.append(tab.evaluate(LOADED) / 1000)
            tab.close()
        browser.close()
    return _row(what, median(seconds))
