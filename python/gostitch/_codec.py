"""Values to bytes and back: the twin of ``gocore/codec`` and ``errors.go``.

Everything both sides must agree on is in ``gocore/codec/testdata/frames``,
which both test suites read.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from gostitch import _mocks, _shapes
from gostitch.exceptions import GoError, GoFrame, LibraryError, class_of

REPLY, MESSAGE, SPANS, LOG, QUESTION, TRACE, EVENT = 1, 2, 3, 4, 5, 6, 7
IDS, ENTRY = 8, 9
OF_HOST = (SPANS, LOG, IDS, ENTRY, EVENT)  # what is no call's to handle, and is no question
"""The kinds of record (gocore.RecordKind)."""

OK, ERROR, CAPTURED = 0, 1, 3
"""The status of a reply (gocore.StatusOK, StatusError, StatusCaptured)."""


@_shapes.record(
    "code: str, go_type: str, message: str, details: map[any], stack: list[any], "
    "causes: list[any], function: str"
)
class ErrorFrame(NamedTuple):
    """An error as it crosses (gocore.AppendError).

    A line of the stack is function, file and line, and a fourth element where the function is
    only declared there.
    """

    code: str
    go_type: str
    message: str
    details: dict[str, bool | int | float | str]
    stack: list[list[Any]]
    causes: list[list[Any]]
    function: str


def decode_error(frame: bytes | memoryview) -> GoError:
    """Build the exception, with its causes, that an error frame describes."""
    try:
        error = _error_of(_shape.decode(frame))
    except (TypeError, ValueError, AttributeError) as wrong:
        raise LibraryError(f"what the Go library sent is no error: {wrong}") from wrong
    hint = _mocks.hint(error.code)
    if hint:
        error.__notes__ = [*getattr(error, "__notes__", ()), hint]
    return error


_shape = _shapes.schema("ErrorFrame", globals())


def _error_of(frame: ErrorFrame) -> GoError:
    error = class_of(frame.code)(
        frame.message,
        code=frame.code,
        details=frame.details,
        go_type=frame.go_type,
        go_frames=[GoFrame(*line[:3]) for line in frame.stack],
        causes=[_error_of(ErrorFrame(*cause)) for cause in frame.causes],
    )
    if frame.function:
        error.function = frame.function
    if frame.stack and len(frame.stack[0]) > 3:
        error.go_declared = True
    return error
