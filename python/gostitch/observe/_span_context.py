"""Kinds and contexts of Go's spans, as OpenTelemetry's API has them."""

from __future__ import annotations

from opentelemetry.trace import SpanContext, SpanKind, TraceFlags, TraceState

from gostitch.observe._span_frame import Context

# trace.SpanKind of Go counts from 1, with 0 for unspecified.
KINDS = (
    SpanKind.INTERNAL,
    SpanKind.INTERNAL,
    SpanKind.SERVER,
    SpanKind.CLIENT,
    SpanKind.PRODUCER,
    SpanKind.CONSUMER,
)


def context_of(of: Context) -> SpanContext:
    """Return the context of a span."""
    trace_id, span_id, flags, state, is_remote = of
    return SpanContext(
        int.from_bytes(trace_id, "big"),
        int.from_bytes(span_id, "big"),
        is_remote=is_remote,
        trace_flags=TraceFlags(flags),
        trace_state=TraceState.from_header([state]) if state else None,
    )
