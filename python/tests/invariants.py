"""What must hold after every test: nothing of Go is left, and what ends by itself has ended."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

from gostitch import runtime_info

_SETTLE_S = 5.0


def live_counts() -> dict[str, int]:
    """Give what must be zero when nothing is under way; nothing if Go is not loaded."""
    info = runtime_info()
    if not info["loaded"]:
        return {}
    names = ("calls", "pending", "buffers", "background_goroutines")
    # Two queues are the process's own: for replies, and for spans and logs.
    return {name: info[name] for name in names} | {"queues": max(0, info["queues"] - 2)}


def settled(read: Callable[[], Any], wanted: Any, seconds: float = _SETTLE_S) -> Any:
    """Give what ``read`` gives once it is what is wanted, or after a bounded time whatever it is.

    For what ends by itself a moment later: a cancelled Go function, a loop's queue.
    """
    deadline = time.monotonic() + seconds
    while (found := read()) != wanted and (now := time.monotonic()) < deadline:
        gc.collect()
        # No other thread of Python runs during a collection, and a large heap's takes long.
        time.sleep(max(0.002, time.monotonic() - now))
    return found
