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
import atexit
import itertools
import logging
import os
import select
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from gostitch import _buffers, _codec, _hooks, _process
from gostitch._future import FINISHED, Future
from gostitch._loop_future import LoopFuture
from gostitch.exceptions import ForkedHandleError, GoPanic

Decode = Callable[[memoryview], Any]
Record = tuple[int, int, int, Any]  # kind, token, status, payload

_MESSAGES = 2  # GOSTITCH_MESSAGES of gostitch.h
_FORKED = (
    "process {} was forked from process {} while this call ran there; its reply cannot "
    "arrive here, so make the call again in this process"
)

_GRACE_S = 0.002
"""Seconds that a running loop has to drain its queue before the pump does."""

_next_token = itertools.count(1).__next__
_log_to = logging.getLogger(_codec.LOGGER)


class _Pending:
    """What is needed when a record of a call arrives."""

    __slots__ = ("abandoned", "decode", "future", "loan", "on_message", "taken", "trace")

    def __init__(
        self,
        future: Future[Any],
        trace: bytes,
        decode: Any,
        loan: _buffers.Loan | None,
        on_message: Any,
    ) -> None:
        self.future = future
        self.trace = trace
        self.decode = decode
        self.loan = loan  # keeps the memory of buffers until the reply
        self.on_message = on_message
        self.taken = False  # the reply is being handled
        self.abandoned = False  # the interpreter ends: nobody must be told


class Queue:
    """Where the replies of submitted calls arrive, and how their futures are settled.

    Owns an eventfd and a queue of Go; ``close`` gives both back, which only
    may happen when nothing is pending: Go still reads lent buffers until the
    reply.
    """

    def __init__(
        self,
        library: _process.Library,
        *,
        host: bool = False,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._library = library
        self._loop = None if loop is None else weakref.ref(loop)
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._handle_number: int = library.lib.shim_queue(self.fd, host)
        self._pending: dict[int, _Pending] = {}
        self._unsettled: set[int] = set()
        # What each thread is in the middle of, and what was left of interrupted batches.
        self._open: dict[Iterator[Record] | None, int] = {}
        self._kept: list[Iterator[Record]] = []
        self._awaited: set[int] = set()  # tokens that somebody outside the loop may wait for
        self._blocked = False  # the loop's own thread may be the one that waits
        self.watched = False  # the pump polls the descriptor
        self.retired = False
        _queues[self._handle_number] = self

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
        loop = self._loop
        future: Future[Any] = Future(self, token) if loop is None else LoopFuture(self, token, loop)
        loan = _buffers.Loan(library.ffi, beside) if beside else None
        views = loan.array if loan else library.ffi.NULL
        trace = _hooks.trace_context()
        # Registered before the crossing: the reply may be drained by another
        # thread before shim_submit returns here.
        self._unsettled.add(token)
        self._pending[token] = _Pending(future, trace, decode, loan, on_message)
        scratch = _buffers.take(library.ffi)
        try:
            status = library.submit(
                number, _MESSAGES if on_message else 0, timeout_ns, trace, len(trace), frame,
                len(frame), views, len(beside), token, self._handle_number, scratch.out,
            )  # fmt: skip
            if status != _codec.OK:
                self._pending.pop(token, None)
                self._unsettled.discard(token)
                if loan:
                    loan.end()
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
        if _process.loaded() is not self._library:
            return
        self._library.lib.shim_cancel(token)
        if self._loop is not None:
            # The loop may be at its end, and nobody else would take the reply.
            self._let_pump_serve(token)

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

    def watch(self, future: Future[Any], *, blocks: bool) -> None:
        """Make sure that somebody drains this queue although its owner may not."""
        if future.done():
            return
        if self._loop is not None and asyncio._get_running_loop() is self._loop():
            self._blocked = blocks
        if self._let_pump_serve(future._token) and blocks:
            pump().stand_in()
            # A callback is about to wait, perhaps for a reply further down its own batch.
            for records, thread in list(self._open.items()):
                if records is not None and thread == threading.get_ident():
                    self._keep(None, records)

    def _let_pump_serve(self, token: int) -> bool:
        """Have the pump drain this queue until the reply is there; false if it is already."""
        self._awaited.add(token)
        if token not in self._pending:  # drained meanwhile
            self._awaited.discard(token)
            return False
        pump().watch(self)
        return True

    def is_idle(self) -> bool:
        """Tell whether there is nothing that the pump must do for this queue."""
        return not (self._pending if self.retired else self._awaited)

    def is_served(self) -> bool:
        """Tell whether the loop of this queue is running, and will drain it."""
        loop = None if self._loop is None else self._loop()
        return loop is not None and not self._blocked and loop.is_running()

    def is_ready(self) -> bool:
        """Tell whether records wait, as far as the descriptor tells."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        return bool(poll.poll(0))

    def drain_in_loop(self, loop: asyncio.AbstractEventLoop) -> None:
        """Drain what waits, as the loop's reader."""
        self._blocked = False
        if self.drain():
            # One batch at a time, so that the loop's other work has its turn.
            loop.call_soon(self.drain_in_loop, loop)

    def drain(self) -> bool:
        """Handle one batch of waiting records; tell whether more wait."""
        library = self._library
        self._handle_kept()
        scratch = _buffers.take(library.ffi)
        scratch.drained[1] = 0
        records: Iterator[Record] | None = None
        try:
            library.drain(
                self._handle_number,
                self.fd,
                scratch.pointer,
                _buffers.SCRATCH_SIZE,
                scratch.drained,
            )
            if not scratch.drained[1]:
                return False
            records = _records(scratch)
            self._open[records] = threading.get_ident()
            self._handle_all(records)
            return bool(scratch.drained[0])
        except BaseException:
            self._keep(None, _records(scratch) if records is None else records)
            raise
        finally:
            self._open.pop(records, None)
            _buffers.pool.append(scratch)

    def _handle_kept(self) -> None:
        for records in list(self._kept):
            self._handle_all(records)
            try:
                self._kept.remove(records)
            except ValueError:
                pass  # another thread has seen its end too

    def _handle_all(self, records: Iterator[Record]) -> None:
        record = None
        try:
            for record in records:
                self._handle(*record)
        except BaseException:
            self._keep(record, records)
            raise

    def _keep(self, current: Record | None, records: Iterator[Record]) -> None:
        """Keep what is left of a batch for the next drain.

        Ctrl-C may strike anywhere in the middle of one, and nothing that was
        drained may be lost.
        """
        left = list(records)
        if current is not None and current[0] == _codec.REPLY:
            entry = self._pending.get(current[1])
            if entry is not None and not entry.taken:
                left.insert(0, current)
        if left:
            # The payloads are views into a scratch that is about to be reused.
            self._kept.append(iter([_own(record) for record in left]))
        os.eventfd_write(self.fd, 1)

    def _handle(self, kind: int, token: int, status: int, payload: Any) -> None:
        if kind == _codec.REPLY:
            self._reply(token, status, payload)
            return
        if type(payload) is tuple:
            payload = _hold(self._library, *payload)
        if kind == _codec.MESSAGE:
            # A goroutine that outlived its call may still send.
            entry = self._pending.get(token)
            if entry is not None:
                self._message(token, entry, payload)
        elif kind == _codec.LOG:
            _log(payload)
        elif kind == _codec.SPAN:
            _hooks.span(bytes(payload))

    def _reply(self, token: int, status: int, payload: Any) -> None:
        entry = self._pending[token]
        future = entry.future
        try:
            entry.taken = True
            held = type(payload) is tuple
            if held:
                payload = _hold(self._library, *payload)
            if entry.loan:
                entry.loan.end()
            if entry.abandoned:
                return
            if status != _codec.OK:
                future.settle(FINISHED, None, decode_error(payload, entry.trace))
            elif entry.decode is not None:
                future.settle(FINISHED, entry.decode(payload), None)
            else:
                future.settle(FINISHED, payload if held else memoryview(bytes(payload)), None)
        except BaseException as error:  # MemoryError, say: the waiter must not wait for ever
            future.settle(FINISHED, None, error)
            if type(payload) is tuple:  # it was not held yet
                self._library.release(payload[2])
            if not isinstance(error, Exception):
                raise
        finally:
            self._pending.pop(token, None)
            self._awaited.discard(token)

    def _message(self, token: int, entry: _Pending, payload: memoryview) -> None:
        if entry.on_message is None or entry.abandoned or entry.future.done():
            return
        loop = None if self._loop is None else self._loop()
        if loop is not None and loop is not asyncio._get_running_loop() and self.is_served():
            # The pump helps a loop that is slow; callbacks still belong to the loop's thread.
            loop.call_soon_threadsafe(self._message, token, entry, memoryview(bytes(payload)))
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
        self.retired = True
        if self._pending or self.watched:
            # Nothing may be polled after it was closed: the number may soon be another file's.
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
            future._awaiting = []
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
    _buffers.drop(out, library.release)
    return decode_error(payload, trace)


def _hold(library: _process.Library, address: int, length: int, handle: int) -> memoryview:
    pointer = library.lib.shim_pointer(address)
    return _buffers.hold(library.ffi, pointer, length, handle, library.release_buffer)


def _records(scratch: _buffers.Scratch) -> Iterator[Record]:
    """Split the batch in a scratch, which may be empty, into records."""
    length = scratch.drained[1]
    return iter(_codec.decode_records(scratch.view[:length]) if length else ())


def _own(record: Record) -> Record:
    """Give a record that does not refer to a scratch."""
    kind, token, status, payload = record
    return kind, token, status, payload if type(payload) is tuple else memoryview(bytes(payload))


def _log(payload: memoryview) -> None:
    record = _codec.decode_log(payload)
    if _log_to.isEnabledFor(record.levelno):
        _log_to.handle(record)


_queues: weakref.WeakValueDictionary[int, Queue] = weakref.WeakValueDictionary()
"""The queues by handle. A dict can be copied while other threads add to it; a set cannot."""


def _all_queues() -> list[Queue]:
    return [queue for ref in _queues.valuerefs() if (queue := ref()) is not None]


_loop_queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Queue]
_loop_queues = weakref.WeakKeyDictionary()


def queue_here(library: _process.Library) -> Queue:
    """Give the queue for a call submitted here: the running loop's, or the process's."""
    loop = asyncio._get_running_loop()
    if loop is None:
        return pump().queue
    queue = _loop_queues.get(loop)
    if queue is None:
        _retire_closed_loops()
        queue = _loop_queues[loop] = Queue(library, loop=loop)
        loop.add_reader(queue.fd, queue.drain_in_loop, loop)
        weakref.finalize(loop, queue.retire).atexit = False
    return queue


def _retire_closed_loops() -> None:
    """Give the queues of closed loops back although something still refers to the loop."""
    for ref in _loop_queues.keyrefs():
        loop = ref()
        queue = None if loop is None else _loop_queues.get(loop)
        if loop is not None and queue is not None and loop.is_closed():
            queue.retire()


class Pump:
    """The daemon thread that drains the process's queue, and others while somebody needs it."""

    def __init__(self, library: _process.Library) -> None:
        self.queue = Queue(library, host=True)
        self._changed = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.queue.watched = True
        self._watched: dict[int, Queue] = {self.queue.fd: self.queue}
        self._thread: threading.Thread
        self._start()

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="gostitch-pump", daemon=True)
        self._thread.start()

    def stand_in(self) -> None:
        """Let another thread take over if this is the pump's: a callback is about to wait."""
        if threading.current_thread() is self._thread:
            self._start()

    def watch(self, queue: Queue) -> None:
        """Drain this queue too, until it is idle."""
        if queue.watched and not queue.retired:
            return
        queue.watched = True
        self._watched[queue.fd] = queue
        os.eventfd_write(self._changed, 1)

    def _run(self) -> None:
        while not self._is_replaced():
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
                if self._is_replaced():
                    return
            if self._sweep():
                return

    def _is_replaced(self) -> bool:
        return threading.current_thread() is not self._thread

    def _drain(self, queue: Queue) -> None:
        if queue.is_served():
            # Two threads on one queue get in each other's way; here the loop comes
            # first, and the pump only helps where it is slow or has stopped.
            time.sleep(_GRACE_S)
            if not queue.is_ready():
                return
        try:
            while queue.drain():
                pass
        except BaseException:
            # One record that cannot be handled must not stop all others, nor may a
            # callback that calls sys.exit.
            logging.getLogger("gostitch").exception("a record of Go could not be handled")

    def _sweep(self) -> bool:
        """Let go of the queues that do not need the pump any more; tell whether there were any."""
        let_go = False
        for fd, queue in list(self._watched.items()):
            if queue is self.queue or not queue.is_idle():
                continue
            del self._watched[fd]
            queue.watched = False
            if not queue.is_idle():  # somebody came to wait just now, and saw it watched
                self.watch(queue)
                continue
            let_go = True
            if queue.retired:
                queue.close()
        return let_go


_pump: Pump | None = None
_pump_lock = threading.Lock()


def pump() -> Pump:
    """Give the process's pump, starting it if need be."""
    global _pump
    if _pump is None:
        with _pump_lock:
            if _pump is None:
                _pump = Pump(_process.library())
                atexit.register(_abandon)
    return _pump


def _abandon() -> None:
    """Leave who still waits alone, at exit, before the calls are cancelled.

    They are daemon threads, which end silently. A call made later, by another
    handler of atexit, is served.
    """
    for queue in _all_queues():
        for entry in list(queue._pending.values()):
            entry.abandoned = True


def drain_host() -> None:
    """Handle the spans and logs that wait, now."""
    if _pump is not None:
        while _pump.queue.drain():
            pass


def pending_count() -> int:
    """Give the number of submitted calls whose reply was not handled yet."""
    return sum(queue.pending_count() for queue in _all_queues())


def _after_fork_in_child() -> None:
    global _pump, _pump_lock
    _pump, _pump_lock = None, threading.Lock()
    _loop_queues.clear()
    for queue in _all_queues():
        queue.fail()
    _queues.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
