"""Servers in processes of their own, started on 127.0.0.1 and ended whatever happens."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
START_S = 30.0
ANSWER_S = 30.0
STOP_S = 30.0


class Server:
    """A server with its workers: one process group, with its words in a file."""

    def __init__(self, command: list[str], folder: Path, **more: str) -> None:
        self.log = folder / "server.log"
        environment = os.environ | {"PYTHONPATH": str(TESTS), "HOME": str(folder)} | more
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> tuple[int, float]:
        """Ask the parent, and only it, to end; gives its exit status and the seconds it took.

        No worker may be left behind.
        """
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(STOP_S)
        seconds = time.monotonic() - begun
        wait_until(self.is_gone, lambda: f"all workers have ended; {self.said()}", STOP_S)
        return status, seconds

    def said(self) -> str:
        """Give what the server and its workers have written."""
        return self.log.read_text(errors="replace")

    def kill(self) -> None:
        """End what is left."""
        if not self.is_gone():
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def is_gone(self) -> bool:
        """Tell whether it has ended, and all its workers."""
        self.process.poll()  # one that has ended counts until it was waited for
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return True
        return False


@contextlib.contextmanager
def running(command: list[str], folder: Path, **more: str) -> Iterator[Server]:
    """Give a server that was just started, and end it."""
    server = Server(command, folder, **more)
    try:
        yield server
    finally:
        server.kill()


class WebServer:
    """A server of HTTP and how to ask it."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.port = port

    def ask(self, kind: str) -> tuple[int, int | None]:
        """Have a worker do an exercise; gives its process, and that of the parent that used Go."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_S)
        try:
            connection.request("GET", f"/{kind}")
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        assert answer.status == 200, (text, self.server.said())
        pid, parent = text.split()
        return int(pid), None if parent == "None" else int(parent)


@contextlib.contextmanager
def web_server(command: list[str], folder: Path, **more: str) -> Iterator[WebServer]:
    """Start a server on a port that is free; ``PORT`` in the command stands for it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [word.replace("PORT", str(port)) for word in command]
    with running(words, folder, **more) as server:
        wait_until(lambda: _listens(port), lambda: f"the server listens; {server.said()}", START_S)
        yield WebServer(server, port)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def wait_until(is_so: Callable[[], bool], what: Callable[[], str], seconds: float) -> None:
    """Wait for something that comes a moment later; a hang is a failure that says for what."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"after {seconds} s it is not so that {what()}"
        time.sleep(0.01)
