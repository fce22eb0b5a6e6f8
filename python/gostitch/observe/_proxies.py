"""Providers of OpenTelemetry's SDK that others stand before.

Logfire, for one, makes a provider the global one that has the SDK's in an attribute, and may
exchange that. Needs nothing of OpenTelemetry.
"""

from __future__ import annotations

from typing import Any

_MOST = 8
"""So many may stand one before the other."""

_WAYS = ("get_tracer", "get_meter", "get_logger")


def behind(provider: Any) -> Any:
    """Return the provider that does the work, which is mostly that very one."""
    for _ in range(_MOST):
        inner = getattr(provider, "provider", None)
        if not any(hasattr(provider, way) and hasattr(inner, way) for way in _WAYS):
            break
        provider = inner
    return provider
