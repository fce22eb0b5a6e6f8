"""Spans of Go as those of Python's SDK.

Twin of ``gocore/observe/records.go``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
    Status,
    StatusCode,
    set_span_in_context,
)

from gostitch import _w3c
from gostitch.observe._span_context import KINDS, context_of
from gostitch.observe._span_frame import Context, SpanFrame, decode

_STATUS = {"Error": StatusCode.ERROR, "Ok": StatusCode.OK}
_UNSET = Status()


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


def relive(span: GoSpan, provider: Any) -> None:
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
    for key, value in _w3c.read_baggage(span.start_baggage):
        above = baggage.set_baggage(key, value, above)
    if span.parent is not None:
        above = set_span_in_context(NonRecordingSpan(span.parent), above)
    live.start(span.start_time, above)
    inside: Any = live
    inside._attributes.dropped += span.dropped_attributes
    inside._events.dropped += span.dropped_events
    inside._links.dropped += span.dropped_links
    live.set_status(span.status)
    live.end(span.end_time)


class GoSpan(ReadableSpan):
    """A span of Go, which is read when a processor or exporter looks at it.

    Most lie in a queue until a thread of their own exports them, so that the call does not wait
    for the reading. Made of what appendSpan writes.
    """

    is_call: bool
    start_baggage: str

    def __init__(self, span: bytes | memoryview, resource: Any) -> None:
        self._unread: bytes | memoryview | None = span
        self._resource = resource

    def __getattr__(self, name: str) -> Any:
        # Python asks for what is not there: first all that the SDK has in a span.
        unread = self.__dict__.get("_unread")
        if unread is not None:
            self._read(unread)
        try:
            return self.__dict__[name]  # another thread may have been faster
        except KeyError:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}") from None

    def _read(self, span: bytes | memoryview) -> None:
        of: SpanFrame = decode(span[1:])
        name, kind, start, end = of.what
        status, text = of.status
        attributes, events, links = of.dropped
        self.is_call, self.start_baggage = of.is_call, of.baggage
        ReadableSpan.__init__(
            self,
            name=name,
            context=context_of(of.context),
            parent=_parent(of.parent),
            resource=self._resource,
            attributes=_attributes(of.attributes, attributes),
            events=_listed([_event(each) for each in of.events], events),
            links=_listed([_link(each) for each in of.links], links),
            kind=KINDS[kind],
            status=_UNSET if status == "Unset" else Status(_STATUS[status], text or None),
            start_time=start,
            end_time=end,
            instrumentation_scope=_scope(of.scope),
        )
        self._unread = None


def _event(of: tuple[int, str, dict[str, Any], int]) -> Event:
    time, name, attributes, dropped = of
    return Event(name, _attributes(attributes, dropped), time)


def _link(of: tuple[Context, dict[str, Any], int]) -> Link:
    to, attributes, dropped = of
    return Link(context_of(to), _attributes(attributes, dropped))


def _scope(of: tuple[str, str, str, dict[str, Any]]) -> InstrumentationScope:
    """Give the scope, the same object for all spans of one: there are few."""
    key = repr(of)
    found = _scopes.get(key)
    if found is None:
        name, version, schema_url, attributes = of
        found = InstrumentationScope(name, version, schema_url, _attributes(attributes, 0) or None)
        if len(_scopes) < _MOST_SCOPES:
            _scopes[key] = found
    return found


_scopes: dict[str, InstrumentationScope] = {}
_MOST_SCOPES = 1000

_last_parent: tuple[Context, SpanContext | None] = ((b"", b"", 0, "", False), None)


def _parent(of: Context) -> SpanContext | None:
    """Give what is above a span: mostly the same as above the one before."""
    global _last_parent
    known, found = _last_parent
    if known != of:
        found = context_of(of)
        found = found if found.is_valid else None
        _last_parent = of, found
    return found


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
