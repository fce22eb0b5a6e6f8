"""Which event loop runs here, without importing asyncio.

Importing asyncio costs several times what the rest of the package does
(benchmark ``import.package``), and where nobody has imported it no loop runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

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
    """Tell whether a task of trio's runs on this thread, be it as the guest of an event loop."""
    trio = sys.modules.get("trio")
    if trio is None:
        return False
    try:
        trio.lowlevel.current_task()
    except (AttributeError, RuntimeError):  # another thread may be in the middle of importing it
        return False
    return True
