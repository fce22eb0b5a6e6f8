"""Threads that others wait for, and what they wait with, of one kind as long as the process runs.

gevent and eventlet replace the threads, locks and sleeps of the standard library. Where that
happens after the first call, our threads are the system's: what they share with who waits for
them must stay so, or a lock of greenlets would be released by a thread that their hub does not
know, and a thread would not find itself by its number. Where only some of all that was replaced,
ours are the system's for the same reason.
"""

from __future__ import annotations

import _queue
import _thread
import functools
import sys
import threading
import time
from collections.abc import Callable
from types import BuiltinFunctionType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from gostitch import _hubs

if TYPE_CHECKING:
    import select

READABLE = 1
"""``select.POLLIN``, which is not there after ``eventlet.monkey_patch()``."""

_NO_MEMORY = ("there is no memory",)
"""What a MemoryError says, which says nothing by itself."""

_PATIENCE_S = 1.0
"""Seconds for a thread to come up."""


class Lock(Protocol):
    """A lock of any kind."""

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Wait for the lock."""


class Kind(NamedTuple):
    """What starts, tells apart and holds up threads."""

    start: Callable[[Callable[[], object], tuple[()]], int]
    get_ident: Callable[[], int]
    sleep: Callable[[float], None]
    new_lock: Callable[[], threading.Lock]
    new_rlock: Callable[[], Any]
    new_queue: Callable[[], _queue.SimpleQueue[Any]]
    new_poll: Callable[[], select.poll]


_kept: Kind | None = None


def kind() -> Kind:
    """Return the kind of threads of this process, that of now until it is kept."""
    return _kept or _kind_of_now()


def _kind_of_now() -> Kind:
    now = Kind(
        start=_thread.start_new_thread,
        get_ident=_thread.get_ident,
        sleep=time.sleep,
        new_lock=threading.Lock,
        new_rlock=threading.RLock,
        # gevent and eventlet import what they replace it in.
        new_queue=getattr(sys.modules.get("queue"), "SimpleQueue", _queue.SimpleQueue),
        new_poll=_hubs.poll_kind(),
    )
    # What threads are woken by; sleeping a moment is all the same.
    is_replaced = {
        not isinstance(now.start, BuiltinFunctionType),
        not isinstance(now.new_poll, BuiltinFunctionType),
        now.new_queue.__module__ != "_queue",
    }
    original = _hubs.originals() if len(is_replaced) > 1 else None
    if original is None:
        return now
    return Kind(
        start=original("_thread", "start_new_thread"),
        get_ident=original("_thread", "get_ident"),
        sleep=original("time", "sleep"),
        new_lock=original("_thread", "allocate_lock"),
        new_rlock=original("_thread", "RLock"),
        new_queue=original("_queue", "SimpleQueue"),
        new_poll=original("select", "poll"),
    )


def poll_of(descriptor: int) -> select.poll:
    """Return what waits on a thread of the program until a descriptor can be read."""
    poll: select.poll = _hubs.poll_kind()()
    poll.register(descriptor, READABLE)
    return poll


def keep_kind() -> None:
    """Stay with the kind of threads of now, whatever is patched later."""
    global _kept
    _kept = kind()


def take(lock: Lock, seconds: float) -> bool:
    """Wait so long for a lock; return whether it was had.

    Not where the interpreter ends: no other thread runs that could give it back, and from
    CPython 3.15 on waiting raises.
    """
    if sys.is_finalizing():
        return lock.acquire(blocking=False)
    return lock.acquire(timeout=seconds)


class Signals(NamedTuple):
    """What starts a thread with all signals blocked, and what it says when it begins and ends."""

    start: Callable[[Callable[[], object]], object]
    begin: Callable[[], None]
    end: Callable[[], None]


_signals = Signals(lambda start: start(), lambda: None, lambda: None)


def follow_signals(signals: Signals) -> None:
    """Have threads block the signals that the first thread of the process blocks."""
    global _signals
    _signals = signals


class _Started(threading.Event):
    """What ``Thread.start`` waits for, which does not come where there is no memory to come up."""

    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(_PATIENCE_S if timeout is None else timeout)


def start(run: Callable[[], object], name: str) -> BaseException | None:
    """Start a daemon thread; return what kept it from starting, or None.

    That is a RuntimeError where the process may have no more threads or the interpreter ends,
    and a MemoryError. A thread that was started may still end before it runs: whoever counts on
    it has to look, which it makes possible by saying that it runs.
    """
    is_greenlet = not isinstance(kind().start, BuiltinFunctionType)
    run = run if is_greenlet else functools.partial(_run, run)
    try:
        if kind().start is not _thread.start_new_thread:
            # threading's would be a greenlet, for which nobody makes room
            _signals.start(functools.partial(kind().start, run, ()))
            return None
        thread = threading.Thread(target=run, name=name, daemon=True)
        thread._started = _Started()  # type: ignore[attr-defined]
        if is_greenlet:
            thread.start()  # others run meanwhile, on this thread, whose signals stay as they are
        else:
            _signals.start(thread.start)
    except (RuntimeError, MemoryError) as error:
        if not error.args:
            error.args = _NO_MEMORY
        return error
    return None


def _run(run: Callable[[], object]) -> None:
    """Run it with the signals blocked that the first thread of the process blocks.

    Whoever waits for a signal blocks it in all of its threads, and knows nothing of this one.
    """
    _signals.begin()
    try:
        run()
    finally:
        _signals.end()
