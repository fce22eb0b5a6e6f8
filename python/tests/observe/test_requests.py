"""HTTP requests of tasks, by the stable conventions for HTTP clients."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from http_servers import Handler, serving
from observe.scenario import run
from observe.spans import Span


class Counts:
    """What the server has answered."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.parents: list[str] = []


@pytest.fixture
def counts() -> Counts:
    """Of this test."""
    return Counts()


@pytest.fixture
def server(tmp_path: Path, counts: Counts) -> Iterator[str]:
    """Serves files, redirects, and what fails the first time or always."""
    (tmp_path / "file").write_bytes(b"content")

    def answer(request: Handler) -> bool:
        path = request.path.partition("?")[0]
        counts.asked.append(path)
        counts.parents.append(request.headers.get("traceparent", ""))
        if path == "/moved":
            request.send_response(302)
            request.send_header("Location", "/file")
            request.send_header("Content-Length", "0")
            request.end_headers()
        elif path == "/flaky" and counts.asked.count(path) == 1:
            request.send_error(503)
        elif path.startswith(("/many", "/flaky")):
            request.answer(b"content")
        else:
            return False
        return True

    with serving(tmp_path, answer) as url:
        yield url


def fetched(url: str, how: str = "", *, more: str = "", **environment: str) -> list[Span]:
    """Give the spans of a call that fetches, the call's own last."""
    code = f"""
from gostitch import tasks
import gostitch, os, tempfile
{more}
folder = tempfile.mkdtemp()
def item(url, name="x"):
    return tasks.FetchItem(url=url, path=os.path.join(folder, name))
with tracer.start_as_current_span("caller"):
    tasks.fetch({how or f"[item({url!r})]"})
assert provider.force_flush()
"""
    spans = run(code, environment)
    return sorted((span for span in spans if span.name != "caller"), key=lambda span: span.end)


@pytest.mark.parametrize("export", ["direct", "python"])
def test_a_request(server: str, counts: Counts, export: str) -> None:
    """It has a CLIENT span below the call, with what the conventions want, and sends its id on."""
    request, call = fetched(f"{server}/file", GOSTITCH_EXPORT=export)

    assert ("GET", "tasks.fetch", call.span_id) == (request.name, call.name, request.parent_id)
    host, port = server.removeprefix("http://").split(":")
    assert {
        "gostitch.side": "go",
        "http.request.method": "GET",
        "server.address": host,
        "server.port": port,  # an int, which OTLP/JSON writes as text
        "url.full": f"{server}/file",
        "http.response.status_code": "200",
        "network.protocol.version": "1.1",
    } == request.attributes
    assert {} == request.status
    assert [f"00-{request.trace_id}-{request.span_id}-03"] == counts.parents
    assert ("1", "0") == (
        call.attributes["gostitch.http.requests"],
        call.attributes["gostitch.http.errors"],
    )


def test_secrets_in_a_url(server: str) -> None:
    """User, password and the values of a query are not shown."""
    url = server.replace("http://", "http://me:word@") + "/file?X-Amz-Signature=secret&flag"
    request, _ = fetched(url)

    shown = server.replace("http://", "http://REDACTED:REDACTED@")
    assert f"{shown}/file?X-Amz-Signature=REDACTED&REDACTED" == request.attributes["url.full"]


def test_a_status_that_is_an_error(server: str) -> None:
    """error.type is the status; there is no text beside it."""
    request, call = fetched(f"{server}/missing")

    assert ("404", "404") == (
        request.attributes["error.type"],
        request.attributes["http.response.status_code"],
    )
    assert {"code": 2} == request.status
    assert "1" == call.attributes["gostitch.http.errors"]


def test_a_server_that_is_not_there() -> None:
    """error.type is the type of the error, which the status tells of."""
    request, _ = fetched("http://127.0.0.1:9/file", "[item('http://127.0.0.1:9/file')], retries=0")

    assert "*net.OpError" == request.attributes["error.type"]
    assert "http.response.status_code" not in request.attributes
    assert "refused" in request.status["message"]


def test_redirects(server: str) -> None:
    """Each request has its span; the second was sent because of the first."""
    first, second, call = fetched(f"{server}/moved")

    assert ("302", "200") == tuple(
        each.attributes["http.response.status_code"] for each in (first, second)
    )
    assert "http.request.resend_count" not in first.attributes
    assert "1" == second.attributes["http.request.resend_count"]
    assert "1" == call.attributes["gostitch.http.resends"]


def test_retries(server: str) -> None:
    """The call has an event that says why, and after how long; the second request counts as resent."""
    first, second, call = fetched(f"{server}/flaky")

    assert ("503", "1") == (
        first.attributes["error.type"],
        second.attributes["http.request.resend_count"],
    )
    (event,) = (each for each in call.events if each["name"] == "gostitch.retry")
    assert "1" == event["attributes"]["gostitch.retry.attempt"]
    assert event["attributes"]["gostitch.retry.delay"] > 0
    assert "503" in event["attributes"]["exception.message"]


@pytest.mark.parametrize(("limit", "own"), [(None, 128), (5, 5), (0, 0), (1000, 300)])
def test_many_requests_of_one_call(server: str, limit: int | None, own: int) -> None:
    """Those above the limit are summed on the call: how many, how long, with which status."""
    configured = "" if limit is None else f"gostitch.configure(request_spans={limit})"
    *requests, call = fetched(
        server,
        f"[item({server!r} + f'/many{{i}}', str(i)) for i in range(300)]",
        more=configured,
    )

    assert own == len(requests)
    assert ("300", "0") == (
        call.attributes["gostitch.http.requests"],
        call.attributes["gostitch.http.errors"],
    )
    summed = [each["attributes"] for each in call.events if each["name"] == "gostitch.http.summed"]
    assert (0 if own == 300 else 1) == len(summed)
    for each in summed:
        assert str(300 - own) == each["gostitch.http.requests"] == each["gostitch.http.status.200"]
        assert each["gostitch.http.duration"] > 0


SUPPRESS = """
from opentelemetry.context import {key} as key
token = context.attach(context.set_value(key, True))
"""


def test_suppressed_instrumentation_of_http(server: str, counts: Counts) -> None:
    """Requests have no spans then, and carry no trace; the call has its own."""
    (call,) = fetched(
        f"{server}/file", more=SUPPRESS.format(key="_SUPPRESS_HTTP_INSTRUMENTATION_KEY")
    )

    assert "tasks.fetch" == call.name
    assert [""] == counts.parents


def test_requests_outside_of_any_trace(server: str, counts: Counts) -> None:
    """They make no roots: who calls outside of a span wants none."""
    spans = run(f"""
        import os, tempfile
        from gostitch import tasks
        folder = tempfile.mkdtemp()
        tasks.fetch([tasks.FetchItem(url={server!r} + "/file", path=os.path.join(folder, "x"))])
        assert provider.force_flush()
    """)

    assert [] == spans
    assert [""] == counts.parents


_METRICS = """
from opentelemetry import metrics
from opentelemetry.instrumentation._semconv import HTTP_DURATION_HISTOGRAM_BUCKETS_NEW as BOUNDS
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.semconv._incubating.metrics import http_metrics

reader, theirs = InMemoryMetricReader(), InMemoryMetricReader()
metrics.set_meter_provider(MeterProvider([reader]))
http_metrics.create_http_client_request_duration(MeterProvider([theirs]).get_meter("x")).record(1)

def duration(reader):
    (metric,) = (
        metric
        for of_resource in reader.get_metrics_data().resource_metrics
        for scope in of_resource.scope_metrics
        for metric in scope.metrics
        if metric.name == http_metrics.HTTP_CLIENT_REQUEST_DURATION
    )
    return metric
"""


def test_the_duration_of_requests(server: str) -> None:
    """http.client.request.duration is by the conventions, with the request's span as an exemplar."""
    host, port = server.removeprefix("http://").split(":")
    common = {
        "http.request.method": "GET",
        "server.address": host,
        "server.port": int(port),
        "network.protocol.version": "1.1",
    }
    whole = common | {"http.response.status_code": 200}
    failed = common | {"http.response.status_code": 404, "error.type": "404"}
    spans = run(
        f"""
import os, tempfile
{_METRICS}
from gostitch import tasks
folder = tempfile.mkdtemp()
with tracer.start_as_current_span("caller"):
    for name in ("file", "file", "missing"):
        tasks.fetch([tasks.FetchItem(url="{server}/" + name, path=os.path.join(folder, name))])
ours, wanted = duration(reader), duration(theirs)
assert (wanted.name, wanted.unit, wanted.description) == (ours.name, ours.unit, ours.description)
counts = {{}}
for point in ours.data.data_points:
    assert BOUNDS == tuple(point.explicit_bounds) and point.sum > 0
    counts[tuple(sorted(point.attributes.items()))] = point.count
assert counts == {{
    tuple(sorted({whole!r}.items())): 2, tuple(sorted({failed!r}.items())): 1
}}, counts
for point in ours.data.data_points:
    for each in point.exemplars:
        tracer.start_span(f"{{each.trace_id:032x}} {{each.span_id:016x}}").end()
assert provider.force_flush()
"""
    )
    requests = {f"{each.trace_id} {each.span_id}" for each in spans if each.name == "GET"}
    told = {each.name for each in spans if len(each.name) == 49}
    assert told
    assert told <= requests
