"""Python's global propagator, which says what Go's requests and programs carry.

Twin of ``gocore/observe/propagators.go``. Needs the OpenTelemetry API alone. Go writes the
formats that it knows, with its own spans; of a propagator of the user's own it sends
what that writes for the span that calls.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextvars import ContextVar
from types import FunctionType
from typing import Any

from opentelemetry.environment_variables import OTEL_PROPAGATORS

from gostitch import _late, _w3c
from gostitch.observe._guest import tell

_MODULE = "opentelemetry.propagate"
_GLOBAL = "_HTTP_TEXT_FORMAT"
"""Where OpenTelemetry keeps the global propagator."""

_OWN = "own"
_NAMES = {
    "opentelemetry.trace.propagation.tracecontext.TraceContextTextMapPropagator": "tracecontext",
    "opentelemetry.baggage.propagation.W3CBaggagePropagator": "baggage",
    "opentelemetry.propagators.b3.B3SingleFormat": "b3",
    "opentelemetry.propagators.b3.B3MultiFormat": "b3multi",
    "opentelemetry.propagators.b3.B3Format": "b3multi",
    "opentelemetry.propagators.jaeger.JaegerPropagator": "jaeger",
    "opentelemetry.propagators.aws.aws_xray_propagator.AwsXRayPropagator": "xray",
    "opentelemetry.propagators.aws.aws_xray_propagator.AwsXRayLambdaPropagator": "xray",
}
_COMPOSITES = (
    "opentelemetry.propagators.composite.CompositePropagator",
    "opentelemetry.propagators.composite.CompositeHTTPPropagator",
)
_STANDARD = ["tracecontext", "baggage"]
"""What Go has where it was told nothing."""

_TEXT = r"[\t\x20-\x7e\x80-\xff]*"
_LINES_ABOVE = 4
"""Traceparent, tracestate, baggage, and one of options."""

_propagate: Any = None
_was_tried = False
_followed: Any = None
_told = _STANDARD
_injects: ContextVar[bool] = ContextVar("gostitch_injects", default=False)

own: list[Any] = []
"""The propagators among the followed that Go does not know."""


def look() -> None:
    """See whether there is a global propagator, or the environment names one."""
    global _propagate, _was_tried
    is_wanted = os.environ.get(OTEL_PROPAGATORS) and not _was_tried
    if _propagate is None and (is_wanted or _late.is_whole(_MODULE)):
        _was_tried = True
        _propagate = _late.load(_MODULE)


def has_changed() -> bool:
    """Tell whether the global propagator is another than what Go was told of."""
    try:
        return _propagate is not None and _propagate.get_global_textmap() is not _followed
    except Exception:  # a stand-in of a test, say
        return False


def follow() -> None:
    """Tell Go of the global propagator."""
    global _followed, _told, own
    propagator = _propagate.get_global_textmap()
    leaves = list(_leaves(propagator))
    names = [_name(each) for each in leaves]
    try:
        if names != _told:
            generated = _late.load("gostitch.observe._generated")
            generated.configure(propagation=generated.ObservePropagation(names=names))
            _told = names
    except Exception as error:  # an observer is a guest: the call goes on
        tell("Go's requests carry the headers of the former propagator", error)
    own = [each for each, name in zip(leaves, names, strict=True) if name == _OWN]
    _followed = propagator


def watched() -> dict[str, Any]:
    """Give what the bridge looks at, which sees so that the global propagator has changed."""
    if _propagate is None or _GLOBAL not in vars(_propagate):
        return {"place": None}
    return {"place": vars(_propagate), "place_key": _GLOBAL, "place_value": _followed}


def _leaves(propagator: Any) -> Iterator[Any]:
    """Give the propagators inside of composite ones."""
    inner = getattr(propagator, "_propagators", None)
    if inner is None or _kind(propagator) not in _COMPOSITES:
        yield propagator
        return
    for one in inner:
        yield from _leaves(one)


def _kind(propagator: Any) -> str:
    """Give the name of the class, if it writes as it was made to."""
    kind = type(propagator)
    inject = getattr(kind, "inject", None)
    is_replaced = (
        "inject" in getattr(propagator, "__dict__", ())
        or type(inject) is not FunctionType
        or inject.__module__ != kind.__module__
        or hasattr(inject, "__wrapped__")
    )
    return "" if is_replaced else f"{kind.__module__}.{kind.__qualname__}"


def _name(propagator: Any) -> str:
    return _NAMES.get(_kind(propagator), _OWN)


def with_headers(lines: bytes, current: Any) -> bytes:
    """Add what propagators of the user's own write for a context, below the lines for Go."""
    if _injects.get():
        return lines  # one of them calls Go
    token = _injects.set(True)
    try:
        sections = [_section(each, current) for each in own]
    finally:
        _injects.reset(token)
    if not any(sections):
        return lines
    missing = b"\n" * (_LINES_ABOVE - lines.count(b"\n"))
    return lines + missing + "\n\n".join(sections).encode("latin-1")


def _section(propagator: Any, current: Any) -> str:
    """Give the headers that a propagator writes, a line each."""
    carrier: dict[str, str] = {}
    name = type(propagator).__name__
    try:
        propagator.inject(carrier, context=current)
    except Exception as error:
        tell(f"Go's requests carry nothing of the propagator {name}; correct its inject", error)
        return ""
    lines = [f"{key}:{value}" for key, value in carrier.items() if _can_be_sent(key, value)]
    if len(lines) < len(carrier):
        why = ValueError("a header is a token and one line of Latin-1")
        tell(f"Go's requests carry not all of what the propagator {name} writes", why)
    return "\n".join(lines)


def _can_be_sent(key: Any, value: Any) -> bool:
    if not isinstance(key, str) or not isinstance(value, str):
        return False
    return _w3c.is_token(key) and re.fullmatch(_TEXT, value) is not None


def _after_fork_in_child() -> None:
    global _followed, _told
    _followed, _told = None, _STANDARD  # the child has another Go


os.register_at_fork(after_in_child=_after_fork_in_child)
