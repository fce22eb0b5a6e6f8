"""Errors and panics of Go in Sentry events, and Python's Sentry client for Go.

Twin of ``gocore/observe/sentry.go``. Each failure has one owner. What crosses the boundary
is Python's: a panic is reported when it crosses, as it is a bug, whether the caller catches
it or not; other errors where the application reports its exceptions. What never crosses, a
panic in the background and what ended an earlier process, is sentry-go's.
"""

from __future__ import annotations

import functools
import os
import sys
import time
import types
from typing import Any

import sentry_sdk
from sentry_sdk.scope import Scope, add_global_event_processor, global_event_processors

from gostitch import _crashes, _pending
from gostitch.exceptions import GoPanic
from gostitch.observe import _breadcrumbs, _events, _generated, _library
from gostitch.observe._guest import guest

_LOGS_S = 0.25
"""Seconds for which an event waits for what Go has logged before it."""

_followed: Any = None
_added = False


def follow() -> None:
    """Let sentry-go send where Python's client does, once for each client."""
    global _followed
    client = sentry_sdk.get_client()
    if client is _followed or not _library.is_there():
        return
    if not client.is_active() and _followed is None:
        return
    before, _followed = _followed, client  # first: what is done here calls Go, which looks
    try:
        _tell(client)
    except BaseException:
        _followed = before
        raise


def _tell(client: Any) -> None:
    global _added
    _watch(Scope)
    options = client.options
    rate = options.get("sample_rate")
    _generated.configure(
        sentry=_generated.ObserveSentryConfig(
            dsn=str(options.get("dsn") or ""),
            release=str(options.get("release") or ""),
            environment=str(options.get("environment") or ""),
            server_name=str(options.get("server_name") or ""),
            sample_rate=1.0 if rate is None else float(rate),
        )
    )
    if add_go not in global_event_processors:
        add_global_event_processor(add_go)
    if not _added:
        _crashes.on_crash_report(_report_crash)
        _added = True


def _watch(kind: Any) -> None:
    """Follow at once when a client is replaced: what fails in the background asks nobody."""
    set_client = kind.set_client
    if hasattr(set_client, "_gostitch"):
        return

    @functools.wraps(set_client)
    def set_client_and_follow(scope: Any, client: Any = None) -> None:
        set_client(scope, client)
        with guest("panics in the background go where Sentry's former client has sent"):
            follow()

    set_client_and_follow._gostitch = True  # type: ignore[attr-defined]
    kind.set_client = set_client_and_follow


def _report_crash(report: _crashes.CrashReport) -> None:
    """Have sentry-go report what ended an earlier process."""
    _generated.report_crash(
        reason=report.reason,
        call=report.function or "",
        trace_id=report.trace_id or "",
        time_ns=int(report.when.timestamp() * 1e9),
        pid=report.pid,
        stack=[_generated.ObserveFrame(*frame) for frame in report.go_frames],
        text=report.text,
    )


def panicked(error: GoPanic) -> None:
    """Report a panic that crosses, on the trace of its call."""
    with guest("a panic was not reported to Sentry"):
        follow()
        if sentry_sdk.get_client().is_active():
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


def add_go(event: Any, hint: dict[str, Any]) -> Any:
    """Put Go's part into an event: its errors, its trace, and what it logged before."""
    if event.get("type"):
        return event  # a transaction, say
    exc_info = hint.get("exc_info")
    if exc_info and _was_reported(exc_info[1]):
        # The panic itself once more, by the application or another integration.
        return None
    if exc_info:
        _events.add_errors(event, exc_info[1])
    record = hint.get("log_record")
    if getattr(record, "go_crash", None) is not None:
        return None  # sentry-go reports it
    if record is not None:
        _events.add_span_of_record(event, record)
    _drain_logs()
    _breadcrumbs.add_to(event)
    return event


def _was_reported(error: BaseException | None) -> bool:
    """Tell whether an exception is a panic that was reported, or a group of nothing else."""
    if getattr(error, "reported", False):
        return True
    members = _events.members(error)
    return bool(members) and all(map(_was_reported, members))


def _drain_logs() -> None:
    """Take what Go has logged up to now; a handler of it may report events itself.

    Whoever captures is an application's thread: a flood, or a slow handler, must not hold it.
    """
    _pending.drain_host(time.monotonic() + _LOGS_S)


def _after_fork_in_child() -> None:
    """Tell the client to the child's own library too."""
    global _followed
    _followed = None


os.register_at_fork(after_in_child=_after_fork_in_child)
