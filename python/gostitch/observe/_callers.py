"""The context variables of callers, for what Go tells of while their calls run.

A log record is handled on another thread. Filters and handlers find there what a record of the
caller's own would have: its span, Sentry's scope, the id of a request. Needs neither OpenTelemetry
nor Sentry.
"""

from __future__ import annotations

import contextlib
import contextvars
import time
import weakref
from collections import deque
from typing import Any

_holders: weakref.WeakValueDictionary[str, Any] = weakref.WeakValueDictionary()
"""What lives as long as callers do, by the ids that Go has of these; each has a copy of all
variables."""

_AFTER_S, _MOST_AFTER = 2.0, 128
"""For so long, and so many, holders live on: what was told of them may not be handled yet."""

_recent: deque[tuple[float, Any]] = deque(maxlen=_MOST_AFTER)


def keep(caller: str, variables: contextvars.Context, holder: Any) -> None:
    """Keep variables for the calls of a caller, for about as long as the holder lives.

    These are not to have the holder among them, which would keep itself alive.
    """
    holder._gostitch_variables = variables
    _holders[caller] = holder
    now = time.monotonic()
    _recent.append((now, holder))
    with contextlib.suppress(IndexError):  # another thread was faster
        while _recent[0][0] < now - _AFTER_S:
            _recent.popleft()


def context_of(caller: str) -> contextvars.Context | None:
    """Return the variables that were kept for a caller; None if it is gone."""
    holder = _holders.get(caller)
    return None if holder is None else holder._gostitch_variables
