"""Prometheus (Debian's package), which scrapes a service for a test."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE_S = 30.0

_CONFIG = """
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
scrape_configs:
  - job_name: service
    static_configs:
      - targets: ["{target}"]
"""


def free_port() -> int:
    """Give a port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


class Prometheus:
    """A server that scrapes, and answers queries."""

    def __init__(self, folder: Path, target: str) -> None:
        self._log = folder / "prometheus.log"
        self._address = f"127.0.0.1:{free_port()}"
        config = folder / "prometheus.yaml"
        config.write_text(_CONFIG.format(target=target))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={config}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address={self._address}",
                ],
                stdout=log,
                stderr=log,
            )

    def get(self, what: str, **parameters: str) -> Any:
        """Give the data of an answer of its API."""
        url = f"http://{self._address}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def query(self, text: str) -> dict[tuple[tuple[str, str], ...], float]:
        """Give the values of a query by their labels."""
        return {
            tuple(sorted(each["metric"].items())): float(each["value"][1])
            for each in self.get("query", query=text)["result"]
        }

    def value(self, text: str) -> float:
        """Give the value of a query that has one."""
        (value,) = self.query(text).values()
        return value

    def await_value(self, text: str, wanted: float) -> None:
        """Wait until a query gives a value."""
        until = time.monotonic() + PATIENCE_S
        found: Any = None
        while time.monotonic() < until:
            assert self._process.poll() is None, self._log.read_text()
            try:
                found = self.query(text)
            except (urllib.error.URLError, ConnectionError):  # it has not begun
                found = None
            if found and list(found.values()) == [wanted]:
                return
            time.sleep(0.05)
        raise AssertionError(f"{text} gives {found}, not {wanted}: {self._log.read_text()[-2000:]}")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()
            self._process.wait()


@contextmanager
def scraping(folder: Path, target: str) -> Iterator[Prometheus]:
    """Give a Prometheus that scrapes the target while the block runs."""
    folder.mkdir(parents=True, exist_ok=True)
    server = Prometheus(folder, target)
    try:
        yield server
    finally:
        server.stop()
