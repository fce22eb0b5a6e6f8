"""The applications of web servers with telemetry on: one span a request, one call of Go in it."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable, Iterable
from typing import Any

from gostitch import tasks


@functools.cache
def tracer() -> Any:
    """Set OpenTelemetry up in the process that serves, as its guides say."""
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider()
    # Nothing leaves before the end by itself.
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(), schedule_delay_millis=600_000)
    )
    trace.set_tracer_provider(provider)
    return trace.get_tracer("service")


def work(name: str) -> str:
    """Make a span with a call in it; gives what the tests of servers read."""
    with tracer().start_as_current_span(name):
        tasks.hash_tree("/etc/hosts")
    return f"{os.getpid()} None"


def wsgi(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Serve by WSGI."""
    text = work("request")
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]


async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve by ASGI."""
    text = await asyncio.to_thread(work, "request")
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
