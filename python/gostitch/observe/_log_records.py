"""Log records of Go below the span in which Go wrote them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags


@contextmanager
def in_span(trace_id: str, span_id: str) -> Iterator[None]:
    """Make a span of Go current, for handlers that look at the context (OpenTelemetry's own do)."""
    of = SpanContext(int(trace_id, 16), int(span_id, 16), False, TraceFlags(TraceFlags.SAMPLED))
    token = context.attach(trace.set_span_in_context(NonRecordingSpan(of), context.Context()))
    try:
        yield
    finally:
        context.detach(token)
