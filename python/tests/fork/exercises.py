"""What a process must be able to do with Go: one exercise for each thing that a dead runtime cannot."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable

import faults
from gostitch import GoPanic, runtime_info


def goroutines() -> None:
    """Run hundreds of goroutines, on the calling thread and submitted."""
    assert 300 == faults.goroutines(300)
    assert 300 == faults.goroutines.submit(300).result(20)


def timers() -> None:
    """Wait for a ticker and for a deadline."""
    assert 5 == faults.ticks(5)
    assert 0.01 == faults.sleep.submit(0.01).result(20)
    try:
        faults.sleep(20, timeout=0.01)
    except TimeoutError:
        return
    raise AssertionError("no deadline")


def gc() -> None:
    """Collect garbage, which stops the world."""
    assert 3 <= faults.collect(3)


def http() -> None:
    """Serve and fetch a page, which needs the network poller."""
    assert "hello" * 3 == faults.loopback(3)


def panic() -> None:
    """Recover a panic and a nil dereference, which is a signal."""
    for kind in ("string", "dereference"):
        for call in (faults.panic, lambda kind: faults.panic.submit(kind).result(20)):
            try:
                call(kind)
            except GoPanic:
                continue
            raise AssertionError("no panic")


def stream() -> None:
    """Read a stream to its end, in this thread and in an event loop."""
    assert list(range(100)) == [line.number for line in faults.lines(100)]

    async def read() -> list[int]:
        return [line.number async for line in faults.lines(100)]

    # In a thread, since a server may import its application inside a running loop.
    read_lines: list[int] = []
    thread = threading.Thread(target=lambda: read_lines.extend(asyncio.run(read())))
    thread.start()
    thread.join(20)
    assert list(range(100)) == read_lines


EXERCISES: dict[str, Callable[[], None]] = {
    each.__name__: each for each in (goroutines, timers, gc, http, panic, stream)
}


def exercise(kind: str) -> str:
    """Do one exercise, or all; give the process and the one that had loaded Go before it."""
    for name in EXERCISES if kind == "all" else [kind]:
        EXERCISES[name]()
    return f"{os.getpid()} {runtime_info()['forked_from']}"
