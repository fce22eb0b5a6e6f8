"""fork.* in a process that has loaded the library."""

from __future__ import annotations

import os
import time

import faults
from benchmarks.contenders import forking
from benchmarks.work import Sample, Work


def parent() -> Work:
    """Fork, with the library in full use."""
    faults.add.submit(40, 2).result()
    return Work(forking.forks, forking.fork_often)


def child() -> Work:
    """Fork, and call in the child; a sibling that did so lives on, and shares the copy."""
    faults.add.submit(40, 2).result()
    ready, done = os.pipe(), os.pipe()
    sibling = os.fork()
    if sibling == 0:
        os.close(done[1])
        os.write(ready[1], str(faults.add(40, 2)).encode())
        os.read(done[0], 1)  # until the parent closes its end
        os._exit(0)
    os.read(ready[0], 8)

    def run() -> Sample:
        seconds, memory, _ = _called()
        return Sample(seconds, memory)

    def close() -> None:
        os.close(done[1])
        os.waitpid(sibling, 0)

    return Work(run, lambda: _called()[2], close=close)


def _called() -> tuple[float, float, int]:
    """Give the seconds of the child's first call, the growth of its memory, and the answer."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        memory = forking.proportional_mb()
        start = time.perf_counter()
        answer = faults.add(40, 2)
        seconds = time.perf_counter() - start
        told = f"{seconds} {forking.proportional_mb() - memory} {answer}"
        os.write(write, told.encode())
        os._exit(0)
    os.waitpid(pid, 0)
    seconds_text, memory_text, answer_text = os.read(read, 100).split()
    os.close(read)
    os.close(write)
    return float(seconds_text), float(memory_text), int(answer_text)
