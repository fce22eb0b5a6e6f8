"""Spans of Go through Python's own processors and exporters.

For a provider without an exporter that Go can stand in for: an in-memory or
console exporter, or one of the user's own. Twin of ``gocore/observe/records.go``.
The processors see only ``on_end``: the span is over when it arrives.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
)


class SpanFrame(msgspec.Struct, array_like=True):
    """A span as it crosses (appendSpan); ids are bytes, times nanoseconds."""

    trace_id: bytes
    span_id: bytes
    parent_id: bytes
    flags: int
    state: str
    name: str
    kind: int
    start: int
    end: int
    attributes: dict[str, Any]
    events: list[tuple[int, str, dict[str, Any]]]
    links: list[tuple[bytes, bytes, int, dict[str, Any]]]
    status: str
    status_text: str
    scope: str
    scope_version: str


_decode = msgspec.msgpack.Decoder(SpanFrame).decode

# trace.SpanKind of Go counts from 1, with 0 for unspecified.
_KINDS = (
    SpanKind.INTERNAL,
    SpanKind.INTERNAL,
    SpanKind.SERVER,
    SpanKind.CLIENT,
    SpanKind.PRODUCER,
    SpanKind.CONSUMER,
)
_STATUS = {"Unset": StatusCode.UNSET, "Error": StatusCode.ERROR, "Ok": StatusCode.OK}


def deliver_to(provider: Any) -> Callable[[bytes], None]:
    """Give what takes span records and passes them to the provider's processors."""

    def deliver(frame: bytes) -> None:
        provider._active_span_processor.on_end(readable(_decode(frame), provider.resource))

    return deliver


def readable(frame: SpanFrame, resource: Any) -> ReadableSpan:
    """Build the SDK's span from a frame."""
    context = _context(frame.trace_id, frame.span_id, frame.flags, frame.state)
    parent = None
    if any(frame.parent_id):
        parent = _context(frame.trace_id, frame.parent_id, frame.flags, frame.state)
    text = frame.status_text if frame.status == "Error" else None
    return ReadableSpan(
        name=frame.name,
        context=context,
        parent=parent,
        resource=resource,
        attributes=frame.attributes,
        events=[Event(name, attributes, time) for time, name, attributes in frame.events],
        links=[
            Link(_context(trace_id, span_id, flags, ""), attributes)
            for trace_id, span_id, flags, attributes in frame.links
        ],
        kind=_KINDS[frame.kind],
        status=Status(_STATUS[frame.status], text),
        start_time=frame.start,
        end_time=frame.end,
        instrumentation_scope=InstrumentationScope(frame.scope, frame.scope_version),
    )


def _context(trace_id: bytes, span_id: bytes, flags: int, state: str) -> SpanContext:
    return SpanContext(
        int.from_bytes(trace_id, "big"),
        int.from_bytes(span_id, "big"),
        is_remote=False,
        trace_flags=TraceFlags(flags),
        trace_state=TraceState.from_header([state]) if state else None,
    )
