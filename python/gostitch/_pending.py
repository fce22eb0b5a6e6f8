"""Who drains the queues that replies arrive on.

Twin of ``gocore/cabi/pending.go``. Each event loop has a queue that its own
reader drains, so that an await costs no thread switch; all other futures share
the process's queue, drained by one daemon thread, the pump. When somebody
outside an event loop waits for one of its futures, the pump watches that loop's
queue as well, so a blocked or closed loop cannot make the waiter hang.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import select
import threading
import time
import weakref
from typing import TYPE_CHECKING

from gostitch import _logs, _process
from gostitch._loops import running_loop
from gostitch._queue import Queue, all_queues, leave
from gostitch.exceptions import GoError, LibraryError

if TYPE_CHECKING:
    import asyncio

_HELD_UP_S = 0.05
"""Seconds with one batch after which the pump counts as held up, if somebody waits."""

_GRACE_S = 0.002
"""Seconds that a running loop has to drain its queue before the pump does."""

_SETTLE_S = 0.25
"""Seconds that the interpreter's end waits for what the pump has in hand."""

_loop_queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Queue]
_loop_queues = weakref.WeakKeyDictionary()


def queue_here(library: _process.Library) -> Queue:
    """Give the queue for a call submitted here: the running loop's, or the process's."""
    loop = running_loop()
    if loop is None:
        return pump().queue
    queue = _loop_queues.get(loop)
    if queue is None:
        _retire_closed_loops()
        queue = _loop_queues[loop] = Queue(library, pump, loop=loop)
        loop.add_reader(queue.fd, queue.drain_in_loop, loop)
        weakref.finalize(loop, queue.retire).atexit = False
    return queue


def private_queue() -> Queue:
    """Give a queue for one call whose caller drains it; it must be retired."""
    return Queue(_process.library(), pump)


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
        if not hasattr(select, "poll"):
            raise LibraryError(
                "select.poll is not there, which gostitch's thread needs, as after "
                "eventlet.monkey_patch(); call eventlet.monkey_patch(select=False, thread=False), "
                "or use gevent",
            )
        self.queue = Queue(library, pump, host=True)
        self._changed = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.queue.watched = True
        self._watched: dict[int, Queue] = {self.queue.fd: self.queue}
        self._busy_since = 0.0  # with one batch; 0: it waits for something to do
        self.handling = False  # what it has drained
        _logs.when_level_changes(self._level_changed)
        self._level_is_old = not _logs.level_is_told()
        self._thread: threading.Thread
        self._start()

    def _level_changed(self) -> None:
        # Not here: who changes a level holds the lock of logging.
        self._level_is_old = True
        os.eventfd_write(self._changed, 1)

    def _refresh(self) -> None:
        self._level_is_old = False
        try:
            _process.refresh()
        except GoError:
            logging.getLogger("gostitch").exception("the level of logging did not reach Go")

    def forget(self) -> None:
        """Close what is the pump's own, in a forked child, where its thread does not exist."""
        _logs.when_level_changes(lambda: None)
        _process.close_inherited(self._changed)

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="gostitch-pump", daemon=True)
        self._thread.start()

    def stand_in(self) -> None:
        """Let another thread take over if this is the pump's: a callback is about to wait."""
        if threading.current_thread() is self._thread:
            self._start()

    def relieve(self) -> None:
        """Let another thread take over if this one's is with one batch for long."""
        since = self._busy_since
        if not since or time.monotonic() - since < _HELD_UP_S:
            return
        self._busy_since = 0.0
        self._start()
        for queue in list(self._watched.values()):
            if queue.has_records():
                queue.wake()

    def watch(self, queue: Queue) -> None:
        """Drain this queue too, until it is idle."""
        if queue.watched and not queue.retired:
            return
        queue.watched = True
        self._watched[queue.fd] = queue
        os.eventfd_write(self._changed, 1)

    def _run(self) -> None:
        while not self._is_replaced():
            if self._level_is_old:
                self._refresh()
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
            self.handling = more = True
            while more and not self._is_replaced():
                self._busy_since = time.monotonic()
                more = queue.drain()
        except BaseException:
            # One record that cannot be handled must not stop all others, nor may a
            # callback that calls sys.exit.
            # A filter or handler of the program's may be what is broken.
            with contextlib.suppress(BaseException):
                logging.getLogger("gostitch").exception("a record of Go could not be handled")
        finally:
            if self._is_replaced():
                queue.wake()  # for what is left
            else:
                self._busy_since = 0.0
                self.handling = False

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
_pump_lock = threading.RLock()  # reentrant for handlers of signals


def pump() -> Pump:
    """Give the process's pump, starting it if need be."""
    global _pump
    if _pump is None:
        with _pump_lock:
            if _pump is None:
                made = Pump(_process.library())
                # Unless a signal's handler was faster; this one then serves who has its queue.
                _pump = _pump or made
                # Before the calls are cancelled: who waits then are daemon threads,
                # which end silently. What the main thread calls later, in another
                # handler of atexit, is served.
                for last in (leave, _settle):  # in the order in which they do not run
                    atexit.unregister(last)  # the parent's, after fork
                    atexit.register(last)
    return _pump


def drain_host() -> None:
    """Handle the spans and logs that wait, now."""
    if _pump is not None:
        while _pump.queue.drain():
            pass


def _settle() -> None:
    """Handle the last spans and logs, at exit: the pump ends with what it has in hand."""
    library = _process.loaded()
    if library is None or not library.is_alive():
        return
    until = time.monotonic() + _SETTLE_S
    while _pump is not None and _pump.handling and time.monotonic() < until:
        time.sleep(_SETTLE_S / 100)
    drain_host()


def pending_count() -> int:
    """Give the number of submitted calls whose reply was not handled yet."""
    return sum(queue.pending_count() for queue in all_queues())


def _after_fork_in_child() -> None:
    global _pump, _pump_lock
    if _pump is not None:
        _pump.forget()
    _pump, _pump_lock = None, threading.RLock()
    _loop_queues.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
