"""Streams of the fake library, drawn from as they are read."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from typing import Any, TypeVar

from gostitch._loops import running_loop
from gostitch._stream import Stream
from gostitch._waiters import Waiter
from gostitch.testing._call import FakeCall
from gostitch.testing._conversation import Conversation

T = TypeVar("T")

Begin = Callable[[], tuple[FakeCall, Conversation, Generator[Any, None, None], bool]]
"""Start the call; the last is whether it hangs."""


class FakeStream(Stream[T]):
    """A stream whose results come from the test, on the thread that reads.

    Other than Go, which runs ahead, the test's iterable is asked for a result
    when the caller asks.
    """

    def __init__(self, made: Any, begin: Begin) -> None:
        super().__init__(made, ())
        self._begin = begin
        self._call: FakeCall | None = None
        self._talk: Conversation | None = None
        self._drawn: Generator[T, None, None]
        self._hangs = False
        self._in_loop = False
        self._failure: BaseException | None = None

    def __repr__(self) -> str:
        state = "ended" if self._ended else "waits" if self._call is None else "runs"
        return f"<stream of {self._made.name}, {state}>"

    def __del__(self) -> None:
        if getattr(self, "_call", None) is not None:
            self._stop()

    def _start_once(self, *, in_loop: bool) -> None:
        if self._call is None:
            self._in_loop = in_loop
            self._call, self._talk, self._drawn, self._hangs = self._begin()
            self._call.result = []
        elif self._in_loop is not in_loop:
            raise self._begun_with("async for" if self._in_loop else "for")

    def _wait(self) -> None:
        if not self._ended:
            self._start_once(in_loop=False)
            self._draw()

    async def _wait_in_loop(self) -> None:
        if self._ended:
            return
        waiter = self._waiter_here()
        self._start_once(in_loop=True)
        if self._hangs:
            await self._hang(waiter)
        else:
            self._draw()
            # Go's results are not there at once either: others have their turn.
            loop = running_loop()
            if loop is not None:
                loop.call_soon(waiter.wake)
            else:
                waiter.wake()
            await waiter

    async def _hang(self, waiter: Waiter) -> None:
        assert self._talk is not None
        self._waiter = waiter
        seconds = self._talk.timeout_s
        timer = None if seconds is None else threading.Timer(seconds, waiter.wake)
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            await waiter
        except BaseException:  # the task is cancelled
            self._stop()
            raise
        finally:
            self._waiter = None
            if timer is not None:
                timer.cancel()
        if not self._ended:
            self._failure = self._talk.timed_out()

    def _draw(self) -> None:
        """Take the next result, or what ends the stream, from the test."""
        assert self._talk is not None
        if self._talk.is_over():  # the fake library was left
            self._failure = self._talk.cancelled()
            return
        try:
            self._results.append(next(self._drawn))
        except StopIteration:
            pass
        except BaseException as error:
            self._failure = error

    def _take(self, end: type[Exception]) -> T:
        if self._ended or self._call is None:
            raise end
        if self._results:
            result = self._results.popleft()
            self._call.result.append(result)
            return result
        self._ended = True
        failure, self._failure = self._failure, None
        self._call.end(self._call.result, failure)
        raise failure or end

    def _stop(self) -> None:
        self._ended = True
        self._results.clear()
        if self._call is not None and self._talk is not None:
            self._call.cancel()
            self._talk.end()
            try:
                self._drawn.close()
            except ValueError:
                pass  # another thread draws from it, and sees the end of the context
        self._wake()
