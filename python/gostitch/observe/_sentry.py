"""Errors and panics of Go in Sentry events, and Python's Sentry client for Go.

Twin of ``gocore/observe/sentry.go``. Each failure has one owner. What crosses the boundary
is Python's: a panic is reported when it crosses, as it is a bug, whether the caller catches
it or not; other errors where the application reports its exceptions, unless the function has
done so. What never crosses, a panic in the background say, sentry-go makes an event of; all
are sent by Python's client.
"""

from __future__ import annotations

import atexit
import contextlib
import contextvars
import functools
import os
import sys
import time
import types
from typing import Any

import sentry_sdk
from sentry_sdk.scope import Scope, add_global_event_processor, global_event_processors
from sentry_sdk.utils import event_from_exception

from gostitch import _pending
from gostitch._process import bridge
from gostitch.exceptions import GoPanic
from gostitch.observe import (
    _breadcrumbs,
    _build,
    _client,
    _crash_events,
    _event_callers,
    _events,
    _generated,
    _go_events,
    _library,
    _sentry_traces,
)
from gostitch.observe._guest import guest

_LOGS_S = 0.25
"""Seconds for which an event waits for what Go has logged before it."""

_LAST_S = 2.0
"""Seconds for which the end of the process waits for what Go has reported."""

_followed: Any = None
_ending = False


def follow() -> None:
    """Have Go report by Python's client, once for each client."""
    global _followed
    client = _client.of_process()
    if not _library.is_there() or (_followed is None and not client.is_active()):
        return
    if client is not _followed:
        before, _followed = _followed, client  # first: what is done here calls Go, which looks
        try:
            _tell(client)
        except BaseException:
            _followed = before
            raise
    with guest("calls of Go are in no trace of Sentry's; see that sentry-sdk is a known one"):
        _sentry_traces.follow(client)


def _tell(client: Any) -> None:
    _watch(Scope)
    _follow_close(type(client))
    is_active = client.is_active()
    # First: what a call has to report from now on has a caller.
    bridge.install(
        events=_take_events if is_active else None,
        caller=contextvars.copy_context if is_active else None,
    )
    _generated.configure(sentry=_client.described(client))
    # Before Sentry's own, which closes the client: handlers run in the other order.
    atexit.unregister(_end)
    atexit.register(_end)
    if global_event_processors[-1:] != [add_go]:  # last: what integrations say is there then
        with contextlib.suppress(ValueError):
            global_event_processors.remove(add_go)
        add_global_event_processor(add_go)
    _build.learn()
    with guest("crashes of Go in earlier processes are not in Sentry"):
        _crash_events.follow(client)


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


def _take_events(number: int) -> None:
    """Report what a call has found out that this thread has made, and waited for."""
    with guest("what Go has reported is not in Sentry"):
        _event_callers.keep(0, number, contextvars.copy_context())
        for event in _generated.take_events(number):
            _go_events.report(event)


def _end() -> None:
    """Note that the process ends."""
    global _ending
    _ending = True
    _settle()


def _settle() -> None:
    """Hand what Go has reported to the client."""
    with guest("what Go reports at the end is not in Sentry"):
        if _library.is_there():
            until = time.monotonic() + _LAST_S
            _generated.flush_events(timeout=_LAST_S)
            _pending.settle_host(until)
            _go_events.settle(until)


def _follow_close(kind: Any) -> None:
    """Hand over what there is before a client is closed, and have Go report nothing from then on.

    At the end of the process Go sends by itself, unless Python's client would do otherwise.
    """
    close = kind.close
    if hasattr(close, "_gostitch"):
        return

    @functools.wraps(close)
    def close_and_follow(client: Any, *args: Any, **named: Any) -> None:
        # Sentry closes a client at the end once more, which lets Go send nothing again.
        is_open = client.transport is not None
        is_followed = is_open and client is _followed and _library.is_there()
        if is_followed:
            _settle()
        close(client, *args, **named)
        if is_followed:
            with guest("Go reports although the client is closed"):
                told = _client.described(client, closed=True, ends=_ending)
                _generated.configure(sentry=told)

    close_and_follow._gostitch = True  # type: ignore[attr-defined]
    kind.close = close_and_follow


def panicked(error: GoPanic) -> None:
    """Report a panic that crosses, on the trace of its call."""
    with guest("a panic was not reported to Sentry"), _go_events.reporting() as is_wanted:
        follow()
        if is_wanted and sentry_sdk.get_client().is_active():
            _capture(error)
            error.reported = True


def _capture(error: GoPanic) -> None:
    """Make an event of a panic: of its level, as sentry-go's Recover has it, and not handled.

    Whoever catches the exception later has not handled what went wrong in Go. So the session of
    release health has crashed, as by an exception that nobody catches.
    """
    event, hint = event_from_exception(
        (type(error), error, _stack()),
        client_options=sentry_sdk.get_client().options,
        mechanism={"type": "gostitch", "handled": False},
    )
    event["level"] = "fatal"
    sentry_sdk.capture_event(event, hint=hint)


def _stack() -> types.TracebackType | None:
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
    _go_events.prefer_own(event, hint)
    _crash_events.keep_own(event, hint)
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
        return None  # there is an event of the report itself
    if record is not None:
        _events.add_record(event, record)
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
    global _followed, _ending
    _followed, _ending = None, False


os.register_at_fork(after_in_child=_after_fork_in_child)
