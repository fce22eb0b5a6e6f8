"""cancel.*: how long it takes until a call that is cancelled has ended."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from benchmarks.measure import Case
from benchmarks.peer import present

# Each way, and what Python waits in instead.
WAYS = {
    "ctrl_c_call": ("SIGINT to KeyboardInterrupt out of a call of the main thread", "time.sleep"),
    "ctrl_c_stream": ("SIGINT to KeyboardInterrupt out of a stream", "queue.get"),
    "ctrl_c_callback": ("SIGINT to KeyboardInterrupt out of a call with messages", "queue.get"),
    "ctrl_c_asyncio": (
        "SIGINT to KeyboardInterrupt out of asyncio.run, which awaits a call",
        "asyncio.sleep",
    ),
    "ctrl_c_in_loop": (
        "SIGINT to the end of a call that blocks a running event loop",
        "time.sleep",
    ),
    "timeout": ("timeout= having passed to GoTimeoutError", "queue.get(timeout=)"),
    "future": ("Future.cancel() to the end of the function", ""),
    "task": ("task.cancel() to CancelledError where it awaits a call", "asyncio.sleep"),
    "stream": ("close() of a stream to the end of the function", ""),
}

# Each signal whose handler raises, out of each way to wait; Python waits in time.sleep instead.
SIGNALS = ("SIGALRM", "SIGUSR1", "SIGTERM")
WAITS = {
    "call": "a call",
    "stream": "a stream",
    "callback": "a call with messages",
    "await": "asyncio.run, which awaits a call",
}


def cases(quick: bool) -> Iterator[Case]:
    """Give the cases."""
    for way, (note, waits_in) in WAYS.items():
        contenders = {"gostitch": f"cancels_gostitch:{way}"}
        if waits_in:
            contenders["python"] = f"cancels_python:{way}"
        yield Case(
            name=f"cancel.{way}",
            size=1,
            unit="us",
            note=note,
            contenders=present(contenders),
            peers={"python": f"the same with {waits_in} in place of the call"} if waits_in else {},
            rounds=20 if quick else 200,
        )
    yield from _of_signals(quick)


def _of_signals(quick: bool) -> Iterator[Case]:
    for (wait, of), signal in itertools.product(WAITS.items(), SIGNALS):
        yield Case(
            name=f"cancel.{signal.lower()}_{wait}",
            size=1,
            unit="us",
            note=f"{signal} to the exception of its handler out of {of}",
            contenders=present(
                {"gostitch": "cancels_gostitch:struck_wait", "python": "cancels_python:struck_wait"}
            ),
            peers={"python": "the same with time.sleep in place of the call"},
            arguments={"wait": wait, "number": signal},
            rounds=20 if quick else 200,
        )
