"""Contenders whose times are known, for the tests of the benchmarks' runner."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

from benchmarks.work import Sample, Work


def takes(log: str, **known: float) -> Work:
    """Take a known time, the first of ``known`` not yet taken, and log whose process ran."""
    seconds = iter(known.values())

    def run() -> Sample:
        with Path(log).open("a") as file:
            file.write(f"{os.getpid()}\n")
        return Sample(next(seconds), 10.0)

    return Work(run, lambda: "done")


def slow(log: str) -> Work:
    """Take 5, 3 and 4 s."""
    return takes(log, a=5.0, b=3.0, c=4.0)


def quick(log: str) -> Work:
    """Take 1, 2 and 60 s: a median of 2 s, however long the slow moment."""
    return takes(log, a=1.0, b=2.0, c=60.0)


def wrong(log: str) -> Work:
    """Give another answer than the others."""
    return Work(lambda: None, lambda: "wrong")


def dies(log: str) -> Work:
    """End without an answer."""
    return Work(lambda: None, lambda: os._exit(3))


def observed(log: str) -> Work:
    """Import OpenTelemetry."""

    def run() -> None:
        importlib.import_module("opentelemetry")

    return Work(run, lambda: "done")


def scalar(count: int) -> Work:
    """Do what ``faults.add`` does, in Python."""

    def run() -> None:
        for i in range(count):
            i + 1

    return Work(run, lambda: [3, -2, 2**62 + 1])
