"""Spans of Go through Python's own processors and exporters.

For a provider without an exporter that Go can stand in for: an in-memory or
console exporter, or one of the user's own. Twin of ``gocore/observe/records.go``.
The processors see ``on_start`` and ``on_end`` when it arrives, and the span is over.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from opentelemetry import baggage, context
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor, _Span
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)

from gostitch import _shapes, _w3c


@_shapes.record(
    "trace_id: bytes, span_id: bytes, parent_id: bytes, flags: uint8, state: str, name: str, "
    "kind: int64, start: int64, end: int64, attributes: map[any], events: list[any], "
    "links: list[any], status: str, status_text: str, scope: str, scope_version: str, baggage: str"
)
class SpanFrame(NamedTuple):
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
    baggage: str


_decode = _shapes.schema("SpanFrame", globals()).decode


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


_DEAF = {SpanProcessor, BatchSpanProcessor, SimpleSpanProcessor}
"""Classes of the SDK that do nothing at the start of a span."""


def deliver_to(provider: Any, processors: Sequence[Any]) -> Callable[[bytes], None]:
    """Give what takes span records and passes them to the provider's processors."""
    several = provider._active_span_processor

    def end(frame: bytes) -> None:
        several.on_end(readable(_decode(frame), provider.resource))

    def start_and_end(frame: bytes) -> None:
        span = _decode(frame)
        relive(readable(span, provider.resource), span.baggage, provider)

    return start_and_end if see_starts(processors) else end


def see_starts(processors: Sequence[Any]) -> bool:
    """Tell whether a processor does something before the end of a span."""
    return any(map(_sees_starts, processors))


def _sees_starts(processor: Any) -> bool:
    return any(
        getattr(processor, name, None) is not None
        and getattr(getattr(processor, name), "__func__", None)
        not in [getattr(kind, name, None) for kind in _DEAF]
        for name in ("on_start", "_on_ending")
    )


def relive(span: ReadableSpan, members: str, provider: Any) -> None:
    """Have the provider's processors see the start of a span, and its end.

    They may add attributes, as to one of Python. Above it is no more than the ids of its parent
    and the baggage.
    """
    live = _Span(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=provider.resource,
        attributes=span.attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        span_processor=provider._active_span_processor,
        limits=provider._span_limits,
        instrumentation_scope=span.instrumentation_scope,
    )
    above = context.Context()
    for key, value in _w3c.read_baggage(members):
        above = baggage.set_baggage(key, value, above)
    if span.parent is not None:
        above = set_span_in_context(NonRecordingSpan(span.parent), above)
    live.start(span.start_time, above)
    live.set_status(span.status)
    live.end(span.end_time)


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
