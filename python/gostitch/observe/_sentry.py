"""Panics and errors of Go in Sentry events, and Python's Sentry client for Go.

Twin of ``gocore/observe/sentry.go``. A panic is a bug, so it is reported when
it crosses, whether the caller catches it or not; other errors are reported
where the application reports its exceptions. In both the Go error stands in
the event beside the Python exception, with its own stack.
"""

from __future__ import annotations

import os
import sys
import types
from collections.abc import Iterator
from typing import Any

import sentry_sdk
from sentry_sdk.scope import add_global_event_processor

from gostitch import _process
from gostitch.exceptions import GoError, GoFrame, GoPanic
from gostitch.observe import _generated

_followed: Any = None
_processor_added = False


def follow() -> None:
    """Let sentry-go send where Python's client does, once for each client."""
    global _followed, _processor_added
    client = sentry_sdk.get_client()
    if client is _followed or not client.is_active() or _process.loaded() is None:
        return
    _followed = client
    if not _processor_added:
        _processor_added = True
        add_global_event_processor(add_go_errors)
    options = client.options
    if not options.get("dsn"):
        return
    _generated.configure(
        sentry=_generated.ObserveSentryConfig(
            dsn=str(options["dsn"]),
            release=options.get("release") or "",
            environment=options.get("environment") or "",
            server_name=options.get("server_name") or "",
            sample_rate=float(options.get("sample_rate", 1.0)),
        )
    )


def panicked(error: GoPanic, trace: bytes) -> None:
    """Report a panic that crosses, on the trace of its call."""
    follow()
    if not sentry_sdk.get_client().is_active():
        return
    error.trace = trace
    sentry_sdk.capture_exception((type(error), error, _callers()))
    error.reported = True


def _callers() -> types.TracebackType | None:
    """Give the Python stack below the bridge as the traceback the panic will have."""
    frame: types.FrameType | None = sys._getframe(1)
    package = __name__.partition(".")[0] + "."
    while frame is not None and frame.f_globals.get("__name__", "").startswith(package):
        frame = frame.f_back
    traceback = None
    while frame is not None:
        traceback = types.TracebackType(traceback, frame, frame.f_lasti, frame.f_lineno)
        frame = frame.f_back
    return traceback


def add_go_errors(event: Any, hint: dict[str, Any]) -> Any:
    """Put Go's part of each exception into the event, as the exception's cause."""
    exc_info = hint.get("exc_info")
    if exc_info and getattr(exc_info[1], "reported", False):
        # The panic itself once more, by the application or another integration.
        return None
    values = (event.get("exception") or {}).get("values")
    if not exc_info or not values:
        return event
    for error in _go_errors(exc_info[1]):
        if error.go_frames:
            _add_value(values, error)
        trace = getattr(error, "trace", b"")
        if trace.startswith(b"00-"):
            _, trace_id, span_id, _ = trace.decode().partition("\n")[0].split("-")
            event.setdefault("contexts", {})["trace"] = {"trace_id": trace_id, "span_id": span_id}
    return event


def _go_errors(error: BaseException | None) -> Iterator[GoError]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, GoError):
            yield error
        error = error.__cause__ or error.__context__


def _add_value(values: list[dict[str, Any]], error: GoError) -> None:
    """Insert the Go value before (Sentry lists causes first) the value of the exception."""
    python = (type(error).__name__, error.message)
    of = [i for i, value in enumerate(values) if (value.get("type"), value.get("value")) == python]
    if not of:
        return
    values.insert(
        of[0],
        {
            "type": error.go_type,
            "value": error.message,
            "mechanism": {"type": "gostitch", "handled": True},
            "stacktrace": {"frames": [_frame(line) for line in reversed(error.go_frames)]},
        },
    )


def _frame(line: GoFrame) -> dict[str, Any]:
    package, _, _ = line.function.rpartition(".")
    return {
        "function": line.function,
        "filename": line.file,
        "abs_path": line.file,
        "lineno": line.line,
        "in_app": "." in package.partition("/")[0],
        "platform": "go",
    }


def _after_fork_in_child() -> None:
    """Tell the client to the child's own library too."""
    global _followed
    _followed = None


os.register_at_fork(after_in_child=_after_fork_in_child)
