"""Where a run took place: date, processor, threads and versions, as ``RESULTS.md`` opens with."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "phraseloc",
    "numpy",
    "numba",
    "msgspec",
    "pyarrow",
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


def describe() -> str:
    """Describe date, machine and versions, a line each."""
    versions = [f"{name} {version(name) or 'not installed'}" for name in PACKAGES]
    return "\n".join(
        [
            f"- {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
            f"- {_processor()}, {os.cpu_count()} cores; {platform.system()} {platform.machine()}",
            f"- Python {platform.python_version()}; {', '.join(versions)}",
        ]
    )


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
