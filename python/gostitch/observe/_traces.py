"""The caller's trace context, down to Go.

Twin of ``gocore/observe/propagation.go``. Needs the OpenTelemetry API alone;
what needs the SDK is in ``_provider``.
"""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

from opentelemetry import baggage, context, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator

_log = logging.getLogger("gostitch")
_inject_baggage = W3CBaggagePropagator().inject

_lock = threading.RLock()
_followed: Any = None


def trace_context() -> bytes:
    """Give the current span and baggage as three lines: traceparent, tracestate, baggage.

    The part of the span is built once and kept on the span.
    """
    span = trace.get_current_span()
    try:
        header: bytes = span._gostitch_header  # type: ignore[attr-defined]
    except AttributeError:
        header = _header(span)
    else:
        if header and _followed is None:  # a span from before a fork
            _follow()
    if baggage.get_all():
        carrier: dict[str, str] = {}
        _inject_baggage(carrier)
        return (header or b"\n\n") + carrier.get("baggage", "").encode()
    return header


def _header(span: trace.Span) -> bytes:
    of = span.get_span_context()
    header = b""
    if of.is_valid:
        _follow()
        header = (
            f"00-{of.trace_id:032x}-{of.span_id:016x}-{of.trace_flags:02x}\n"
            f"{of.trace_state.to_header()}\n"
        ).encode()
    try:
        span._gostitch_header = header  # type: ignore[attr-defined]
    except AttributeError:
        pass  # a span of somebody's own class, with slots: built anew for each call
    return header


def _follow() -> None:
    """Let Go export as the current tracer provider does, once for each provider."""
    global _followed
    provider = trace.get_tracer_provider()
    if provider is _followed:
        return
    # Others wait: their calls must not reach Go before it knows where to export.
    with _lock:
        if provider is _followed:
            return
        # Not below the user's span, of which this is no part.
        token = context.attach(trace.set_span_in_context(trace.INVALID_SPAN, context.Context()))
        try:
            if hasattr(provider, "resource"):  # else the API without an SDK: nothing is exported
                from gostitch.observe import _provider

                _provider.serve(provider)
        except Exception as error:  # an observer is a guest: the call goes on
            _log.warning("spans of Go functions are not exported: %s", error)
        finally:
            context.detach(token)
        _followed = provider


def _after_fork_in_child() -> None:
    global _followed, _lock
    _followed, _lock = None, threading.RLock()


os.register_at_fork(after_in_child=_after_fork_in_child)
