"""A Sentry server, as far as an SDK can tell: takes envelopes over HTTP and keeps their events."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class SentryReceiver:
    """What was received; ``dsn`` is where to send to."""

    def __init__(self) -> None:
        self.dsn = ""
        self.events: list[dict[str, Any]] = []


@contextmanager
def receiving() -> Iterator[SentryReceiver]:
    """Give a receiver that listens on a free port of 127.0.0.1 while the block runs."""
    receiver = SentryReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            if self.path.endswith("/envelope/"):  # else spans, by Sentry's OTLPIntegration
                receiver.events.extend(events_of(body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Say nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.dsn = f"http://public@127.0.0.1:{server.server_port}/1"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()


def events_of(envelope: bytes) -> Iterator[dict[str, Any]]:
    """Give the events of an envelope: a header line, then for each item a header and a payload."""
    rest = envelope.partition(b"\n")[2]
    while rest.strip():
        header, _, rest = rest.partition(b"\n")
        item = json.loads(header)
        if "length" in item:
            payload, rest = rest[: item["length"]], rest[item["length"] :].lstrip(b"\n")
        else:
            payload, _, rest = rest.partition(b"\n")
        if item["type"] == "event":
            yield json.loads(payload)
