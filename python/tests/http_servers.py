"""HTTP servers for the tests of ``fetch``: real ones on 127.0.0.1, some of which misbehave."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Handler(BaseHTTPRequestHandler):
    """Serves one folder; ``on_get`` may take over."""

    protocol_version = "HTTP/1.1"
    folder: Path
    on_get: Callable[[Handler], bool]

    def do_GET(self) -> None:
        """Answer with a file, unless ``on_get`` has answered."""
        if type(self).on_get(self):
            return
        path = self.folder / self.path.lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        self.answer(path.read_bytes())

    def answer(self, body: bytes, length: int | None = None) -> None:
        """Send a body, and a length that may be a lie."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""


class Server(ThreadingHTTPServer):
    """A server that does not complain on the terminal of clients that went away."""

    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path, on_get: Callable[[Handler], bool] = lambda _: False) -> Iterator[str]:
    """Give the URL of a server for the folder, which runs while the block does."""

    class Here(Handler):
        pass

    Here.folder = folder
    Here.on_get = on_get
    with Server(("127.0.0.1", 0), Here) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
