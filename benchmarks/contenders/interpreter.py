"""Measures programs in fresh interpreters, for import.*."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.work import Sample, Work

EMPTY = "print(42)"
# wait4 would count the memory of whoever forked; this counts from the exec on.
PEAK = """
print(*(line for line in open("/proc/self/status") if line.startswith("VmHWM:")))
"""
# The number of threads, then the files of code in memory.
CONTENT = """
import os
print(len(os.listdir("/proc/self/task")))
print(*{line.split()[5] for line in open("/proc/self/maps") if ".so" in line}, sep="\\n")
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
    """Load a library and call: the time that the program itself sees, memory as above.

    Its facts are the threads of the process, and the size of the files of code that an empty
    one has not.
    """
    program = FIRST_CALL.format(before=before, load=load, call=call)

    def run() -> Sample:
        empty, _ = interpret(EMPTY)
        full, printed = interpret(program)
        return Sample(float(printed.split()[0]), full.rss_mb - empty.rss_mb)

    def facts() -> dict[str, object]:
        _, *usual = _content(EMPTY)
        threads, *files = _content(program)
        size = sum(Path(file).stat().st_size for file in set(files) - set(usual))
        return {"threads": int(threads), "code_mb": round(size / 1e6, 2)}

    return Work(run, lambda: int(interpret(program)[1].split()[1]), facts=facts)


def _content(program: str) -> list[str]:
    """Give the threads and files of code that a program ends with."""
    return interpret(program + CONTENT)[1].splitlines()[1:]


def interpret(program: str) -> tuple[Sample, str]:
    """Run a program; give the process's time and peak of memory, and what it printed."""
    command = [sys.executable, "-c", program + PEAK]
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds = time.perf_counter() - start
    printed, _, peak = done.stdout.partition("VmHWM:")
    return Sample(seconds, int(peak.split()[0]) / 1024), printed
