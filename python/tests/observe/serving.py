"""Servers whose applications have telemetry on: gunicorn, uvicorn and Celery."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fork.servers import TESTS, Server, WebServer, running, web_server

WEB = {
    "gunicorn": "gunicorn --workers 2 --bind 127.0.0.1:PORT --no-control-socket observe.services:wsgi",
    "uvicorn": "uvicorn --port PORT --host 127.0.0.1 --lifespan off observe.services:asgi",
    "uvicorn_workers": (
        "uvicorn --port PORT --host 127.0.0.1 --lifespan off --workers 2 observe.services:asgi"
    ),
}
_CELERY = (
    "celery -A observe.celery_service worker --pool prefork --concurrency 2 --without-gossip "
    "--without-mingle --without-heartbeat --loglevel warning"
)
_CLIENT = """
import sys
from celery import group
from observe.celery_service import work
sent = group(work.s(kind) for kind in sys.argv[1:]).delay()
sent.get(timeout=30, interval=0.02, propagate=False)
"""


@contextmanager
def web(name: str, folder: Path, **environment: str) -> Iterator[WebServer]:
    """Give one of the web servers."""
    with web_server(WEB[name].split(), folder, **environment) as server:
        yield server


class Celery:
    """A prefork pool and how to give it tasks."""

    def __init__(self, server: Server, environment: dict[str, str]) -> None:
        self.server = server
        self._environment = environment

    def do(self, *kinds: str) -> None:
        """Have tasks done, each a call of its kind; one that fails counts as done."""
        done = subprocess.run(
            [sys.executable, "-c", _CLIENT, *kinds],
            env=os.environ | self._environment,
            capture_output=True,
            text=True,
            timeout=45,
            check=False,
        )
        assert (0, "") == (done.returncode, done.stderr), self.server.said()


@contextmanager
def celery(folder: Path, **environment: str) -> Iterator[Celery]:
    """Give a prefork pool whose broker is the folder."""
    environment |= {"CELERY_FOLDER": str(folder), "C_FORCE_ROOT": "1", "PYTHONPATH": str(TESTS)}
    with running(_CELERY.split(), folder, **environment) as server:
        # The client of the tests reports nothing itself.
        yield Celery(server, {k: v for k, v in environment.items() if k != "SENTRY_DSN"})
