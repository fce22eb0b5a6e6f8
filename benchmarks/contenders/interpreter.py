"""Measures programs in fresh interpreters, for import.*."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from benchmarks.work import Sample, Work

EMPTY = "print(42)"
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
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as stream:
        printed = stream.read()
    # Beside the exit status, wait4 gives the memory of this child alone.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, program)
    return Sample(seconds, usage.ru_maxrss / 1024), printed
