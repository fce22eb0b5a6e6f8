"""Stitching: OpenTelemetry and Sentry as they are configured in Python, for Go too.

Nothing is configured here. When a call finds OpenTelemetry or Sentry in the
process, ``attach`` fills ``gostitch._hooks``; from then on each call carries
the caller's trace context, Go exports with the resource and endpoint of
Python's ``TracerProvider``, and panics reach Sentry with their Go stack.
"""

from __future__ import annotations

import sys

from gostitch import _hooks

__all__ = ["attach", "follow"]


def attach() -> None:
    """Attach to what is in the process; called again when more of it has come."""
    if "opentelemetry.trace" in sys.modules:
        from gostitch.observe import _traces

        _traces.attach()
    if "sentry_sdk" in sys.modules:
        from gostitch.observe import _breadcrumbs, _sentry

        _hooks.panicked = _sentry.panicked
        _hooks.logged = _breadcrumbs.keep


def follow() -> None:
    """Follow what may have been configured since the last look."""
    if "opentelemetry.metrics" in sys.modules:
        from gostitch.observe import _metrics

        _metrics.follow()
    if "sentry_sdk" in sys.modules:
        from gostitch.observe import _sentry

        _sentry.follow()
