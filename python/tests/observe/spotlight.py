"""A real Sentry server for the tests: Spotlight, which keeps what SDKs send and shows it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import threading
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parents[1] / "spotlight"
INSTALLED = Path(__file__).parents[3] / "build" / "tests" / "spotlight"

_START_S = 60.0
_ARRIVE_S = 30.0
_MARKER = "marker-of-the-tests"


def install() -> Path:
    """Install Spotlight as its lock file says, unless that was done; give its command."""
    lock = INSTALLED / "package-lock.json"
    wanted = (SOURCE / "package-lock.json").read_bytes()
    command = INSTALLED / "node_modules" / ".bin" / "spotlight"
    if command.exists() and lock.exists() and lock.read_bytes() == wanted:
        return command
    shutil.rmtree(INSTALLED, ignore_errors=True)
    INSTALLED.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(SOURCE / name, INSTALLED / name)
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    subprocess.run(npm, cwd=INSTALLED, check=True, capture_output=True, text=True, timeout=240)
    return command


class Spotlight:
    """A server that runs; ``dsn`` is where SDKs send to."""

    def __init__(self, port: int) -> None:
        self.dsn = f"http://public@127.0.0.1:{port}/1"
        self._port = port
        self._arrived = threading.Condition()
        self._events: list[dict[str, Any]] = []
        self._stream = HTTPConnection("127.0.0.1", port)
        self._stream.request("GET", f"/stream?client={uuid.uuid4().hex}")
        self._response = self._stream.getresponse()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def events(self) -> list[dict[str, Any]]:
        """Give the events that were sent since the last look, once all have arrived."""
        marker = uuid.uuid4().hex
        self._send({"event_id": marker, "message": _MARKER, "level": "info"})

        def is_marker(event: dict[str, Any]) -> bool:
            return event.get("event_id") == marker

        with self._arrived:
            self._arrived.wait_for(lambda: any(map(is_marker, self._events)), _ARRIVE_S)
            found, self._events = self._events, []
        assert any(map(is_marker, found)), "Spotlight did not give back what was sent to it"
        return [event for event in found if event.get("message") != _MARKER]

    def close(self) -> None:
        """Close the connection of a server that has ended."""
        self._reader.join(10)
        self._response.close()
        self._stream.close()

    def _send(self, event: dict[str, Any]) -> None:
        lines = [{"event_id": event["event_id"]}, {"type": "event"}, event]
        body = "\n".join(json.dumps(line) for line in lines).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/api/1/envelope/",
            data=body,
            headers={"Content-Type": "application/x-sentry-envelope"},
        )
        urllib.request.urlopen(request, timeout=_ARRIVE_S).close()

    def _read(self) -> None:
        kind = ""
        try:
            for line in self._response:
                name, _, value = line.decode().rstrip("\n").partition(":")
                if name == "event":
                    kind = value.strip()
                elif name == "data" and kind.startswith("application/x-sentry-envelope"):
                    self._take(json.loads(value))
        except (OSError, ValueError, AttributeError):
            pass  # it was closed

    def _take(self, envelope: Any) -> None:
        _, items = envelope
        with self._arrived:
            self._events += [item for header, item in items if header["type"] == "event"]
            self._arrived.notify_all()


def frames(event: dict[str, Any], platform: str) -> list[str]:
    """Give the functions of an event's frames of Go, with their packages, or of Python."""
    values = event["exception"]
    values = values["values"] if isinstance(values, dict) else values
    return [
        f"{frame['module']}.{frame['function']}" if platform == "go" else frame["function"]
        for value in values
        for frame in (value.get("stacktrace") or {"frames": []})["frames"]
        if (frame.get("platform") == "go") == (platform == "go")
    ]


@contextmanager
def serving(folder: Path) -> Iterator[Spotlight]:
    """Give a server on a free port of 127.0.0.1 while the block runs; its log is in the folder."""
    command = install()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"NODE_OPTIONS": f"--require {SOURCE / 'loopback.cjs'}"}
    with (folder / "spotlight.log").open("w") as log:
        process = subprocess.Popen(
            [command, "server", "-p", str(port)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    server = None
    try:
        _wait(process, port)
        server = Spotlight(port)
        yield server
    finally:
        process.kill()
        process.wait()
        if server is not None:
            server.close()


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + _START_S
    while True:
        assert process.poll() is None, "Spotlight ended; its words are in spotlight.log"
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "Spotlight did not start"
            time.sleep(0.05)
