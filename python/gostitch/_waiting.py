"""Waiting for a submitted call on the thread that made it.

A call that is waited for runs on its caller's thread, which nothing can take
back: a function that ignores its context holds it. Where a grace is set,
such a call is submitted instead, and its caller let go when the function runs
on for longer than that after its context has ended.
"""

from __future__ import annotations

import select
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gostitch import _hooks, _pending
from gostitch._process import bridge
from gostitch._queue import decode_error
from gostitch.exceptions import GoCancelledError, GoError, GoTimeoutError, GoTypeError, GoValueError

if TYPE_CHECKING:
    from gostitch._future import Future
    from gostitch._queue import Queue

DEFAULT_GRACE_S = 5.0
"""From when on a call counts as abandoned in ``runtime_info`` where no grace is set."""

_grace: float | None = None


def set_grace(seconds: float | None) -> None:
    """Let callers go that many seconds after the context of their call has ended.

    For calls with ``timeout=`` and calls of the main thread; None, the default,
    lets them wait until the function has ended.
    """
    global _grace
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, int | float)):
        raise GoTypeError(
            f"grace must be a number of seconds or None, not {type(seconds).__name__}",
            details={"argument": "grace"},
        )
    if seconds is not None and not 0 <= seconds < float("inf"):
        raise GoValueError(
            f"grace must be finite and not negative, not {seconds}", details={"argument": "grace"}
        )
    _grace = seconds
    bridge.install(wait=None if seconds is None else _wait)


def abandoned(lingering_ns: Sequence[int]) -> int:
    """Count the calls that run on for longer than the grace, of the times for which they do."""
    grace = DEFAULT_GRACE_S if _grace is None else _grace
    return sum(ns > grace * 1e9 for ns in lingering_ns)


def result_of(queue: Queue, future: Future[Any], timeout_ns: int) -> Any:
    """Give the result of a call whose replies arrive on a queue of this thread's own."""
    try:
        grace = _grace
        patience = None if grace is None or not timeout_ns else max(timeout_ns, 0) / 1e9 + grace
        try:
            ended = _drain(queue, future, patience)
        except BaseException as error:
            if grace is not None:
                _end(queue, future, grace, error)
            future.cancel()
            raise
        if not ended:
            future.cancel()
            raise _abandoned(GoTimeoutError, future, f"within {grace:g} s of its timeout")
        return future.result()
    finally:
        del future  # it holds the exception, whose traceback holds this frame


def _drain(queue: Queue, future: Future[Any], patience: float | None) -> bool:
    """Handle what arrives until the future is done, or for so many seconds; tell which."""
    poll = select.poll()
    poll.register(queue.fd, select.POLLIN)
    until = None if patience is None else time.monotonic() + patience
    while not future.done():
        # Interrupted by signals, whose handlers Python then runs.
        left = None if until is None else until - time.monotonic()
        if left is not None and left <= 0:
            return False
        poll.poll(None if left is None else max(left * 1e3, 1))
        while queue.drain():
            pass  # the descriptor tells only once
    return True


def _end(queue: Queue, future: Future[Any], grace: float, error: BaseException) -> None:
    """Cancel a call whose caller was interrupted; where it runs on, say so in the cause."""
    queue.cancel(future._token)
    if not _drain(queue, future, grace):
        error.__cause__ = _abandoned(GoCancelledError, future, f"within {grace:g} s of Ctrl-C")


def _abandoned(kind: type[GoError], future: Future[Any], when: str) -> GoError:
    name = future._function.name
    return kind(
        f"{name}() did not end {when} and was abandoned: it still runs, and keeps what it was "
        "lent; have it return when its context ends",
        details={"function": name, "abandoned": True},
    )


def _wait(made: Any, frame: bytes, loan: Any, timeout_ns: int, callback: None) -> Any:
    """Run a function that may be abandoned."""
    _hooks.look()
    trace = _hooks.trace_context()
    queue = _pending.private_queue()
    try:
        future: Future[Any] = queue.new_future(made, trace, loan)
        refused = queue.start(future, 0, timeout_ns, frame)
        if refused is not None:
            future._end_loan()
            raise decode_error(refused, trace)
        try:
            return result_of(queue, future, timeout_ns)
        finally:
            del future
    finally:
        queue.retire()
