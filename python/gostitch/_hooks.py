"""The places where observers attach: functions that do nothing until replaced.

The call path calls these; ``gostitch.observe`` fills them in when it
finds OpenTelemetry or Sentry in the process. The core works without either.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from gostitch._turn import Turn
from gostitch.exceptions import GoPanic

_OBSERVED = ("opentelemetry.trace", "opentelemetry.metrics", "sentry_sdk")

_turn = Turn()
_modules_seen = 0
_found: set[str] = set()
_looking: list[None] = []
"""Not empty while a thread looks."""


def is_there(module: str) -> bool:
    """Tell whether a module was imported; None stands for one that must not be."""
    return sys.modules.get(module) is not None


def look() -> None:
    """Attach the observers to what is in the process, if anything has come since the last look."""
    global _modules_seen
    modules = len(sys.modules)
    if modules == _modules_seen:
        return
    found = set(filter(is_there, _OBSERVED))
    # Others wait: their calls shall not go without.
    with _turn.taken():
        if _looking:
            return  # a handler or finalizer calls in the middle, perhaps of an import
        try:
            _looking.append(None)
            if found:
                _attach(found)
            _modules_seen = modules
        finally:
            _looking.clear()


def _attach(found: set[str]) -> None:
    from gostitch import observe

    if found != _found:
        observe.attach()
        _found.update(found)
    observe.follow()


def no_trace() -> bytes:
    """Give no trace context."""
    return b""


trace_context: Callable[[], bytes] = no_trace
"""Give the caller's trace context as ``traceparent\\ntracestate\\nbaggage``, or nothing."""


def _ignore_panic(error: GoPanic) -> None:
    pass


panicked: Callable[[GoPanic], None] = _ignore_panic
"""Report a panic that crosses, before it is raised."""


def _ignore_record(record: logging.LogRecord) -> None:
    pass


logged: Callable[[logging.LogRecord], None] = _ignore_record
"""Take note of a log record of Go, before its logger gets it."""


def _enter_nothing(lines: bytes) -> Any:
    pass


enter: Callable[[bytes], Any] = _enter_nothing
"""Make a trace context of Go the current one, in a context that is thrown away afterwards."""


def ignore_span(frame: bytes) -> None:
    pass


span: Callable[[bytes], None] = ignore_span
"""Take the record of a span that Go finished."""


def _after_fork_in_child() -> None:
    """Attach again: the observers have to tell another library."""
    global _modules_seen, _turn
    _modules_seen, _turn = 0, Turn()
    _found.clear()
    _looking.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
