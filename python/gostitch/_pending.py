"""Who drains the queues that replies arrive on.

Twin of ``gocore/cabi/pending.go``. Each event loop has a queue that its own
reader drains, so that an await costs no thread switch; all other futures share
the process's queue, drained by one daemon thread, the pump. When somebody
outside an event loop waits for one of its futures, the pump watches that loop's
queue as well, so a blocked or closed loop cannot make the waiter hang.

Spans and logs have a queue and a pump of their own: handlers and processors of the program's
may wait for a disk or a network, and no reply may wait for those.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import select
import sys
import threading
import time
import weakref
from typing import TYPE_CHECKING

from gostitch import _logs, _process
from gostitch._loops import running_loop
from gostitch._queue import QUESTIONS, RECORDS, Queue, all_queues, leave
from gostitch.exceptions import LibraryError

if TYPE_CHECKING:
    import asyncio

_HELD_UP_S = 0.05
"""Seconds with one batch after which the pump counts as held up, if somebody waits."""

_GRACE_S = 0.002
"""Seconds that a running loop has to drain its queue before the pump does."""

_SETTLE_S = 0.25
"""Seconds that the interpreter's end waits for what the pump has in hand."""

_LOOK_S = 0.0005
"""Seconds between two looks whether all spans and logs were handled."""

_MOST_WAITING = 8192 + 64
"""Spans and logs that may wait in Go (gocore.hostQueueSize), and a few that came at once."""

_LAST_S = 5.0
"""Seconds for which the interpreter's end handles the last spans and logs."""

_CLOSED = (
    "the program has closed descriptors of gostitch, so that replies of submitted calls get lost; "
    "close what was inherited before the first call"
)

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
    """A daemon thread that drains a queue of the process, and others while somebody needs it."""

    def __init__(self, library: _process.Library, name: str, roles: int) -> None:
        if not hasattr(select, "poll"):
            raise LibraryError(
                "select.poll is not there, which gostitch's thread needs, as after "
                "eventlet.monkey_patch(); call eventlet.monkey_patch(select=False, thread=False), "
                "or use gevent",
            )
        self._name = name
        self.queue = Queue(library, pump, roles=roles)
        self._changed = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.queue.watched = True
        self._watched: dict[int, Queue] = {self.queue.fd: self.queue}
        self._busy_since = 0.0  # with one batch; 0: it waits for something to do
        self.handling = False  # what it has drained
        self._level_is_old = False
        self._telling = threading.RLock()  # reentrant for handlers of signals
        self._thread: threading.Thread
        self._start()

    def follow_level(self) -> None:
        """Tell Go of the level of logging that counts, now and when it changes."""
        _logs.when_level_changes(self._level_changed)
        if not _logs.level_is_told():
            self._level_changed()

    def _level_changed(self) -> None:
        # Not here: who changes a level holds the lock of logging.
        self._level_is_old = True
        _process.bridge.look_again()
        os.eventfd_write(self._changed, 1)

    def tell_level(self) -> None:
        """Tell Go of the level of logging, unless it knows; whoever comes second waits."""
        try:
            with self._telling:
                if self._level_is_old:
                    self._level_is_old = False
                    _process.refresh()
        except Exception:  # or there would be nobody to handle replies
            with contextlib.suppress(Exception):  # of a handler, as below
                logging.getLogger("gostitch").exception("the level of logging did not reach Go")

    def forget(self) -> None:
        """Close what is the pump's own, in a forked child, where its thread does not exist."""
        _process.close_inherited(self._changed)

    def _start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
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
            self.tell_level()
            poll = select.poll()
            poll.register(self._changed, select.POLLIN)
            for fd in list(self._watched):
                poll.register(fd, select.POLLIN)
            try:
                self._serve(poll)
            except OSError:  # a daemon has closed what it inherited: the number is another file's
                if _pump is self:  # one of both says it
                    with contextlib.suppress(Exception):
                        logging.getLogger("gostitch").error(_CLOSED)
                return

    def _serve(self, poll: select.poll) -> None:
        """Drain what is ready until the set of queues changes."""
        while True:
            for fd, _ in poll.poll():
                if fd == self._changed:
                    with contextlib.suppress(BlockingIOError):
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
            _tell_of_failure()
        finally:
            if self._is_replaced():
                queue.wake()  # for what is left
            else:
                self._busy_since = 0.0
                self.handling = False

    def handle(self, until: float | None = None) -> bool:
        """Drain the pump's queue on this thread, until then; tell whether there may be more."""
        try:
            return self.queue.drain(until)
        except Exception:
            _tell_of_failure()
            return True  # what came with it

    def is_busy(self) -> bool:
        """Tell whether something waits or is in hand."""
        # In the order of its way, or what goes from one to the next meanwhile would be missed.
        return self.queue.is_ready() or self.queue.has_records() or self.handling

    def is_served_here(self) -> bool:
        """Tell whether this thread is the pump's."""
        return threading.current_thread() is self._thread

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


def _tell_of_failure() -> None:
    # A filter or handler of the program's may be what is broken.
    with contextlib.suppress(BaseException):
        logging.getLogger("gostitch").exception("a record of Go could not be handled")


_pump: Pump | None = None
_records: Pump | None = None  # for spans and logs
_here = threading.local()
_pump_lock = threading.RLock()  # reentrant for handlers of signals


def pump() -> Pump:
    """Give the process's pump for replies, starting both if need be."""
    global _pump, _records
    if _pump is None:
        with _pump_lock:
            if _pump is None:
                library = _process.library()
                made = Pump(library, "gostitch-pump", QUESTIONS)
                # Unless a signal's handler was faster; this one then serves who has its queue.
                if _pump is None:
                    _records = Pump(library, "gostitch-records", RECORDS)
                    _pump = made
                    made.follow_level()
                # Before the calls are cancelled: who waits then are daemon threads,
                # which end silently. What the main thread calls later, in another
                # handler of atexit, is served.
                for last in (leave, _settle):  # in the order in which they do not run
                    atexit.unregister(last)  # the parent's, after fork
                    atexit.register(last)
    return _pump


def tell_level() -> None:
    """Tell Go of the level of logging, if there is somebody who follows it."""
    if _pump is not None:
        _pump.tell_level()


def drain_host(until: float) -> bool:
    """Handle the spans and logs that wait, now, until then at most; false if some may be left.

    Another thread may have one in hand. New ones may come as quickly as they are handled. Where
    this thread is in the middle of it, it goes on after what is handled just now: who flushes for
    each span would get deeper with each.
    """
    records = _records
    if records is None:
        return True
    if getattr(_here, "drains", False):
        return False
    _here.drains = True
    try:
        while records.handle(until):
            if time.monotonic() >= until:
                return False
    finally:
        _here.drains = False
    return True


def is_handling() -> bool:
    """Tell whether this thread is in the middle of handling a span or log, or helps one that is."""
    inside = _records is not None and _records.is_served_here()
    return inside or getattr(_here, "helps", False) or getattr(_here, "drains", False)


def help_handling() -> None:
    """Have this thread not wait for a span or log in hand, whose handling waits for it."""
    _here.helps = True


def settle_host(until: float) -> bool:
    """Wait until the spans and logs that have come were handled; false if that took too long.

    Not until there are none: where functions log without a pause there always are.
    Not handled here: a handler may wait for long, or for a lock that it has on another thread.
    """
    records = _records
    if records is None or getattr(_here, "helps", False):
        return True
    if sys.is_finalizing() or is_handling():
        return drain_host(until)
    last = records.queue.handled + _MOST_WAITING + records.queue.drained_count()
    while records.is_busy() and records.queue.handled < last:
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK_S)
    return True


def _settle() -> None:
    """Handle the last replies, spans and logs, at exit: pumps end with what they have in hand."""
    library = _process.loaded()
    if library is None or not library.is_alive():
        return
    _wait_for_hands()
    until = time.monotonic() + _LAST_S
    while _pump is not None and _pump.handle(until) and time.monotonic() < until:
        pass
    drain_host(until)
    _wait_for_hands()  # that were faster just now


def _wait_for_hands() -> None:
    """Wait a moment for what the pumps have in hand."""
    until = time.monotonic() + _SETTLE_S
    for each in (_pump, _records):
        while each is not None and each.handling and time.monotonic() < until:
            time.sleep(_SETTLE_S / 100)


def pending_count() -> int:
    """Give the number of submitted calls whose reply was not handled yet."""
    return sum(queue.pending_count() for queue in all_queues())


def _after_fork_in_child() -> None:
    global _pump, _records, _pump_lock
    _logs.when_level_changes(lambda: None)
    for each in (_pump, _records):
        if each is not None:
            each.forget()
    _pump, _records, _pump_lock = None, None, threading.RLock()
    _loop_queues.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
