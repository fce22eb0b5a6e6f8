"""Applications of web servers with telemetry on: one span a request, a call of Go in it."""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import Callable, Iterable
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware

import faults
import gostitch
from gostitch import tasks

if "SENTRY_DSN" in os.environ:
    # As its guides say: where the application is imported, which may be before the workers fork.
    sentry_sdk.init(release="shop@1.2.3", environment="staging")


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


def work(name: str, kind: str = "all") -> str:
    """Make a span with a call in it, of a kind; gives what the tests of servers read."""
    with tracer().start_as_current_span(name):
        CALLS[kind]()
    return f"{os.getpid()} None"


def _handled() -> None:
    try:
        faults.fail("not_found")
    except gostitch.GoError:
        pass


CALLS: dict[str, Callable[[], object]] = {
    "all": lambda: tasks.hash_tree("/etc/hosts"),
    # Not an OSError: gunicorn takes that for one of the connection.
    "error": lambda: faults.fail("invalid_argument"),
    "panic": lambda: faults.panic("nil"),
    "handled": _handled,
}


@SentryWsgiMiddleware
def wsgi(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """Serve by WSGI."""
    text = work("request", environ["PATH_INFO"].strip("/"))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
    return [text.encode()]


@SentryAsgiMiddleware
async def asgi(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Serve by ASGI."""
    text = await asyncio.to_thread(work, "request", scope["path"].strip("/"))
    headers = [(b"content-type", b"text/plain")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})
