"""Where a run took place: date, commit, processor and versions, as ``RESULTS.md`` opens with."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from benchmarks.inputs import ROOT

PACKAGES = (
    "phraseloc",
    "numpy",
    "numba",
    "msgspec",
    "pyarrow",
    "duckdb",
    "distributed",
    "pycocotools",
    "powerboxes",
    "torch",
    "supervision",
)


def version(package: str) -> str | None:
    """Give a package's version, None where it is not installed."""
    if package == "phraseloc":
        from phraseloc import __version__

        return __version__
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def describe() -> list[str]:
    """Describe date and commit, machine, and versions."""
    versions = [f"{name} {version(name) or 'not installed'}" for name in PACKAGES]
    return [
        f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC, {_commit()}",
        f"{_processor()}, {os.cpu_count()} cores; {platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}; {', '.join(versions)}",
    ]


def _commit() -> str:
    """Name the commit, and whether the code differs from it; results themselves may."""
    try:
        name = _git("rev-parse", "--short", "HEAD").strip()
        changed = _git("status", "--porcelain", "--", ".", ":!benchmarks/RESULTS.md")
    except (OSError, subprocess.CalledProcessError):
        return "no commit"
    return f"commit {name}{' with changes' if changed else ''}"


def _git(*words: str) -> str:
    return subprocess.check_output(["git", *words], cwd=ROOT, text=True, stderr=subprocess.DEVNULL)


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
