"""The places where observers attach: functions that do nothing until replaced.

The call path calls these; ``gostitch.observe`` fills them in when it
finds OpenTelemetry or Sentry in the process. The core works without either.
"""

from __future__ import annotations

import contextvars
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from gostitch import _late
from gostitch.exceptions import GoPanic

_OBSERVED = ("opentelemetry.trace", "opentelemetry.metrics", "opentelemetry._logs", "sentry_sdk")

_modules_seen = 0
_found: set[str] = set()


def look() -> bool:
    """Attach the observers to what is in the process, if anything has come since the last look.

    Return False if that could not be, so that this call goes without: it is being done already, or
    another thread is in the middle of importing what is to be observed.
    """
    return len(sys.modules) == _modules_seen or (_late.do(_look) and not _comes())


def forget() -> None:
    """Look again at the next look, also if no module has come: what is observed was configured."""
    global _modules_seen
    _modules_seen = 0


def _comes() -> bool:
    """Tell whether a module to observe is being imported: it is not waited for."""
    return any(sys.modules.get(each) and not _late.is_whole(each) for each in _OBSERVED)


def _look() -> None:
    global _modules_seen
    modules = len(sys.modules)
    found = set(filter(_late.is_whole, _OBSERVED))
    if found:
        observe = _late.load("gostitch.observe")
        if found != _found:
            _found.update(observe.attach())
        observe.follow()
    # Last: until then other threads must look, and wait, too.
    if not _comes():
        _modules_seen = modules


def no_trace(function: str = "") -> bytes:
    """Give no trace context."""
    return b""


trace_context: Callable[[str], bytes] = no_trace
"""Give the caller's trace context for a function of that name: lines of traceparent, tracestate,
baggage and options, or nothing. Below may stand what observers add."""


def _ignore_panic(error: GoPanic) -> None:
    pass


panicked: Callable[[GoPanic], None] = _ignore_panic
"""Report a panic that crosses, before it is raised."""


def _ignore_record(record: logging.LogRecord) -> None:
    pass


logged: Callable[[logging.LogRecord], None] = _ignore_record
"""Take note of a log record of Go, before its logger gets it."""


def _no_context(caller: str) -> contextvars.Context | None:
    return None


context_of: Callable[[str], contextvars.Context | None] = _no_context
"""Give the context variables of a caller, which Go has identified."""


spans_are_theirs = True
"""Whether spans of Go keep their ids; else what Go tells of is shown below the caller's span."""


def _enter_nothing(lines: bytes) -> Any:
    pass


enter: Callable[[bytes], Any] = _enter_nothing
"""Make a trace context of Go the current one, in a context that is thrown away afterwards."""


def ignore_spans(message: bytes) -> None:
    pass


spans: Callable[[bytes], None] = ignore_spans
"""Take spans of Go: those in the message, those of the trace that it names, or any that wait."""


def run_in_call(handle: Callable[[], object], caller: str, trace: str) -> None:
    """Handle what Go tells of in the context of its call: the caller's, and the span in Go.

    These are what identifies the caller, and the trace context in Go as lines, or nothing.
    """
    found = context_of(caller) if caller else None
    if not trace and found is None:
        handle()
        return
    within = contextvars.Context() if found is None else found.copy()
    if trace and (found is None or spans_are_theirs):
        within.run(enter, trace.encode())
    within.run(handle)


def _ignore_entry(frame: bytes | memoryview) -> None:
    pass


entry: Callable[[bytes | memoryview], None] = _ignore_entry
"""Take a log record of OpenTelemetry's API in Go."""


def ignore_ids() -> None:
    pass


ids: Callable[[], None] = ignore_ids
"""Hand over ids for spans of Go."""


def _ignore_event(frame: bytes | memoryview, caller: contextvars.Context | None) -> None:
    pass


event: Callable[[bytes | memoryview, contextvars.Context | None], None] = _ignore_event
"""Take the record of what is to be reported for a call, with the caller of one that runs."""


def _after_fork_in_child() -> None:
    """Attach again: the observers have to tell another library."""
    global _modules_seen
    _modules_seen = 0
    _found.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
