"""Failures of Go in web servers and in Celery, as Sentry and the receiver of spans get them."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ci_pipeline.receiver import Receiver, receiving
from observe.serving import WEB, celery, web
from observe.spans import Span, spans_of
from observe.spotlight import Spotlight, frames

# What is asked for, and whether it is an event.
_KINDS = {"all": False, "error": True, "handled": False, "panic": True}


@contextmanager
def _telemetry(sentry: Spotlight) -> Iterator[tuple[Receiver, dict[str, str]]]:
    with receiving() as receiver:
        endpoint = receiver.endpoint
        yield receiver, {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, "SENTRY_DSN": sentry.dsn}


def _check(events: list[dict[str, Any]], spans: list[Span], own: str) -> None:
    """One event for each failure that nobody handled, on the trace of its request."""
    assert ["faults.fail", "faults.panic"] == sorted(_go_function(event) for event in events)
    assert len(_KINDS) == len([span for span in spans if span.name == own])
    for event in events:
        trace = [s for s in spans if s.trace_id == event["contexts"]["trace"]["trace_id"]]
        assert [own, _go_function(event)] == [
            span.name for span in sorted(trace, key=lambda span: span.start)
        ]
        assert ("shop@1.2.3", "staging") == (event["release"], event["environment"])
        assert any("faults." in function for function in frames(event, "go")), event
        assert "work" in frames(event, "python")


def _go_function(event: dict[str, Any]) -> str:
    """Give the name, as Python has it, of the Go function that is grouped by."""
    _, _, function = event["fingerprint"]
    return f"faults.{function.rpartition('.')[2].lower()}"


def _get(port: int, kind: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", f"/{kind}")
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("server", WEB)
def test_requests(tmp_path: Path, sentry: Spotlight, server: str) -> None:
    """Sentry's middleware sees what the application does not handle, a panic only once."""
    with _telemetry(sentry) as (receiver, environment):
        with web(server, tmp_path, **environment) as served:
            statuses = [_get(served.port, kind) for kind in _KINDS]
            served.server.stop()

        assert [200, 500, 200, 500] == statuses
        _check(sentry.events(), spans_of(receiver.document()), "request")


def test_tasks(tmp_path: Path, sentry: Spotlight) -> None:
    """Sentry's integration of Celery, which comes by itself, sees the tasks that fail."""
    with _telemetry(sentry) as (receiver, environment):
        with celery(tmp_path, **environment) as pool:
            pool.do(*_KINDS)
            pool.server.stop()

        _check(sentry.events(), spans_of(receiver.document()), "work")
