"""Streams: a Go function that gives many results, as an iterator.

Twin of ``gocore/stream.go``. Go runs ahead of the consumer by a bounded number
of results; the consumer tells it how many it has taken.
"""

from __future__ import annotations

import functools
import os
import threading
import weakref
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import (
    TYPE_CHECKING,
    Any,
    Generic,
    NoReturn,
    ParamSpec,
    SupportsIndex,
    TypeVar,
)

from gostitch import _calls, _pending, _process, _threads, _waiters
from gostitch._future import Future
from gostitch._queue import Queue
from gostitch._waiters import Waiter
from gostitch.exceptions import ForkedHandleError, GoClosedError, GoTypeError

P = ParamSpec("P")
T = TypeVar("T")

_REPORT_EVERY = 32
"""How many results are taken before Go is told: half of its windowResults. It is also told
when the consumer has to wait, since large results fill the window earlier."""


class Stream(Iterator[T], AsyncIterator[T]):
    """The results of one call, as they come: use it with ``for`` or ``async for``.

    The function starts at the first result that is asked for. ``close`` (or
    ``aclose``, the end of a ``with`` block, or dropping the stream) ends its context;
    the function itself ends a moment later. A stream is for one consumer.
    """

    def __init__(self, made: Any, packed: tuple[Any, ...]) -> None:
        self._made = made
        self._packed = packed
        self._results: deque[T] = deque()
        self._taken = 0
        self._future: Future[Any] | None = None
        self._begun_by: _process.Library | None = None
        self._queue: Queue | None = None
        self._waiter: Waiter | None = None
        self._ended = False
        self._busy = threading.Lock()

    def __repr__(self) -> str:
        state = "ended" if self._ended else "waits" if self._future is None else "runs"
        return f"<stream of {self._made.name}, {state}>"

    def __iter__(self) -> Stream[T]:
        return self

    def __next__(self) -> T:
        self._begin_read()
        try:
            if not self._results:
                self._wait()
            return self._take(StopIteration)
        finally:
            if self._ended:
                self._retire()
            self._busy.release()

    def __aiter__(self) -> Stream[T]:
        return self

    async def __anext__(self) -> T:
        self._begin_read()
        try:
            if not self._results:
                await self._wait_in_loop()
            return self._take(StopAsyncIteration)
        finally:
            self._busy.release()

    def __enter__(self) -> Stream[T]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Stream[T]:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __del__(self) -> None:
        queue = getattr(self, "_queue", None)
        if queue is not None:
            # Its own, whose only call is this one; Ctrl-C may have kept the future from us.
            for future in list(queue.pending.values()):
                future.cancel()
            self._retire()
            return
        future = getattr(self, "_future", None)
        if future is not None and not self._ended:
            future.cancel()

    def __reduce_ex__(self, protocol: SupportsIndex) -> NoReturn:
        raise TypeError(
            f"the stream of {self._made.name}() cannot be pickled or copied; take its results, or "
            "call the function where they are needed"
        )

    def close(self) -> None:
        """End the function's context; results that were not taken are dropped.

        May be called from any thread; a reader is woken, and finds the end.
        """
        self._stop()
        if self._busy.acquire(blocking=False):
            try:
                self._retire()
            finally:
                self._busy.release()
        else:
            self._wake_reader()

    async def aclose(self) -> None:
        """End the function's context; results that were not taken are dropped."""
        self.close()

    def _stop(self) -> None:
        self._ended = True
        self._results.clear()
        if self._future is not None:
            self._future.cancel()  # which wakes who waits in a loop

    def _begin_read(self) -> None:
        self._check_process()
        if not self._busy.acquire(blocking=False):
            raise GoClosedError(
                f"the stream of {self._made.name}() is being read already; a stream is for one "
                "consumer, so call the function once for each"
            )

    def _check_process(self) -> None:
        """Refuse to go on in a forked child, where the results would come a second time."""
        of = self._begun_by
        if of is not None and not self._ended and of is not _process.loaded():
            raise ForkedHandleError(
                f"process {os.getpid()} was forked from process {of.pid} while the stream of "
                f"{self._made.name}() ran there, and its results arrive there; call the function "
                "again in this process",
                details={"pid": os.getpid(), "parent_pid": of.pid},
            )

    def _begun_with(self, loop: str) -> GoTypeError:
        """Make the exception for reading on in another way."""
        return GoTypeError(
            f"the stream of {self._made.name}() was begun with {loop!r}; go on with that",
            details={"argument": "stream"},
        )

    def _start(self, queue: Queue) -> Future[Any]:
        frame, loan, timeout_ns, _ = self._packed
        self._packed = ()
        # Weak, so that a stream that is dropped can be collected while it runs.
        arrived = functools.partial(_arrived, weakref.ref(self))
        call = _calls.call_of(self._made, frame, loan, timeout_ns, arrived, None)
        self._begun_by = _process.loaded()
        try:
            future = queue.converse(call, self._keep)
        except BaseException:
            self._stop()
            raise
        if self._ended:  # another thread has closed the stream just now, and saw no call
            queue.cancel(future._token)
        return future

    def _keep(self, future: Future[Any]) -> None:
        self._future = future

    def _wake(self) -> None:
        """Wake who waits in a loop; the pump does when the loop was slow, and may not touch it."""
        waiter = self._waiter
        if waiter is not None:
            waiter.wake()

    def _wait(self) -> None:
        """Wait for a result or the end, on this thread."""
        if self._ended:
            return
        if self._future is None:
            self._queue = _pending.private_queue()
            self._start(self._queue)
        queue, future = self._queue, self._future
        if queue is None or future is None:
            raise self._begun_with("async for")
        poll = _threads.poll_of(queue.fd)
        try:
            while not self._results and not future.done():
                self._report()
                # Interrupted by signals, whose handlers Python then runs.
                poll.poll(_process.LOOK_S * 1e3)
                while queue.drain():
                    pass  # the descriptor tells only once
        except BaseException:
            self.close()
            raise

    async def _wait_in_loop(self) -> None:
        """Wait for a result or the end, in the running event loop."""
        if self._ended:
            return
        waiter: Waiter | None = self._waiter_here()
        if self._future is None:
            future = self._start(_pending.queue_here(_process.library()))
            future.add_done_callback(functools.partial(_ended, weakref.ref(self)))
        elif self._queue is not None:
            raise self._begun_with("for")
        assert self._future is not None
        while not self._results and not self._future.done():
            self._report()
            self._waiter = waiter or _waiters.here()
            try:
                # Another thread may have woken who was not there yet.
                if self._waiter and not self._results and not self._future.done():
                    await self._waiter
            except BaseException:  # the task is cancelled
                self._stop()
                raise
            finally:
                self._waiter = waiter = None

    def _waiter_here(self) -> Waiter:
        """Return what waits in the library that runs this coroutine."""
        waiter = _waiters.here()
        if waiter is None:
            raise RuntimeError(
                f"the stream of {self._made.name}() is read with 'async for' where no event loop "
                "of asyncio, trio or Twisted runs; under another library read it with 'for' in a "
                "thread"
            )
        return waiter

    def _take(self, end: type[Exception]) -> T:
        """Give the oldest result, or the end of the stream."""
        if self._results:
            try:
                result = self._results.popleft()
            except IndexError:  # another thread has closed the stream just now
                raise end from None
            self._taken += 1
            if self._taken == _REPORT_EVERY:
                self._report()
            return result
        if self._ended or self._future is None:
            raise end
        self._ended = True
        self._retire()
        self._future.result()  # raises what ended the function
        raise end

    def _report(self) -> None:
        """Tell Go how many results were taken, so that it goes on."""
        taken, self._taken = self._taken, 0
        if taken and self._future is not None and not self._future.done():
            try:
                self._future.send(taken.to_bytes(4, "little"))
            except GoClosedError:
                pass  # the function has just ended, and its reply is on the way

    def _wake_reader(self) -> None:
        """Wake the thread that waits for a result."""
        queue = self._queue
        if queue is not None:
            queue.wake()

    def _retire(self) -> None:
        queue, self._queue = self._queue, None
        if queue is not None:
            queue.retire()


def _arrived(of: weakref.ref[Stream[Any]], result: Any) -> None:
    stream = of()
    if stream is not None and not stream._ended:  # what comes after close() is dropped
        stream._results.append(result)
        stream._wake()


def _ended(of: weakref.ref[Stream[Any]], future: Any) -> None:
    stream = of()
    if stream is not None:
        stream._wake()


_OF_FUNCTIONS = (
    "__signature__",
    "__code__",
    "__defaults__",
    "__kwdefaults__",
    "__globals__",
)


class StreamFunction(Generic[P, T]):
    """A Go function that gives a ``Stream``."""

    def __init__(self, made: Any) -> None:
        self._made = made
        self.name: str = made.name
        self.__dict__["__call__"] = self  # where mock looks for the signature

    def __repr__(self) -> str:
        return f"<Go function {self.name}>"

    if not TYPE_CHECKING:

        @property
        def __class__(self) -> type:
            """Return that of a function of Python's to the tools that take nothing else."""
            seen = self._made.__class__
            return StreamFunction if seen is type(self._made) else seen

        def __getattr__(self, name: str) -> Any:
            """Return what tools ask of a function."""
            if name in _OF_FUNCTIONS:
                return getattr(self._made, name)
            raise AttributeError(f"{StreamFunction.__name__!r} object has no attribute {name!r}")

    def __get__(self, instance: object, owner: type | None = None) -> StreamFunction[P, T]:
        """Return itself: a function of Go's is no method."""
        return self

    def __reduce__(self) -> Any:
        return self._made.__reduce__()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> Stream[T]:
        """Check the arguments and give the stream, which starts at its first use."""
        instead = _calls.stand_in()
        if instead is not None:
            stream: Stream[T] = instead.stream(self._made, args, kwargs)
            return stream
        return Stream(self._made, self._made.pack(*args, **kwargs))


def stream(
    name: str, checksum: str, parameters: str, result: str
) -> Callable[[Callable[P, Stream[T]]], StreamFunction[P, T]]:
    """Make a definition, whose body is in Go, the streaming Go function of that name."""

    def bind(definition: Callable[P, Stream[T]]) -> StreamFunction[P, T]:
        made = _calls.function(name, checksum, parameters, "none", message=result)(definition)
        whole: StreamFunction[P, T] = StreamFunction(made)
        _calls.wear(whole, definition)
        return whole

    return bind
