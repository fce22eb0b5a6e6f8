"""The context variables of callers, for what Go tells of while their calls run.

A log record is handled on another thread. Filters and handlers find there what a record of the
caller's own would have: its span, Sentry's scope, the id of a request.
"""

from __future__ import annotations

import contextlib
import contextvars
import time
import weakref
from collections import deque

from opentelemetry import context

_contexts: weakref.WeakValueDictionary[str, context.Context] = weakref.WeakValueDictionary()
"""OpenTelemetry's contexts by the ids of their spans; each has a copy of all variables."""

_AFTER_S, _MOST_AFTER = 2.0, 128
"""For so long, and so many, contexts live on: what was told of them may not be handled yet."""

_recent: deque[tuple[float, context.Context]] = deque(maxlen=_MOST_AFTER)


def keep(span_id: str, current: context.Context) -> None:
    """Keep the variables of now for calls below a span, for about as long as its context lives."""
    variables = contextvars.copy_context()
    # Not that very object, which would keep itself alive.
    variables.run(context.attach, context.Context(current))
    current._gostitch_variables = variables  # type: ignore[attr-defined]
    _contexts[span_id] = current
    now = time.monotonic()
    _recent.append((now, current))
    with contextlib.suppress(IndexError):  # another thread was faster
        while _recent[0][0] < now - _AFTER_S:
            _recent.popleft()


def context_of(span_id: str) -> contextvars.Context | None:
    """Return the variables that were kept for a span; None if its context is gone."""
    current = _contexts.get(span_id)
    return None if current is None else current._gostitch_variables  # type: ignore[attr-defined]
