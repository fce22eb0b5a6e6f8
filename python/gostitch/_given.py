"""The trace context that a service gives itself: ``gostitch.trace_context``.

For services without OpenTelemetry's SDK. Where the API of OpenTelemetry is in the
process, the context is given to that; else a context variable of our own keeps it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from gostitch import _hooks, _late, _w3c
from gostitch._process import bridge
from gostitch.exceptions import GoTypeError, GoValueError

_current: ContextVar[bytes] = ContextVar("gostitch_trace", default=b"")

was_used = False
"""Whether the variable was ever set, so that it must be asked."""


def current(function: str = "") -> bytes:
    """Give what was given, as three lines; nothing outside of any block."""
    return _current.get()


@contextmanager
def trace_context(
    *,
    traceparent: str | None = None,
    tracestate: str | None = None,
    baggage: str | Mapping[str, object] | None = None,
) -> Iterator[None]:
    """Make calls in the block part of a trace, whose headers are given.

    For a service without OpenTelemetry's SDK: what it received with a request goes on to Go,
    and from there to requests and programs that Go starts. Threads and tasks see it as they see
    context variables. Without ``traceparent`` the block is in no trace.

    Args:
        traceparent: The header of that name; a future version is understood as the present one.
        tracestate: The header of that name.
        baggage: The header of that name, or a mapping. Entries that the header cannot carry are
            dropped and counted in ``runtime_info()["baggage_dropped"]``.

    Raises ``GoValueError`` if a header is malformed.

    """
    lines = _lines(traceparent, tracestate, baggage)
    token = enter(lines)
    try:
        yield
    finally:
        leave(token)


def enter(lines: bytes) -> Any:
    """Make a trace context the current one; gives what ``leave`` takes."""
    global was_used
    if "opentelemetry.trace" in sys.modules:
        of = _late.module("gostitch.observe._traces")
        if of is not None:
            return of.leave, of.enter(lines, is_remote=True)
    if not was_used:
        was_used = True
        _hooks.trace_context, _hooks.enter = current, _current.set
        bridge.install(trace=current)
    return _current.reset, _current.set(lines)


def leave(entered: Any) -> None:
    """Go back to what was current before."""
    go_back, token = entered
    go_back(token)


def _lines(traceparent: Any, tracestate: Any, baggage: Any) -> bytes:
    parent = ""
    if _text("traceparent", traceparent):
        parent = _w3c.parent(traceparent.strip()) or ""
        if not parent:
            raise GoValueError(
                "traceparent must look like 00-<32 hexadecimal digits>-<16>-<2>, in lower case and "
                f"not all zero, not {traceparent!r}; pass the request's header as it came",
                details={"argument": "traceparent"},
            )
    state = ""
    if _text("tracestate", tracestate) and parent:
        state = tracestate.strip()
        if not state.isascii() or not state.isprintable():
            raise GoValueError(
                f"tracestate must be printable ASCII, not {tracestate!r}; pass the request's "
                "header as it came",
                details={"argument": "tracestate"},
            )
    members: Mapping[str, object]
    if isinstance(baggage, Mapping):
        members = baggage
    else:
        members = dict(_w3c.read_baggage(baggage)) if _text("baggage", baggage) else {}
    return f"{parent}\n{state}\n{_w3c.write_baggage(members)}".encode()


def _text(argument: str, value: Any) -> bool:
    if value is not None and not isinstance(value, str):
        raise GoTypeError(
            f"{argument} must be a str or None, not {type(value).__name__}",
            details={"argument": argument},
        )
    return bool(value)
