"""What coroutines wait with in the library that runs them: asyncio, trio (anyio too), Twisted.

None of them is imported: what runs here, somebody has.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Generator
from typing import TYPE_CHECKING, Any, Protocol

from gostitch._loops import running_loop, trio_runs

if TYPE_CHECKING:
    import asyncio


class Waiter(Protocol):
    """What one coroutine awaits once, and any thread may wake."""

    def wake(self) -> None:
        """End the wait, if it has not ended."""

    def __await__(self) -> Generator[Any, Any, None]:
        """Wait."""


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


class _OfAsyncio:
    """Waits in an event loop of asyncio's."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._future: asyncio.Future[None] = loop.create_future()
        self._loop = loop

    def wake(self) -> None:
        """Let the task go on, from any thread."""
        release(self._future, self._loop)

    def __await__(self) -> Generator[Any, Any, None]:
        """Wait until then, or until the task is cancelled."""
        if self._future.done():
            return
        # As its own __await__ does, which could not go on where Twisted drives the coroutine.
        self._future._asyncio_future_blocking = True
        given = yield self._future
        if given is self._future and not self._future.done():
            self._future._asyncio_future_blocking = False
            elsewhere = of_twisted()
            assert elsewhere is not None  # nobody else gives back what is no Deferred
            self._future.add_done_callback(lambda _: elsewhere.wake())
            yield from elsewhere.__await__()


class _OfTrio:
    """Waits in trio."""

    def __init__(self, trio: Any) -> None:
        self._event = trio.Event()
        self._token = trio.lowlevel.current_trio_token()
        self._over = trio.RunFinishedError

    def wake(self) -> None:
        """Let the task go on, from any thread."""
        try:
            self._token.run_sync_soon(self._event.set)
        except self._over:
            pass  # nobody awaits any more

    def __await__(self) -> Generator[Any, Any, None]:
        """Wait until then, or until trio cancels the task."""
        yield from self._event.wait().__await__()


class _OfTwisted:
    """Waits in a coroutine that Twisted drives."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._deferred = sys.modules["twisted.internet.defer"].Deferred()

    def wake(self) -> None:
        """Let the coroutine go on, from any thread."""
        self._reactor.callFromThread(self._fire)

    def _fire(self) -> None:
        if not self._deferred.called:
            self._deferred.callback(None)

    def __await__(self) -> Generator[Any, Any, None]:
        """Wait until then, or until somebody cancels the coroutine's ``Deferred``."""
        yield self._deferred


def here() -> Waiter | None:
    """Return what waits in the library that runs coroutines on this thread, or None."""
    loop = running_loop()
    if loop is not None:
        # Twisted's reactor may be a loop of asyncio's, where its coroutines are no tasks.
        is_task = _REACTOR not in sys.modules or sys.modules["asyncio"].current_task() is not None
        return _OfAsyncio(loop) if is_task else of_twisted()
    return _OfTrio(sys.modules["trio"]) if trio_runs() else of_twisted()


_REACTOR = "twisted.internet.reactor"


def of_twisted() -> Waiter | None:
    """Return what waits in Twisted, if its reactor runs on this thread, or may do so later."""
    reactor = sys.modules.get(_REACTOR)
    if reactor is None:
        return None
    # task.react runs a coroutine before the reactor.
    thread = sys.modules["twisted.python.threadable"].ioThread
    return _OfTwisted(reactor) if thread in (None, threading.get_ident()) else None
