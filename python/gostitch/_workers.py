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
import queue
import time
from collections import deque
from collections.abc import Callable

from gostitch import _threads

_IDLE_S = 10.0
"""Seconds that a thread waits for more work before it ends."""

_RESPITE_S = 0.01
"""Seconds between two attempts where there is no memory."""

_work: queue.SimpleQueue[Callable[[], object]]
_idle: deque[None]  # one for each thread that waits for work


def run(work: Callable[[], object]) -> BaseException | None:
    """Run work on another thread, at once; it raises nothing but MemoryError, and is then repeated.

    Return what kept a thread from starting, or None: the interpreter ends, no more threads
    may be started, or there is no memory.
    """
    if _take_idle():
        _work.put(work)
        return None
    return _threads.start(functools.partial(_serve, work), "gostitch-callback")


def _take_idle() -> bool:
    """Claim a thread that waits for work."""
    try:
        _idle.pop()
    except IndexError:
        return False
    return True


def _serve(work: Callable[[], object] | None) -> None:
    while work is not None:
        _do(work)
        del work  # what it refers to shall not live as long as this thread
        _idle.append(None)
        work = _next()


def _do(work: Callable[[], object]) -> None:
    """Do work, again and again where there is no memory for it: somebody waits for it."""
    while True:
        try:
            work()
            return
        except MemoryError:
            try:
                time.sleep(_RESPITE_S)
            except BaseException:  # not even for that
                continue
        except BaseException:
            return


def _next() -> Callable[[], object] | None:
    """Return more work, or None where nobody counts on this thread."""
    timeout: float | None = _IDLE_S
    while True:
        try:
            return _work.get(timeout=timeout)
        except BaseException:  # none has come, or there is no memory
            if _take_idle():
                return None
            timeout = None  # somebody counts on this thread, just now


def _reset() -> None:
    """Forget the threads: in a forked child there are none."""
    global _work, _idle
    _work, _idle = queue.SimpleQueue(), deque()


_reset()
os.register_at_fork(after_in_child=_reset)
