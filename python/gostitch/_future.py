"""The future of a submitted call.

Knows nothing of queues but the four methods of ``Sender``, so that it can be
tested, and faked, without a library.
"""

from __future__ import annotations

import concurrent.futures
import os
import threading
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from gostitch._loops import running_loop

if TYPE_CHECKING:
    import asyncio

R = TypeVar("R")

# The states as concurrent.futures spells them; its wait and as_completed read them.
CANCELLED = "CANCELLED_AND_NOTIFIED"
FINISHED = "FINISHED"

# Reentrant: a collection in the middle may drop a stream, which cancels its future.
_condition_lock = threading.RLock()


class Sender(Protocol):
    """What a future needs of the queue that its reply arrives on."""

    def send(self, token: int, message: bytes) -> None:
        """Send a message to the running function."""

    def cancel(self, token: int) -> None:
        """Cancel the context of the running function."""

    def claim(self, token: int) -> bool:
        """Tell, to exactly one caller, that it is the one to settle the future."""

    def watch(self, future: Future[Any], *, blocks: bool) -> None:
        """Make sure that somebody drains the queue although its owner may not.

        ``blocks`` tells that this thread may be about to wait for the future.
        """


class Future(concurrent.futures.Future[R]):
    """The reply of a submitted call that is to come.

    Has the whole interface of ``concurrent.futures.Future`` (it works with
    ``concurrent.futures.wait`` and ``as_completed``), and can be awaited in any
    running event loop. Cancelling it, or the task that awaits it, cancels the
    context of the Go function and makes the future cancelled at once; the
    function itself ends a moment later.
    """

    # Most futures are awaited once and never need the rest: what is empty or
    # not set stands in the class, and lists and the condition variable, which
    # is what costs most in concurrent.futures.Future, are made on demand.
    _state = "RUNNING"
    _result = None
    _exception = None
    _own_condition: threading.Condition | None = None
    _done_callbacks: Any = ()
    _awaiting: Sequence[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = ()

    def __init__(self, queue: Sender, token: int) -> None:
        self._queue = queue
        self._token = token

    @property
    def _condition(self) -> threading.Condition:  # type: ignore[override] # made on demand
        if self._own_condition is None:
            with _condition_lock:
                if self._own_condition is None:
                    self._waiters: list[Any] = []
                    self._done_callbacks = list(self._done_callbacks)
                    self._own_condition = threading.Condition()
            # Whoever asks may be about to block.
            self._queue.watch(self, blocks=True)
        return self._own_condition

    def done(self) -> bool:
        """Tell whether the reply is there or the future was cancelled."""
        return self._state in (FINISHED, CANCELLED)

    def cancelled(self) -> bool:
        """Tell whether the future was cancelled."""
        return self._state == CANCELLED

    def running(self) -> bool:
        """Tell whether the reply is still to come; a Go function starts at once."""
        return not self.done()

    def add_done_callback(self, fn: Callable[[Any], object]) -> None:
        """Call ``fn`` with the future when it is done, on the thread that handles the reply."""
        with _condition_lock:
            added = self._own_condition is None and not self.done()
            if added:
                self._done_callbacks = [*self._done_callbacks, fn]
        if added:
            self._queue.watch(self, blocks=False)
        else:
            super().add_done_callback(fn)

    def cancel(self) -> bool:
        """Cancel the Go function's context; false if the reply is there already."""
        # Claimed first: the function's own reply to being cancelled must not win.
        if self._queue.claim(self._token):
            try:
                self._queue.cancel(self._token)
            finally:
                self._settle(CANCELLED, None, None)
        return self._state == CANCELLED

    def result(self, timeout: float | None = None) -> R:
        """Give the result, waiting for it at most ``timeout`` seconds, or raise the error."""
        if self._state != FINISHED:
            return super().result(timeout)
        if self._exception is None:
            return self._result  # type: ignore[return-value]
        try:
            raise self._exception
        finally:
            self = None  # type: ignore[assignment] # no reference cycle through the traceback

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Give the error or None, waiting for the reply at most ``timeout`` seconds."""
        if self._state != FINISHED:
            return super().exception(timeout)
        return self._exception

    def send(self, message: bytes) -> None:
        """Send a message to the running function, which reads it with ``gocore.Receive``.

        Raises ``GoClosedError`` when the call has ended, and ``GoLimitError``
        when the function does not read what waits for it.
        """
        self._queue.send(self._token, message)

    def __await__(self) -> Generator[Any, None, R]:
        import asyncio  # whoever awaits has it already

        if not self.done():
            loop = asyncio.get_running_loop()
            waiter: asyncio.Future[None] = loop.create_future()
            with _condition_lock:
                self._awaiting = [*self._awaiting, (loop, waiter)]
            if self.done():  # it settled in another thread meanwhile
                _release(waiter)
            try:
                yield from waiter
            except asyncio.CancelledError:
                self.cancel()
                raise
        if self._state == CANCELLED:
            raise asyncio.CancelledError
        return self.result()

    def forget_threads(self) -> None:
        """Let go of what is other threads', in a forked child, which has none of them."""
        self._own_condition = None
        self._done_callbacks = ()

    def settle(self, state: str, result: Any, exception: BaseException | None) -> None:
        """Set the outcome, once, and tell everybody who waits."""
        if self._queue.claim(self._token):
            self._settle(state, result, exception)

    def _settle(self, state: str, result: Any, exception: BaseException | None) -> None:
        self._result = result
        self._exception = exception
        # concurrent.futures.wait counts the states while it holds the conditions,
        # so the state may only change under the condition. One that is made later
        # sees the new state.
        with _condition_lock:
            condition = self._own_condition
            if condition is None:
                self._state = state
        if condition is not None:
            with condition:
                self._state = state
                for blocked in self._waiters:
                    _tell(blocked, state, self)
                condition.notify_all()
        self._notify()

    def _notify(self) -> None:
        """Wake who awaits, and run the callbacks; the outcome is set."""
        for loop, waiter in self._awaiting:
            if running_loop() is loop:
                _release(waiter)
            else:
                try:
                    loop.call_soon_threadsafe(_release, waiter)
                except RuntimeError:
                    pass  # the loop is closed: nobody awaits there any more
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


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _after_fork_in_child() -> None:
    global _condition_lock
    # Another thread may have held it at the fork.
    _condition_lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork_in_child)
