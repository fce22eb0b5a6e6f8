"""One trial after the other of how long it takes until something has ended."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable

from benchmarks.work import Sample, Work

# Until whoever is to be interrupted certainly waits.
SETTLE_S = 0.01

# The same, where nothing tells that it does.
STRIKE_S = 0.03


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


def struck(wait: Callable[[], object], number: signal.Signals) -> int:
    """Have a signal whose handler raises come while the main thread waits, and give when.

    SIGALRM comes from a timer, another one from another process, as they do in practice.
    """
    signal.signal(number, _strike)
    try:
        if number == signal.SIGALRM:
            due = now() + int(STRIKE_S * 1e9)
            signal.setitimer(signal.ITIMER_REAL, STRIKE_S)
        else:
            _outside().send_soon(number)
        wait()
    except StruckError:
        return due if number == signal.SIGALRM else _outside().sent()
    raise RuntimeError("the handler did not run")


_OUTSIDE = f"""
import os, sys, time
for line in sys.stdin:
    time.sleep({STRIKE_S})
    now = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    os.kill({{pid}}, int(line))
    print(now, flush=True)
"""


class _Outside:
    """A process that sends signals to this one, and ends with it."""

    def __init__(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", _OUTSIDE.format(pid=os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._orders, self._reports = process.stdin, process.stdout

    def send_soon(self, number: signal.Signals) -> None:
        """Have a signal sent."""
        print(int(number), file=self._orders, flush=True)

    def sent(self) -> int:
        """Tell when it was."""
        return int(self._reports.readline())


@functools.cache
def _outside() -> _Outside:
    return _Outside()


def interrupted(wait: Callable[[], object]) -> int:
    """Send SIGINT while the main thread waits, and give when."""
    sent: list[int] = []

    def send() -> None:
        time.sleep(SETTLE_S)
        sent.append(now())
        os.kill(os.getpid(), signal.SIGINT)

    sender = threading.Thread(target=send)
    sender.start()
    try:
        wait()
    except KeyboardInterrupt:
        return sent[0]
    finally:
        sender.join()
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
