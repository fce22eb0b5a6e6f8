"""Runs a piece of Python in a process of its own, with a real OTLP receiver to export to."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ci_pipeline.receiver import receiving

PROLOGUE = """
from opentelemetry import baggage, context, trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

resource = Resource.create({"service.name": "scenario", "answer": 42, "tags": ["a", "b"]})
provider = TracerProvider(resource=resource)
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
tracer = trace.get_tracer("scenario")
"""


@dataclass(frozen=True)
class Span:
    """A span as it was received, with the resource it came with."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    start: int
    end: int
    flags: int
    state: str
    attributes: dict[str, Any]
    events: list[dict[str, Any]]
    status: dict[str, Any]
    resource: str

    @property
    def by_go(self) -> bool:
        """Whether Go made it."""
        return self.attributes.get("gostitch.side") == "go"


def run(code: str, env: Mapping[str, str] | None = None, prologue: str = PROLOGUE) -> list[Span]:
    """Run the code below the prologue; give the spans that had arrived when it was gone."""
    with receiving() as receiver:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", prologue + textwrap.dedent(code)],
            env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.endpoint, **(env or {})},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return spans_of(receiver.document())


def spans_of(document: dict[str, Any]) -> list[Span]:
    """Flatten an OTLP/JSON document."""
    return [
        _span(span, repr(resource_spans["resource"]))
        for resource_spans in document["resourceSpans"]
        for scope_spans in resource_spans["scopeSpans"]
        for span in scope_spans["spans"]
    ]


def _span(span: dict[str, Any], resource: str) -> Span:
    return Span(
        name=span["name"],
        trace_id=span["traceId"],
        span_id=span["spanId"],
        parent_id=span.get("parentSpanId", ""),
        start=int(span["startTimeUnixNano"]),
        end=int(span["endTimeUnixNano"]),
        flags=span.get("flags", 0),
        state=span.get("traceState", ""),
        attributes=_attributes(span),
        events=[event | {"attributes": _attributes(event)} for event in span.get("events", [])],
        status=span.get("status", {}),
        resource=resource,
    )


def _attributes(of: dict[str, Any]) -> dict[str, Any]:
    return {pair["key"]: next(iter(pair["value"].values())) for pair in of.get("attributes", [])}
