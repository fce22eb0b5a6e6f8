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

from gostitch import _logs, _process, _threads
from gostitch._loops import running_loop
from gostitch._queue import QUESTIONS, RECORDS, Queue, all_queues, close_retired, leave, retired
from gostitch._turn import Turn
from gostitch.exceptions import LibraryError

if TYPE_CHECKING:
    import asyncio

_HELD_UP_S = 0.05
"""Seconds with one batch after which the pump counts as held up, if somebody waits."""

_RESPITE_S = 0.01
"""Seconds that a pump rests after a failure that is not of one record: there is no memory, say."""

_REVIEW_S = 1.0
"""Seconds between two looks at queues that are to be closed, while there are any."""

_COME_UP_S = 1.0
"""Seconds for a pump's thread to come up."""

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

# Weak on both sides: the loop has its queue, by the reader. If it were the other way round, a
# loop that is dropped with calls under way would live as long as they do.
_loop_queues: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, weakref.ref[Queue]]
_loop_queues = weakref.WeakKeyDictionary()


def queue_here(library: _process.Library) -> Queue:
    """Give the queue for a call submitted here: the running loop's, or the process's."""
    loop = running_loop()
    if loop is None:
        return pump().queue
    of = _loop_queues.get(loop)
    queue = None if of is None else of()
    if queue is None or queue.retired:
        _retire_closed_loops()
        queue = Queue(library, pump, loop=loop)
        loop.add_reader(queue.fd, _Reader(queue), loop)
        # Not before: if Ctrl-C strikes in there, the reader goes, and its queue must not be used.
        _loop_queues[loop] = weakref.ref(queue)
    return queue


class _Reader:
    """What an event loop calls when replies wait; it drops this when it is closed or collected."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def __call__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._queue.drain_in_loop(loop)

    def __del__(self) -> None:
        try:
            self._queue.end_of_loop()
        except BaseException:  # Ctrl-C, which Python would only print here
            # No memory: then what is left of the queue closes it.
            with contextlib.suppress(BaseException):
                self._queue.end_of_loop()


def private_queue() -> Queue:
    """Give a queue for one call whose caller drains it; it must be retired."""
    return Queue(_process.library(), pump)


def _retire_closed_loops() -> None:
    """Give the queues of closed loops back although something still refers to the loop."""
    for ref in _loop_queues.keyrefs():
        loop = ref()
        of = None if loop is None else _loop_queues.get(loop)
        queue = None if of is None else of()
        if loop is not None and queue is not None and loop.is_closed():
            queue.end_of_loop()


class Pump:
    """A daemon thread that drains a queue of the process, and others while somebody needs it."""

    def __init__(self, library: _process.Library, name: str, roles: int) -> None:
        _threads.kind().new_poll()  # or it raises
        self._name = name
        _threads.keep_kind()
        self.queue = Queue(library, pump, roles=roles)
        self._changed = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.queue.watched = True
        self._busy_since = 0.0  # with one batch; 0: it waits for something to do
        self.handling = False  # what it has drained
        self._level_is_old = False
        self._telling = Turn()
        self._server: int | None = None  # the thread that serves, which says so itself
        self._started_at = 0.0  # when one was started that has not said so yet
        reason = self._start()
        if reason is not None:
            self._close()
            raise _no_thread(reason)

    def _close(self) -> None:
        """Give descriptors back, where nothing came of it."""
        self.queue.close()
        os.close(self._changed)

    def follow_level(self) -> None:
        """Tell Go of the level of logging that counts, now and when it changes."""
        _logs.when_level_changes(self._level_changed)
        if not _logs.level_is_told():
            self._level_changed()

    def _level_changed(self) -> None:
        # Not here: who changes a level holds the lock of logging.
        self._level_is_old = True
        _process.bridge.look_again()
        self._rouse()

    def tell_level(self) -> None:
        """Tell Go of the level of logging, unless it knows; whoever comes second waits."""
        try:
            with self._telling.taken():
                if self._level_is_old:
                    self._level_is_old = False
                    _process.refresh()
        except Exception:  # or there would be nobody to handle replies
            with contextlib.suppress(Exception):  # of a handler, as below
                logging.getLogger("gostitch").exception("the level of logging did not reach Go")

    def forget(self) -> None:
        """Close what is the pump's own, in a forked child, where its thread does not exist."""
        _process.close_inherited(self._changed)

    def _start(self) -> BaseException | None:
        """Start a thread, which takes over as soon as it runs; return what kept it from that."""
        self._started_at = time.monotonic()
        reason = _threads.start(self._run, self._name)
        if reason is not None:
            self._started_at = 0.0
        return reason

    def stand_in(self) -> None:
        """Let another thread take over if this is the pump's: a callback is about to wait."""
        if self.is_served_here():
            self._start()  # if it cannot be, who waits looks after the queue

    def relieve(self) -> None:
        """Have replies handled although the pump's thread is with one batch for long, or is none.

        On another thread, or here where none can be started: somebody waits here.
        """
        if not self._is_at_work():
            busy_since, self._busy_since = self._busy_since, 0.0
            if self._start() is not None:
                # Or who waits in what is handled here would count on the thread that is held up.
                self._busy_since = busy_since
                for queue in self._watched():
                    while queue.drain():
                        pass
                return
        self._rouse()
        for queue in self._watched():
            if queue.has_records():
                queue.wake()

    def _is_at_work(self) -> bool:
        """Tell whether there is a thread that serves, or will in a moment."""
        now = time.monotonic()
        if self._server is None:
            return bool(self._started_at) and now - self._started_at < _COME_UP_S
        if self._server not in sys._current_frames():
            return False
        return not self._busy_since or now - self._busy_since < _HELD_UP_S

    def watch(self, queue: Queue) -> None:
        """Drain this queue too, until it is idle."""
        if queue.watched and not queue.retired:
            return
        queue.watched = True
        self._rouse()

    def _rouse(self) -> None:
        """Have the thread look which queues there are."""
        with contextlib.suppress(BlockingIOError):
            os.eventfd_write(self._changed, 1)

    def _watched(self) -> list[Queue]:
        """Return the queues to drain: as they are now, so that nothing that failed is forgotten."""
        if self.queue.roles == RECORDS:
            return [self.queue]
        of = [each for each in all_queues() if each is not self.queue and _needs_attendant(each)]
        return [self.queue, *of]

    def _run(self) -> None:
        me: int | None = None
        while True:
            try:
                if me is None:
                    me = self._server = _threads.kind().get_ident()
                while self._server == me:
                    self._serve()
                return
            except _ClosedError:
                self._server = None
                if _pump is self:  # one of both says it
                    logging.getLogger("gostitch").error(_CLOSED)
                return
            except BaseException:
                try:
                    _endure()
                except BaseException:  # noqa: S112 - no memory, not even to suppress it
                    continue

    def _serve(self) -> None:
        """Drain what is ready until the set of queues changes."""
        self.tell_level()
        watched = {}
        poll = _threads.kind().new_poll()
        try:
            poll.register(self._changed, _threads.READABLE)
            for queue in self._watched():
                queue.watched = True  # first: from now on nobody else closes it
                fd = queue.fd
                if fd >= 0:
                    watched[fd] = queue
                    poll.register(fd, _threads.READABLE)
            while not self._look_after(watched, self._poll(poll)):
                pass
        except OSError as error:
            # A daemon has closed what it inherited: the number is another file's.
            raise _ClosedError from error

    def _poll(self, poll: select.poll) -> list[int]:
        """Wait for descriptors that are ready."""
        timeout = _REVIEW_S * 1000 if retired else None
        return [fd for fd, _ in poll.poll(timeout)]

    def _look_after(self, watched: dict[int, Queue], ready: list[int]) -> bool:
        """Drain queues that are ready; tell whether there are others now."""
        for fd in ready:
            if fd == self._changed:
                with contextlib.suppress(BlockingIOError):
                    os.eventfd_read(fd)
            else:
                self._drain(watched[fd])
            if not self.is_served_here():
                return True
        swept = self._sweep(watched)  # first: what has changed may be that a queue is to be closed
        return swept or self._changed in ready or not ready

    def is_served_here(self) -> bool:
        """Tell whether this thread is the pump's."""
        return _threads.kind().get_ident() == self._server

    def _drain(self, queue: Queue) -> None:
        try:
            if queue.is_served():
                # Two threads on one queue get in each other's way; here the loop comes
                # first, and the pump only helps where it is slow or has stopped.
                _threads.kind().sleep(_GRACE_S)
                if not queue.is_ready():
                    return
            self.handling = more = True
            while more and self.is_served_here():
                self._busy_since = time.monotonic()
                more = queue.drain()
        except MemoryError:
            _endure()  # what it could not take waits
        except BaseException:
            # One record that cannot be handled must not stop all others, nor may a
            # callback that calls sys.exit.
            _tell_of_failure()
        finally:
            if not self.is_served_here():
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

    def settle(self, until: float) -> bool:
        """Wait until what has come was handled; false if that took too long."""
        last = self.queue.handled + _MOST_WAITING + self.queue.drained()
        while self.is_busy() and self.queue.handled < last:
            if time.monotonic() >= until:
                return False
            time.sleep(_LOOK_S)
        return True

    def _sweep(self, watched: dict[int, Queue]) -> bool:
        """Let go of the queues that do not need the pump any more; tell whether there were any."""
        let_go = close_retired() if self.queue.roles != RECORDS else False
        for queue in watched.values():
            if queue is self.queue or _needs_attendant(queue):
                continue
            queue.watched = False
            if _needs_attendant(queue):  # somebody came to wait just now, and saw it watched
                queue.watched = True
                continue
            let_go = True
        return let_go


def _needs_attendant(queue: Queue) -> bool:
    """Ask a queue; one that the program has broken must not keep the others from being drained."""
    try:
        return queue.needs_attendant()
    except MemoryError:
        raise  # that passes
    except Exception:
        return False


class _ClosedError(Exception):
    """A descriptor of a pump is not open any more."""


def _endure() -> None:
    """Rest after a failure, so that the thread that others wait for goes on."""
    _tell_of_failure()
    with contextlib.suppress(BaseException):
        _threads.kind().sleep(_RESPITE_S)


def _no_thread(reason: BaseException) -> LibraryError:
    return LibraryError(
        f"no thread can be started to handle replies ({reason}); give the process more threads "
        "(ulimit -u, the container's pids limit) or memory, or end some of its threads",
    )


def _tell_of_failure() -> None:
    # A filter or handler of the program's may be what is broken.
    with contextlib.suppress(BaseException):
        logging.getLogger("gostitch").exception("a record of Go could not be handled")


_pump: Pump | None = None
_made: Pump | None = None  # that one, until there is the other one too
_records: list[Pump] = []
"""That for spans and logs, and another if a handler called Go while it was made."""


class _Here(threading.local):
    """What this thread is in the middle of."""

    takes = drains = helps = False


here = _Here()
_turn = Turn()


def pump() -> Pump:
    """Give the process's pump for replies, starting both if need be."""
    global _pump, _made
    if _pump is None:
        with _turn.taken():
            if _pump is None:
                library = _process.library()
                made = _made or Pump(library, "gostitch-pump", QUESTIONS)
                # Unless a signal's handler was faster; this one then serves who has its queue.
                if _pump is None:
                    _made = made  # it runs, whatever comes of the other one
                    _records.append(Pump(library, "gostitch-records", RECORDS))
                    _pump, _made = made, None
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
    if not _records:
        return True
    if here.drains:
        return False
    here.drains = True
    try:
        for each in _records:
            while each.handle(until):
                if time.monotonic() >= until:
                    return False
    finally:
        here.drains = False
    return True


def is_handling() -> bool:
    """Tell whether this thread is in the middle of handling a span or log, or helps one that is."""
    inside = any(each.is_served_here() for each in list(_records))
    return inside or any((here.helps, here.drains, here.takes))


def is_pumping() -> bool:
    """Tell whether this thread is the one on which replies of all others are handled."""
    return _pump is not None and _pump.is_served_here()


def is_helping() -> bool:
    """Tell whether this thread must not wait for what is handled: that waits for it."""
    return here.helps or here.takes


def help_handling() -> None:
    """Have this thread not wait for a span or log in hand, whose handling waits for it."""
    here.helps = True


def settle_host(until: float) -> bool:
    """Wait until the spans and logs that have come were handled; false if that took too long.

    Not until there are none: where functions log without a pause there always are.
    Not handled here: a handler may wait for long, or for a lock that it has on another thread.
    """
    if not _records or is_helping():
        return True
    if sys.is_finalizing() or is_handling():
        return drain_host(until)
    return all(each.settle(until) for each in list(_records))


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
    for each in (_pump, *_records):
        while each is not None and each.handling and time.monotonic() < until:
            time.sleep(_SETTLE_S / 100)


def pending_count() -> int:
    """Give the number of submitted calls whose reply was not handled yet."""
    return sum(queue.pending_count() for queue in all_queues())


def _after_fork_in_child() -> None:
    global _pump, _made, _turn
    _logs.when_level_changes(lambda: None)
    for each in (_pump, _made, *_records):
        if each is not None:
            each.forget()
    _pump = _made = None
    _records.clear()
    _turn = Turn()
    _loop_queues.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
