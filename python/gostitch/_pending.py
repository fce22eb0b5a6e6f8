"""Submitted calls: the queues their replies arrive on, and who drains them.

Twin of ``gocore/cabi/pending.go``. Each event loop has a queue that its own
reader drains, so that an await costs no thread switch; all other futures share
the process's queue, drained by one daemon thread, the pump. Draining is safe
from any thread: Go hands each record out once. When somebody outside an event
loop waits for one of its futures, the pump watches that loop's queue as well,
so a blocked or closed loop cannot make the waiter hang.
"""

from __future__ import annotations

import asyncio
import collections
import itertools
import logging
import os
import select
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from gostitch import _buffers, _codec, _hooks, _process
from gostitch._future import FINISHED, Future
from gostitch.exceptions import ForkedHandleError, GoPanic

Decode = Callable[[memoryview], Any]

_MESSAGES = 2  # GOSTITCH_MESSAGES of gostitch.h
_FORKED = (
    "process {} was forked from process {} while this call ran there; its reply cannot "
    "arrive here, so make the call again in this process"
)

_next_token = itertools.count(1).__next__
_log_to = logging.getLogger(_codec.LOGGER)


class _Pending:
    """What is needed when a record of a call arrives."""

    __slots__ = ("decode", "future", "lent", "on_message", "trace")

    def __init__(
        self, future: Future[Any], trace: bytes, decode: Any, lent: Any, on_message: Any
    ) -> None:
        self.future = future
        self.trace = trace
        self.decode = decode
        self.lent = lent  # keeps the memory of buffers until the reply
        self.on_message = on_message


class Queue:
    """Where the replies of submitted calls arrive, and how their futures are settled.

    Owns an eventfd and a queue of Go; ``close`` gives both back, which only
    may happen when nothing is pending: Go still reads lent buffers until the
    reply.
    """

    def __init__(self, library: _process.Library, *, host: bool = False) -> None:
        self._library = library
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._handle_number: int = library.lib.shim_queue(self.fd, host)
        self._pending: dict[int, _Pending] = {}
        self._unsettled: set[int] = set()
        self._backlog: collections.deque[tuple[int, int, int, Any]] = collections.deque()
        self.retired = False
        _queues.add(self)

    def submit(
        self,
        number: int,
        timeout_ns: int,
        frame: bytes,
        beside: list[Any],
        decode: Decode | None,
        on_message: Callable[[memoryview], None] | None,
    ) -> Future[Any]:
        """Start a function and give the future of its reply."""
        library = self._library
        token = _next_token()
        future: Future[Any] = Future(self, token)
        views, lent = _buffers.lend(library.ffi, beside) if beside else (library.ffi.NULL, None)
        trace = _hooks.trace_context()
        # Registered before the crossing: the reply may be drained by another
        # thread before shim_submit returns here.
        self._unsettled.add(token)
        self._pending[token] = _Pending(future, trace, decode, lent, on_message)
        scratch = _buffers.take(library.ffi)
        try:
            status = library.submit(
                number, _MESSAGES if on_message else 0, timeout_ns, trace, len(trace), frame,
                len(frame), views, len(beside), token, self._handle_number, scratch.out,
            )  # fmt: skip
            if status != _codec.OK:
                self._pending.pop(token, None)
                self._unsettled.discard(token)
                raise take_error(library, scratch.out)
        finally:
            _buffers.pool.append(scratch)
        return future

    def send(self, token: int, message: bytes) -> None:
        """Send a message to a running function."""
        library = self._usable()
        out = library.ffi.new("gostitch_out *")
        if library.lib.shim_send(token, message, len(message), out) != _codec.OK:
            raise take_error(library, out)

    def cancel(self, token: int) -> None:
        """Cancel the context of a running function."""
        if _process.loaded() is self._library:
            self._library.lib.shim_cancel(token)

    def claim(self, token: int) -> bool:
        """Tell, to exactly one caller, that it is the one to settle the future."""
        try:
            self._unsettled.remove(token)
        except KeyError:
            return False
        return True

    def pending_count(self) -> int:
        """Give the number of replies that are to come."""
        return len(self._pending)

    def watch(self, future: Future[Any]) -> None:
        """Make sure that somebody drains this queue although its owner may not."""
        if not future.done():
            pump().watch(self)

    def drain(self) -> bool:
        """Handle one batch of waiting records; tell whether more wait."""
        library = self._library
        while self._backlog:
            self._handle(*self._backlog.popleft())
        scratch = _buffers.take(library.ffi)
        try:
            length = library.drain(
                self._handle_number, self.fd, scratch.pointer, _buffers.SCRATCH_SIZE, scratch.more
            )
            if length <= 0:
                return False
            self._handle_all(iter(_codec.decode_records(scratch.view[:length])))
            return bool(scratch.more[0])
        finally:
            _buffers.pool.append(scratch)

    def _handle_all(self, records: Iterator[tuple[int, int, int, Any]]) -> None:
        try:
            for record in records:
                self._handle(*record)
        except BaseException:
            # Ctrl-C in the middle of a batch: the rest must not be lost. The
            # payloads are views into a scratch that is about to be reused.
            for kind, token, status, payload in records:
                kept = payload if type(payload) is tuple else bytes(payload)
                self._backlog.append((kind, token, status, kept))
            os.eventfd_write(self.fd, 1)
            raise

    def _handle(self, kind: int, token: int, status: int, payload: Any) -> None:
        held = type(payload) is tuple
        if held:
            payload = _hold(self._library, *payload)
        if kind == _codec.REPLY:
            self._reply(self._pending.pop(token), status, payload, held)
        elif kind == _codec.MESSAGE:
            self._message(token, self._pending[token], payload)
        elif kind == _codec.LOG:
            _log(payload)
        elif kind == _codec.SPAN:
            _hooks.span(bytes(payload))

    def _reply(self, entry: _Pending, status: int, payload: memoryview, held: bool) -> None:
        future = entry.future
        try:
            if status != _codec.OK:
                future.settle(FINISHED, None, decode_error(payload, entry.trace))
            elif entry.decode is not None:
                future.settle(FINISHED, entry.decode(payload), None)
            else:
                future.settle(FINISHED, payload if held else memoryview(bytes(payload)), None)
        except BaseException as error:  # MemoryError, say: the waiter must not wait for ever
            future.settle(FINISHED, None, error)
            if not isinstance(error, Exception):
                raise

    def _message(self, token: int, entry: _Pending, payload: memoryview) -> None:
        if entry.on_message is None or entry.future.done():
            return
        try:
            entry.on_message(payload)
        except BaseException as error:
            # A caller's broken callback is the caller's to see.
            self.cancel(token)
            entry.future.settle(FINISHED, None, error)
            if not isinstance(error, Exception):
                raise

    def _usable(self) -> _process.Library:
        if _process.loaded() is not self._library:
            raise ForkedHandleError(_FORKED.format(os.getpid(), self._library.pid))
        return self._library

    def retire(self) -> None:
        """Close the queue as soon as nothing is pending."""
        if _process.loaded() is not self._library:
            return
        if self._pending:
            self.retired = True
            pump().watch(self)
        else:
            self.close()

    def close(self) -> None:
        """Give the queue and its descriptor back."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            self._library.release(self._handle_number)
            os.close(fd)

    def fail(self) -> None:
        """Fail what is pending, in a forked child where no reply can come."""
        text = _FORKED.format(os.getpid(), self._library.pid)
        for entry in self._pending.values():
            future = entry.future
            # Locks may have been held by threads that do not exist here.
            future._own_condition = None
            future._awaiting = ()
            future._done_callbacks = []
            future.settle(FINISHED, None, ForkedHandleError(text))
        self._pending.clear()


def decode_error(payload: bytes | memoryview, trace: bytes) -> Exception:
    """Build the exception of an error frame, and report it if it is a panic."""
    error = _codec.decode_error(payload)
    if isinstance(error, GoPanic):
        _hooks.panicked(error, trace)
    return error


def take_error(library: _process.Library, out: Any, trace: bytes = b"") -> Exception:
    """Build the exception of a reply that is an error, and release the reply."""
    payload = _buffers.copy(library.ffi, out)
    library.release(out.handle)
    return decode_error(payload, trace)


def _hold(library: _process.Library, address: int, length: int, handle: int) -> memoryview:
    pointer = library.lib.shim_pointer(address)
    return _buffers.hold(library.ffi, pointer, length, handle, library.release)


def _log(payload: memoryview) -> None:
    record = _codec.decode_log(payload)
    if _log_to.isEnabledFor(record.levelno):
        _log_to.handle(record)


_queues: weakref.WeakSet[Queue] = weakref.WeakSet()
_loop_queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Queue]
_loop_queues = weakref.WeakKeyDictionary()


def queue_here(library: _process.Library) -> Queue:
    """Give the queue for a call submitted here: the running loop's, or the process's."""
    loop = asyncio._get_running_loop()
    if loop is None:
        return pump().queue
    queue = _loop_queues.get(loop)
    if queue is None:
        queue = _loop_queues[loop] = Queue(library)
        loop.add_reader(queue.fd, _drain_in_loop, loop, queue)
        weakref.finalize(loop, queue.retire).atexit = False
    return queue


def _drain_in_loop(loop: asyncio.AbstractEventLoop, queue: Queue) -> None:
    if queue.drain():
        # One batch at a time, so that the loop's other work has its turn.
        loop.call_soon(_drain_in_loop, loop, queue)


class Pump:
    """The daemon thread that drains the process's queue, and others when asked to."""

    def __init__(self, library: _process.Library) -> None:
        self.queue = Queue(library, host=True)
        self._changed = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._watched: dict[int, Queue] = {self.queue.fd: self.queue}
        thread = threading.Thread(target=self._run, name="gostitch-pump", daemon=True)
        thread.start()

    def watch(self, queue: Queue) -> None:
        """Drain this queue too, until it is closed."""
        if self._watched.setdefault(queue.fd, queue) is queue:
            os.eventfd_write(self._changed, 1)

    def _run(self) -> None:
        while True:
            poll = select.poll()
            poll.register(self._changed, select.POLLIN)
            for fd in list(self._watched):
                poll.register(fd, select.POLLIN)
            self._serve(poll)

    def _serve(self, poll: select.poll) -> None:
        """Drain what is ready until the set of queues changes."""
        while True:
            for fd, _ in poll.poll():
                if fd == self._changed:
                    os.eventfd_read(fd)
                    self._sweep()
                    return
                self._drain(self._watched[fd])
            if self._sweep():
                return

    def _drain(self, queue: Queue) -> None:
        try:
            while queue.drain():
                pass
        except Exception:
            # One record that cannot be handled must not stop all others.
            logging.getLogger("gostitch").exception("a record of Go could not be handled")

    def _sweep(self) -> bool:
        """Let go of queues whose owner is gone and to which nothing will come."""
        done = [
            fd for fd, queue in self._watched.items() if queue.retired and not queue.pending_count()
        ]
        for fd in done:
            self._watched.pop(fd).close()
        return bool(done)


_pump: Pump | None = None
_pump_lock = threading.Lock()


def pump() -> Pump:
    """Give the process's pump, starting it if need be."""
    global _pump
    if _pump is None:
        with _pump_lock:
            if _pump is None:
                _pump = Pump(_process.library())
    return _pump


def pending_count() -> int:
    """Give the number of submitted calls whose reply was not handled yet."""
    return sum(queue.pending_count() for queue in list(_queues))


def _after_fork_in_child() -> None:
    global _pump, _pump_lock
    _pump, _pump_lock = None, threading.Lock()
    _loop_queues.clear()
    for queue in list(_queues):
        queue.fail()
    _queues.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
