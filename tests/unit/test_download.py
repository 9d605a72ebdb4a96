"""Downloads, from a server on the loopback."""

import gc
import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from click.testing import CliRunner

from phraseloc import download
from phraseloc.commands import main
from phraseloc.download import Original

# requests leaves its sockets to the garbage collector
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")

CONTENT = b"1\n2\n"
SHA256 = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
GIT = "git:" + hashlib.sha1(b"blob 4\0" + CONTENT).hexdigest()


class Silent(SimpleHTTPRequestHandler):
    served: ClassVar[list[str]] = []

    def log_message(self, *_args: object) -> None:
        self.served.append(self.path)


@pytest.fixture
def host(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "served"
    folder.mkdir()
    (folder / "list.txt").write_bytes(CONTENT)
    Silent.served.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
    gc.collect()


def publish(monkeypatch: pytest.MonkeyPatch, path: str, checksum: str) -> None:
    originals = {"phraseloceval": (Original(path, checksum, "here.txt"),)}
    monkeypatch.setattr(download, "ORIGINALS", originals)


def fetch(folder: Path, host: str) -> object:
    return CliRunner().invoke(main, ["fetch", "phraseloceval", "-o", str(folder), "--host", host])


@pytest.mark.parametrize("checksum", [SHA256, GIT])
def test_a_file_is_downloaded_once(
    tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch, checksum: str
) -> None:
    publish(monkeypatch, "list.txt", checksum)
    for _ in range(2):
        result = fetch(tmp_path / "out", host)
        assert result.exit_code == 0, result.output
        assert result.output == f"{tmp_path / 'out' / 'here.txt'}\n"
    assert (tmp_path / "out" / "here.txt").read_bytes() == CONTENT
    assert Silent.served == ["/list.txt"]


@pytest.mark.parametrize(
    ("path", "checksum", "message"),
    [
        ("list.txt", "sha256:" + "0" * 64, "cannot be downloaded: SHA256 hash"),
        ("list.txt", "git:" + "0" * 40, "found another file than the published"),
        ("absent.txt", SHA256, "cannot be downloaded: 404"),
    ],
)
def test_another_file_than_the_published_one_is_refused(
    tmp_path: Path,
    host: str,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    checksum: str,
    message: str,
) -> None:
    publish(monkeypatch, path, checksum)
    result = fetch(tmp_path / "out", host)
    assert result.exit_code == 2
    assert message in result.output
    assert list((tmp_path / "out").iterdir()) == []


def test_a_host_that_does_not_answer_is_named(tmp_path: Path) -> None:
    result = fetch(tmp_path / "out", "http://127.0.0.1:9/")
    assert result.exit_code == 2
    assert "http://127.0.0.1:9/" in result.output
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_was_changed_here_is_fetched_again(
    tmp_path: Path, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(monkeypatch, "list.txt", GIT)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "here.txt").write_bytes(b"spoiled")
    assert fetch(tmp_path / "out", host).exit_code == 0
    assert (tmp_path / "out" / "here.txt").read_bytes() == CONTENT
