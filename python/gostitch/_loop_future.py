"""The future of a call submitted inside an event loop.

asyncio treats it as one of its own futures (it has the protocol that
``asyncio.isfuture`` looks for), so ``gather``, ``wait`` and an ``await`` in a task
wait for it directly. Without that, ``gather`` makes a task for each future,
which costs more than the call (benchmark ``async.await_10k``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from gostitch._future import CANCELLED, Future
from gostitch._loops import running_loop
from gostitch._process import bridge

if TYPE_CHECKING:
    import asyncio

R = TypeVar("R")


class LoopFuture(Future[R]):
    """A ``Future`` that belongs to an event loop.

    Inside its loop it behaves as an ``asyncio.Future``: done callbacks run
    through ``loop.call_soon``, and a cancelled one raises
    ``asyncio.CancelledError``. Everywhere else it is a ``gostitch.Future``.
    """

    if TYPE_CHECKING:
        _asyncio_future_blocking: bool

        def get_loop(self) -> asyncio.AbstractEventLoop:
            """Give the loop in which the call was submitted."""
    else:
        # What asyncio.isfuture looks for; a task sets it while it waits.
        _asyncio_future_blocking = bridge.Future._blocking
        get_loop = bridge.Future._get_loop

    def remove_done_callback(self, fn: Callable[[Any], object]) -> int:
        """Forget a callback added inside the loop; gives how often it was there."""
        waiting = self._in_loop or []
        kept = [entry for entry in waiting if entry[0] != fn]
        removed = len(waiting) - len(kept)
        waiting[:] = kept
        return removed

    # What asyncio.gather reads of a child that was cancelled.
    _cancel_message: Any = None

    def cancel(self, msg: Any = None) -> bool:
        """Cancel the Go function's context; false if the reply is there already."""
        if msg is not None and not self.done():
            self._cancel_message = msg
        return super().cancel()

    def _wait_for_result(self, timeout: float | None = None) -> R:
        self._raise_if_cancelled()
        return super()._wait_for_result(timeout)

    def _wait_for_exception(self, timeout: float | None = None) -> BaseException | None:
        self._raise_if_cancelled()
        return super()._wait_for_exception(timeout)

    def _raise_if_cancelled(self) -> None:
        """Raise what asyncio expects, where it may be asyncio that asks."""
        if self._state == CANCELLED and running_loop() is self._loop_ref():
            raise self._make_cancelled_error()

    def _make_cancelled_error(self) -> asyncio.CancelledError:
        import asyncio  # whose loop this belongs to

        if self._cancel_message is None:
            return asyncio.CancelledError()
        return asyncio.CancelledError(self._cancel_message)
