"""The trace context that a service gives itself: ``gostitch.trace_context``.

For services without OpenTelemetry's SDK. Where the API of OpenTelemetry is in the
process, the context is given to that; else a context variable of our own keeps it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from gostitch import _hooks, _late, _w3c
from gostitch._process import bridge
from gostitch.exceptions import GoTypeError, GoValueError

_current: ContextVar[bytes] = ContextVar("gostitch_trace", default=b"")

_RULES = {
    "traceparent": "look like 00-<32 hexadecimal digits>-<16>-<2>, in lower case and not all zero",
    "tracestate": "be printable ASCII, at most 32 members key=value with keys in lower case",
    "baggage": "be at most 64 members name=value in 8192 bytes, percent-encoded, with names of "
    "letters, digits and !#$%&'*+-.^_`|~",
}

was_used = False
"""Whether the variable was ever set, so that it must be asked."""


def current(function: str = "") -> bytes:
    """Give what was given, as three lines; nothing outside of any block."""
    return _current.get()


@contextmanager
def trace_context(
    *,
    traceparent: str | Sequence[str] | None = None,
    tracestate: str | Sequence[str] | None = None,
    baggage: str | Sequence[str] | Mapping[str, object] | None = None,
    strict: bool = False,
) -> Iterator[None]:
    """Make calls in the block part of a trace, whose headers are given.

    For a service without OpenTelemetry's SDK: what it received with a request goes on to Go,
    and from there to requests and programs that Go starts. Threads and tasks see it as they see
    context variables.

    What is malformed counts as the W3C says. Without a ``traceparent``, or with a malformed one,
    the block is a new trace, which counts as sampled; where a provider of OpenTelemetry makes the
    spans, that is left to it, and the block is in no trace. A malformed ``tracestate`` is left out.

    Args:
        traceparent: The header of that name; a future version is understood as the present one.
        tracestate: The header of that name.
        baggage: The header of that name, without properties, or a mapping. Entries that the header
            cannot carry are dropped and counted in ``runtime_info()["baggage_dropped"]``.
        strict: Refuse what is malformed or would be dropped.

    A header that came several times is a list of its values.

    Raises ``GoValueError`` if ``strict`` and a header is malformed.

    """
    token = enter(_lines(traceparent, tracestate, baggage, strict))
    try:
        yield
    finally:
        leave(token)


def enter(lines: bytes) -> Any:
    """Make a trace context the current one, a new one if it has no parent.

    Gives what ``leave`` takes.
    """
    global was_used
    if "opentelemetry.trace" in sys.modules:
        of = _late.module("gostitch.observe._traces")
        if of is not None:
            return of.leave, of.enter(lines, is_remote=True)
    if not was_used:
        was_used = True
        _hooks.trace_context, _hooks.enter = current, _current.set
        _hooks.forget()  # Sentry's tracing may have been there
        bridge.install(trace=current)
        bridge.look_again()
    if lines.startswith(b"\n"):
        lines = _w3c.new_parent().encode() + lines
    return _current.reset, _current.set(lines)


def leave(entered: Any) -> None:
    """Go back to what was current before."""
    go_back, token = entered
    go_back(token)


def _lines(traceparent: Any, tracestate: Any, baggage: Any, strict: bool) -> bytes:
    parent = _valid("traceparent", traceparent, _w3c.parent, strict)
    state = _valid("tracestate", tracestate, _w3c.state, strict)
    # A state belongs to its parent.
    return f"{parent}\n{state if parent else ''}\n{_members(baggage, strict)}".encode()


def _valid(argument: str, value: Any, read: Callable[[str], str | None], strict: bool) -> str:
    """Give a header as it is sent on; nothing if it did not come, or is malformed."""
    header = _header(argument, value)
    found = read(header) if header else ""
    if strict and found is None:
        raise _malformed(argument, header)
    return found or ""


def _members(baggage: Any, strict: bool) -> str:
    """Give baggage as a header that can be sent."""
    lost: list[object] = []
    members = baggage
    if not isinstance(baggage, Mapping):
        members = dict(_w3c.read_baggage(_header("baggage", baggage), lost))
    written = _w3c.write_baggage(members, lost)
    if strict and lost:
        raise _malformed("baggage", lost[0])
    return written


def _header(argument: str, value: Any) -> str:
    """Give a header as one line, also one that came several times; nothing if it did not come."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    raise GoTypeError(
        f"{argument} must be a str or None, not {type(value).__name__}; give a header that came "
        "several times as a list of str",
        details={"argument": argument},
    )


def _malformed(argument: str, value: object) -> GoValueError:
    return GoValueError(
        f"{argument} must {_RULES[argument]}, not {value!r}; pass the request's header as it came, "
        "or leave strict out to do without what is malformed",
        details={"argument": argument},
    )
