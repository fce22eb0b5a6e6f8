"""Stitching: OpenTelemetry and Sentry as they are configured in Python, for Go too.

Nothing is configured here. When a call finds OpenTelemetry or Sentry in the
process, ``attach`` fills ``gostitch._hooks``; from then on each call carries
the caller's trace context, Go exports with the resource and endpoint of
Python's ``TracerProvider``, and panics reach Sentry with their Go stack.
"""

from __future__ import annotations

from gostitch import _hooks, _late
from gostitch.observe._guest import guest

__all__ = ["attach", "follow"]

# Each fails by itself: a version that is too old, say, or a stand-in of a test.
_TRACES = "calls of Go carry no trace; see that opentelemetry is what gostitch[opentelemetry] needs"
_METRICS = "there are no metrics of Go; see that the meter provider is one of OpenTelemetry's SDK"
_LOGS = "log records of OpenTelemetry's API in Go are lost; see to the logger provider"
_SENTRY = "Go reports nothing to Sentry; see that sentry-sdk is what gostitch[sentry] needs"


def attach() -> set[str]:
    """Attach to what is in the process; called again when more of it has come.

    Return what it has attached to; the rest is tried again when more has come.
    """
    done = set()
    if _late.is_whole("opentelemetry.trace"):
        with guest(_TRACES):
            _late.load("gostitch.observe._traces").attach()
            done.add("opentelemetry.trace")
    if _late.is_whole("opentelemetry.metrics"):
        with guest(_METRICS):
            _late.load("gostitch.observe._metrics").attach()
            done.add("opentelemetry.metrics")
    if _late.is_whole("opentelemetry._logs"):
        with guest(_LOGS):
            _late.load("gostitch.observe._entries").attach()
            done.add("opentelemetry._logs")
    if _late.is_whole("sentry_sdk"):
        with guest(_SENTRY):
            _hooks.logged = _late.load("gostitch.observe._breadcrumbs").keep
            _hooks.panicked = _late.load("gostitch.observe._sentry").panicked
            events = _late.load("gostitch.observe._go_events")
            _hooks.event = events.take
            _late.load("gostitch.observe._flush").flush_events = events.flush
            done.add("sentry_sdk")
    return done


def follow() -> None:
    """Follow what may have been configured since the last look."""
    if _late.is_whole("opentelemetry.trace"):
        with guest(_TRACES):
            _late.load("gostitch.observe._traces").follow()
    if _late.is_whole("opentelemetry.metrics"):
        with guest(_METRICS):
            _late.load("gostitch.observe._metrics").follow()
    if _late.is_whole("opentelemetry._logs"):
        with guest(_LOGS):
            _late.load("gostitch.observe._entries").follow()
    if _late.is_whole("sentry_sdk"):
        with guest(_SENTRY):
            _late.load("gostitch.observe._sentry").follow()
