"""What a call and its caller say to each other while the faked function runs."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import Any

from gostitch._callbacks import Callbacks
from gostitch.exceptions import GoCancelledError, GoTimeoutError
from gostitch.testing._call import FakeCall
from gostitch.testing._contract import Contract


class _Errand:
    """Something to run once, on whichever thread comes first."""

    def __init__(self, run: Callable[[], None]) -> None:
        self._run = run
        self._open = threading.Lock()
        self.done = False
        self.error: BaseException | None = None

    def __call__(self) -> None:
        if self._open.acquire(blocking=False):  # and never given back
            try:
                self._run()
            except BaseException as error:
                self.error = error
            finally:
                self.done = True


class _Unsent:
    """The schema of an answer that does not reach Go: no path in it is touched."""

    def __init__(self, contract: Contract) -> None:
        self.encode_answer = contract.answer.encode


class Conversation:
    """The messages and questions of one call, and the end of its context.

    Messages and questions reach the caller's callback where they would in a
    real call: on the event loop that the call was submitted in, or else on the
    thread that waits or runs.
    """

    def __init__(
        self,
        contract: Contract,
        call: FakeCall,
        callback: Any,
        timeout_ns: int,
        loop: asyncio.AbstractEventLoop | None,
    ) -> None:
        self._contract = contract
        self._call = call
        self._callback = callback
        self.callbacks = (
            Callbacks(contract.name, callback, _Unsent(contract), contextvars.copy_context())
            if contract.asks
            else None
        )
        self.timeout_s = timeout_ns / 1e9 if timeout_ns else None
        self._loop = loop
        self._changed = threading.Condition()
        self._over = False
        self._loop_waits = False
        self._broken: BaseException | None = None
        self._raised: list[BaseException] = []  # by the caller's callback

    def send(self, frame: bytes) -> None:
        """Hand a message to the caller's callback, if there is one."""
        if self._callback is not None:
            message = self._contract.message.decode(frame)
            self._run_at_caller(lambda: self._callback(message))

    def ask(self, number: int, frame: bytes) -> Any:
        """Ask the caller's callback a question, and give or raise its answer."""
        callbacks, replies = self.callbacks, list[bytes]()
        assert callbacks is not None
        question = self._contract.message.decode(frame)

        def take(reply: bytes) -> None:
            with self._changed:
                replies.append(reply)
                self._changed.notify_all()

        self._run_at_caller(lambda: callbacks.ask(question, number, take, self._loop, None))
        self._wait_until(lambda: bool(replies))
        failed, payload = replies[0][4], replies[0][5:]
        if failed:
            error = callbacks.raised(number)
            self._raised.append(error)
            raise error
        answer = self._contract.answer.decode(payload)
        self._call.answers.append(answer)
        return answer

    def begin(self) -> None:
        """Refuse to run where the time was up before the start."""
        if self.timeout_s is not None and self.timeout_s < 0:
            raise self.timed_out()

    def wait_for_the_end(self) -> None:
        """Run until the caller cancels the call, or its time is up."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._over, self.timeout_s):
                raise self.timed_out()
        raise self.cancelled()

    def is_over(self) -> bool:
        """Tell whether the context has ended."""
        return self._over

    def has_raised(self, error: BaseException) -> bool:
        """Tell whether an exception is of the caller's callback, or raised from one that is."""
        at: BaseException | None = error
        while at is not None:
            if any(at is each for each in self._raised):
                return True
            at = at.__cause__ or at.__context__
        return False

    def timed_out(self) -> GoTimeoutError:
        """Make the exception of a call whose time is up."""
        self._call.timed_out = True
        return GoTimeoutError(
            f"{self._contract.name}() did not finish within its timeout: context deadline exceeded"
        )

    def finish(self) -> None:
        """Raise what a callback has broken, which no function can make good."""
        if self._broken is not None:
            raise self._broken

    def end(self) -> None:
        """End the context: whoever waits here goes on."""
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def loop_waits(self) -> None:
        """Note that the loop's thread waits for the call, so nothing can run there."""
        with self._changed:
            self._loop_waits = True
            self._changed.notify_all()

    def _run_at_caller(self, run: Callable[[], None]) -> None:
        errand = _Errand(run)
        if self._loop is not None and asyncio._get_running_loop() is not self._loop:
            self._run_in_loop(self._loop, errand)
        errand()  # unless it was run there
        if errand.error is not None:
            self._broken = errand.error
            self._raised.append(errand.error)
            raise errand.error

    def _run_in_loop(self, loop: asyncio.AbstractEventLoop, errand: _Errand) -> None:
        def run() -> None:
            errand()
            with self._changed:
                self._changed.notify_all()

        try:
            loop.call_soon_threadsafe(run)
        except RuntimeError:
            return  # the loop is closed
        self._wait_until(lambda: errand.done or self._loop_waits)

    def _wait_until(self, there: Callable[[], bool]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: there() or self._over)
            if not there():
                raise self.cancelled()

    def cancelled(self) -> GoCancelledError:
        """Make the exception of a call whose context has ended."""
        return GoCancelledError(f"{self._contract.name}() was cancelled: context canceled")
