"""One trial after the other of how long it takes until something has ended."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import threading
import time
from collections.abc import Awaitable, Callable

from benchmarks.work import Sample, Work

# Until whoever is to be interrupted certainly waits.
SETTLE_S = 0.01


def now() -> int:
    """Read the clock that Go's side reads too."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def trials(once: Callable[[], int], end_seen: Callable[[], int] | None = None) -> Work:
    """Make work of one trial, which gives when it began to end.

    ``end_seen`` gives when Go saw the end of the context.
    """
    returned: list[float] = []
    seen: list[float] = []

    def run() -> Sample:
        begun = once()
        returned.append((now() - begun) / 1e3)
        if end_seen is not None:
            deadline = time.monotonic() + 10
            while (at := end_seen()) < begun:  # the function ends after its caller was told
                if time.monotonic() > deadline:
                    raise TimeoutError("the function did not see its end")
                time.sleep(0.0001)
            seen.append((at - begun) / 1e3)
        return Sample(returned[-1] / 1e6, 0.0)

    def facts() -> dict[str, object]:
        return {
            "trials": len(returned),
            "returned": _shares(returned),
            **({"context_ended": _shares(seen)} if seen else {}),
        }

    def answer() -> str:
        once()
        return "ended"

    signal.signal(signal.SIGINT, signal.default_int_handler)
    if end_seen is not None:
        end_seen()  # loads the library, which takes longer than a trial
    return Work(run, answer, facts=facts)


def _shares(values: list[float]) -> dict[str, float]:
    """Give median, 99th percentile and maximum in microseconds."""
    cuts = statistics.quantiles(values, n=100, method="inclusive")
    return {"p50": round(cuts[49]), "p99": round(cuts[98]), "max": round(max(values))}


class StruckError(Exception):
    """What a handler raises."""


def _strike(number: int, frame: object) -> None:
    raise StruckError


def struck(
    wait: Callable[[], object], number: signal.Signals, waits: Callable[[], bool] | None = None
) -> int:
    """Have a signal whose handler raises come while the main thread waits, and give when."""
    signal.signal(number, _strike)
    begun = threading.Event()
    sent = _send_later(number, lambda: begun.is_set() and (waits is None or waits()))
    try:
        begun.set()
        wait()
    except StruckError:
        return sent()
    raise RuntimeError("the handler did not run")


def _send_later(
    number: signal.Signals, waits: Callable[[], bool] | None = None
) -> Callable[[], int]:
    """Send a signal when the main thread waits; what is given tells when.

    SIGALRM is sent by a timer, as it is in practice.
    """
    times: list[int] = []

    def send() -> None:
        while waits is not None and not waits():
            time.sleep(SETTLE_S / 10)
        if number == signal.SIGALRM:
            times.append(now() + int(SETTLE_S * 1e9))
            signal.setitimer(signal.ITIMER_REAL, SETTLE_S)
            return
        time.sleep(SETTLE_S)
        times.append(now())
        os.kill(os.getpid(), number)

    sender = threading.Thread(target=send)
    sender.start()

    def sent() -> int:
        sender.join()
        return times[0]

    return sent


def interrupted(wait: Callable[[], object]) -> int:
    """Send SIGINT while the main thread waits, and give when."""
    sent = _send_later(signal.SIGINT)
    try:
        wait()
    except KeyboardInterrupt:
        return sent()
    finally:
        sent()
    raise RuntimeError("it was not interrupted")


async def cancelled(wait: Awaitable[object]) -> int:
    """Cancel a task while it waits, and give when."""
    task = asyncio.ensure_future(wait)
    await asyncio.sleep(SETTLE_S)
    begun = now()
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return begun
    raise RuntimeError("it was not cancelled")
