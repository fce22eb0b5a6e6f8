"""cancel.* where Python itself waits."""

from __future__ import annotations

import asyncio
import queue
import signal
import time

from benchmarks.contenders.trials import SETTLE_S, cancelled, interrupted, now, struck, trials
from benchmarks.work import Work

LONG_S = 60.0


def ctrl_c_call() -> Work:
    """Interrupt time.sleep."""
    return trials(lambda: interrupted(lambda: time.sleep(LONG_S)))


def ctrl_c_stream() -> Work:
    """Interrupt a queue that waits for its next item."""
    empty: queue.Queue[int] = queue.Queue()
    return trials(lambda: interrupted(empty.get))


def ctrl_c_callback() -> Work:
    """Interrupt a queue that waits for its next item."""
    return ctrl_c_stream()


def ctrl_c_asyncio() -> Work:
    """Interrupt a loop that sleeps."""
    return trials(lambda: interrupted(lambda: asyncio.run(asyncio.sleep(LONG_S))))


def ctrl_c_in_loop() -> Work:
    """Interrupt a sleep that blocks a loop, and then the loop."""

    async def main() -> None:
        time.sleep(4 * SETTLE_S)
        await asyncio.sleep(LONG_S)

    return trials(lambda: interrupted(lambda: asyncio.run(main())))


def struck_wait(wait: str, number: str) -> Work:
    """Have the handler of a signal raise out of time.sleep, whatever the other waits in."""
    return trials(lambda: struck(lambda: time.sleep(LONG_S), signal.Signals[number]))


def timeout() -> Work:
    """Let the time of a queue run out."""
    empty: queue.Queue[int] = queue.Queue()

    def once() -> int:
        due = now() + int(SETTLE_S * 1e9)
        try:
            empty.get(timeout=SETTLE_S)
        except queue.Empty:
            return due
        raise RuntimeError("its time did not run out")

    return trials(once)


def task() -> Work:
    """Cancel a task that sleeps."""

    async def main() -> int:
        return await cancelled(asyncio.sleep(LONG_S))

    return trials(lambda: asyncio.run(main()))
