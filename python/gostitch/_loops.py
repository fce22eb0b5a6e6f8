"""Which event loop runs here, without importing asyncio.

Importing asyncio costs several times what the rest of the package does
(benchmark ``import.package``), and where nobody has imported it no loop runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from types import FrameType

_get: Callable[[], asyncio.AbstractEventLoop | None] | None = None


def running_loop() -> asyncio.AbstractEventLoop | None:
    """Give the event loop that runs what runs on this thread, or None."""
    global _get
    if _get is None:
        # Another thread may be in the middle of importing it.
        _get = getattr(sys.modules.get("asyncio.events"), "_get_running_loop", None)
        if _get is None:
            return None
    loop = _get()
    return None if loop is not None and trio_runs() else loop


def trio_runs() -> bool:
    """Tell whether trio drives what runs on this thread, be it within an event loop."""
    trio = sys.modules.get("trio")
    # Another thread may be in the middle of importing it.
    lowlevel = getattr(trio, "lowlevel", None)
    if lowlevel is None or not _in_trio_task(lowlevel):
        return False
    # Either may run in a task of the other: the one that is nearer drives the coroutine.
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package in ("asyncio", "trio", "uvloop"):
            return package == "trio"
        frame = frame.f_back
    return True


def _in_trio_task(lowlevel: Any) -> bool:
    if hasattr(lowlevel, "in_trio_task"):
        return bool(lowlevel.in_trio_task())
    try:
        lowlevel.current_task()  # as older ones have it
    except (AttributeError, RuntimeError):
        return False
    return True
