"""Stops of Go's world, which each collection makes, while threads of Python come and go.

Go says of a stop that it does not wait for threads that have left Go (package runtime:
``stopTheWorld`` takes the processors of those in system calls). So however long a thread stays
away, a stop is over before it comes back.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

import c_modules
from programs import Programs

_AWAY_S, _SOON_S, _MISSED_S, _TRIES = 3, 1, 0.001, 5

_PROGRAM = """
import time
import faults, held_leaving

code = faults.code_of("{leaves}")
faults.stop_the_world({away} + 1)
{before}
held_leaving.begin(code.begin, code.end)
{leaving}
print(held_leaving.end())
time.sleep({away})
print(faults.longest_stop())
"""

# What the thread does first, and how it leaves Go then.
_WAYS = {
    "a call": ("faults.sleep(0.1)", "faults.add(1, 2)"),
    "a call after a pause": ("time.sleep(0.6)", "faults.add(1, 2)"),
    "a long call": ("", "faults.sleep(0.9)"),
    "a submitted call": ("faults.sleep(0.1)", "future = faults.add.submit(1, 2)"),
    "a message": ("future = faults.receive.submit(2); time.sleep(0.6)", "future.send(b'1')"),
    "a system call in a call": ("time.sleep(0.6)", "faults.sleep_in_system(3)"),
    "memory that is given back": (
        "data = faults.echo_bytes(bytes(1 << 20)); time.sleep(0.6)",
        "del data",
    ),
}
_IN_GO = {"a system call in a call": "runtime.entersyscall"}
"""What Go leaves by where it does not return to C, with ``runtime.reentersyscall``."""


@pytest.fixture(scope="module")
def held_leaving() -> Path:
    """The folder of the module ``held_leaving``."""
    return c_modules.build(Path(__file__).with_name("held_leaving.c"))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the breakpoint is one of x86-64")
@pytest.mark.timeout(100)
@pytest.mark.parametrize("way", _WAYS)
def test_misses_no_thread(program: Programs, held_leaving: Path, way: str) -> None:
    """A stop that begins in the very moment in which a thread leaves Go is over before long."""
    before, leaving = _WAYS[way]
    leaves = _IN_GO.get(way, "runtime.reentersyscall")
    text = _PROGRAM.format(before=before, leaving=leaving, leaves=leaves, away=_AWAY_S)
    paths = os.pathsep.join([str(held_leaving), str(Path(__file__).parents[1])])
    for _ in range(_TRIES):
        done = program(text, env={"PYTHONPATH": paths}, timeout=50)
        assert ("", 0) == (done.stderr[-3000:], done.returncode)
        held, seconds = done.stdout.split()
        assert "1" == held
        assert float(seconds) < _SOON_S
        if float(seconds) > _MISSED_S:
            return
    pytest.fail("no stop has missed a thread: each took as long as one that waits for none")
