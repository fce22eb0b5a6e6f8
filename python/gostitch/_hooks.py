"""The places where observers attach: functions that do nothing until replaced.

A leaf. The call path calls these; ``gostitch.observe`` fills them in when it
finds OpenTelemetry or Sentry in the process. The core works without either.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from gostitch.exceptions import GoPanic

_MODULES = sys.modules


def _look_for_observers() -> bytes:
    """Give no trace context, and attach the observers once something is there to observe."""
    if "opentelemetry.trace" in _MODULES or "sentry_sdk" in _MODULES:
        from gostitch import observe

        observe.attach()
        return trace_context()
    return b""


trace_context: Callable[[], bytes] = _look_for_observers
"""Give the caller's trace context as ``traceparent\\ntracestate\\nbaggage``, or nothing."""


def _ignore_panic(error: GoPanic, trace: bytes) -> None:
    pass


panicked: Callable[[GoPanic, bytes], None] = _ignore_panic
"""Report a panic that crosses, with the trace context of its call, before it is raised."""


def _ignore_span(frame: bytes) -> None:
    pass


span: Callable[[bytes], None] = _ignore_span
"""Take the record of a span that Go finished."""
