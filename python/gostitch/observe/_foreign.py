"""Spans of Go through the tracer API of a provider that is none of the SDK's.

ddtrace's, say. Such a provider gives its spans ids of its own, so those that Go has sent to other
services with its requests are not theirs; one warning says so.
"""

from __future__ import annotations

import logging
from typing import Any

from opentelemetry import context, trace
from opentelemetry.trace import Link, NonRecordingSpan, Status, StatusCode

from gostitch import _hooks, _settings
from gostitch.observe import _generated, _handover, _parents_first, _plain, _traces
from gostitch.observe._span_context import KINDS, context_of
from gostitch.observe._span_frame import SpanFrame

_log = logging.getLogger("gostitch")

_STATUS = {"Error": StatusCode.ERROR, "Ok": StatusCode.OK}


def serve(provider: Any) -> None:
    """Have spans of Go made again by the provider's tracers; by none if it records nothing."""
    _handover.finish()
    _traces.ask(None)
    if isinstance(provider, trace.NoOpTracerProvider):
        _plain.record_nothing("off")
        return
    _log.warning(
        "spans of Go are made again through the tracer API of %s, since it is none of "
        "OpenTelemetry's SDK: they have other ids there than on the requests that Go makes",
        type(provider).__name__,
    )
    _handover.use(_handover.Handover(_parents_first.Spans(Tracers(provider))), provider)
    _hooks.spans_are_theirs = False
    _generated.configure(traces=_plain.config("python", roots=_settings.traces() == "always"))


class Tracers:
    """Makes spans of Go again with the tracers of a provider. It is a ``_parents_first.Maker``."""

    def __init__(self, provider: Any) -> None:
        self._provider = provider

    def make(self, of: SpanFrame, above: Any) -> Any:
        """Make a span below another one; None: below what is its parent in Python."""
        name, kind, start, _ = of.what
        to = context_of(of.parent) if above is None else above.get_span_context()
        span = self._tracer(of).start_span(
            name,
            context=trace.set_span_in_context(NonRecordingSpan(to), context.Context()),
            kind=KINDS[kind],
            attributes=of.attributes,
            links=[Link(context_of(to), values) for to, values, _ in of.links],
            start_time=start,
        )
        for time, event, values, _ in of.events:
            span.add_event(event, values, time)
        code, text = of.status
        if code != "Unset":
            span.set_status(Status(_STATUS[code], text or None))
        return span

    def end(self, of: SpanFrame, span: Any) -> None:
        """End a span when it has ended in Go."""
        span.end(of.what[3])

    def _tracer(self, of: SpanFrame) -> Any:
        name, version, schema_url, _ = of.scope
        return self._provider.get_tracer(name, version or None, schema_url or None)
