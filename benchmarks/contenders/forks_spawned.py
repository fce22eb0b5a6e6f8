"""fork.* without a copy: children by spawn, and a parent without Go."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.contenders import forking
from benchmarks.work import Sample, Work

_PROGRAM = """
import faults
from benchmarks.contenders import forking
print(faults.add(40, 2), forking.proportional_mb())
"""


def parent() -> Work:
    """Fork a process that has not loaded Go."""
    return Work(forking.forks, forking.fork_often)


def child() -> Work:
    """Start a process as multiprocessing's spawn does, and call in it."""

    def run() -> Sample:
        start = time.perf_counter()
        _, memory = _called()
        return Sample(time.perf_counter() - start, memory)

    return Work(run, lambda: _called()[0])


def _called() -> tuple[int, float]:
    command = [sys.executable, "-c", _PROGRAM]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    answer, memory = done.stdout.split()
    return int(answer), float(memory)
