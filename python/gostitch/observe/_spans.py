"""Spans of Go as those of Python's SDK.

Twin of ``gocore/observe/records.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from opentelemetry import baggage, context
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanProcessor, _Span
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.util import BoundedList
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

Context = tuple[bytes, bytes, int, str, bool]
"""Of a span: ids of its trace and its own, flags, trace state, whether it is remote."""


@_shapes.record(
    "context: list[any], parent: list[any], what: list[any], attributes: map[any], "
    "events: list[any], links: list[any], status: list[any], scope: list[any], "
    "dropped: list[any], is_call: bool, baggage: str"
)
class SpanFrame(NamedTuple):
    """A span as it crosses (appendSpan); ids are bytes, times nanoseconds."""

    context: Context
    parent: Context
    what: tuple[str, int, int, int]  # name, kind, start, end
    attributes: dict[str, Any]
    events: list[tuple[int, str, dict[str, Any], int]]
    links: list[tuple[Context, dict[str, Any], int]]
    status: tuple[str, str]
    scope: tuple[str, str, str, dict[str, Any]]
    dropped: tuple[int, int, int]  # attributes, events, links
    is_call: bool
    baggage: str


class Handed(NamedTuple):
    """A span that Go has handed over, and the baggage that it began with."""

    span: Any
    is_call: bool
    baggage: str


decode = _shapes.schema("SpanFrame", globals()).decode


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
    for ours, of in ((live._attributes, span.dropped_attributes), (live._events, span.dropped_events)):
        ours.dropped += of  # type: ignore[union-attr]
    live._links.dropped += span.dropped_links  # type: ignore[union-attr]
    live.set_status(span.status)
    live.end(span.end_time)


def readable(frame: bytes, provider: Any) -> Handed:
    """Build the SDK's span from a frame, with the resource of the provider."""
    of: SpanFrame = decode(frame)
    name, kind, start, end = of.what
    status, text = of.status
    attributes, events, links = of.dropped
    parent = _context(of.parent)
    span = ReadableSpan(
        name=name,
        context=_context(of.context),
        parent=parent if parent.is_valid else None,
        resource=provider.resource,
        attributes=_attributes(of.attributes, attributes),
        events=_listed([_event(each) for each in of.events], events),
        links=_listed([_link(each) for each in of.links], links),
        kind=_KINDS[kind],
        status=Status(_STATUS[status], text if status == "Error" else None),
        start_time=start,
        end_time=end,
        instrumentation_scope=_scope(of.scope),
    )
    return Handed(span, of.is_call, of.baggage)


def _event(of: tuple[int, str, dict[str, Any], int]) -> Event:
    time, name, attributes, dropped = of
    return Event(name, _attributes(attributes, dropped), time)


def _link(of: tuple[Context, dict[str, Any], int]) -> Link:
    to, attributes, dropped = of
    return Link(_context(to), _attributes(attributes, dropped))


def _scope(of: tuple[str, str, str, dict[str, Any]]) -> InstrumentationScope:
    name, version, schema_url, attributes = of
    return InstrumentationScope(name, version, schema_url, _attributes(attributes, 0) or None)


def _attributes(values: dict[str, Any], dropped: int) -> Any:
    """Give attributes with the types that they have in Python's SDK."""
    for key, value in values.items():
        if type(value) is list:
            values[key] = tuple(value)
    if not dropped:
        return values
    bounded = BoundedAttributes(attributes=values, immutable=False)
    bounded.dropped = dropped
    return bounded


def _listed(values: list[Any], dropped: int) -> Any:
    if not dropped:
        return values
    bounded = BoundedList.from_seq(None, values)
    bounded.dropped = dropped
    return bounded


def _context(of: Context) -> SpanContext:
    trace_id, span_id, flags, state, is_remote = of
    return SpanContext(
        int.from_bytes(trace_id, "big"),
        int.from_bytes(span_id, "big"),
        is_remote=is_remote,
        trace_flags=TraceFlags(flags),
        trace_state=TraceState.from_header([state]) if state else None,
    )
