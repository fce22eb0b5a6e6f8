"""Records of Go's slog in Python's logging.

Twin of ``gocore/log.go``. A record arrives with others in a batch, on whatever thread
drains it; where OpenTelemetry is in the process, handlers find the span current that the
function had.
"""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from gostitch import _hooks, _shapes

LOGGER = "gostitch.go"
"""The logger that Go's log records go to."""

_to = logging.getLogger(LOGGER)


@_shapes.record(
    "time_ns: int64, level: int64, message: str, function: str, attributes: map[any], "
    "traceparent: str"
)
class LogFrame(NamedTuple):
    """A log record as it crosses (gocore.LogHandler)."""

    time_ns: int
    level: int
    message: str
    function: str
    attributes: dict[str, bool | int | float | str]
    traceparent: str


_shape = _shapes.schema("LogFrame", globals())


def decode_log(frame: bytes | memoryview) -> logging.LogRecord:
    """Build the logging record of a log frame.

    The attributes are in ``go_attributes``; the ids of the span that was current in Go, or
    None, are in ``otelTraceID`` and ``otelSpanID``, where OpenTelemetry puts them too.
    """
    log: LogFrame = _shape.decode(frame)
    text = log.message
    if log.attributes:
        text += " " + " ".join(f"{key}={value}" for key, value in log.attributes.items())
    level = logging_level(log.level)
    record = logging.LogRecord(LOGGER, level, "", 0, text, (), None, log.function)
    record.created = log.time_ns / 1e9
    record.msecs = log.time_ns // 1_000_000 % 1000
    record.go_attributes = log.attributes
    record.otelTraceID = log.traceparent[3:35] or None
    record.otelSpanID = log.traceparent[36:52] or None
    record.traceparent = log.traceparent
    return record


def take(frame: bytes | memoryview) -> None:
    """Hand a record to its logger."""
    record = decode_log(frame)
    if not _to.isEnabledFor(record.levelno):
        return
    _hooks.logged(record)
    if record.traceparent:  # type: ignore[attr-defined]
        contextvars.Context().run(_handle_in_span, record)
    else:
        _to.handle(record)


def _handle_in_span(record: Any) -> None:
    _hooks.enter(f"{record.traceparent}\n\n".encode())
    _to.handle(record)


_LOWEST, _HIGHEST = -(2**31), 2**31
"""Levels that cross, for numbers of any size in Python."""

# slog: Debug -4, Info 0, Warn 4, Error 8; logging: 10, 20, 30, 40. Both are
# linear, so a level in between stays in between.


def logging_level(slog: int) -> int:
    """Translate a level of Go's slog into one of logging."""
    return max(1, 20 + slog * 10 // 4)


def slog_level(level: int) -> int:
    """Translate a level of logging into one of Go's slog."""
    if level <= 1:
        return _LOWEST  # whatever is lower still arrives as 1
    return -((20 - min(level, _HIGHEST)) * 4 // 10)  # rounded up


_told: int | None = None


def level_told(level: int) -> None:
    """Note the level that Go was told."""
    global _told
    _told = level


def lowest_level() -> int:
    """Give the level of slog from which on records go anywhere."""
    disabled = _to.manager.disable + 1  # logging.disable switches off a level and those below
    return slog_level(max(_to.getEffectiveLevel(), disabled))


def level_is_told() -> bool:
    """Tell whether Go knows the level that counts now."""
    return lowest_level() == _told


class _Cache(dict[int, bool]):
    """What the logger remembers of its levels, which logging clears when any level changes."""

    changed: Callable[[], None]

    def clear(self) -> None:
        super().clear()
        self.changed()


def when_level_changes(changed: Callable[[], None]) -> None:
    """Have a callable told, by whoever changes a level, with the lock of logging held."""
    cache: Any = _Cache()
    cache.changed = changed
    _to._cache = cache  # type: ignore[attr-defined]
