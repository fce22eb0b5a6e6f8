"""call.* through gostitch: the public typed functions of the faults library."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat

import numpy as np

import faults
from benchmarks.contenders import spaced as spaced_calls
from benchmarks.work import Sample, Work

CHUNK = 500


def crossing(count: int) -> Work:
    """Call a function that does nothing."""

    def run() -> None:
        nothing = faults.nothing
        for _ in repeat(None, count):
            nothing()

    return Work(run, faults.nothing)


def interruptible(count: int) -> Work:
    """Make the smallest call where Ctrl-C arrives and where it does not; give the difference."""
    elsewhere = ThreadPoolExecutor(1)

    def seconds() -> float:
        nothing = faults.nothing
        begun = time.perf_counter()
        for _ in repeat(None, CHUNK):
            nothing()
        return time.perf_counter() - begun

    def run() -> Sample:
        difference = 0.0
        for _ in repeat(None, count // CHUNK):
            difference += seconds()
            difference -= elsewhere.submit(seconds).result()
        return Sample(difference, 0.0)

    return Work(run, faults.nothing, close=elsewhere.shutdown)


def spaced(count: int, pause_us: float) -> Work:
    """Make the smallest call with some of Python's own work between two."""
    return spaced_calls.work(faults.nothing, count, pause_us, faults.nothing())


def scalar(count: int) -> Work:
    """Add two numbers."""

    def run() -> None:
        add = faults.add
        for i in range(count):
            add(i, 1)

    return Work(run, lambda: [faults.add(a, b) for a, b in ((1, 2), (-5, 3), (2**62, 1))])


def structured(count: int) -> Work:
    """Give a text, a list and a record, all made anew; read all fields of the record returned."""

    def call(numbers: list[int]) -> tuple[int, list[str]]:
        reply = faults.structured("release", numbers, faults.FaultsInner(7, "linux"))
        return reply.total, reply.words

    def run() -> None:
        numbers = list(range(20))
        for _ in repeat(None, count):
            call(numbers)

    return Work(run, lambda: call(list(range(20))))


def bytes_in(count: int, size: int) -> Work:
    """Lend bytes."""
    data = bytes(size - 1) + b"\x07"

    def run() -> None:
        for _ in repeat(None, count):
            faults.bytes_in(data)

    return Work(run, lambda: faults.bytes_in(data))


def bytes_out(count: int, size: int) -> Work:
    """Take bytes."""

    def run() -> None:
        for _ in repeat(None, count):
            faults.bytes_out(size)

    return Work(run, lambda: faults.bytes_out(size) == b"\x07" * size)


def floats_in(count: int, size: int) -> Work:
    """Lend the numbers of an array."""
    values = np.arange(size, dtype=np.float64)

    def run() -> None:
        for _ in repeat(None, count):
            faults.floats_in(values)

    return Work(run, lambda: faults.floats_in(values))
