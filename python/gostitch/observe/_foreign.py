"""Spans of Go through the tracer API of a provider that is none of the SDK's.

ddtrace's, say. Such a provider gives its spans ids of its own, so those that Go has sent to other
services with its requests are not theirs; one warning says so.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace import Link, NonRecordingSpan, SpanContext, Status, StatusCode

from gostitch import _hooks, _settings
from gostitch.observe import _generated, _handover, _plain, _span_frame, _traces

_log = logging.getLogger("gostitch")

_MOST = 4096
"""Spans that are remembered for those below them, and that wait for the ones above them."""

_STATUS = {"Error": StatusCode.ERROR, "Ok": StatusCode.OK}


def serve(provider: Any) -> None:
    """Have spans of Go made again by the provider's tracers; by none if it records nothing."""
    _handover.finish()
    if isinstance(provider, trace.NoOpTracerProvider):
        _plain.record_nothing("off")
        return
    _traces.ask(None)
    _log.warning(
        "spans of Go are made again through the tracer API of %s, since it is none of "
        "OpenTelemetry's SDK: they have other ids there than on the requests that Go makes",
        type(provider).__name__,
    )
    _handover.use(_handover.Handover(Tracers(provider)), provider)
    _hooks.spans_are_theirs = False
    _generated.configure(traces=_plain.config("python", roots=_settings.traces() == "always"))


class Tracers:
    """Makes spans of Go again with the tracers of a provider. It is a ``_handover.Sink``."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider
        self._made: OrderedDict[bytes, SpanContext] = OrderedDict()  # by their ids in Go
        self._waiting: dict[bytes, list[_span_frame.SpanFrame]] = {}  # by the ids of those above

    def room(self) -> int | None:
        """Return None: there is room for any number."""
        return None

    def take(self, spans: list[bytes]) -> None:
        """Take spans (appendSpan); each is made after the one above it, which ended later."""
        frames: list[_span_frame.SpanFrame] = [_span_frame.decode(each[1:]) for each in spans]
        for of in sorted(frames, key=lambda of: of.what[2]):
            above = of.parent[1]
            # Above a call is a span of Python's, or none.
            if of.is_call or above in self._made or not any(above):
                self._make(of)
            else:
                self._waiting.setdefault(above, []).append(of)
        while len(self._waiting) > _MOST:
            for of in self._waiting.pop(next(iter(self._waiting))):
                self._make(of)

    def _make(self, of: _span_frame.SpanFrame) -> None:
        """Make a span, and those below it that have waited."""
        name, kind, start, end = of.what
        above = self._made.get(of.parent[1]) or _span_frame.context_of(of.parent)
        span = self._tracer(of).start_span(
            name,
            context=trace.set_span_in_context(NonRecordingSpan(above), context.Context()),
            kind=_span_frame.KINDS[kind],
            attributes=of.attributes,
            links=[Link(_span_frame.context_of(to), values) for to, values, _ in of.links],
            start_time=start,
        )
        for time, event, values, _ in of.events:
            span.add_event(event, values, time)
        code, text = of.status
        if code != "Unset":
            span.set_status(Status(_STATUS[code], text or None))
        self._made[of.context[1]] = span.get_span_context()
        if len(self._made) > _MOST:
            self._made.popitem(last=False)
        for below in self._waiting.pop(of.context[1], ()):
            self._make(below)
        span.end(end)

    def _tracer(self, of: _span_frame.SpanFrame) -> Any:
        name, version, schema_url, _ = of.scope
        return self._provider.get_tracer(name, version or None, schema_url or None)
