"""Turns: what keeps threads from doing the same work twice.

A collection of garbage can run anybody's code between any two steps of ours, and that code
may wait for another thread. If that thread waited in turn for a lock that is held here, both
would wait for ever. So nothing in this package waits for a lock without a bound.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from gostitch import _threads

_PATIENCE_S = 1.0
"""Seconds to wait for one's turn before going on without."""


class Turn:
    """Let one thread at a time into a ``with`` statement, unless it stays there for long.

    Reentrant, for finalizers and handlers of signals. It protects nothing: what is in the
    statement must be right if two threads are there, and may then be done twice.
    """

    def __init__(self) -> None:
        self._lock = _threads.kind().new_rlock()

    def take(self, timeout: float) -> bool:
        """Wait for the turn of this thread; return whether it is to be given back."""
        lock = self._lock
        if _threads.take(lock, timeout):
            return True
        if self._lock is lock:
            # Whoever has it stays for long, or Ctrl-C struck before it could give it back: nobody
            # else shall wait for that.
            self._lock = _threads.kind().new_rlock()
        return False

    def give_back(self) -> None:
        """Let the next thread in; nothing if the turn was waited for in vain."""
        # Another thread may have waited in vain, and made a new lock.
        with suppress(RuntimeError):
            self._lock.release()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Wait for the turn of this thread, for a while."""
        held = self.take(_PATIENCE_S)
        try:
            yield
        finally:
            if held:
                self.give_back()
