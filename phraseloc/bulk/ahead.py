"""Reading ahead: a thread of its own reads blocks before they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Full, Queue
from threading import Event, Thread
from typing import Any

AHEAD = 3
"""How many blocks are read before they are asked for."""


def read_ahead(source: Iterator[Any]) -> Iterator[Any]:
    """Read ahead in a thread; an exception comes out where its item would have."""
    queue: Queue[tuple[str, Any]] = Queue(AHEAD)
    stopped = Event()

    def put(kind: str, item: Any) -> None:
        while not stopped.is_set():
            try:
                queue.put((kind, item), timeout=0.1)
            except Full:
                continue
            return

    def run() -> None:
        try:
            for item in source:
                put("item", item)
                if stopped.is_set():
                    return
        except Exception as error:
            put("error", error)
        else:
            put("end", None)

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        while True:
            kind, item = queue.get()
            if kind == "error":
                raise item
            if kind == "end":
                return
            yield item
    finally:
        stopped.set()
        thread.join()
