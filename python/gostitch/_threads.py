"""Starting the threads that others wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable

_PATIENCE_S = 1.0
"""Seconds for a thread to come up."""


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
    try:
        thread = threading.Thread(target=run, name=name, daemon=True)
        thread._started = _Started()  # type: ignore[attr-defined]
        thread.start()
    except (RuntimeError, MemoryError) as error:
        return error
    return None
