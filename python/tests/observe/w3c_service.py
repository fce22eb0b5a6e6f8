"""A service without an SDK, which receives headers as clients send them, and Go's requests of it.

It reads lists of headers as JSON, and writes for each what Go's requests carried, and the
environment of a program that Go starts.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import faults
import gostitch
from gostitch import tasks
from http_servers import Handler, Server, serving

NAMES = ("traceparent", "tracestate", "baggage")
REQUESTS = 2
"""How many requests Go makes for each that comes."""

carried: list[dict[str, list[str]]] = []


def keep(request: Handler) -> bool:
    """Keep what a request of Go's carries."""
    carried.append({name: request.headers.get_all(name) or [] for name in NAMES})
    request.answer(b"x")
    return True


class Service(BaseHTTPRequestHandler):
    """Has Go fetch something, inside of the trace that the request came with."""

    behind: str
    folder: str

    def do_GET(self) -> None:
        """Answer with what Go's requests carried."""
        carried.clear()
        before = gostitch.runtime_info()["baggage_dropped"]
        headers = {name: self.headers.get_all(name) for name in NAMES}
        with gostitch.trace_context(**headers):  # type: ignore[arg-type]
            for _ in range(REQUESTS):
                (one,) = tasks.fetch([{"url": self.behind, "path": f"{self.folder}/x"}])
                assert one.ok, one
            program = faults.trace()[3].split("\n")
        dropped = gostitch.runtime_info()["baggage_dropped"] - before
        body = json.dumps({"carried": carried, "program": program, "dropped": dropped}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def ask(port: int, headers: list[tuple[str, str]]) -> dict[str, Any]:
    """Send a request with headers as they are; give the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("GET", "/")
    for name, value in headers:
        connection.putheader(name, value.encode("latin-1"))
    connection.endheaders()
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def main() -> None:
    """Serve all that is on standard input."""
    with TemporaryDirectory() as folder, serving(Path(folder), keep) as behind:
        Service.behind, Service.folder = behind, folder
        with Server(("127.0.0.1", 0), Service) as service:
            thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            answers = [ask(service.server_port, headers) for headers in json.load(sys.stdin)]
            service.shutdown()
            thread.join()
    json.dump(answers, sys.stdout)
