"""Calls with some of Python's own work between them, which is how services call."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from itertools import repeat

from benchmarks.work import Sample, Work

CHUNK = 100
"""Calls in a row of one kind; then as many of the other."""


def work(call: Callable[[], object], count: int, pause_us: float, answer: object) -> Work:
    """Time ``count`` calls that follow so many microseconds of Python, and as many without.

    The clock is read around each call in both. ``growth`` among the facts is the first time by the
    second.
    """
    growths, tights = [], []

    def run() -> Sample:
        spaced = tight = 0
        for _ in repeat(None, count // CHUNK):
            spaced += nanoseconds(call, round(pause_us * 1000))
            tight += nanoseconds(call, 0)
        growths.append(spaced / tight)
        tights.append(tight / count)
        return Sample(spaced * 1e-9, 0.0)

    def facts() -> dict[str, object]:
        return {
            "growth": float(f"{statistics.median(growths):.3g}"),
            "tight_ns": round(statistics.median(tights)),
        }

    return Work(run, lambda: answer, facts=facts)


def nanoseconds(call: Callable[[], object], pause_ns: int) -> int:
    """Return what a chunk of calls takes, without what comes between them."""
    clock, taken = time.perf_counter_ns, 0
    for _ in repeat(None, CHUNK):
        until = clock() + pause_ns
        while clock() < until:
            pass
        begun = clock()
        call()
        taken += clock() - begun
    return taken
