"""Sentry's own tracing, where OpenTelemetry does none: calls below the scope's span.

Twin of ``gocore/observe/sentry_headers.go``. Calls are told the trace of the current span, and
the headers that Sentry's SDK would send; spans of Go come back to ``_sentry_spans``. Without a
span, or without tracing, the headers are those of the scope, as they are for requests of Python.
"""

from __future__ import annotations

import contextvars
import itertools
import os
import sys
from collections.abc import Iterator
from typing import Any

import sentry_sdk
from sentry_sdk.scope import _current_scope
from sentry_sdk.tracing import NoOpSpan, Span
from sentry_sdk.tracing_utils import Baggage, has_tracing_enabled

from gostitch import _hooks, _settings
from gostitch._process import bridge
from gostitch.observe import (
    _callers,
    _generated,
    _handover,
    _parents_first,
    _plain,
    _sentry_spans,
)
from gostitch.observe._guest import guest, tell

_OTEL = "gostitch.observe._traces"
_TRACE, _BAGGAGE = "sentry-trace", "baggage"

_served: Any = None
"""The client whose trace calls are in; None: that is left to others."""

_NO_WAYS = (False, False, 0)

_ways = _NO_WAYS
"""Whether that records spans, also of calls outside of any, and of how many requests."""


class _Former:
    """The hooks that were there before."""

    of: tuple[Any, Any] = (_hooks.no_trace, None)


_former = _Former()

_numbers = itertools.count(1)


class _Mark:
    """What is known of the scope, its span and its trace, for as long as they are current."""

    def __init__(self, client: Any, scope: Any, span: Any) -> None:
        self.client, self.scope, self.span = client, scope, span
        self.isolation = sentry_sdk.get_isolation_scope()
        self.trace: Any = None  # the one that was continued last, here or in another service
        self.lines = b""


_mark: contextvars.ContextVar[_Mark | None] = contextvars.ContextVar("gostitch_mark", default=None)


def follow(client: Any) -> None:
    """Have calls be in the traces of a client from now on, if nothing else makes traces."""
    serves = client.is_active() and not _has_other()
    if serves:
        _serve(client)
    elif _served is not None:
        _step_back()


def _has_other() -> bool:
    """Tell whether OpenTelemetry makes the spans of this process."""
    traces = sys.modules.get(_OTEL)
    return traces is not None and bool(traces.makes_spans())


def _serve(client: Any) -> None:
    global _served, _ways
    # Of another instrumenter's, OpenTelemetry's say, Sentry makes no spans.
    is_sentrys = client.options.get("instrumenter", "sentry") == "sentry"
    records = is_sentrys and has_tracing_enabled(client.options)
    ways = (records, _settings.traces() == "always", _settings.request_spans())
    if ways != _ways:
        if records:
            _handover.finish()
            _handover.use(_handover.Handover(_parents_first.Spans(_sentry_spans.Maker())))
            _generated.configure(traces=_plain.config("python", roots=ways[1]))
            _hooks.spans_are_theirs = True
        elif _ways[0]:
            _record_nothing()
        _ways = ways
    _served = client
    if _hooks.trace_context is not trace_context:
        _former.of = _hooks.trace_context, _hooks.enter
        _hooks.trace_context, _hooks.enter = trace_context, enter
        _hooks.context_of = _callers.context_of
        bridge.install(trace=trace_context)
    bridge.install(context=None)  # where else the bridge would look first


def _step_back() -> None:
    """Leave traces to what was there before."""
    global _served, _ways
    recorded, _served, _ways = _ways[0], None, _NO_WAYS
    other = sys.modules.get(_OTEL)
    if _hooks.trace_context is trace_context:
        _hooks.trace_context, _hooks.enter = _former.of
        traced = _hooks.trace_context is not _hooks.no_trace
        bridge.install(trace=_hooks.trace_context if traced else None)
    if other is not None:
        bridge.install(context=other.reader())
    if recorded and not _has_other():
        _record_nothing()


def _record_nothing() -> None:
    _handover.finish()
    _plain.record_nothing("off")


def trace_context(function: str = "") -> bytes:
    """Give the trace of the current scope as lines: traceparent, options, headers of Sentry.

    They are built once for each span and scope. What others know of a trace comes first: that of a
    request, say, which the block of ``gostitch.trace_context`` is in.
    """
    other: bytes = b""
    if _former.of[0] is not _hooks.no_trace:
        other = _former.of[0](function)
        if other[:1] not in (b"", b"\n"):
            return other
    try:
        # In this order, and without functions of Python: it is done for each call.
        mark, scope = _mark.get(), _current_scope.get()
        if (
            mark is None
            or mark.scope is not scope
            or mark.span is not scope._span
            or mark.trace is not (scope._propagation_context or mark.isolation._propagation_context)
            or mark.client is not _served
        ):
            mark = _made(_served, sentry_sdk.get_current_scope())
    except Exception as error:  # an observer is a guest: the call goes on
        tell("a call of Go is in no trace of Sentry's; see that sentry-sdk is a known one", error)
        return other
    return mark.lines if not other else _with_baggage(mark.lines, other)


def _with_baggage(lines: bytes, other: bytes) -> bytes:
    """Put OpenTelemetry's baggage into lines."""
    parent, state, _, rest = lines.split(b"\n", 3)
    return b"\n".join([parent, state, other.split(b"\n")[2], rest])


def enter(lines: bytes) -> Any:
    """Make what runs in Go the current span."""
    with guest("what Go calls is below its caller in Sentry's trace, and not below Go"):
        span = sentry_sdk.get_current_scope()._span
        trace_id, span_id = lines[3:35].decode(), lines[36:52].decode()
        if span is None or not trace_id or span.trace_id != trace_id:
            _former.of[1](lines)
        elif span.span_id != span_id:
            _sentry_spans.enter(span, span_id)


def _made(client: Any, scope: Any) -> _Mark:
    """Make what is known of a scope and its span, and note whose calls those are."""
    span = scope._span
    made = _Mark(client, scope, span)
    variables = contextvars.copy_context()
    variables.run(_mark.set, None)  # the one before has those before it, and so on
    parent, caller = "", f"{next(_numbers):016x}"
    if span is not None and not isinstance(span, NoOpSpan) and _ways[0]:
        flags = "01" if span.sampled else "00"
        parent = f"00-{span.trace_id}-{span.span_id}-{flags}"
        caller = span.span_id
        _sentry_spans.keep(span, scope)
    options = "sentry" if parent else f"sentry caller={caller}"
    sent = _headers(scope, span if parent else None)
    headers = "\n".join(f"{name}:{value}" for name, value in sent)
    made.lines = f"{parent}\n\n\n{options}\n{headers}".encode()
    # Now: to ask for headers begins a trace where there is none.
    made.trace = scope._propagation_context or made.isolation._propagation_context
    _callers.keep(caller, variables, made)
    _mark.set(made)
    return made


def _headers(scope: Any, span: Any) -> Iterator[tuple[str, str]]:
    """Give the headers that Sentry's SDK sends with a request.

    For a span its baggage is only read: to ask for it would settle it before the application
    has named the transaction, say.
    """
    if not scope.get_client().options.get("propagate_traces", True):
        return
    if span is None:
        # A request of Python's has a span there, which says nothing without a transaction.
        if not _ways[0] or _sentry_spans.streams():
            yield from scope.iter_trace_propagation_headers()
        return
    root = span.containing_transaction if isinstance(span, Span) else span._segment
    if root is None:
        return  # no transaction, so nobody could find what is below
    yield _TRACE, span.to_traceparent() if isinstance(span, Span) else span._to_traceparent()
    baggage = root._baggage
    if baggage is None or baggage.mutable:
        populate = "transaction" if isinstance(span, Span) else "segment"
        baggage = getattr(Baggage, f"populate_from_{populate}")(root)
    text = baggage.serialize()
    if text:
        yield _BAGGAGE, text


def _after_fork_in_child() -> None:
    global _served, _ways
    _served, _ways = None, _NO_WAYS  # the child has another Go


def _apply(settings: _settings.Settings) -> None:
    if _served is not None:
        _hooks.forget()
        bridge.look_again()


_settings.when_changed(_apply)
os.register_at_fork(after_in_child=_after_fork_in_child)
