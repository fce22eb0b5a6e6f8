"""Servers that fork their workers, whose parent used Go, times every exercise."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fork.extent import KINDS
from fork.servers import START_S, WebServer, wait_until, web_server

_GUNICORN = ["gunicorn", "--bind", "127.0.0.1:PORT", "--workers", "2", "fork.applications:wsgi"]
_UWSGI = [
    *("fork.uwsgi_server", "--http-socket", "127.0.0.1:PORT", "--master", "--processes", "2"),
    *("--module", "fork.applications:wsgi", "--enable-threads", "--die-on-term", "--need-app"),
]
COMMANDS = {
    "gunicorn sync": [*_GUNICORN, "--preload"],
    "gunicorn gthread": [*_GUNICORN, "--preload", "--worker-class", "gthread", "--threads", "4"],
    "gunicorn without preload": _GUNICORN,
    "uwsgi": [*_UWSGI, "--py-call-osafterfork"],
    "uwsgi with lazy-apps": [*_UWSGI, "--lazy-apps"],
    "uvicorn": ["uvicorn", "--port", "PORT", "--workers", "2", "fork.applications:asgi"],
}
_FORKS_AFTER_GO = ("gunicorn sync", "gunicorn gthread", "uwsgi")


@pytest.fixture(params=COMMANDS)
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WebServer]:
    """A server whose parent used Go where it imports the application."""
    with web_server(COMMANDS[request.param], tmp_path, USE_GO_EARLY="1") as server:
        if "--lazy-apps" in COMMANDS[request.param]:
            # The other worker may be loading still, and must not be told to end meanwhile.
            loaded = functools.partial(_has_loaded, server, 2)
            wait_until(loaded, server.server.said, START_S)
        yield server


def _has_loaded(server: WebServer, times: int) -> bool:
    return server.server.said().count("WSGI app 0 ") == times


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", KINDS)
def test_workers(server: WebServer, request: pytest.FixtureRequest, kind: str) -> None:
    """Each answers, many requests at once too, and all end when the parent is told to."""
    name = request.node.callspec.params["server"]
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(server.ask, [kind] * 12))

    parent = server.server.process.pid if name in _FORKS_AFTER_GO else None
    assert {parent} == {forked_from for _, forked_from in answers}
    assert server.server.process.pid not in {pid for pid, _ in answers}
    assert 0 == server.server.stop()[0], server.server.said()
    assert "Traceback" not in server.server.said()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", KINDS)
def test_workers_that_are_replaced(tmp_path: Path, kind: str) -> None:
    """With max_requests the parent forks again and again; no request is lost."""
    command = [*COMMANDS["gunicorn gthread"], "--max-requests", "5", "--max-requests-jitter", "3"]
    with web_server(command, tmp_path, USE_GO_EARLY="1") as server:
        answers = [server.ask(kind) for _ in range(40)]

        assert 4 <= len({pid for pid, _ in answers})
        assert {server.server.process.pid} == {forked_from for _, forked_from in answers}
        assert 0 == server.server.stop()[0], server.server.said()
