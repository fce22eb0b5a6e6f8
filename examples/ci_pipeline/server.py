"""The artifact server.

A small, quick HTTP/1.1 server in a process of its own, standing in for an artifact store.

It serves the files of a store (GET and HEAD with ETag, ranges and conditional requests) and takes
uploads (PUT), over connections that stay open. A request that carries a `traceparent` gets a server
span below the caller's span, but for the artifacts themselves: thousands of spans would be most of
the trace, and only one of the two runs sends the header with each. It ends when its standard input
does, so it cannot outlive whoever started it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import math
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from . import telemetry
from .http1 import BadRequestError, Request, Response, not_modified, ranged, read_request
from .publish import read_manifest

__all__ = ["main"]

SENDFILE_FROM = 64 << 10
BLOCK = 1 << 18
MAX_UPLOAD = 4 << 30
IDLE_S = 60.0

_TRACER = trace.get_tracer("ci_pipeline.server")
_PROPAGATOR = TraceContextTextMapPropagator()


class Store:
    """The published files by URL path, with their entity tags, and a folder for uploads."""

    def __init__(self, root: Path) -> None:
        manifest = read_manifest((root / "manifest.json").read_text(encoding="utf-8"))
        published = [(root / "inputs", item) for item in manifest.inputs] + [
            (root, manifest.untrusted)
        ]
        self.files = {
            f"/artifacts/{item.path}": (folder / item.path, item.sha256)
            for folder, item in published
        }
        self.files["/manifest.json"] = (root / "manifest.json", manifest.tree)
        self.uploads = root / "uploads"
        self.uploads.mkdir(exist_ok=True)


class Connection:
    """One client's connection: its requests one after another."""

    def __init__(
        self, store: Store, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._store, self._reader, self._writer = store, reader, writer
        self._loop = asyncio.get_running_loop()
        self.silent_since = self._loop.time()

    async def serve(self) -> None:
        """Answer requests until the client closes, breaks the protocol, or `close` is called."""
        try:
            while request := await read_request(self._reader):
                self.silent_since = math.inf
                await self._answer(request)
                self.silent_since = self._loop.time()
                if request.headers.get("connection", "").lower() == "close" or _unread(request):
                    break
        except BadRequestError as error:
            self._writer.write(Response(400, body=str(error).encode()).head(close=True))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Hang up, also on a client that is silent."""
        self._writer.close()

    async def _answer(self, request: Request) -> None:
        traced = request.headers.get("traceparent")
        route = "/" + request.path.split("/")[1]
        if traced is None or route == "/artifacts":
            return await self._send(request, await self._respond(request))
        span = _TRACER.start_span(
            f"{request.method} {route}",
            context=_PROPAGATOR.extract({"traceparent": traced}),
            kind=trace.SpanKind.SERVER,
            attributes={
                "http.request.method": request.method,
                "http.route": route,
                "url.path": request.path,
            },
        )
        try:
            response = await self._respond(request)
            span.set_attributes(
                {
                    "http.response.status_code": response.status,
                    "http.response.body.size": response.length,
                }
            )
            await self._send(request, response, span.end)
        except BaseException as error:
            if span.is_recording():
                span.record_exception(error)
                span.set_status(trace.StatusCode.ERROR, str(error))
                span.end()
            raise

    async def _respond(self, request: Request) -> Response:
        if request.method == "PUT" and request.path.startswith("/uploads/"):
            return await self._store_upload(request)
        if request.method not in ("GET", "HEAD"):
            return Response(405, {"Allow": "GET, HEAD, PUT"})
        if request.path not in self._store.files:
            return Response(404, body=b"no such artifact\n")
        path, digest = self._store.files[request.path]
        tag = f'"{digest}"'
        if not_modified(request, tag):
            return Response(304, {"ETag": tag})
        return ranged(request, path, tag)

    async def _store_upload(self, request: Request) -> Response:
        name, length = request.path.removeprefix("/uploads/"), request.content_length
        if not name or name.startswith(".") or "/" in name or length is None or length > MAX_UPLOAD:
            raise BadRequestError("an upload needs a plain name and a Content-Length")
        if request.headers.get("expect", "").lower() == "100-continue":
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        partial, digest = self._store.uploads / f".{name}.part", hashlib.sha256()
        with partial.open("wb") as file:
            while length > 0:
                block = await self._reader.read(min(length, BLOCK))
                if not block:
                    raise ConnectionError("the upload was cut short")
                self.silent_since = self._loop.time()
                digest.update(block)
                file.write(block)
                length -= len(block)
        os.replace(partial, self._store.uploads / name)
        return Response(201, {"ETag": f'"{digest.hexdigest()}"'})

    async def _send(
        self, request: Request, response: Response, last: Callable[[], None] | None = None
    ) -> None:
        """Send it.

        `last` is called before the last byte leaves: a span ended there lies within that of the
        waiting client.
        """
        head = response.head()
        if request.method == "HEAD" or response.file is None or response.length < SENDFILE_FROM:
            content = b"" if request.method == "HEAD" else _content(response)
            if last:
                last()
            self._writer.write(head + content)
            return await self._writer.drain()
        self._writer.write(head)
        await self._writer.drain()
        with response.file.open("rb") as file:
            # The last block is kept back for the write after `last`.
            await self._loop.sendfile(
                self._writer.transport, file, response.offset, response.length - 1
            )
            if last:
                last()
            file.seek(response.offset + response.length - 1)
            self._writer.write(file.read(1))
        return await self._writer.drain()


def _unread(request: Request) -> bool:
    """Tell whether a body is still on the way that nobody wants."""
    upload = request.method == "PUT" and request.path.startswith("/uploads/")
    return bool(request.content_length) and not upload


def _content(response: Response) -> bytes:
    if response.file is None:
        return response.body
    with response.file.open("rb", buffering=0) as file:
        file.seek(response.offset)
        return file.read(response.length)


async def _run(root: Path) -> None:
    store = Store(root)
    connections: set[Connection] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(store, reader, writer)
        connections.add(connection)
        await connection.serve()
        connections.discard(connection)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=BLOCK)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    stop = asyncio.Event()
    # Whoever started this process holds the other end; when that is gone, nobody is left to serve.
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    hanging_up = asyncio.create_task(_hang_up_on_the_silent(connections))
    await stop.wait()
    hanging_up.cancel()
    server.close()


async def _hang_up_on_the_silent(connections: set[Connection]) -> None:
    """One look at all connections now and then.

    A timer per request would cost more than the request.
    """
    while True:
        await asyncio.sleep(IDLE_S / 4)
        oldest = asyncio.get_running_loop().time() - IDLE_S
        for connection in connections:
            if connection.silent_since < oldest:
                connection.close()


def main() -> None:
    """Serve the store named on the command line until standard input ends.

    Says its port in one line of JSON first.
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("store", type=Path)
    root = parser.parse_args().store
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is for the demo, which then stops this process
    with telemetry.recorded("artifact server"):
        asyncio.run(_run(root))


if __name__ == "__main__":
    main()
