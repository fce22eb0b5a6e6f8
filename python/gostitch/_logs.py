"""Records of Go's slog in Python's logging.

Twin of ``gocore/log.go``. A record arrives with others in a batch, on whatever thread
drains it. Filters and handlers run in the context of the call, as far as OpenTelemetry or Sentry
have told of it, with the span current that the function had.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

from gostitch import _hooks, _shapes

LOGGER = "gostitch.go"
"""The logger that Go's log records go to."""

_to = logging.getLogger(LOGGER)


@_shapes.record(
    "time_ns: int64, level: int64, message: str, attributes: map[any], source: list[any], "
    "function: str, caller: str, trace: str"
)
class LogFrame(NamedTuple):
    """A log record as it crosses (gocore.LogHandler)."""

    time_ns: int
    level: int
    message: str
    attributes: dict[str, bool | int | float | str]
    source: tuple[str, str, int]  # the Go function that logs, its file and line
    function: str  # of the call
    caller: str  # id of the span that was current in Python, 16 hexadecimal digits
    trace: str  # the trace context in Go, as lines


_decode = _shapes.schema("LogFrame", globals()).decode

_frames: weakref.WeakKeyDictionary[logging.LogRecord, LogFrame] = weakref.WeakKeyDictionary()

lost = 0
"""Records that could not be made or handled."""


def frame_of(record: object) -> LogFrame | None:
    """Return what Go has said of a record that is its own; None of any other."""
    return _frames.get(record) if isinstance(record, logging.LogRecord) else None


def decode_log(frame: bytes | memoryview) -> LogFrame:
    """Return the log record of a frame."""
    found: LogFrame = _decode(frame)
    return found


def make_record(log: LogFrame) -> logging.LogRecord:
    """Make the logging record of a log of Go, as the logger makes those of Python.

    The attributes are fields of it, as those of ``extra`` are. One whose name logging has taken
    gets the prefix "go.".
    """
    function, file, line = log.source
    level = logging_level(log.level)
    record = _to.makeRecord(LOGGER, level, file, line, log.message, (), None, function or None)
    record.created = log.time_ns / 1e9
    record.msecs = log.time_ns // 1_000_000 % 1000
    fields = record.__dict__
    for name, value in log.attributes.items():
        fields[f"go.{name}" if hasattr(record, name) or name in _MADE_LATER else name] = value
    if log.function:
        fields["gostitch.function"] = log.function
    if _TYPE in log.attributes:  # for formatters that write text
        said = [log.attributes[each] for each in (_TYPE, _MESSAGE) if each in log.attributes]
        record.exc_text = ": ".join(map(str, said))
    _frames[record] = log
    return record


def take(frame: bytes | memoryview) -> None:
    """Hand a record to its logger, in the context of the call that it belongs to."""
    global lost
    log = decode_log(frame)
    if not _to.isEnabledFor(logging_level(log.level)):
        return
    try:
        _hooks.run_in_call(lambda: _handle(log), log.caller, log.trace)
    except BaseException:
        lost += 1
        raise


def _handle(log: LogFrame) -> None:
    record = make_record(log)
    _hooks.logged(record)
    _to.handle(record)


_TYPE, _MESSAGE = "exception.type", "exception.message"
"""Attributes that the error of a record is in."""

_MADE_LATER = ("message", "asctime")
"""Fields that formatters make, which logging keeps from others."""

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
