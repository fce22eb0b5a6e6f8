"""Measures programs in fresh interpreters, for import.*."""

from __future__ import annotations

import subprocess
import sys
import time

from benchmarks.work import Sample, Work

EMPTY = "print(42)"
# wait4 would count the memory of whoever forked; this counts from the exec on.
PEAK = """
print(*(line for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""
FIRST_CALL = """
import time
{before}
start = time.perf_counter()
{load}
answer = {call}
print(time.perf_counter() - start, answer)
"""


def package(statement: str) -> Work:
    """Import something: time and memory of the process above those of an empty one."""
    program = f"{statement}\n{EMPTY}"

    def run() -> Sample:
        empty, _ = interpret(EMPTY)
        full, _ = interpret(program)
        return Sample(full.seconds - empty.seconds, full.rss_mb - empty.rss_mb)

    return Work(run, lambda: int(interpret(program)[1]))


def first_call(before: str, load: str, call: str) -> Work:
    """Load a library and call: the time that the program itself sees, memory as above."""
    program = FIRST_CALL.format(before=before, load=load, call=call)

    def run() -> Sample:
        empty, _ = interpret(EMPTY)
        full, printed = interpret(program)
        return Sample(float(printed.split()[0]), full.rss_mb - empty.rss_mb)

    return Work(run, lambda: int(interpret(program)[1].split()[1]))


def interpret(program: str) -> tuple[Sample, str]:
    """Run a program; give the process's time and peak of memory, and what it printed."""
    command = [sys.executable, "-c", program + PEAK]
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds = time.perf_counter() - start
    printed, _, peak = done.stdout.partition("VmHWM:")
    return Sample(seconds, int(peak.split()[0]) / 1024), printed
