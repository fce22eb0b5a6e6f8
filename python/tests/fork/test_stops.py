"""Servers that are stopped while their workers have Go: idle, and with requests under way.

A stop is clean if it is what the server's own documentation says of one without Go: the parent
ends with status 0, every worker has ended, none by a signal, and a worker that runs Python's
handlers of atexit, in which Go still works, has run them. One fault of uWSGI's own is told apart.

``make test`` stops some of them once, ``make test-long`` all twice; nightly each is stopped 40 times.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import os
import platform
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from depth import NIGHTLY
from fork.extent import LONG
from fork.servers import ANSWER_S, START_S, TESTS, Server, running, wait_until, web_server

_STOPS = 40 if NIGHTLY else 2 if LONG else 1
_STOP_S = 60.0
_SOON_S = 10.0
_FUTEX = {"x86_64": "202", "aarch64": "98"}.get(platform.machine())
_STACK_BYTES = 4096  # of what a handler has used
_EXIT_BYTES = 64  # at most, of the code of exit
_WORKERS = 2

_UWSGI = [
    *("fork.uwsgi_server", "--http-socket", "127.0.0.1:PORT", "--master", "--processes", "2"),
    *("--threads", "4", "--module", "fork.stopping", "--die-on-term", "--need-app"),
]
_GUNICORN = ["gunicorn", "--bind", "127.0.0.1:PORT", "--workers", "2"]
_GTHREAD = ["--worker-class", "gthread", "--threads", "4"]
_UVICORN_WORKER = ["--worker-class", "uvicorn.workers.UvicornWorker"]

WEB = {
    "uwsgi": [*_UWSGI, "--lazy-apps"],
    "uwsgi, Go at import": [*_UWSGI, "--lazy-apps"],
    "uwsgi, Go before the fork": [*_UWSGI, "--py-call-osafterfork"],
    "uwsgi, faulthandler": [*_UWSGI, "--lazy-apps"],
    "gunicorn sync": [*_GUNICORN, "fork.stopping"],
    "gunicorn gthread": [*_GUNICORN, *_GTHREAD, "fork.stopping"],
    "gunicorn uvicorn": [*_GUNICORN, *_UVICORN_WORKER, "fork.stopping:asgi"],
    "uvicorn": ["uvicorn", "--port", "PORT", "--workers", "2", "fork.stopping:asgi"],
}
if NIGHTLY:
    WEB["mod_wsgi"] = [
        *("fork.apache_server", "--host", "127.0.0.1", "--port", "PORT", "--processes", "2"),
        *(
            "--threads",
            "4",
            "--server-root",
            "apache",
            "--working-directory",
            ".",
            "--log-to-terminal",
        ),
        *("--locale", "C.UTF-8", "--application-type", "module", "fork.stopping"),
    ]

_IN_SAMPLE = ["uwsgi", "uwsgi, Go at import", "gunicorn gthread", "uvicorn"]

# The parent of uWSGI sends its workers SIGINT for either.
_SIGNALS = {
    "uwsgi": (signal.SIGTERM, signal.SIGINT),
    "uvicorn": (signal.SIGTERM, signal.SIGINT),
}
# uvicorn ends by the signal that it was told to end by.
_ENDS_IN_PYTHON = ("uwsgi", "gunicorn sync", "gunicorn gthread", "mod_wsgi")
_CRASHED = ("Segmentation", "morestack", "fatal error", "SIGSEGV", "SIGABRT", "Traceback", "panic:")


def _environment(name: str, folder: Path) -> dict[str, str]:
    environment = {"GOSTITCH_CRASH_DIR": str(folder / "crashes")}
    if "Go " in name:
        environment["USE_GO_EARLY"] = "1"
    if "faulthandler" in name:
        environment["PYTHONFAULTHANDLER"] = "1"
    return environment


_answers: Counter[int] = Counter()  # of each port


def _ask(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
    finally:
        connection.close()
    assert 200 == answer.status, text
    _answers[port] += 1
    return text


@contextlib.contextmanager
def _clients(port: int, count: int = 8) -> Iterator[None]:
    """Have requests under way until the server takes no more."""
    over = threading.Event()
    began = threading.Semaphore(0)

    def keep_asking() -> None:
        while not over.is_set():
            try:
                _ask(port, "/long")
            except (OSError, http.client.HTTPException, AssertionError):
                pass  # it is being stopped
            began.release()

    clients = [threading.Thread(target=keep_asking) for _ in range(count)]
    for client in clients:
        client.start()
    try:
        for _ in range(2 * count):
            assert began.acquire(timeout=ANSWER_S)
        yield
    finally:
        over.set()
        for client in clients:
            client.join()


def _is_clean(server: Server, status: int, folder: Path) -> None:
    said = server.said()
    assert 0 == status, said
    assert [] == [word for word in _CRASHED if word in said], said
    crashes = folder / "crashes"
    reports = list(crashes.iterdir()) if crashes.exists() else []
    assert [] == [report for report in reports if report.stat().st_size], said


class _WaitsForItselfError(Exception):
    """A worker of uWSGI waits for itself, as it can without Go."""


def _waits_for_itself(server: Server) -> bool:
    """Tell whether a worker's handler of SIGINT is in ``exit``, and waits for a lock of the C library.

    uWSGI calls ``exit`` in that handler. What this runs, of OpenSSL for one, frees memory, and so waits for
    ever if the signal came while its own thread had the lock of ``malloc``. The parent kills such a worker
    after a minute. Of 60 stops of an application without Go that allocates all the time, 27 ended so.
    """
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if os.getpgid(int(process.name)) == server.process.pid and _exits_in_vain(process):
                return True
    return False


def _exits_in_vain(process: Path) -> bool:
    blocked = (process / "status").read_text().split("SigBlk:")[1].split()[0]
    call, *arguments = (process / "syscall").read_text().split()
    if int(blocked, 16) != 1 << signal.SIGINT - 1 or call != _FUTEX:
        return False
    lock, *_, stack, _ = (int(word, 16) for word in arguments)
    library = _c_library(process)
    with (process / "mem").open("rb") as memory:
        memory.seek(stack)
        words = memoryview(memory.read(_STACK_BYTES)).cast("Q")
    leave = ctypes.cast(ctypes.CDLL(None).exit, ctypes.c_void_p).value or 0
    returns = library.start + leave - _c_library(Path("/proc/self")).start + 1
    return lock in library and any(returns <= word < returns + _EXIT_BYTES for word in words)


def _c_library(process: Path) -> range:
    """Give the addresses of the C library."""
    lines = (process / "maps").read_text().splitlines()
    parts = [line.split()[0].split("-") for line in lines if line.endswith("/libc.so.6")]
    return range(int(parts[0][0], 16), int(parts[-1][1], 16))


def _stop(server: Server, number: int) -> int:
    """Ask the parent to end; no worker may be left."""
    server.process.send_signal(number)
    try:
        status = server.process.wait(_SOON_S)
    except subprocess.TimeoutExpired:
        if _waits_for_itself(server):
            server.kill()  # no client shall wait for it
            raise _WaitsForItselfError from None
        status = server.process.wait(_STOP_S)
    wait_until(server.is_gone, lambda: f"all workers have ended; {server.said()}", _STOP_S)
    return status


def _stop_once(name: str, state: str, number: int, folder: Path) -> None:
    folder.mkdir()
    with web_server(WEB[name], folder, **_environment(name, folder)) as server:
        workers: set[str] = set()

        def all_answer() -> bool:
            # Several at once, or the same one may answer always.
            with _clients(server.port, 4):
                workers.update(_ask(server.port, "/") for _ in range(8))
            return len(workers) == _WORKERS

        def has_finished() -> bool:
            # uWSGI writes a line when it is about to be done with a request.
            return server.server.said().count(" => generated ") >= _answers[server.port]

        _answers[server.port] = 0
        wait_until(all_answer, lambda: f"all workers answer; {server.server.said()}", START_S)
        if name.startswith("uwsgi"):
            wait_until(has_finished, lambda: f"no request is under way; {server.server.said()}", 10)
        with _clients(server.port) if state == "busy" else contextlib.nullcontext():
            status = _stop(server.server, number)
        _is_clean(server.server, status, folder)
        # uWSGI leaves out what Python does at its end in a worker that has requests.
        if name.startswith(_ENDS_IN_PYTHON) and (state == "idle" or not name.startswith("uwsgi")):
            ended = {path.name: path.read_text() for path in folder.glob("ended-*")}
            assert {f"ended-{worker}": "3" for worker in workers} == ended, server.server.said()


@pytest.mark.timeout(_STOPS * 120)
@pytest.mark.parametrize("state", ["idle", "busy"])
@pytest.mark.parametrize("name", WEB if LONG or NIGHTLY else _IN_SAMPLE)
def test_stops(tmp_path: Path, name: str, state: str) -> None:
    """All are clean, whatever the parent is told to end by."""
    numbers = _SIGNALS.get(name.split()[0].strip(","), (signal.SIGTERM,))
    again = 1 if name.startswith("uwsgi") and state == "busy" else 0
    for i in range(_STOPS):
        number = numbers[(i + (state == "busy")) % len(numbers)]
        try:
            _stop_once(name, state, number, tmp_path / str(i))
        except _WaitsForItselfError:
            if not again:
                raise
            again -= 1
            _stop_once(name, state, number, tmp_path / f"{i}-again")


_CELERY = [
    *("celery", "-A", "fork.celery_stopping", "worker", "--concurrency", "2"),
    *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "warning"),
]

_WORK = """
import sys
from fork.celery_stopping import answer
asked = [answer.delay("/long") for _ in range(12)]
print(*{each.get(timeout=60, interval=0.02) for each in asked}, flush=True)
while sys.argv[1:]:
    asked = [answer.delay("/long") for _ in range(12)]
    asked[-1].get(timeout=60, interval=0.02)
"""


@contextlib.contextmanager
def _tasks(environment: dict[str, str], folder: Path, *more: str) -> Iterator[None]:
    """Have tasks done; with one more word, go on until the worker has ended."""
    client = subprocess.Popen(
        [sys.executable, "-c", _WORK, *more],
        stdout=subprocess.PIPE,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(TESTS)} | environment,
        text=True,
    )
    try:
        assert client.stdout is not None
        assert client.stdout.readline()
        if not more:
            assert 0 == client.wait(START_S)
        yield
    finally:
        client.kill()
        client.communicate()


@pytest.mark.timeout(_STOPS * 120)
@pytest.mark.parametrize("state", ["idle", "busy"])
@pytest.mark.parametrize("pool", ["prefork", "threads"] if LONG or NIGHTLY else ["prefork"])
def test_stops_of_celery(tmp_path: Path, pool: str, state: str) -> None:
    """The same of a worker, which ends the tasks that it has begun (a warm shutdown)."""
    for i in range(_STOPS):
        folder = tmp_path / str(i)
        folder.mkdir()
        environment = {
            **_environment("celery", folder),
            "CELERY_FOLDER": str(folder),
            "C_FORCE_ROOT": "1",
            "HOME": str(folder),
        }
        more = ["on"] if state == "busy" else []
        with (
            running([*_CELERY, "--pool", pool], folder, **environment) as server,
            _tasks(environment, folder, *more),
        ):
            _is_clean(server, _stop(server, signal.SIGTERM), folder)
