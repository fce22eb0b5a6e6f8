"""Threads that run callbacks for which no thread waits.

There are as many as there are callbacks at once, since they may wait for each
other. They are daemon threads: a callback that never returns must not keep the
interpreter from ending, as a thread of ``concurrent.futures`` would.

No lock is held here, since a finalizer that runs under one may need a thread too: what is
shared is changed by single operations of ``deque`` and ``SimpleQueue``.
"""

from __future__ import annotations

import functools
import os
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from gostitch import _threads

if TYPE_CHECKING:
    import queue

_IDLE_S = 10.0
"""Seconds that a thread waits for more work before it ends."""

_RESPITE_S = 0.01
"""Seconds between two attempts where there is no memory."""

Work = Callable[[], object]

_idle: deque[queue.SimpleQueue[Work]]
"""What each thread that waits for work waits on, and nobody claimed."""


def run(work: Work) -> BaseException | None:
    """Run work on another thread, at once; it raises nothing but MemoryError, and is then repeated.

    Return what kept a thread from starting, or None: the interpreter ends, no more threads
    may be started, or there is no memory.
    """
    try:
        idle = _idle.pop()
    except IndexError:
        return _threads.start(functools.partial(_serve, work), "gostitch-callback")
    try:
        idle.put(work)
    except BaseException:
        _idle.append(idle)
        raise
    return None


def _serve(work: Work | None) -> None:
    own: queue.SimpleQueue[Work] | None = None
    while work is not None:
        _do(work)
        del work  # what it refers to shall not live as long as this thread
        if own is None:
            own = _threads.kind().new_queue()
        _idle.append(own)
        work = _next(own)


def _do(work: Work) -> None:
    """Do work, again and again where there is no memory for it: somebody waits for it."""
    while True:
        try:
            work()
            return
        except MemoryError:
            try:
                _threads.kind().sleep(_RESPITE_S)
            except BaseException:  # noqa: S112 - no memory, not even to suppress it
                continue
        except BaseException:
            return


def _next(own: queue.SimpleQueue[Work]) -> Work | None:
    """Return more work, or None where nobody counts on this thread."""
    timeout: float | None = _IDLE_S
    while True:
        try:
            return own.get(timeout=timeout)
        except BaseException:  # none has come, or there is no memory
            try:
                _idle.remove(own)
            except BaseException:  # somebody has claimed this thread just now, or still can
                timeout = None
            else:
                return None


def _reset() -> None:
    """Forget the threads: in a forked child there are none."""
    global _idle
    _idle = deque()


_reset()
os.register_at_fork(after_in_child=_reset)
