"""The last log records of Go, as breadcrumbs of the events on their trace.

Sentry's own integration of logging puts breadcrumbs where a record is handled, which is
another thread than the caller's, with another scope. So they are kept here, and an event
gets those of its trace.
"""

from __future__ import annotations

import logging
from collections import deque
from datetime import datetime, timezone
from typing import Any

from gostitch import _logs

_MOST = 100
_LEVELS = {"WARNING": "warning", "ERROR": "error", "CRITICAL": "fatal", "DEBUG": "debug"}

_kept: deque[tuple[str | None, dict[str, Any]]] = deque(maxlen=_MOST)


def keep(record: logging.LogRecord) -> None:
    """Keep a log record of Go."""
    log = _logs.frame_of(record)
    if log is None:
        return
    breadcrumb = {
        "type": "log",
        "category": record.name,
        "level": _LEVELS.get(record.levelname, "info"),
        "message": record.getMessage(),
        "timestamp": datetime.fromtimestamp(record.created, timezone.utc),
        "data": log.attributes | ({"function": log.function} if log.function else {}),
    }
    _kept.append((log.trace[3:35] or None, breadcrumb))


def add_to(event: dict[str, Any]) -> None:
    """Add to an event what Go logged on its trace, or else outside of any trace."""
    trace_id = event.get("contexts", {}).get("trace", {}).get("trace_id")
    kept = list(_kept)
    found = [each for of, each in kept if of == trace_id]
    if not found:
        found = [each for of, each in kept if of is None]
    if not found:
        return
    crumbs = event.get("breadcrumbs") or {}
    values = crumbs.get("values", []) if isinstance(crumbs, dict) else list(crumbs)
    # Those that Sentry's integration put here, where this thread handled the record itself.
    known = {
        (each.get("category"), each.get("message"), str(each.get("timestamp"))) for each in values
    }
    added = [
        each
        for each in found
        if (each["category"], each["message"], str(each["timestamp"])) not in known
    ]
    values = sorted([*values, *added], key=lambda each: str(each.get("timestamp")))
    event["breadcrumbs"] = {"values": values[-_MOST:]}
