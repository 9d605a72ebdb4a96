"""Clusters that cannot be used, workers that see other files: told in words, and soon."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time

import psutil
import pytest
from distributed import LocalCluster

from phraseloc.bulk import cluster, workers
from phraseloc.bulk.cluster import connected, total_on
from phraseloc.bulk.run import total_of
from phraseloc.bulk.workers import check_done
from phraseloc.errors import InputError
from phraseloc.protocol import PROTOCOLS
from tests.bulk_files import job_of, make_world, write_world


@pytest.fixture(scope="module")
def pair():
    with connected(2) as client:
        yield client


@pytest.fixture
def address(pair):
    return pair.scheduler.address


@pytest.fixture(params=[False, True], ids=["in order", "shuffled"])
def files(request, tmp_path, monkeypatch):
    """Name files as a user does who works in their folder."""
    world = make_world(3, kind="box", shuffled=request.param)
    write_world(world, tmp_path)
    monkeypatch.chdir(tmp_path)
    return ("truth.parquet", "mine.parquet", "--degenerate", "count", "--extra", "count")


def test_a_cluster_at_an_address_prints_the_same(files, address, run, capfd):
    """Its workers have another working folder, where the names mean nothing."""
    expected = run("score", *files, "--memory", "1GB")
    found = run("score", *files, "--cluster", address)
    assert (found.exit_code, found.stdout, found.stderr) == (0, expected.stdout, "")
    assert expected.stdout.startswith("accuracy")
    assert capfd.readouterr() == ("", "")


def test_workers_here_print_the_same_and_leave_nothing(files, tmp_path, monkeypatch, run, capfd):
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setenv("TMPDIR", str(place))
    monkeypatch.setattr(tempfile, "tempdir", None)
    expected = run("score", *files, "--memory", "1GB")
    before, there = processes(), {*tmp_path.rglob("*")}
    found = run("score", *files, "--workers", "2")
    assert (found.exit_code, found.stdout, found.stderr) == (0, expected.stdout, "")
    assert capfd.readouterr() == ("", "")
    assert {*tmp_path.rglob("*")} == there
    assert processes() <= before


def processes():
    """The processes that this one started, but for Python's own that counts what they share."""
    found = psutil.Process().children(recursive=True)
    return {child.pid for child in found if "resource_tracker" not in " ".join(child.cmdline())}


def test_workers_listen_to_this_machine_alone(pair):
    mine = psutil.Process()
    listening = [
        place.laddr.ip
        for process in (mine, *mine.children(recursive=True))
        for place in process.net_connections("inet")
        if place.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > len(pair.run(os.getpid))
    assert set(listening) == {"127.0.0.1"}


@pytest.fixture
def patience(monkeypatch):
    assert workers.ANSWER <= 10
    for module in (cluster, workers):
        monkeypatch.setattr(module, "ANSWER", 1)
    return 1


@pytest.fixture
def silent():
    """The address of somebody who listens, and is no cluster."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def closed():
    """An address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"127.0.0.1:{port}"


@pytest.mark.parametrize(
    "name", ["closed", "silent", "nonsense", "nowhere://here:1", "tls://127.0.0.1:1", "a:b:c"]
)
@pytest.mark.parametrize("files", [False], indirect=True)
def test_an_address_that_nobody_answers(name, files, patience, request, refused, capfd):
    place = request.getfixturevalue(name) if name in ("closed", "silent") else name
    start = time.monotonic()
    told = refused("score", *files, "--cluster", place)
    assert time.monotonic() - start < patience + 15  # on a machine under load
    expected = rf"phraseloc: --cluster {re.escape(place)}: no Dask scheduler answers: .+\n"
    assert re.fullmatch(expected, told)
    assert capfd.readouterr() == ("", "")


@pytest.mark.usefixtures("patience")
@pytest.mark.parametrize("files", [False], indirect=True)
def test_a_cluster_without_workers(files, refused):
    with LocalCluster(n_workers=0, dashboard_address="127.0.0.1:0", host="127.0.0.1") as empty:
        place = empty.scheduler_address
        told = refused("score", *files, "--cluster", place)
    assert told == f"phraseloc: --cluster {place}: found no worker, expected at least one\n"


@pytest.mark.parametrize("files", [False], indirect=True)
def test_workers_that_do_not_see_the_files(files, address, refused):
    names = (f"/proc/self/cwd/{file}" for file in files[:2])
    told = refused("score", *names, *files[2:], "--cluster", address)
    worker = r"worker tcp://127.0.0.1:\d+ found no such file or directory"
    expected = "expected a place that all workers see under this name"
    assert re.fullmatch(f"phraseloc: /proc/self/cwd/truth.parquet: {worker}, {expected}\n", told)


@pytest.mark.parametrize("files", [True], indirect=True)
def test_workers_that_do_not_see_the_scratch_folder(files, address, refused):
    told = refused("score", *files, "--cluster", address, "--scratch", "/proc/self/cwd")
    assert "phraseloc: /proc/self/cwd/phraseloc-" in told
    assert told.endswith("all workers see under this name; --scratch names one\n")


def test_a_file_of_that_name_beside_the_workers_is_not_read(files, pair, tmp_path):
    """Names are those of the folder that the user works in, wherever workers are."""
    names = [str(file) for file in files[:2]]
    world = make_world(3, kind="box", shuffled=False)
    job = job_of(world, names, {"truth_boxes": {}}, [PROTOCOLS["flickr30k"]])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    write_world(make_world(4, kind="box"), elsewhere)
    before = pair.run(os.getcwd)
    pair.run(os.chdir, str(elsewhere))
    try:
        found = total_on(pair, job)
    finally:
        pair.run(os.chdir, next(iter(before.values())))
    assert found.tallies[0].limbs == total_of(job).tallies[0].limbs


def fail_after(seconds, what):
    time.sleep(seconds)
    raise InputError("mine.parquet", what)


def test_of_several_parts_that_fail_the_first_is_told(pair):
    parts = [
        pair.submit(fail_after, seconds, what, pure=False)
        for seconds, what in ((0.5, "record 1"), (0, "record 9"))
    ]
    with pytest.raises(InputError, match=r"^mine.parquet: record 1$"):
        check_done([pair.submit(abs, 1), *parts])


KILLED = """
import os, signal, sys
from pathlib import Path
from phraseloc.bulk.cluster import connected, total_on
from phraseloc.bulk.workers import check_done
from phraseloc.errors import InputError

def die_once(sign):
    try:
        sign.open("x").close()
    except FileExistsError:
        raise InputError("mine.parquet", "as it should be") from None
    os.kill(os.getpid(), signal.SIGKILL)

if __name__ == "__main__":
    with connected(2) as client:
        try:
            check_done([client.submit(die_once, Path(sys.argv[1]))])
        except InputError as error:
            print(error)
"""


def test_what_dask_logs_of_dead_workers_and_failed_parts_is_not_printed(tmp_path, request):
    """In a process of its own: where pytest gathers logs, Dask prints none."""
    (tmp_path / "killed.py").write_text(KILLED)
    command = [sys.executable, str(tmp_path / "killed.py"), str(tmp_path / "sign")]
    place = str(request.config.rootpath)
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": place},
    )
    assert (done.stdout, done.stderr) == ("mine.parquet: as it should be\n", "")
