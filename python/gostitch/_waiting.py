"""Waiting for a submitted call on the thread that made it.

A call that is waited for runs on its caller's thread, which nothing can take
back: a function that ignores its context holds it, and on the main thread no handler
of a signal runs meanwhile. Long calls of the main thread are submitted instead, and
waited for by the bridge (python/native/waiting.c), which leaves to this module what is
done when a handler raises. Where a grace is set, calls that may be abandoned are waited
for here, and their caller is let go when the function runs on for longer than that
after its context has ended.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from gostitch import _hooks, _hubs, _pending, _settings, _threads
from gostitch._process import LOOK_S, bridge
from gostitch._queue import decode_error
from gostitch._settings import Settings
from gostitch.exceptions import GoCancelledError, GoError, GoTimeoutError

if TYPE_CHECKING:
    from gostitch._future import Future
    from gostitch._queue import Queue

_COURTESY_S = 0.03
"""How long a function may take to end before the exception of a signal's handler goes on,
where no grace is set."""

DEFAULT_GRACE_S = 5.0
"""From when on a call counts as abandoned in ``runtime_info`` where no grace is set."""


def _apply(settings: Settings) -> None:
    """Have the bridge hand over the calls that may be abandoned."""
    graceful = settings.grace is not None
    timed = settings.default_timeout is not None or any(
        each.timeout is not None for each in settings.limits.values()
    )
    bridge.install(
        wait=_wait if graceful else None, wait_always=_wait if graceful and timed else None
    )


def abandoned(lingering_ns: Sequence[int]) -> int:
    """Count the calls that run on for longer than the grace, of the times for which they do."""
    grace = _settings.present().grace
    if grace is None:
        grace = DEFAULT_GRACE_S
    return sum(ns > grace * 1e9 for ns in lingering_ns)


def result_of(queue: Queue, future: Future[Any], timeout_ns: int) -> Any:
    """Give the result of a call whose replies arrive on a queue of this thread's own."""
    try:
        settings = _settings.present()
        grace = settings.grace
        timeout = _timeout_of(settings, future._function.name, timeout_ns)
        patience = None if grace is None or timeout is None else timeout + grace
        try:
            ended = _drain(queue, future, patience)
        except BaseException as error:
            _end(queue, future, error)
            raise
        if not ended:
            future.cancel()
            raise _abandoned(GoTimeoutError, future, f"within {grace:g} s of its timeout")
        return future.result()
    finally:
        del future  # it holds the exception, whose traceback holds this frame


def _timeout_of(settings: Settings, function: str, timeout_ns: int) -> float | None:
    if timeout_ns == 0:
        return _settings.timeout_of(settings, function)
    return max(timeout_ns, 0) / 1e9


def _drain(queue: Queue, future: Future[Any], patience: float | None) -> bool:
    """Handle what arrives until the future is done, or for so many seconds; tell which."""
    try:
        return _drain_until(queue, future.done, patience)
    finally:
        del future  # frames of a callable that failed hold this one


def _drain_until(queue: Queue, is_over: Callable[[], bool], patience: float | None) -> bool:
    """Handle what arrives until it is over, or for so many seconds; tell which."""
    poll = _threads.poll_of(queue.fd)
    until = None if patience is None else time.monotonic() + patience
    try:
        while not is_over():
            # Interrupted by signals, whose handlers Python then runs.
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                return False
            poll.poll(max(min(LOOK_S if left is None else left, LOOK_S) * 1e3, 1))
            while queue.drain():
                pass  # the descriptor tells only once
        return True
    finally:
        del is_over  # as above


def _end(queue: Queue, future: Future[Any], error: BaseException) -> None:
    """Cancel a call whose caller leaves with an exception, and wait a moment for its end.

    So that a function that listens has done its last, and gives back what it was lent. Where it
    runs on, the cause of the exception says so.
    """
    grace = _settings.present().grace
    bound = _COURTESY_S if grace is None else grace
    future.cancel()  # which leaves messages alone that still come
    token, pending = future._token, queue.pending
    if not _drain_until(queue, lambda: token not in pending, bound) and error.__cause__ is None:
        of = "Ctrl-C" if isinstance(error, KeyboardInterrupt) else type(error).__name__
        error.__cause__ = _abandoned(GoCancelledError, future, f"within {bound:g} s of {of}")


def _abandoned(kind: type[GoError], future: Future[Any], when: str) -> GoError:
    name = future._function.name
    return kind(
        f"{name}() did not end {when} and was abandoned: it still runs, and keeps what it was "
        "lent; have it return when its context ends",
        details={"function": name, "abandoned": True},
    )


_NO_DESCRIPTOR = (errno.EMFILE, errno.ENFILE, errno.EPERM, errno.ENOSYS)
"""What eventfd says where there are too many already, or none at all (seccomp)."""


def _own_queue() -> Queue | None:
    """Give a queue for a long call of the main thread; None if no descriptor can be had."""
    try:
        return _pending.private_queue()
    except OSError as error:
        if error.errno not in _NO_DESCRIPTOR:
            raise  # that of a signal's handler, say
        return None


def _wait(made: Any, frame: bytes, loan: Any, timeout_ns: int, callback: None) -> Any:
    """Run a function that may be abandoned, or whose caller lets other greenlets run."""
    _hooks.look()
    trace = _hooks.trace_context(made.name)
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


def _waiter() -> Callable[..., Any] | None:
    """Return what waits for a long call of this thread, or None: the bridge does."""
    return _wait if _hubs.is_here() else None


bridge.install(own_queue=_own_queue, let_go=_end, waiter=_waiter)
_settings.when_changed(_apply)
