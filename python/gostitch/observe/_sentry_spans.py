"""Spans of Go as those of Sentry's own tracing, in its two ways.

A transaction has its spans with it, and those that end later are not in it; streamed ones are sent
each by itself. Of a span of Go they have name, times, attributes and status: Sentry has no events
and links.
"""

from __future__ import annotations

import dataclasses
import re
from collections import OrderedDict
from datetime import datetime, timedelta, timezone
from typing import Any

import sentry_sdk
from sentry_sdk.consts import OP, SPANDATA, SPANSTATUS
from sentry_sdk.scope import Scope
from sentry_sdk.tracing import Span

from gostitch.observe._span_frame import SpanFrame

_ORIGIN = "auto.function.gostitch"

_MOST, _MOST_ENDED = 4096, 256
"""Spans of Python that are kept for calls below them: in all, and of those that have ended as long
as nobody looks which have."""

_MOST_STREAMED = 500
"""Streamed spans that the client gets at once; it keeps 2000 of a trace."""

_CLIENT = 3
"""The kind of spans that are requests."""

_ONLY_HERE = re.compile(r"(?<=//)[^/?#@]*@|[?#].*", re.DOTALL)
"""What a URL has of one request alone, and names of spans do not have: user, query and fragment."""

_METHOD, _URL, _ANSWER = "http.request.method", "url.full", "http.response.status_code"
_CODE = "gostitch.error.code"

_STATUS = {
    "cancelled": SPANSTATUS.CANCELLED,
    "timeout": SPANSTATUS.DEADLINE_EXCEEDED,
    "invalid_argument": SPANSTATUS.INVALID_ARGUMENT,
    "wrong_type": SPANSTATUS.INVALID_ARGUMENT,
    "not_found": SPANSTATUS.NOT_FOUND,
    "exists": SPANSTATUS.ALREADY_EXISTS,
    "permission": SPANSTATUS.PERMISSION_DENIED,
    "limit": SPANSTATUS.RESOURCE_EXHAUSTED,
    "unavailable": SPANSTATUS.UNAVAILABLE,
}
"""Statuses of Sentry by the codes of errors."""


@dataclasses.dataclass(slots=True)
class Made:
    """A span of Sentry's, and the scope that it is in."""

    span: Any
    scope: Scope
    is_ignored: bool = False
    """``ignore_spans`` names it, so those below it are below what it would be below."""


_kept: OrderedDict[str, Made] = OrderedDict()
"""Spans of Python by their ids."""


_before_look = _MOST_ENDED
"""How many more are kept before somebody looks which have ended."""


def keep(span: Any, scope: Any) -> None:
    """Keep a span of Python for the calls below it, if it is recorded.

    To look for those that have ended takes as long as there are spans, so it is done as seldom.
    """
    global _before_look
    if not span.sampled:
        return
    _kept[span.span_id] = Made(span, scope)
    _before_look -= 1
    if _before_look <= 0:
        for span_id in list(_kept)[:-_MOST_ENDED]:
            made = _kept.get(span_id)
            if made is not None and _has_ended(made.span):
                _kept.pop(span_id, None)
        _before_look = max(_MOST_ENDED, len(_kept))
    if len(_kept) > _MOST:
        _kept.popitem(last=False)


def _has_ended(span: Any) -> bool:
    if isinstance(span, Span):
        root = span.containing_transaction
        return root is None or root.timestamp is not None
    return span.end_timestamp is not None


def enter(above: Any, span_id: str) -> None:
    """Make a span of Go, which has not ended, the one that spans of Python are below."""
    scope = sentry_sdk.get_current_scope().fork()
    if isinstance(above, Span):
        scope._span = Span(
            trace_id=above.trace_id,
            span_id=span_id,
            parent_span_id=above.span_id,
            sampled=above.sampled,
            containing_transaction=above.containing_transaction,
        )
    else:
        scope._span = _streamed(above, scope, "", {})
        scope._span._span_id = span_id
    Scope.set_current_scope(scope)


class Maker:
    """Makes spans of Go again. It is a ``_parents_first.Maker``; None is what is in no trace."""

    def __init__(self) -> None:
        self._streamed = 0

    def make(self, of: SpanFrame, above: Made | None) -> Made | None:
        """Make a span below one that was made before, or one of Python's."""
        if of.is_call:
            above = _kept.get(of.parent[1].hex())
        if above is None:
            return None if any(of.parent[1]) else _root(of)
        if not above.span.sampled:
            return None
        if isinstance(above.span, Span):
            return Made(_child(above.span, of), above.scope)
        return _streamed_child(above, of)

    def end(self, of: SpanFrame, made: Made | None) -> None:
        """End a span when it has ended in Go."""
        if made is None or made.is_ignored:
            return
        until = _time(of.what[3])
        if isinstance(made.span, Span):
            made.span.finish(made.scope, end_timestamp=until)
        else:
            made.span.end(until)
            self._make_room()

    def _make_room(self) -> None:
        """Have the client send before it drops: it does not choose what has others below it."""
        self._streamed += 1
        batcher = getattr(sentry_sdk.get_client(), "span_batcher", None)
        if self._streamed % _MOST_STREAMED == 0 and batcher is not None:
            batcher.flush()


def _described(of: SpanFrame) -> tuple[str, str]:
    """Give the operation of a span, and its name, as Sentry's integrations have them."""
    name, kind, _, _ = of.what
    if kind == _CLIENT and _URL in of.attributes:
        url = _ONLY_HERE.sub("", str(of.attributes[_URL]))
        return OP.HTTP_CLIENT, f"{of.attributes.get(_METHOD, name)} {url}"
    return OP.FUNCTION, name


def _child(above: Span, of: SpanFrame) -> Span:
    op, name = _described(of)
    child = above.start_child(
        op=op,
        name=name,
        origin=_ORIGIN,
        span_id=of.context[1].hex(),
        start_timestamp=_time(of.what[2]),
    )
    _describe(child, of)
    return child


def _root(of: SpanFrame) -> Made:
    """Make a transaction of a call that is below nothing, or the root of a streamed trace."""
    scope = sentry_sdk.get_current_scope().fork()
    scope._span = None
    op, name = _described(of)
    trace_id, span_id = of.context[0].hex(), of.context[1].hex()
    begun = _time(of.what[2])
    if streams():
        about: dict[str, Any] = {"sentry.op": op, "sentry.origin": _ORIGIN}
        made = scope.start_streamed_span(name, about, None, active=False)
        made._trace_id, made._span_id, made._start_timestamp = trace_id, span_id, begun
        made.set_attributes(of.attributes)
        _set_status(made, of)
        return Made(made, scope)
    root = scope.start_transaction(
        op=op,
        name=name,
        origin=_ORIGIN,
        trace_id=trace_id,
        span_id=span_id,
        start_timestamp=begun,
    )
    _describe(root, of)
    return Made(root, scope)


def _describe(span: Any, of: SpanFrame) -> None:
    for key, value in of.attributes.items():
        span.set_data(key, value)
    for about in (SPANDATA.THREAD_ID, SPANDATA.THREAD_NAME):  # that is who makes it now
        getattr(span, "_data", {}).pop(about, None)
    answer = of.attributes.get(_ANSWER)
    if answer is not None:
        span.set_http_status(answer)
    elif of.status[0] == "Error":
        code = str(of.attributes.get(_CODE, ""))
        span.set_status(_STATUS.get(code, SPANSTATUS.INTERNAL_ERROR))


def _streamed_child(above: Made, of: SpanFrame) -> Made:
    from sentry_sdk.tracing_utils import is_ignored_span

    op, name = _described(of)
    attributes = {**of.attributes, "sentry.op": op, "sentry.origin": _ORIGIN}
    if is_ignored_span(name, attributes):
        return Made(above.span, above.scope, is_ignored=True)
    made = _streamed(above.span, above.scope, name, attributes)
    made._span_id, made._start_timestamp = of.context[1].hex(), _time(of.what[2])
    for about in (SPANDATA.THREAD_ID, SPANDATA.THREAD_NAME):
        made.remove_attribute(about)
    _set_status(made, of)
    return Made(made, above.scope)


def _streamed(above: Any, scope: Scope, name: str, attributes: dict[str, Any]) -> Any:
    from sentry_sdk.traces import StreamedSpan

    return StreamedSpan(
        name=name,
        attributes=attributes,
        active=False,
        scope=scope,
        segment=above._segment,
        trace_id=above.trace_id,
        parent_span_id=above.span_id,
        parent_sampled=above.sampled,
    )


def _set_status(span: Any, of: SpanFrame) -> None:
    if of.status[0] == "Error":
        span.status = "error"


def streams() -> bool:
    """Tell whether the client streams spans; versions before 2.40 or so do not."""
    try:
        from sentry_sdk.tracing_utils import has_span_streaming_enabled
    except ImportError:
        return False
    return bool(has_span_streaming_enabled(sentry_sdk.get_client().options))


_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def _time(nanoseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)
