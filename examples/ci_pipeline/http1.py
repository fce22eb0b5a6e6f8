"""The HTTP/1.1 that the artifact server speaks.

Requests read, ranges and conditions judged, response heads written.

Knows the protocol and nothing of artifacts, sockets' lives or tracing.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote

__all__ = ["BadRequestError", "Request", "Response", "not_modified", "ranged", "read_request"]

_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")


class BadRequestError(ValueError):
    """What a client sent is not HTTP that this server takes."""


@dataclass(frozen=True)
class Request:
    """A request without its body; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]

    @property
    def content_length(self) -> int | None:
        """The announced size of the body, None without one."""
        value = self.headers.get("content-length", "")
        return int(value) if value.isdecimal() else None


@dataclass(frozen=True)
class Response:
    """A response: its body is `body`, or `length` bytes of `file` from `offset` on."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    file: Path | None = None
    offset: int = 0
    file_length: int = 0

    @property
    def length(self) -> int:
        """The size of the body."""
        return self.file_length if self.file else len(self.body)

    def head(self, *, close: bool = False) -> bytes:
        """Status line and headers, with the empty line.

        `close` adds the body and says that the connection ends.
        """
        lines = [
            f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}",
            f"Content-Length: {self.length}",
        ]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += ["Connection: close"] if close else []
        return "\r\n".join([*lines, "", ""]).encode("ascii") + (self.body if close else b"")


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read the next request's head, or None where the client closed in between.

    Raises BadRequestError for anything else.
    """
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise BadRequestError("the request head is cut short") from None
        return None
    except asyncio.LimitOverrunError:
        raise BadRequestError("the request head is too large") from None
    line, *fields = head[:-4].split("\r\n")
    parts = line.split(" ")
    if len(parts) != 3 or parts[2] != "HTTP/1.1":
        raise BadRequestError("only HTTP/1.1 is spoken here")
    headers = {}
    for header in fields:
        name, colon, value = header.partition(":")
        if not colon:
            raise BadRequestError("a header without a colon")
        headers[name.lower()] = value.strip()
    return Request(parts[0], unquote(parts[1].partition("?")[0]), headers)


def not_modified(request: Request, tag: str) -> bool:
    """Whether the client already has what it asks for."""
    return tag in request.headers.get("if-none-match", "")


def ranged(request: Request, file: Path, tag: str) -> Response:
    """Answer with the file, or the part of it that is asked for (200, 206 or 416)."""
    size = file.stat().st_size
    headers = {"ETag": tag, "Accept-Ranges": "bytes"}
    asked = _RANGE.match(request.headers.get("range", ""))
    if not asked or request.headers.get("if-range", tag) != tag:
        return Response(200, headers, file=file, file_length=size)
    first, last = asked.groups()
    start = int(first) if first else max(0, size - int(last or 0))
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        return Response(416, {"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return Response(206, headers, file=file, offset=start, file_length=end - start + 1)
