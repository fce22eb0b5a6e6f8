"""cancel.* through gostitch."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable

import faults
from benchmarks.contenders.trials import SETTLE_S, cancelled, interrupted, now, struck, trials
from benchmarks.work import Work
from gostitch import GoCancelledError, GoTimeoutError


def ctrl_c_call() -> Work:
    """Interrupt a call."""
    return trials(lambda: interrupted(faults.await_end), faults.end_seen)


def ctrl_c_stream() -> Work:
    """Interrupt a stream that waits for its next result."""
    return trials(lambda: interrupted(lambda: list(faults.await_end_in_stream())), faults.end_seen)


def ctrl_c_callback() -> Work:
    """Interrupt a call with messages."""
    wait = faults.await_end_with_messages
    return trials(lambda: interrupted(lambda: wait(progress=lambda _: None)), faults.end_seen)


def ctrl_c_asyncio() -> Work:
    """Interrupt a loop that awaits a call."""

    async def main() -> None:
        await faults.await_end.submit()

    return trials(lambda: interrupted(lambda: asyncio.run(main())), faults.end_seen)


def ctrl_c_in_loop() -> Work:
    """Interrupt a call that blocks a loop."""

    async def main() -> None:
        try:
            faults.await_end()
        except GoCancelledError:
            raise KeyboardInterrupt from None

    return trials(lambda: interrupted(lambda: asyncio.run(main())), faults.end_seen)


async def _awaiting() -> None:
    await faults.await_end.submit()


_WAITS: dict[str, Callable[[], object]] = {
    "call": faults.await_end,
    "stream": lambda: list(faults.await_end_in_stream()),
    "callback": lambda: faults.await_end_with_messages(progress=lambda _: None),
    "await": lambda: asyncio.run(_awaiting()),
}


def struck_wait(wait: str, number: str) -> Work:
    """Have the handler of a signal raise; the function of the call was seen to take long."""
    with contextlib.suppress(GoTimeoutError):
        faults.await_end(timeout=SETTLE_S)
    return trials(lambda: struck(_WAITS[wait], signal.Signals[number]), faults.end_seen)


def timeout() -> Work:
    """Let the time of a call run out."""

    def once() -> int:
        due = now() + int(SETTLE_S * 1e9)
        try:
            faults.await_end(timeout=SETTLE_S)
        except GoTimeoutError:
            return due
        raise RuntimeError("its time did not run out")

    return trials(once, faults.end_seen)


def _until_it_waits() -> None:
    """Give a call the time to begin: one that has not begun has no end to see."""
    while faults.awaiting_end() == 0:
        time.sleep(SETTLE_S)


def future() -> Work:
    """Cancel a future."""

    def once() -> int:
        waiting = faults.await_end.submit()
        _until_it_waits()
        begun = now()
        waiting.cancel()
        return begun

    return trials(once, faults.end_seen)


def task() -> Work:
    """Cancel a task that awaits a call."""

    async def main() -> int:
        waiting = faults.await_end.submit()
        await asyncio.sleep(SETTLE_S)
        _until_it_waits()
        return await cancelled(waiting)

    return trials(lambda: asyncio.run(main()), faults.end_seen)


def stream() -> Work:
    """Close a stream early."""

    def once() -> int:
        lines = faults.await_end_in_stream()
        next(lines)
        time.sleep(SETTLE_S)
        begun = now()
        lines.close()
        return begun

    return trials(once, faults.end_seen)
