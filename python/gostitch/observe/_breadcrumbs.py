"""What Go has logged, as breadcrumbs of events.

A record is handled in the context of its caller, so Sentry's own integration of logging puts a
breadcrumb into the caller's scope. An event has those that were there when it began: what Go logged
just before is handled while the event waits for it, and joins here. So do records of calls whose
caller is not known; an event gets those of its trace.
"""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime, timezone
from typing import Any

import sentry_sdk

from gostitch import _logs
from gostitch.observe import _callers
from gostitch.observe._guest import guest

_MOST = 100
_LEVELS = {"WARNING": "warning", "ERROR": "error", "CRITICAL": "fatal", "DEBUG": "debug"}

_kept: deque[tuple[str | None, dict[str, Any]]] = deque(maxlen=_MOST)
"""Those of callers that are not known, by their traces."""


def keep(record: logging.LogRecord) -> None:
    """Keep a log record of Go, unless it is handled in the context of its caller."""
    log = _logs.frame_of(record)
    if log is None or _callers.context_of(log.caller) is not None:
        return
    breadcrumb = {
        "type": "log",
        "category": record.name,
        "level": _LEVELS.get(record.levelname, "info"),
        "message": record.getMessage(),
        "timestamp": datetime.fromtimestamp(record.created, timezone.utc),
        "data": log.attributes | ({"function": log.function} if log.function else {}),
    }
    before = sentry_sdk.get_client().options.get("before_breadcrumb")
    with guest("log records of Go are no breadcrumbs; correct before_breadcrumb"):
        wanted = before(breadcrumb, {"log_record": record}) if before is not None else breadcrumb
        if wanted is not None:
            _kept.append((log.trace[3:35] or None, wanted))


def add_to(event: dict[str, Any]) -> None:
    """Add to an event what Go logged in its scope since it began, and on its trace.

    Without either, what Go logged outside of any trace. What else a scope has is left to Sentry: an
    event need not be of the current one.
    """
    trace_id = event.get("contexts", {}).get("trace", {}).get("trace_id")
    kept = list(_kept)
    found = [each for of, each in kept if of == trace_id]
    if not found:
        found = [each for of, each in kept if of is None]
    handled = list(sentry_sdk.get_isolation_scope()._breadcrumbs)
    found += [each for each in handled if each.get("category") == _logs.LOGGER]
    crumbs = event.get("breadcrumbs") or {}
    values = crumbs.get("values", []) if isinstance(crumbs, dict) else list(crumbs)
    known = set(map(_identity, values))
    added = {_identity(each): each for each in found if _identity(each) not in known}
    if not added:
        return
    values = sorted([*values, *added.values()], key=lambda each: str(each.get("timestamp")))
    most = int(sentry_sdk.get_client().options.get("max_breadcrumbs", _MOST))
    event["breadcrumbs"] = {"values": values[-most:] if most else []}


def _identity(crumb: dict[str, Any]) -> tuple[object, ...]:
    return crumb.get("category"), crumb.get("message"), str(crumb.get("timestamp"))
