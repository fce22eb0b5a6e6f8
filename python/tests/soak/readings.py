"""What a soak reads of its process while it runs, and whether it stays flat."""

from __future__ import annotations

import os
import statistics
import threading
from typing import NamedTuple

from gostitch import runtime_info

MIB = 1 << 20
ALLOWED_MIB = 4
"""Growth over the whole of the second half that is taken for noise of two allocators."""


class Reading(NamedTuple):
    """The state of the process after so many calls."""

    calls: int
    rss: int  # bytes
    heap: int  # bytes of Go
    threads: int  # of the kernel
    descriptors: int
    goroutines: int


def read(calls: int) -> Reading:
    """Read the state of this process."""
    info = runtime_info()
    with open("/proc/self/statm") as statm:
        pages = int(statm.read().split()[1])
    return Reading(
        calls,
        pages * os.sysconf("SC_PAGE_SIZE"),
        info["heap_bytes"],
        len(os.listdir("/proc/self/task")),
        len(os.listdir("/proc/self/fd")),
        info["goroutines"],
    )


def growth(readings: list[Reading]) -> float:
    """Give the growth of RSS in MiB over the second half, by linear regression."""
    half = readings[len(readings) // 2 :]
    if len(half) < 2:
        return 0.0
    slope, _ = statistics.linear_regression([r.calls for r in half], [r.rss for r in half])
    return slope * (half[-1].calls - half[0].calls) / MIB


def complaints(readings: list[Reading], before: Reading, after: Reading) -> list[str]:
    """Say what has not stayed flat; ``before`` is warm, ``after`` is when all has ended."""
    found = []
    grown = growth(readings)
    if grown > ALLOWED_MIB:
        found.append(f"RSS grew by {grown:.1f} MiB over the second half")
    if after.descriptors > before.descriptors:
        found.append(f"{after.descriptors - before.descriptors} descriptors are left")
    if after.goroutines > before.goroutines + 64:  # idle workers of Go
        found.append(f"{after.goroutines - before.goroutines} goroutines are left")
    left = [thread.name for thread in threading.enumerate() if thread.name.startswith("soak")]
    if left:
        found.append(f"threads are left: {left}")
    info = runtime_info()
    live = ("calls", "pending", "buffers", "background_goroutines")
    return found + [f"{info[name]} {name} are left" for name in live if info[name]]
