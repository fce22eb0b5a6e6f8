"""An application whose workers say how they ended, for every kind of server."""

from __future__ import annotations

import asyncio
import atexit
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import faults

_told: set[int] = set()


def _end() -> None:
    # Go works as long as the interpreter does.
    Path(f"ended-{os.getpid()}").write_text(str(faults.add(1, 2)))


def answer(path: str) -> str:
    """Use Go, for as long as the path says, and give the process; it leaves a file when it ends."""
    if os.getpid() not in _told:
        _told.add(os.getpid())
        atexit.register(_end)
    if path == "/long":
        faults.sleep(0.03)
    assert 3 == faults.add(1, 2) == faults.add.submit(1, 2).result(20)
    return str(os.getpid())


if os.environ.get("USE_GO_EARLY"):
    faults.add(1, 2)


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Answer a request as WSGI has it."""
    text = answer(environ["PATH_INFO"])
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer a request as ASGI has it, in a thread and in the loop."""
    if scope["type"] != "http":
        return
    text = await asyncio.to_thread(answer, scope["path"])
    assert 3 == await faults.add.submit(1, 2)
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
