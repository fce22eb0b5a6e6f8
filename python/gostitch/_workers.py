"""Threads that run callbacks for which no thread waits.

There are as many as there are callbacks at once, since they may wait for each
other. They are daemon threads: a callback that never returns must not keep the
interpreter from ending, as a thread of ``concurrent.futures`` would.
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable

_IDLE_S = 10.0
"""Seconds that a thread waits for more work before it ends."""

_work: queue.SimpleQueue[Callable[[], object]]
_idle: threading.Semaphore


def run(work: Callable[[], object]) -> bool:
    """Run work that raises nothing, on another thread, at once.

    False if that cannot be, since the interpreter ends.
    """
    if _idle.acquire(blocking=False):
        _work.put(work)
        return True
    thread = threading.Thread(target=_serve, args=(work,), name="gostitch-callback", daemon=True)
    try:
        thread.start()
    except RuntimeError:
        return False
    return True


def _serve(work: Callable[[], object]) -> None:
    while True:
        work()
        del work  # what it refers to shall not live as long as this thread
        _idle.release()
        try:
            work = _work.get(timeout=_IDLE_S)
        except queue.Empty:
            if _idle.acquire(blocking=False):
                return
            work = _work.get()  # somebody counts on this thread, just now


def _reset() -> None:
    """Forget the threads: in a forked child there are none."""
    global _work, _idle
    _work, _idle = queue.SimpleQueue(), threading.Semaphore(0)


_reset()
os.register_at_fork(after_in_child=_reset)
