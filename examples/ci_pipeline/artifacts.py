"""Talks to the artifact server the way both pipelines do.

One call, one client span, the trace context in a header.

Only for the few calls of the business logic; the thousands of downloads are a heavy step and live
in `before` and `after`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
from opentelemetry.trace import SpanKind

from . import telemetry

__all__ = ["ArtifactServer"]

TIMEOUT_S = 60.0


class ArtifactServer:
    """A client of one server.

    Raises requests.RequestException where the server cannot be reached or refuses.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()

    def artifact_url(self, path: str) -> str:
        """Where a published input is."""
        return f"{self.url}/artifacts/{path}"

    def get_text(self, path: str) -> str:
        """Get the body of a small resource."""
        with self._call("GET", path) as headers:
            response = self._session.get(self.url + path, headers=headers, timeout=TIMEOUT_S)
            response.raise_for_status()
            return response.text

    def download(self, path: str, target: Path) -> None:
        """Write a resource to a file."""
        with self._call("GET", path) as headers:
            response = self._session.get(self.url + path, headers=headers, timeout=TIMEOUT_S)
            response.raise_for_status()
            target.write_bytes(response.content)

    def put_file(self, name: str, source: Path) -> str:
        """Upload a file; returns the digest that the server made of it."""
        with self._call("PUT", f"/uploads/{name}") as headers, source.open("rb") as body:
            response = self._session.put(
                f"{self.url}/uploads/{name}", data=body, headers=headers, timeout=TIMEOUT_S
            )
            response.raise_for_status()
            return response.headers["ETag"].strip('"')

    @contextmanager
    def _call(self, method: str, path: str) -> Iterator[dict[str, str]]:
        attributes = {"http.request.method": method, "url.full": self.url + path}
        with telemetry.span(f"{method} /{path.split('/')[1]}", attributes, kind=SpanKind.CLIENT):
            yield telemetry.inject({})
