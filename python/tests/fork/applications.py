"""The applications that servers run, which use Go when they are imported and in every request."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable
from typing import Any

from fork.exercises import exercise

# The parent's runtime is in full use when it forks.
if os.environ.get("USE_GO_EARLY"):
    exercise("all")


def wsgi(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Do the exercise that the path names."""
    text = exercise(environ["PATH_INFO"].strip("/"))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Do the exercise that the path names, beside the loop."""
    if scope["type"] != "http":
        return
    text = await asyncio.to_thread(exercise, scope["path"].strip("/"))
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
