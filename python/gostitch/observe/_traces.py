"""The caller's trace context, down to Go and up again.

Twin of ``gocore/observe/propagation.go``. Needs the OpenTelemetry API alone;
what needs the SDK is in ``_provider``.
"""

from __future__ import annotations

import contextvars
import logging
import os
import re
import urllib.parse  # noqa: F401 - for _w3c, and not in the middle of a call
from collections.abc import Callable, Iterator
from typing import Any

from opentelemetry import baggage, context, trace
from opentelemetry.context import _SUPPRESS_HTTP_INSTRUMENTATION_KEY, _SUPPRESS_INSTRUMENTATION_KEY
from opentelemetry.context.contextvars_context import ContextVarsRuntimeContext
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from gostitch import _given, _hooks, _late, _settings, _w3c
from gostitch._process import bridge
from gostitch.observe import _callers, _library, _propagation, _proxies, _watch
from gostitch.observe._guest import guest, tell, tell_once

_log = logging.getLogger("gostitch")

_SERVES, _HANDS_OVER = "gostitch.observe._provider", "gostitch.observe._foreign"
"""What serves a provider of the SDK, and one that is none."""

_OWN = "observe."
"""Functions of ours, which are no part of anybody's trace."""

_API_STATE_KEY = r"[a-z][a-z0-9_*/-]{0,255}|[a-z0-9][a-z0-9_*/-]{0,240}@[a-z][a-z0-9_*/-]{0,13}"

_MOST_FAILURES = 3
"""How often in a row Go may not be told of a provider before that counts as its last word."""

_failed: tuple[Any, int] = (None, 0)
"""The provider that Go could not be told of, and how often."""

_OTHER_PROVIDER = (
    "spans of Go follow the global tracer provider, also below a span of another one; make that "
    "the global one with opentelemetry.trace.set_tracer_provider"
)

_followed: Any = None
_processor: Any = None  # what spans of the provider that is followed go to
_age = object()
"""Marks what was kept since Go was told of the provider the last time."""

_asked: Callable[[context.Context, SpanContext, str], tuple[str, str] | None] | None = None
"""What asks the provider's sampler about a call, if that has to be asked here."""


def attach() -> None:
    """Have calls carry the current span from now on."""
    _hooks.trace_context, _hooks.enter = trace_context, _enter_call
    _hooks.context_of = _callers.context_of
    _watch.setting(trace, "_set_tracer_provider")
    _look_at_propagator()
    bridge.install(context=reader(), age=_age)


def follow() -> None:
    """Follow the provider of now: spans that begin in Go need it before any call in a span.

    It is a part of the work that is being done. So is following the propagator.
    """
    _look_at_propagator()
    if _library.is_there():
        _serve(_provider())


def _look_at_propagator() -> None:
    """Follow the global propagator from now on, if there is one."""
    with guest("Go's requests carry the headers of the W3C; correct OTEL_PROPAGATORS"):
        _propagation.look()
        bridge.install(**_propagation.watched())


def ask(how: Callable[[context.Context, SpanContext, str], Any] | None) -> None:
    """Have a sampler asked about calls from now on; None: Go has it."""
    global _asked
    _asked = how
    bridge.install(context=reader())


def reader() -> Any:
    """Give what reads the current context without any Python code, where that can be."""
    if _hooks.trace_context is not trace_context:
        return None  # Sentry's tracing looks first
    runtime = context._RUNTIME_CONTEXT
    asks_for_roots = _asked is not None and _settings.traces() == "always"
    if type(runtime) is not ContextVarsRuntimeContext or _given.was_used or asks_for_roots:
        return None
    if _propagation.own:
        return None
    variable = getattr(runtime, "_current_context", None)
    return getattr(variable, "get", None)


def trace_context(function: str = "") -> bytes:
    """Give the current span and baggage as lines: traceparent, tracestate, baggage, options.

    They are built once for each context, and kept on it with their age. The bridge looks
    there too, before it asks. What propagators of the user's own write comes below them, anew
    for each call, since it need not depend on the context alone.
    """
    if _propagation.has_changed():
        with guest("Go's requests carry the headers of the former propagator"):
            _late.do(_follow_propagator)
    current = context.get_current()
    lines = _kept(current, function)
    return _propagation.with_headers(lines, current) if _propagation.own else lines


def _kept(current: context.Context, function: str) -> bytes:
    try:
        age, lines = current._gostitch_trace  # type: ignore[attr-defined]
    except AttributeError:
        pass
    else:
        if age is _age:
            return lines  # type: ignore[no-any-return]
    try:
        return _lines(current, function)
    except Exception as error:  # a span of somebody's own class, say
        tell("a call of Go carries no trace; correct its current span or baggage", error)
        return b""


def _lines(current: context.Context, function: str) -> bytes:
    span = trace.get_current_span(current)
    of = span.get_span_context()
    if not of.is_valid and _given.was_used:
        return _given.current()  # changes without the context
    is_settled = not of.is_valid or _follow()
    if is_settled and getattr(span, "_span_processor", _processor) is not _processor:
        tell_once(_OTHER_PROVIDER)
    is_own = function.startswith(_OWN)
    said = None if is_own or _asked is None else _asked(current, of, function)
    options, state = said or ("", _state_of(span))
    if of.is_valid and of.is_remote:
        options = f"remote {options}"
    if context.get_value(_SUPPRESS_INSTRUMENTATION_KEY, current):
        options = "suppressed"
    elif context.get_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY, current):
        options = f"no-requests {options}"
    parent = f"00-{of.trace_id:032x}-{of.span_id:016x}-{of.trace_flags:02x}" if of.is_valid else ""
    members = _w3c.write_baggage(baggage.get_all(current))
    text = f"{parent}\n{state}\n{members}"
    if options:
        text = f"{text}\n{options}"
    lines = text.encode() if len(text) > len("\n\n") else b""
    if is_settled and said is None and not is_own:
        try:
            current._gostitch_trace = (_age, lines)  # type: ignore[attr-defined]
            if parent:
                _keep(parent[36:52], current)
        except AttributeError:
            pass  # a context of somebody's own class, with slots: built anew for each call
    return lines


def _keep(span_id: str, current: context.Context) -> None:
    """Keep the variables of now for calls below a span."""
    variables = contextvars.copy_context()
    # Not that very object, which would keep itself alive.
    variables.run(context.attach, context.Context(current))
    _callers.keep(span_id, variables, current)


def _state_of(span: trace.Span) -> str:
    return span.state if type(span) is _Caller else span.get_span_context().trace_state.to_header()


class _Caller(NonRecordingSpan):
    """What runs in Go, or where a request came from, with its tracestate as it came.

    OpenTelemetry's API knows keys of an earlier edition of the W3C's rules only.
    """

    def __init__(self, context: SpanContext, state: str) -> None:
        super().__init__(context)
        self.state = state


def _enter_call(lines: bytes) -> None:
    """Make what runs in Go the current span for a callable or handler, which runs in any case."""
    with guest("what Go calls is below its caller, and not below Go's span"):
        enter(lines)


def enter(lines: bytes, *, is_remote: bool = False) -> Any:
    """Make what runs in Go, or where a request came from, the current span; gives a token."""
    parent, state, members = lines.decode().split("\n")[:3]
    current = baggage.clear(context.get_current())
    for key, value in _w3c.read_baggage(members):
        current = baggage.set_baggage(key, value, current)
    span = trace.get_current_span(current)
    if is_remote and not parent and not makes_spans():
        parent = _w3c.new_parent()
    if not parent:
        if is_remote:
            current = trace.set_span_in_context(trace.INVALID_SPAN, current)
    elif span.get_span_context().span_id != int(parent[36:52], 16):
        # Else Go made no span of its own, and the caller's can be recorded to.
        of = SpanContext(
            int(parent[3:35], 16),
            int(parent[36:52], 16),
            is_remote=is_remote,
            trace_flags=TraceFlags(int(parent[53:55], 16)),
            trace_state=TraceState(list(_known_members(state))),
        )
        current = trace.set_span_in_context(_Caller(of, state), current)
    return context.attach(current)


def makes_spans() -> bool:
    """Tell whether somebody makes spans here, so that new traces are theirs to begin."""
    provider = _provider()
    if isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider):
        return False
    return not isinstance(provider.get_tracer(__name__), trace.NoOpTracer)  # OTEL_SDK_DISABLED


def _known_members(state: str) -> Iterator[tuple[str, str]]:
    """Give the members of a tracestate that OpenTelemetry's API takes, which warns of others."""
    for member in state.split(","):
        key, _, value = member.partition("=")
        if re.fullmatch(_API_STATE_KEY, key):
            yield key, value


def leave(token: Any) -> None:
    """Go back to the context before ``enter``."""
    context.detach(token)


def _follow() -> bool:
    """Let Go export as the current tracer provider does, once for each provider.

    False if none was set, so that one may come any time.
    """
    provider = _provider()
    if provider is _followed:
        return not isinstance(provider, trace.ProxyTracerProvider)
    # Others wait: their calls must not reach Go before it knows where to export.
    _late.do(lambda: _serve(provider))
    return provider is _followed and not isinstance(provider, trace.ProxyTracerProvider)


def _provider() -> Any:
    return _proxies.behind(trace.get_tracer_provider())


def _serve(provider: Any) -> None:
    global _followed, _failed, _processor
    if provider is _followed:
        return
    token = context.attach(_no_span())
    try:
        if not isinstance(provider, trace.ProxyTracerProvider):  # else none was set
            _late.load(_SERVES if _has_sdk(provider) else _HANDS_OVER).serve(provider)
    except Exception as error:  # an observer is a guest: the call goes on
        if provider is not _failed[0]:
            _failed = (provider, 0)
            _log.warning("spans of Go functions are not exported: %s", error)
        _failed = (provider, _failed[1] + 1)
        if _failed[1] < _MOST_FAILURES:
            return  # a signal's handler may have raised it, so the next call tries again
    finally:
        context.detach(token)
    _followed, _failed = provider, (None, 0)
    _processor = getattr(provider, "_active_span_processor", None)


def _has_sdk(provider: Any) -> bool:
    """Tell whether a provider is one of the SDK's."""
    return hasattr(provider, "resource") and hasattr(provider, "_active_span_processor")


def end(provider: Any) -> None:
    """Have Go export nothing any more, if that is the provider it exports for."""
    with guest("spans of Go are exported although the tracer provider was shut down"):
        if not _late.do(lambda: _leave(provider)):
            _leave(provider)  # it is shut down, whatever else is being done


def _leave(provider: Any) -> None:
    if provider is _followed and _library.is_there():
        _late.load("gostitch.observe._provider").leave(provider)


def look_again() -> None:
    """Tell Go of the provider anew at the next call: it has changed, or how Go's spans leave."""
    global _followed, _age
    _followed, _age = None, object()
    bridge.install(age=_age)
    _watch.look()


def _follow_propagator() -> None:
    """Have Go send what the present global propagator writes."""
    token = context.attach(_no_span())
    try:
        _propagation.follow()
    finally:
        context.detach(token)
    bridge.install(context=reader(), **_propagation.watched())


def _no_span() -> context.Context:
    """Give a context for calls of our own, which are no part of the user's span."""
    return trace.set_span_in_context(trace.INVALID_SPAN, context.Context())


def _after_fork_in_child() -> None:
    look_again()


def _ways_in(settings: _settings.Settings) -> tuple[object, ...]:
    return settings.export, settings.traces, settings.request_spans


_ways = _ways_in(_settings.present())


def _apply(settings: _settings.Settings) -> None:
    global _ways
    if _ways_in(settings) != _ways:
        _ways = _ways_in(settings)
        look_again()


_settings.when_changed(_apply)
os.register_at_fork(after_in_child=_after_fork_in_child)
