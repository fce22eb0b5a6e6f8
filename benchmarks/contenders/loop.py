"""Makes work of an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.work import Work


def work(main: Callable[[], Coroutine[Any, Any, int]]) -> Work:
    """Time what runs in an event loop that is there already, as a service has it."""
    loop = asyncio.new_event_loop()

    def run() -> None:
        loop.run_until_complete(main())

    return Work(run, lambda: loop.run_until_complete(main()), close=loop.close)
