"""Faults: those of Go become GoPanic, those of C give faulthandler's dump, in whatever order."""

from __future__ import annotations

import signal

import pytest

from programs import Programs

_GO_FAULTS = """
import os, sys, time
import gostitch

def panics():
    '''Dereference nil in a call, in a submitted one and in a goroutine left behind.'''
    for call in (faults.panic, lambda kind: faults.panic.submit(kind).result()):
        try:
            call("dereference")
        except gostitch.GoPanic as error:
            assert "nil pointer dereference" in str(error), error
        else:
            raise AssertionError("no panic")
    before = gostitch.runtime_info()["background_panics"]
    faults.background_panic(kind="dereference")
    deadline = time.monotonic() + 10
    while gostitch.runtime_info()["background_panics"] == before:
        assert time.monotonic() < deadline
        time.sleep(0.001)

def panics_in_child():
    pid = os.fork()
    if pid == 0:
        try:
            panics()
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    assert 0 == os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

panics()
panics_in_child()
panics()
print("recovered", faulthandler.is_enabled(), flush=True)
"""

_C_FAULT = "\nimport ctypes; ctypes.string_at(0)"

ORDERS = {
    "never": "import faults, faulthandler; faults.add(1, 2)",
    "before": "import faults, faulthandler; faulthandler.enable(); faults.add(1, 2)",
    "after": "import faults, faulthandler; faults.add(1, 2); faulthandler.enable()",
    "twice": """import faults, faulthandler
faulthandler.enable(); faults.add(1, 2); faulthandler.enable()""",
    "before, disabled after": """import faults, faulthandler
faulthandler.enable(); faults.add(1, 2); faulthandler.disable()""",
    "after, disabled": """import faults, faulthandler
faults.add(1, 2); faulthandler.enable(); faulthandler.disable()""",
    "after, disabled after a call": """import faults, faulthandler
faults.add(1, 2); faulthandler.enable(); faults.add(1, 2); faulthandler.disable()""",
    "on and off, with calls between": """import faults, faulthandler
for _ in range(20):
    faulthandler.enable(); faults.add(1, 2); faulthandler.disable(); faults.add(1, 2)
faulthandler.enable()""",
    "before, off and on again": """import faults, faulthandler
faulthandler.enable(); faults.add(1, 2)
faulthandler.disable(); faults.add(1, 2); faulthandler.enable()""",
    "loaded by a parent": """import faults, faulthandler, os, sys
faults.add(1, 2)
pid = os.fork()
if pid:
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status < 0:
        os.kill(os.getpid(), -status)
    sys.exit(status)
faulthandler.enable(); faults.add(1, 2)""",
}

_ENABLED = {
    "before",
    "after",
    "twice",
    "on and off, with calls between",
    "before, off and on again",
    "loaded by a parent",
}


@pytest.mark.parametrize("order", ORDERS)
def test_in_any_order(program: Programs, order: str) -> None:
    """Go's nil dereferences are caught, then a fault of C ends the process as without Go."""
    done = program(ORDERS[order] + _GO_FAULTS + _C_FAULT, timeout=60)

    enabled = order in _ENABLED
    assert (f"recovered {enabled}\n", -signal.SIGSEGV) == (done.stdout, done.returncode), (
        done.stderr
    )
    assert enabled == done.stderr.startswith("Fatal Python error: Segmentation fault")
    assert enabled == ("string_at" in done.stderr)
    assert "goroutine " not in done.stderr


def test_of_the_command_line(program: Programs) -> None:
    """-X faulthandler is the same as enabling it first."""
    done = program(
        "import faults, faulthandler" + _GO_FAULTS + _C_FAULT, "-X", "faulthandler", timeout=60
    )

    assert ("recovered True\n", -signal.SIGSEGV) == (done.stdout, done.returncode), done.stderr
    assert "string_at" in done.stderr


def test_before_a_child_loads_its_copy(program: Programs) -> None:
    """In a forked child that has not called Go yet, a fault of C is dumped too."""
    done = program(
        """
import ctypes, faulthandler, os, faults
faults.add(1, 2)
faulthandler.enable()
faults.add(1, 2)
pid = os.fork()
if pid == 0:
    ctypes.string_at(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    )

    assert f"{-signal.SIGSEGV}\n" == done.stdout
    assert "string_at" in done.stderr


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGBUS", "SIGFPE"])
def test_sent_from_outside(program: Programs, name: str) -> None:
    """A signal that somebody sent is no fault of Go's."""
    done = program(
        f"""
import os, signal, faults
faults.add(1, 2)
os.kill(os.getpid(), signal.{name})
"""
    )

    assert (-getattr(signal, name), "") == (done.returncode, done.stderr)


def test_ignored(program: Programs) -> None:
    """A program may ignore such a signal when it is sent."""
    done = program(
        """
import os, signal, faults
signal.signal(signal.SIGSEGV, signal.SIG_IGN)
faults.add(1, 2)
os.kill(os.getpid(), signal.SIGSEGV)
print(faults.add(1, 2))
"""
    )

    assert (0, "3\n") == (done.returncode, done.stdout), done.stderr


def test_many_threads(program: Programs) -> None:
    """Threads that switch faulthandler all the time lose no panic of calls that begin later."""
    done = program(
        """
import faulthandler, threading, faults, gostitch
faults.add(1, 2)
switch = threading.Lock()

def work():
    for i in range(200):
        with switch:
            (faulthandler.enable, faulthandler.disable)[i % 2]()
            try:
                faults.panic("dereference")
            except gostitch.GoPanic:
                caught.append(i)

caught = []
threads = [threading.Thread(target=work) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(caught))
""",
        timeout=60,
    )

    assert (0, "800\n") == (done.returncode, done.stdout), done.stderr
