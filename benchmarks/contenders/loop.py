"""Makes work of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.work import Work


def work(main: Callable[[], Coroutine[Any, Any, int]]) -> Work:
    """Time a whole event loop, from its start to its end."""

    def run() -> None:
        asyncio.run(main())

    return Work(run, lambda: asyncio.run(main()))
