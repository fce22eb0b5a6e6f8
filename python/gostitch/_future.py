"""The future of a submitted call.

Its outcome, and who awaits it in its event loop, are in C (python/native/future.c);
here is what waits on a thread or in another loop. It knows nothing of queues but
the methods of ``Sender``, so that it can be tested, and faked, without a library.
"""

from __future__ import annotations

import concurrent.futures
import logging
import operator
import sys
import threading
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from gostitch import _threads, _waiters, _workers
from gostitch._loops import running_loop
from gostitch._process import LOOK_S, bridge
from gostitch._waiters import Waiter

if TYPE_CHECKING:
    import asyncio

R = TypeVar("R")

_log = logging.getLogger("concurrent.futures")  # which says this of its own futures there

# The states as concurrent.futures spells them; its wait and as_completed read them.
CANCELLED = "CANCELLED_AND_NOTIFIED"
FINISHED = "FINISHED"

_PATIENCE_S = 1.0
"""Seconds to wait for a future's condition before its outcome is set without it."""

_MOMENT_S = 0.01
"""Seconds for which who handles replies waits for a condition, before another thread does."""


_FIRST_LOOK_S, _LAST_LOOK_S = 0.1, 5.0
"""Seconds after which a thread that waits looks whether its reply can come; then twice as long."""


class _Condition(threading.Condition):
    """A condition whose lock Ctrl-C cannot leave locked in a with statement.

    ``threading.Condition`` passes ``with`` on to its lock by Python functions,
    and a signal handler that raises there, after the lock was acquired, leaves
    it so for ever. Here the statement finds the lock's own methods.
    """

    def __init__(self) -> None:
        super().__init__()
        self.waiters: list[Any] = []  # of concurrent.futures
        self.told = 0  # of them

    __enter__ = property(operator.attrgetter("_lock.__enter__"))
    __exit__ = property(operator.attrgetter("_lock.__exit__"))


def _wait_for(future: Future[Any], released: threading.Lock, timeout: float | None) -> bool:
    """Wait until a lock is released, as the future is done; false if the time is over before.

    Looks now and then whether who is to handle the reply is held up: a callback may
    wait, on the pump, for a lock that this thread holds.
    """
    until = None if timeout is None else time.monotonic() + timeout
    patience = _FIRST_LOOK_S
    while True:
        left = patience if until is None else min(until - time.monotonic(), patience)
        if _acquire(released, max(left, 0.0)) or future.done():
            return True
        if until is not None and time.monotonic() >= until:
            return False
        future._queue.relieve()
        patience = min(2 * patience, _LAST_LOOK_S)


def _acquire(lock: threading.Lock, seconds: float) -> bool:
    """Wait so long for a lock, and let handlers of signals run meanwhile."""
    if threading.get_ident() != threading.main_thread().ident:
        return lock.acquire(timeout=seconds)
    if sys.is_finalizing():  # a destructor waits, and handles the replies by itself
        _threads.kind().sleep(min(seconds, LOOK_S))
        return _threads.take(lock, 0.0)
    until = time.monotonic() + seconds
    while not lock.acquire(timeout=min(seconds, LOOK_S)):
        seconds = until - time.monotonic()
        if seconds <= 0:
            return False
    return True


class Sender(Protocol):
    """What a future needs of the queue that its reply arrives on."""

    def send(self, token: int, message: bytes) -> None:
        """Send a message to the running function."""

    def cancel(self, token: int) -> None:
        """Cancel the context of the running function."""

    def serve(self, token: int) -> None:
        """Make sure that the reply of a cancelled function is taken, which nobody waits for."""

    def watch(self, future: Future[Any], *, blocks: bool) -> None:
        """Make sure that somebody drains the queue although its owner may not.

        ``blocks`` tells that this thread may be about to wait for the future.
        """

    def relieve(self) -> None:
        """Have another thread handle replies if the one that does is held up by a callback."""


if TYPE_CHECKING:

    class _Future(bridge.Future, concurrent.futures.Future[R]):
        """What the classes of the bridge and of ``concurrent.futures`` are together."""

        def __await__(self) -> Generator[Any, None, R]: ...

else:

    class _Future(bridge.Future, concurrent.futures.Future):
        """What the classes of the bridge and of ``concurrent.futures`` are together."""

        __class_getitem__ = classmethod(concurrent.futures.Future.__class_getitem__.__func__)


class Future(_Future[R]):
    """The reply of a submitted call that is to come.

    Has the whole interface of ``concurrent.futures.Future`` (it works with
    ``concurrent.futures.wait`` and ``as_completed``), and can be awaited in any
    running event loop. Cancelling it, or the task that awaits it, cancels the
    context of the Go function and makes the future cancelled at once; the
    function itself ends a moment later.
    """

    # Most futures are awaited once and never need what stands here: lists and the
    # condition variable, which is what costs most in concurrent.futures.Future,
    # are made on demand. No lock is held here but the condition, which only
    # concurrent.futures needs: a finalizer that runs under a lock may wait for a reply.

    @property
    def _condition(self) -> _Condition:  # type: ignore[override] # made on demand
        condition: _Condition | None = self._own_condition
        if condition is None:
            condition = self._adopt(_Condition())
            # Whoever asks may be about to block.
            self._queue.watch(self, blocks=True)
        return condition

    @property
    def _waiters(self) -> list[Any]:  # type: ignore[override] # as above
        """What ``concurrent.futures.wait`` and ``as_completed`` have told when it is done."""
        return self._condition.waiters

    def _add_done_callback(self, fn: Callable[[Any], object]) -> None:
        """Call ``fn`` with the future when it is done, on the thread that handles the reply."""
        if self._add_early(fn):
            self._queue.watch(self, blocks=False)
        else:
            concurrent.futures.Future.add_done_callback(self, fn)

    def cancel(self) -> bool:
        """Cancel the Go function's context; false if the reply is there already."""
        if self._cancel():
            self._queue.serve(self._token)
        return self.cancelled()

    def _wait_for_result(self, timeout: float | None = None) -> R:
        """Give the result when it is there, or raise."""
        self._wait(timeout)
        if self._exception is None:
            return self._result  # type: ignore[no-any-return]
        try:
            raise self._exception
        finally:
            self = None  # type: ignore[assignment] # no reference cycle through the traceback

    def _wait_for_exception(self, timeout: float | None = None) -> BaseException | None:
        self._wait(timeout)
        return self._exception

    def _wait(self, timeout: float | None) -> None:
        """Wait until there is a result or an exception; raise if there is neither."""
        # A lock of its own, not threading.Condition.wait, which gives its lock back meanwhile:
        # Ctrl-C that strikes before it has it again becomes a RuntimeError in the caller.
        released = _threads.kind().new_lock()
        released.acquire()
        if self._block(released):
            try:
                self._queue.watch(self, blocks=True)
                if not _wait_for(self, released, timeout):
                    raise concurrent.futures.TimeoutError
            finally:
                self._unblock(released)
        if self._state != FINISHED:
            raise concurrent.futures.CancelledError

    def send(self, message: bytes) -> None:
        """Send a message to the running function, which reads it with ``gocore.Receive``.

        Raises ``GoClosedError`` when the call has ended, and ``GoLimitError``
        when the function does not read what waits for it.
        """
        self._queue.send(self._token, message)

    def _await_elsewhere(self) -> Generator[Any, None, R]:
        """Await the reply in an event loop that is not the future's own."""
        loop = running_loop()
        if loop is None:
            return (yield from self._await_in(_waiters.here()))
        import asyncio  # whoever awaits has it already

        self._queue.relieve()
        waiter: asyncio.Future[None] = loop.create_future()
        if not self._add_awaiting((loop, waiter)):  # it settled in another thread meanwhile
            _waiters.release(waiter, loop)
        try:
            yield from waiter
        except asyncio.CancelledError:
            self.cancel()
            raise
        return (yield from self.__await__())

    def _await_in(self, waiter: Waiter | None) -> Generator[Any, None, R]:
        """Await the reply in another library than asyncio."""
        if waiter is None:
            raise RuntimeError(
                f"{self!r} is awaited where no event loop of asyncio, trio or Twisted runs; under "
                "another library run the call in a thread of its, as trio.to_thread.run_sync does"
            )
        self._queue.relieve()
        self._add_done_callback(lambda _: waiter.wake())
        try:
            yield from waiter.__await__()
        except BaseException:
            self.cancel()
            raise
        if self._state != FINISHED:  # and not asyncio's exception, where its loop is Twisted's
            raise concurrent.futures.CancelledError
        return self._wait_for_result()

    def _await_in_twisted(self) -> Generator[Any, None, R]:
        """Await the reply in a coroutine whose driver does not know asyncio's futures."""
        return (yield from self._await_in(_waiters.of_twisted()))

    def forget_threads(self) -> None:
        """Let go of what is other threads', in a forked child, which has none of them."""
        self._own_condition = None
        self._done_callbacks = None
        if not self.done():
            self._claimed = False  # perhaps by such a thread

    def _raise_cancelled(self) -> NoReturn:
        import asyncio  # whoever awaits has it already

        raise asyncio.CancelledError

    def _settle_condition(self, state: str, may_leave: bool) -> bool:
        """Set the state under the condition, and wake the threads that wait for that.

        False if it is held for long, and another thread goes on with it, which must not be
        the one that handles replies: who holds it may wait for another of them.
        """
        # concurrent.futures.wait counts the states while it holds the conditions, so
        # the state may only change under the condition. Nobody holds it for long, unless
        # Ctrl-C struck in the middle of wait, or a finalizer runs there; that must not stop
        # the thread that settles.
        condition = self._condition
        held = _threads.take(condition, _MOMENT_S if may_leave else _PATIENCE_S)
        if not held and may_leave and _workers.run(self._settle_elsewhere) is None:
            return False
        try:
            self._state = state
            for blocked in condition.waiters[condition.told :]:
                _tell(blocked, state, self)
                condition.told += 1
        finally:
            if held:
                condition.release()
        return True

    def _settle_elsewhere(self) -> None:
        """Settle on a worker's thread."""
        while not self._is_told():
            try:
                self._resume(False)
            except BaseException:  # no memory: later there may be some
                time.sleep(_MOMENT_S)

    def _tell_others(self) -> None:
        """Wake who awaits in other loops, and run the callbacks; the outcome is set."""
        for loop, waiter in self._awaiting or ():
            _waiters.release(waiter, loop)
        callbacks = self._done_callbacks
        while callbacks:
            callback = callbacks.pop(0)  # first, so that none is called again where one interrupts
            try:
                callback(self)
            except Exception:
                _log.exception("exception calling callback for %r", self)


def _tell(waiter: Any, state: str, future: Future[Any]) -> None:
    """Tell a waiter of concurrent.futures.wait or as_completed."""
    if state == CANCELLED:
        waiter.add_cancelled(future)
    elif future._exception is not None:
        waiter.add_exception(future)
    else:
        waiter.add_result(future)
