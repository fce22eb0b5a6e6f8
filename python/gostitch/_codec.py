"""Values to bytes and back: the twin of ``gocore/codec``, ``errors.go`` and ``log.go``.

Everything both sides must agree on is in ``gocore/codec/testdata/frames``,
which both test suites read.
"""

from __future__ import annotations

import logging
import math

import msgspec

from gostitch.exceptions import GoError, GoFrame, class_of

REPLY, MESSAGE, SPAN, LOG, QUESTION, TRACE = 1, 2, 3, 4, 5, 6
"""The kinds of record (gocore.RecordKind)."""

OK, ERROR = 0, 1
"""The status of a reply (gocore.StatusOK, StatusError)."""

LOGGER = "gostitch.go"
"""The logger that Go's log records go to."""


class ErrorFrame(msgspec.Struct, array_like=True):
    """An error as it crosses (gocore.AppendError)."""

    code: str
    go_type: str
    message: str
    details: dict[str, bool | int | float | str]
    stack: list[tuple[str, str, int]]
    causes: list[ErrorFrame]


class LogFrame(msgspec.Struct, array_like=True):
    """A log record as it crosses (gocore.LogHandler)."""

    time_ns: int
    level: int
    message: str
    function: str
    attributes: dict[str, bool | int | float | str]


_decode_error_frame = msgspec.msgpack.Decoder(ErrorFrame).decode
_decode_log_frame = msgspec.msgpack.Decoder(LogFrame).decode


def decode_error(frame: bytes | memoryview) -> GoError:
    """Build the exception, with its causes, that an error frame describes."""
    return _error_of(_decode_error_frame(frame))


def _error_of(frame: ErrorFrame) -> GoError:
    return class_of(frame.code)(
        frame.message,
        code=frame.code,
        details=frame.details,
        go_type=frame.go_type,
        go_frames=[GoFrame(*line) for line in frame.stack],
        causes=[_error_of(cause) for cause in frame.causes],
    )


def decode_log(frame: bytes | memoryview) -> logging.LogRecord:
    """Build the logging record of a log frame; the attributes are in ``go_attributes``."""
    log = _decode_log_frame(frame)
    text = log.message
    if log.attributes:
        text += " " + " ".join(f"{key}={value}" for key, value in log.attributes.items())
    level = logging_level(log.level)
    record = logging.LogRecord(LOGGER, level, "", 0, text, (), None, log.function)
    record.created = log.time_ns / 1e9
    record.msecs = log.time_ns // 1_000_000 % 1000
    record.go_attributes = log.attributes
    return record


# slog: Debug -4, Info 0, Warn 4, Error 8; logging: 10, 20, 30, 40. Both are
# linear, so a level in between stays in between.


def logging_level(slog: int) -> int:
    """Translate a level of Go's slog into one of logging."""
    return max(1, 20 + slog * 10 // 4)


def slog_level(level: int) -> int:
    """Translate a level of logging into one of Go's slog."""
    return math.ceil((level - 20) * 4 / 10)
