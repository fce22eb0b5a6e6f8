"""Telemetry that nobody wrote code for: what arrives of Go, by the tools that set it up."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from frameworks.conftest import Run
from observe.collector import Collector, collecting
from observe.spans import Span

WORK = """
import faults, gostitch, logging
step = faults.FaultsVisitStep
STEPS = [step("own", -1, "inline", "", "")]

def work():
    list(faults.visit_lines(STEPS))
    faults.log(8, "said by Go")
    logging.getLogger("shop").error("said by Python")
"""

BELOW = [("faults.visit_lines", ""), ("own", "faults.visit_lines"), ("faults.log", "")]
"""Spans of Go, each with the one above it, if that is of Go too."""


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[Collector]:
    """The real one."""
    with collecting(tmp_path / "collector") as collector:
        yield collector


def below(collector: Collector, server: str) -> list[Span]:
    """Give the spans of Go, which are all below one of Python's with that name, in one trace."""
    spans = {
        each.span_id: each
        for each in collector.spans()
        if each.attributes.get("logfire.span_type") != "pending_span"
    }
    (above,) = (each for each in spans.values() if each.name == server)
    of_go = [each for each in spans.values() if each.by_go]
    assert {above.trace_id} == {each.trace_id for each in of_go}
    assert 1 == len({each.resource for each in spans.values()})
    found = sorted(
        (each.name, spans[each.parent_id].name if spans[each.parent_id].by_go else "")
        for each in of_go
    )
    assert sorted(BELOW) == found
    for each in of_go:
        if not spans[each.parent_id].by_go:
            assert _is_within(spans, each, above.span_id)
    return of_go


def _is_within(spans: dict[str, Span], of: Span, above: str) -> bool:
    while of.parent_id:
        if of.parent_id == above:
            return True
        of = spans[of.parent_id]
    return False


def logged(collector: Collector) -> list[tuple[str, str]]:
    """Give text and trace of each log record."""
    with (collector.folder / "logs.jsonl").open() as lines:
        return [
            (record["body"]["stringValue"], record.get("traceId", ""))
            for line in lines
            for resource in json.loads(line)["resourceLogs"]
            for scope in resource["scopeLogs"]
            for record in scope["logRecords"]
        ]


SERVERS = {
    "flask": (
        """
from flask import Flask
from werkzeug.serving import make_server
app = Flask("app")

@app.get("/orders/<name>")
def route(name):
    work()
    return "done"

server = make_server("127.0.0.1", 0, app, threaded=True)
port = server.server_port
serve, stop = server.serve_forever, server.shutdown
""",
        "GET /orders/<name>",
    ),
    "fastapi": (
        """
from fastapi import FastAPI
import socket, uvicorn
app = FastAPI()

@app.get("/orders/{name}")
def route(name: str):
    work()
    return "done"

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
port = listener.getsockname()[1]
server = uvicorn.Server(uvicorn.Config(app, log_level="error"))

def serve():
    server.run(sockets=[listener])

def stop():
    server.should_exit = True
""",
        "GET /orders/{name}",
    ),
    "celery": (
        """
from celery import Celery
from celery.contrib.testing.worker import start_worker
app = Celery("app", broker="memory://", backend="cache+memory://")

@app.task(name="work")
def task():
    work()

with start_worker(app, perform_ping_check=False):
    task.delay().get(timeout=20)
""",
        "run/work",
    ),
}

ASK = """
import threading, time, urllib.request
thread = threading.Thread(target=serve)
thread.start()
deadline = time.monotonic() + 20
while True:
    try:
        assert urllib.request.urlopen(f"http://127.0.0.1:{port}/orders/a").status == 200
        break
    except OSError:
        assert time.monotonic() < deadline
        time.sleep(0.02)
stop()
thread.join()
"""


@pytest.mark.parametrize("server", SERVERS)
def test_opentelemetry_instrument(
    run: Run, server: str, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spans of Go are below those of the server; log records have their trace; metrics arrive."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.endpoint)
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    monkeypatch.setenv("OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED", "true")
    code, name = SERVERS[server]
    text = WORK + code + ("" if server == "celery" else ASK)
    run(text, command=["opentelemetry-instrument", "python", "program.py"])

    of_go = below(collector, name)
    said = dict(logged(collector))
    assert said.get("said by Python") == said.get("said by Go")
    if server != "celery":  # which takes over the handlers of logging
        assert of_go[0].trace_id == said["said by Go"]
    measured = (collector.folder / "metrics.jsonl").read_text()
    assert "gostitch.call.duration" in measured
    assert "go.memory.used" in measured


def test_sentry_with_otlp(run: Run, tmp_path: Path) -> None:
    """Sentry's OTLPIntegration sends spans of OpenTelemetry: those of Go among them."""
    with collecting(tmp_path / "sentry", "/api/1/integration/otlp/v1/traces/") as collector:
        run(
            WORK
            + f"""
import sentry_sdk
from sentry_sdk.integrations.otlp import OTLPIntegration
from opentelemetry import trace
sentry_sdk.init(dsn="{collector.http.replace("//", "//public@")}/1", integrations=[OTLPIntegration()])
with trace.get_tracer("x").start_as_current_span("root"):
    work()
trace.get_tracer_provider().force_flush()
"""
        )
        below(collector, "root")


def test_logfire(run: Run, collector: Collector) -> None:
    """Logfire's own spans have Go's below them."""
    run(
        WORK
        + f"""
import logfire
from logfire import AdvancedOptions
logfire.configure(
    send_to_logfire=True, token="pylf_v1_us_x", service_name="shop", console=False, inspect_arguments=False,
    advanced=AdvancedOptions(base_url="{collector.http}"),
)
with logfire.span("root"):
    work()
assert logfire.force_flush()
"""
    )

    below(collector, "root")
    assert "gostitch.call.duration" in (collector.folder / "metrics.jsonl").read_text()


@contextmanager
def ingesting() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Give the URL of a server for Azure Monitor's exporters, and the items that it got."""
    items: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            text = body.decode()
            got = (
                json.loads(text)
                if text.startswith("[")
                else list(map(json.loads, text.splitlines()))
            )
            items.extend(got)
            answer = json.dumps(
                {"itemsReceived": len(got), "itemsAccepted": len(got), "errors": []}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def do_GET(self) -> None:
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", items
        finally:
            server.shutdown()
            thread.join()


def test_azure_monitor(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its exporters have Go's spans and log records, counted as its sampler counts."""
    monkeypatch.setenv("APPLICATIONINSIGHTS_STATSBEAT_DISABLED_ALL", "true")
    with ingesting() as (url, items):
        run(
            WORK
            + f"""
from azure.monitor.opentelemetry import configure_azure_monitor
from opentelemetry import trace
configure_azure_monitor(
    connection_string="InstrumentationKey=00000000-0000-0000-0000-000000000001;IngestionEndpoint={url}",
    sampling_ratio=0.5, enable_live_metrics=False, disable_offline_storage=True,
)
kept = 0
while kept < 3:  # of which the sampler keeps every other one
    with trace.get_tracer("x").start_as_current_span("root") as span:
        kept += span.is_recording()
        work()
trace.get_tracer_provider().force_flush()
from opentelemetry import _logs
_logs.get_logger_provider().force_flush()
"""
        )

    dependencies = [each for each in items if each["data"]["baseType"] == "RemoteDependencyData"]
    names = [each["data"]["baseData"]["name"] for each in dependencies]
    assert {"root": 3, "faults.visit_lines": 3, "own": 3, "faults.log": 3} == {
        name: names.count(name) for name in names
    }
    assert {2.0} == {100 / each.get("sampleRate", 100) for each in dependencies}
    operations = {each["tags"]["ai.operation.id"] for each in dependencies}
    messages = [each for each in items if each["data"]["baseType"] == "MessageData"]
    said = {
        each["tags"]["ai.operation.id"]
        for each in messages
        if each["data"]["baseData"]["message"] == "said by Go"
    }
    assert operations <= said
    metrics = [each for each in items if each["data"]["baseType"] == "MetricData"]
    measured = {each["data"]["baseData"]["metrics"][0]["name"] for each in metrics}
    assert "gostitch.call.duration" in measured


def test_a_file_of_configuration(
    run: Run, collector: Collector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """OTEL_CONFIG_FILE makes the providers that Go follows."""
    (tmp_path / "otel.yaml").write_text(
        f"""
file_format: "1.0"
resource:
  attributes:
    - {{name: service.name, value: by-file}}
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_grpc:
            endpoint: {collector.endpoint}
"""
    )
    monkeypatch.setenv("OTEL_CONFIG_FILE", str(tmp_path / "otel.yaml"))
    run(
        WORK
        + """
from opentelemetry import trace
with trace.get_tracer("x").start_as_current_span("root"):
    work()
trace.get_tracer_provider().force_flush()
""",
        command=["opentelemetry-instrument", "python", "program.py"],
    )

    assert "by-file" in below(collector, "root")[0].resource
