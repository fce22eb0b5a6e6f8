"""The future of a submitted call.

Its outcome, and who awaits it in its event loop, are in C (python/native/future.c);
here is what waits on a thread or in another loop. It knows nothing of queues but
the methods of ``Sender``, so that it can be tested, and faked, without a library.
"""

from __future__ import annotations

import concurrent.futures
import operator
import os
import threading
import time
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TypeVar

from gostitch._loops import running_loop
from gostitch._process import bridge

if TYPE_CHECKING:
    import asyncio

R = TypeVar("R")

# The states as concurrent.futures spells them; its wait and as_completed read them.
CANCELLED = "CANCELLED_AND_NOTIFIED"
FINISHED = "FINISHED"

# Reentrant: a collection in the middle may drop a stream, which cancels its future.
_condition_lock = threading.RLock()


_PATIENCE_S = 1.0
"""Seconds to wait for a future's condition before its outcome is set without it."""


_FIRST_LOOK_S, _LAST_LOOK_S = 0.1, 5.0
"""Seconds after which a thread that waits looks whether its reply can come; then twice as long."""


class _Condition(threading.Condition):
    """A condition whose lock Ctrl-C cannot leave locked in a with statement.

    ``threading.Condition`` passes ``with`` on to its lock by Python functions,
    and a signal handler that raises there, after the lock was acquired, leaves
    it so for ever. Here the statement finds the lock's own methods.
    """

    __enter__ = property(operator.attrgetter("_lock.__enter__"))
    __exit__ = property(operator.attrgetter("_lock.__exit__"))


class _Waiter:
    """A thread that waits for one future; told as the waiters of ``concurrent.futures`` are.

    ``threading.Condition.wait`` gives its lock back meanwhile, and Ctrl-C that strikes before it
    has it again becomes a RuntimeError in the caller. Here no lock is held while waiting.
    """

    def __init__(self) -> None:
        self._closed = threading.Lock()
        self._closed.acquire()

    def add_result(self, future: Future[Any]) -> None:
        """Wake the thread."""
        self._closed.release()

    add_exception = add_cancelled = add_result

    def wait(self, future: Future[Any], timeout: float | None) -> bool:
        """Wait for the outcome; false if the time is over before.

        Looks now and then whether who is to handle the reply is held up: a callback may
        wait, on the pump, for a lock that this thread holds.
        """
        until = None if timeout is None else time.monotonic() + timeout
        patience = _FIRST_LOOK_S
        while True:
            left = patience if until is None else min(until - time.monotonic(), patience)
            if self._closed.acquire(timeout=max(left, 0.0)) or future.done():
                return True
            if until is not None and time.monotonic() >= until:
                return False
            future._queue.relieve()
            patience = min(2 * patience, _LAST_LOOK_S)


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
    # are made on demand.

    @property
    def _condition(self) -> threading.Condition:  # type: ignore[override] # made on demand
        condition: threading.Condition | None = self._own_condition
        if condition is None:
            with _condition_lock:
                if self._own_condition is None:
                    self._waiters: list[Any] = []
                    self._told = 0  # of them
                condition = self._adopt(_Condition())
            # Whoever asks may be about to block.
            self._queue.watch(self, blocks=True)
        return condition

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
        if not self.done():
            waiter = _Waiter()
            with self._condition:
                if not self.done():
                    self._waiters.append(waiter)
            try:
                if not self.done() and not waiter.wait(self, timeout):
                    raise concurrent.futures.TimeoutError
            finally:
                with self._condition:
                    if waiter in self._waiters:
                        self._waiters.remove(waiter)
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
        import asyncio  # whoever awaits has it already

        loop = running_loop()
        if loop is None:
            raise RuntimeError(
                f"{self!r} is awaited where no event loop of asyncio runs; under another library "
                "(trio, curio) run the call in a thread: await trio.to_thread.run_sync(f, ...)"
            )
        self._queue.relieve()
        waiter: asyncio.Future[None] = loop.create_future()
        with _condition_lock:
            self._awaiting = [*(self._awaiting or ()), (loop, waiter)]
        if self.done():  # it settled in another thread meanwhile
            _release(waiter)
        try:
            yield from waiter
        except asyncio.CancelledError:
            self.cancel()
            raise
        return (yield from self.__await__())

    def forget_threads(self) -> None:
        """Let go of what is other threads', in a forked child, which has none of them."""
        self._own_condition = None
        self._done_callbacks = None
        if not self.done():
            self._claimed = False  # perhaps by such a thread

    def _raise_cancelled(self) -> NoReturn:
        import asyncio  # whoever awaits has it already

        raise asyncio.CancelledError

    def _settle_condition(self, state: str) -> None:
        """Set the state under the condition, and wake the threads that wait."""
        # concurrent.futures.wait counts the states while it holds the conditions, so
        # the state may only change under the condition. Nobody holds it for long, unless
        # Ctrl-C struck in the middle of wait; that must not stop the thread that settles.
        condition = self._condition
        held = condition.acquire(timeout=_PATIENCE_S)
        try:
            self._state = state
            for blocked in self._waiters[self._told :]:
                _tell(blocked, state, self)
                self._told += 1
        finally:
            if held:
                condition.release()

    def _tell_others(self) -> None:
        """Wake who awaits in other loops, and run the callbacks; the outcome is set."""
        for loop, waiter in self._awaiting or ():
            release(waiter, loop)
        if self._done_callbacks:
            self._invoke_callbacks()  # type: ignore[attr-defined]


def _tell(waiter: Any, state: str, future: Future[Any]) -> None:
    """Tell a waiter of concurrent.futures.wait or as_completed."""
    if state == CANCELLED:
        waiter.add_cancelled(future)
    elif future._exception is not None:
        waiter.add_exception(future)
    else:
        waiter.add_result(future)


def release(waiter: asyncio.Future[None], loop: asyncio.AbstractEventLoop) -> None:
    """Wake who awaits in a loop, from any thread."""
    if running_loop() is loop:
        _release(waiter)
        return
    try:
        loop.call_soon_threadsafe(_release, waiter)
    except RuntimeError:
        pass  # the loop is closed: nobody awaits there any more


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _after_fork_in_child() -> None:
    global _condition_lock
    # Another thread may have held it at the fork.
    _condition_lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork_in_child)
