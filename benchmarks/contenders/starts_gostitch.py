"""import.* of gostitch."""

from __future__ import annotations

from benchmarks.contenders import interpreter
from benchmarks.machine import ROOT
from benchmarks.work import Work

MOST_OF_ASYNCIO = 1.21
"""A tenth more than what a start took when it was last made shorter: 1.10 of import asyncio."""


def package() -> Work:
    """Import it."""
    return interpreter.package("import gostitch")


def first_call() -> Work:
    """Load it, then call a function."""
    return interpreter.first_call("import faults", "", "faults.add(40, 2)")


def whole() -> Work:
    """Start, import the tasks, call one, and exit; with the library that is shipped."""
    return interpreter.whole(
        "from gostitch import tasks\nassert tasks.hash_tree('Makefile').files == 1",
        1,
        most=MOST_OF_ASYNCIO,
        GOSTITCH_LIBRARY=str(ROOT / "python" / "gostitch" / "libgostitch.so"),
    )
