"""OpenTelemetry for every process of the demo.

One service, one trace, one OTLP endpoint, all taken from the environment.

A child finds its parent span in the variable TRACEPARENT and the receiver in
OTEL_EXPORTER_OTLP_ENDPOINT, as the OpenTelemetry specification has it. Nothing here knows of Go:
gostitch reads the provider that is configured here.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import AttributeValue

__all__ = ["SERVICE", "child_environment", "inject", "process_span", "recorded", "span"]

SERVICE = "ci-pipeline"
FLUSH_MS = 15_000

_TRACER = trace.get_tracer("ci_pipeline")
_PROPAGATOR = TraceContextTextMapPropagator()


@contextmanager
def recorded(command: str) -> Iterator[None]:
    """Record and export the spans of this process; all have left when the block is left."""
    provider = TracerProvider(resource=_resource(command))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(timeout=10)))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.force_flush(FLUSH_MS)
        provider.shutdown()


def _resource(command: str) -> Resource:
    return Resource.create(
        {
            "service.name": SERVICE,
            "service.instance.id": str(uuid.uuid4()),
            "process.pid": os.getpid(),
            "process.command": command,
            "process.runtime.name": sys.implementation.name,
            "process.runtime.version": ".".join(map(str, sys.version_info[:3])),
        }
    )


@contextmanager
def process_span(
    name: str, attributes: Mapping[str, AttributeValue] | None = None
) -> Iterator[trace.Span]:
    """Open the outermost span of a process: below the span that TRACEPARENT names, or a root."""
    carrier = {"traceparent": os.environ["TRACEPARENT"]} if "TRACEPARENT" in os.environ else {}
    with _TRACER.start_as_current_span(
        name, context=_PROPAGATOR.extract(carrier), attributes=attributes
    ) as current:
        yield current


@contextmanager
def span(
    name: str,
    attributes: Mapping[str, AttributeValue] | None = None,
    *,
    kind: trace.SpanKind = trace.SpanKind.INTERNAL,
) -> Iterator[trace.Span]:
    """Open a span below the current one; an exception that leaves it makes it an ERROR."""
    with _TRACER.start_as_current_span(name, kind=kind, attributes=attributes) as current:
        yield current


def inject(headers: dict[str, str]) -> dict[str, str]:
    """Add the current span's context to the headers."""
    _PROPAGATOR.inject(headers)
    return headers


def child_environment(endpoint: str) -> dict[str, str]:
    """Make the environment of a child process.

    It exports to `endpoint`, and its spans hang below the current span.
    """
    carrier = inject({})
    return {
        **os.environ,
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
        **({"TRACEPARENT": carrier["traceparent"]} if carrier else {}),
    }
