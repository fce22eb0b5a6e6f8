"""A submitted call of the fake library, which runs on a thread of its own."""

from __future__ import annotations

import asyncio
import contextvars
import threading
import weakref
from collections.abc import Callable
from typing import Any

from gostitch._future import FINISHED, Future
from gostitch._loop_future import LoopFuture
from gostitch.exceptions import GoClosedError
from gostitch.testing._call import FakeCall
from gostitch.testing._conversation import Conversation


class _Seen:
    """Notes that somebody wants to know what a submitted call ends with."""

    _queue: Running

    def __repr__(self) -> str:
        # Not that of concurrent.futures, which takes the condition: a line in a log asks nothing.
        return f"<future of {self._queue.name}, {self._state}>"  # type: ignore[attr-defined]

    # What concurrent.futures.wait and as_completed look at, and nobody else before them.
    @property
    def _condition(self) -> Any:
        self._queue.note_taken()
        return super()._condition  # type: ignore[misc]

    def done(self) -> bool:
        self._queue.note_taken()
        return super().done()  # type: ignore[misc, no-any-return]

    def running(self) -> bool:
        self._queue.note_taken()
        return super().running()  # type: ignore[misc, no-any-return]

    def cancel(self, *args: Any, **options: Any) -> bool:
        self._queue.note_taken()  # also where the answer was faster
        return super().cancel(*args, **options)  # type: ignore[misc, no-any-return]

    def result(self, timeout: float | None = None) -> Any:
        self._queue.note_taken()
        return super().result(timeout)  # type: ignore[misc]

    def exception(self, timeout: float | None = None) -> Any:
        self._queue.note_taken()
        return super().exception(timeout)  # type: ignore[misc]

    def add_done_callback(self, *args: Any, **options: Any) -> Any:
        self._queue.note_taken()
        return super().add_done_callback(*args, **options)  # type: ignore[misc]

    def __await__(self) -> Any:
        self._queue.note_taken()
        return super().__await__()  # type: ignore[misc]

    __iter__ = __await__


class _FakeFuture(_Seen, Future[Any]):  # type: ignore[override] # as Future has it
    pass


class _FakeLoopFuture(_Seen, LoopFuture[Any]):  # type: ignore[override] # as Future has it
    pass


class Running:
    """What the future of a faked call takes for its queue."""

    def __init__(
        self, call: FakeCall, talk: Conversation, loop: asyncio.AbstractEventLoop | None
    ) -> None:
        self._call = call
        self._talk = talk
        self._loop = loop
        self.name = call.function
        call.submitted = True
        self.future: Future[Any] = (
            _FakeFuture(self, 0) if loop is None else _FakeLoopFuture(self, 0, weakref.ref(loop))
        )

    def note_taken(self) -> None:
        """Note that somebody asks for the outcome."""
        self._call.taken = True

    def start(self, work: Callable[[], Any]) -> None:
        """Do the work beside the caller, in the caller's context, and settle the future."""
        context = contextvars.copy_context()
        thread = threading.Thread(
            target=context.run, args=(self._run, work), name="gostitch-fake", daemon=True
        )
        thread.start()

    def _run(self, work: Callable[[], Any]) -> None:
        try:
            result = work()
        except BaseException as error:
            self._call.end(None, error)
            self.future.settle(FINISHED, None, error)
        else:
            self._call.end(result, None)
            self.future.settle(FINISHED, result, None)

    def send(self, token: int, message: bytes) -> None:
        """Record a message to the function."""
        if self._call.ended:
            raise GoClosedError("the call has ended")
        self._call.sent.append(bytes(message))

    def cancel(self, token: int) -> None:
        """End the context of the call."""
        self._call.cancel()
        self._talk.end()

    def serve(self, token: int) -> None:
        """Do nothing: there is no reply to take."""

    def watch(self, future: Future[Any], *, blocks: bool) -> None:
        """Note that the loop's own thread is about to wait."""
        if blocks and self._loop is not None and asyncio._get_running_loop() is self._loop:
            self._talk.loop_waits()

    def relieve(self) -> None:
        """Do nothing: the reply is set by a thread of its own."""
