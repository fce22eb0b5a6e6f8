"""The future of a call submitted inside an event loop.

asyncio treats it as one of its own futures (it has the protocol that
``asyncio.isfuture`` looks for), so ``gather``, ``wait`` and an ``await`` in a task
wait for it directly. Without that, ``gather`` makes a task for each future,
which costs more than the call (benchmark ``async.await_10k``).
"""

from __future__ import annotations

import asyncio
import contextvars
import weakref
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from gostitch._future import CANCELLED, FINISHED, Future, Sender

R = TypeVar("R")

_running_loop = asyncio._get_running_loop  # it is imported, so this is quicker than _loops


class LoopFuture(Future[R]):
    """A ``Future`` that belongs to an event loop.

    Inside its loop it behaves as an ``asyncio.Future``: done callbacks run
    through ``loop.call_soon``, and a cancelled one raises
    ``asyncio.CancelledError``. Everywhere else it is a ``gostitch.Future``.
    """

    # What asyncio.isfuture looks for; a task sets it while it waits.
    _asyncio_future_blocking = False

    # A list from the first callback on; only the loop's thread adds to it.
    _in_loop: list[tuple[Callable[[Any], object], contextvars.Context | None]] | None = None

    def __init__(
        self, queue: Sender, token: int, loop: weakref.ref[asyncio.AbstractEventLoop]
    ) -> None:
        # As Future does; a call of it would be a tenth of what an await costs.
        self._queue = queue
        self._token = token
        # Weak, or a loop that is dropped with calls under way would live as
        # long as they do, and nobody would close its queue.
        self._loop_ref = loop

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Give the loop in which the call was submitted."""
        loop = self._loop_ref()
        if loop is None:
            raise RuntimeError("the event loop of this future is gone")
        return loop

    def _is_here(self) -> bool:
        """Tell whether this is the future's loop's thread, with the loop running."""
        loop = _running_loop()
        return loop is not None and loop is self._loop_ref()

    def add_done_callback(
        self,
        fn: Callable[[Any], object],
        *,
        context: contextvars.Context | None = None,
    ) -> None:
        """Call ``fn`` with the future when it is done; inside the loop through ``call_soon``."""
        if not self._is_here():
            super().add_done_callback(fn)
            return
        if self._in_loop is None:
            self._in_loop = []
        self._in_loop.append((fn, context))
        if self.done():
            self._tell_loop()

    def remove_done_callback(self, fn: Callable[[Any], object]) -> int:
        """Forget a callback added inside the loop; gives how often it was there."""
        waiting = self._in_loop or []
        kept = [entry for entry in waiting if entry[0] != fn]
        removed = len(waiting) - len(kept)
        waiting[:] = kept
        return removed

    def cancel(self, msg: Any = None) -> bool:
        """Cancel the Go function's context; false if the reply is there already."""
        return super().cancel()

    def result(self, timeout: float | None = None) -> R:
        """Give the result, waiting for it if need be."""
        if self._state == FINISHED and self._exception is None:
            return self._result  # type: ignore[return-value]
        if self._state == CANCELLED and self._is_here():
            raise asyncio.CancelledError
        return super().result(timeout)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Give the exception or None, waiting for the reply if need be."""
        if self._state == FINISHED:
            return self._exception
        if self._state == CANCELLED and self._is_here():
            raise asyncio.CancelledError
        return super().exception(timeout)

    def _make_cancelled_error(self) -> asyncio.CancelledError:
        return asyncio.CancelledError()

    def __await__(self) -> Generator[Any, None, R]:
        if not self.done() and self._is_here():
            self._asyncio_future_blocking = True
            yield self
            if not self.done():
                raise RuntimeError("await was not used with a future")
        return (yield from super().__await__())

    def _notify(self) -> None:
        if self._in_loop:
            self._tell_loop()
        super()._notify()

    def _tell_loop(self) -> None:
        loop = self._loop_ref()
        if loop is None or loop.is_closed():
            return
        waiting = self._in_loop or []
        soon = loop.call_soon if self._is_here() else loop.call_soon_threadsafe
        while True:
            try:
                fn, context = waiting.pop(0)
                soon(fn, self, context=context)
            except IndexError:
                return  # all told, here or by another thread
            except RuntimeError:
                return  # the loop was closed meanwhile: nobody waits there any more
