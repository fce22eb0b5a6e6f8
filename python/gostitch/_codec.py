"""Values to bytes and back: the twin of ``gocore/codec`` and ``errors.go``.

Everything both sides must agree on is in ``gocore/codec/testdata/frames``,
which both test suites read.
"""

from __future__ import annotations

import msgspec

from gostitch.exceptions import GoError, GoFrame, class_of

REPLY, MESSAGE, SPAN, LOG, QUESTION, TRACE = 1, 2, 3, 4, 5, 6
"""The kinds of record (gocore.RecordKind)."""

OK, ERROR = 0, 1
"""The status of a reply (gocore.StatusOK, StatusError)."""


class ErrorFrame(msgspec.Struct, array_like=True):
    """An error as it crosses (gocore.AppendError)."""

    code: str
    go_type: str
    message: str
    details: dict[str, bool | int | float | str]
    stack: list[tuple[str, str, int]]
    causes: list[ErrorFrame]


_decode_error_frame = msgspec.msgpack.Decoder(ErrorFrame).decode


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
