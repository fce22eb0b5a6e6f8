"""Who called: the contexts of calls that Go may report about.

Twin of ``gocore/event.go``. What a Go function has to report belongs to its caller, whose scope
Python keeps in context variables. A submitted call keeps a copy of them as long as it runs;
of calls that may report something after their end the last ones are kept here.
"""

from __future__ import annotations

import contextvars
import os
from typing import NamedTuple

from gostitch import _queue, _shapes

_MOST = 256

_kept: dict[tuple[int, int], contextvars.Context] = {}
"""By token, of a submitted call, and number, of one that a thread waited for."""


@_shapes.record("token: uint64, number: uint32, event: bytes")
class CallEvent(NamedTuple):
    """An event as it crosses (gocore.CallEvents); an empty one tells that there may be some."""

    token: int
    number: int
    event: bytes


decode = _shapes.schema("CallEvent", globals()).decode


def keep(token: int, number: int, caller: contextvars.Context) -> None:
    """Keep the caller of a call for what that may report later."""
    _kept[token, number] = caller
    for oldest in list(_kept)[:-_MOST]:
        _kept.pop(oldest, None)


def find(told: CallEvent) -> contextvars.Context | None:
    """Return the caller of a call that has ended, or None if it is not known.

    Of a submitted call Python may not have handled the end: its future has the caller until then.
    """
    for queue in _queue.all_queues() if told.token else ():
        future = queue.pending.get(told.token)
        if future is not None:
            caller: contextvars.Context | None = getattr(future, "_caller", None)
            return caller
    return _kept.get((told.token, told.number))  # which it was put into before its end


os.register_at_fork(after_in_child=_kept.clear)
