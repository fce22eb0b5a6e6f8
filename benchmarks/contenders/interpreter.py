"""Measures programs in fresh interpreters, for import.*."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.work import Sample, Work

EMPTY = "print(42)"
STARTS = 50
# An installed package has its bytecode: what is imported from the tree may keep it.
_ENV = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
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


def whole(statements: str, answer: object, most: float | None = None, **variables: str) -> Work:
    """Start, import, call and exit: the processor time of a process above an empty one's.

    A sample is the mean of so many starts, by turns with as many of an empty interpreter and of one
    that imports asyncio. Facts are the time in the unit of the latter, and what the clock says.
    More than ``most`` of that unit is an error. ``variables`` are put into the environment.
    """
    program, ratios, walls = f"{statements}\n{EMPTY}", [], []

    def run() -> Sample:
        empty, full, asyncio = (
            _Starts(each, variables) for each in (EMPTY, program, f"import asyncio\n{EMPTY}")
        )
        for _ in range(STARTS):
            for each in (empty, full, asyncio):
                each.start()
        ratios.append((full.cpu_s - empty.cpu_s) / (asyncio.cpu_s - empty.cpu_s))
        walls.append((full.wall_s - empty.wall_s) / STARTS)
        return Sample((full.cpu_s - empty.cpu_s) / STARTS, full.rss_mb - empty.rss_mb)

    def facts() -> dict[str, object]:
        of_asyncio = round(statistics.median(ratios), 3)
        if most is not None and of_asyncio > most:
            raise RuntimeError(
                f"a start takes {of_asyncio} of 'import asyncio', and may take {most}: import what "
                "no first call needs where it is used"
            )
        return {
            "of_asyncio": of_asyncio,
            "wall_ms": round(statistics.median(walls) * 1000, 1),
        }

    return Work(run, lambda: answer, facts=facts)


class _Starts:
    """Processes of one program: their times together, and the memory of the last."""

    def __init__(self, program: str, variables: dict[str, str]) -> None:
        self._command = [sys.executable, "-c", program + PEAK]
        self._env = _ENV | variables
        self.cpu_s = self.wall_s = self.rss_mb = 0.0

    def start(self) -> None:
        """Start one more, and wait for its end."""
        begun = time.perf_counter()
        process = subprocess.Popen(self._command, stdout=subprocess.PIPE, text=True, env=self._env)
        assert process.stdout is not None
        with process.stdout as output:
            printed = output.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise RuntimeError(f"{self._command[-1]} ended with {process.returncode}")
        self.wall_s += time.perf_counter() - begun
        self.cpu_s += used.ru_utime + used.ru_stime
        self.rss_mb = int(printed.partition("VmHWM:")[2].split()[0]) / 1024


def _content(program: str) -> list[str]:
    """Give the threads and files of code that a program ends with."""
    return interpret(program + CONTENT)[1].splitlines()[1:]


def interpret(program: str) -> tuple[Sample, str]:
    """Run a program; give the process's time and peak of memory, and what it printed."""
    command = [sys.executable, "-c", program + PEAK]
    start = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=_ENV)
    seconds = time.perf_counter() - start
    printed, _, peak = done.stdout.partition("VmHWM:")
    return Sample(seconds, int(peak.split()[0]) / 1024), printed
