"""Threads that cannot be started: "can't start new thread" is what CPython raises then."""

from __future__ import annotations

import pytest

from programs import Programs

_BEGIN = """
import faulthandler, os, sys, threading, time
import faults, gostitch

faulthandler.dump_traceback_later(25, exit=True)
STARTS = ("_start_new_thread", "_start_joinable_thread")  # of threading, up to 3.12 and later
real = {name: getattr(threading, name) for name in STARTS if hasattr(threading, name)}

def refuse(*arguments, **named):
    raise RuntimeError("can't start new thread")

def limit(yes):
    for name, start in real.items():
        setattr(threading, name, refuse if yes else start)

def outcome(work):
    try:
        return work()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
"""

_AT_FIRST = (
    _BEGIN
    + """
before = len(os.listdir("/proc/self/fd"))
limit(True)
print(outcome(lambda: faults.add.submit(1, 2).result(10)))
print(outcome(lambda: faults.add.submit(1, 2).result(10))[:12])
limit(False)
print([faults.add.submit(i, 1).result(10) for i in range(3)])
print(gostitch.runtime_info()["queues"])
"""
)


@pytest.mark.timeout(60)
def test_at_first(program: Programs) -> None:
    """The call is refused with the reason and the remedy; when the limit is gone, calls work."""
    done = program(_AT_FIRST, timeout=40)
    first, second, later, queues = done.stdout.splitlines()

    assert "" == done.stderr
    assert first.startswith("LibraryError: no thread can be started to handle replies (can't start")
    assert "ulimit -u" in first
    assert ("LibraryError", "[1, 2, 3]", "2") == (second, later, queues)


_LATER = (
    _BEGIN
    + """
faults.add.submit(1, 2).result(10)
seen = []

def waits(future):
    seen.append(outcome(lambda: faults.add.submit(future.result(), 1).result(10)))

limit(True)
future = faults.sleep.submit(0.01)
future.add_done_callback(lambda of: seen.append(outcome(lambda: faults.add.submit(3, 4).result(10))))
future.result(10)
until = time.monotonic() + 10
while not seen and time.monotonic() < until:
    time.sleep(0.001)
print(seen)
print(outcome(lambda: faults.ask.submit(1, lambda question: 5).result(10)))
print(outcome(lambda: faults.add.submit(5, 6).result(10)))
limit(False)
print(outcome(lambda: faults.ask.submit(1, lambda question: 5).result(10)))
print([faults.add.submit(i, 1).result(10) for i in range(3)])
"""
)


@pytest.mark.timeout(60)
def test_later(program: Programs) -> None:
    """A callback that waits on the thread of replies is served without another thread.

    A question for which there is no thread is refused with the reason; then all goes on.
    """
    done = program(_LATER, timeout=40)
    lines = done.stdout.splitlines()

    assert ("", "[7]") == (done.stderr, lines[0])
    assert lines[1].startswith("RuntimeError: no thread can be started for the callback of")
    assert "(can't start new thread)" in lines[1]
    assert ["11", "5", "[1, 2, 3]"] == lines[2:]


_FOR_A_WHILE = (
    _BEGIN
    + """
faults.add.submit(1, 2).result(10)
limit(True)
until = time.monotonic() + 0.5

def progress(tick):
    if time.monotonic() > until:
        limit(False)
    faults.add.submit(1, 1).result(10)
    time.sleep(0.06)  # longer than a thread may be held up

print(outcome(lambda: faults.count_messages.submit(12, progress=progress).result(20)))
print(outcome(lambda: faults.add.submit(1, 2).result(10)))
"""
)


@pytest.mark.timeout(60)
def test_for_a_while(program: Programs) -> None:
    """Callbacks wait for Go while none can be started: each is served, and all goes on afterwards."""
    done = program(_FOR_A_WHILE, timeout=40)

    assert ("", "12\n3\n", 0) == (done.stderr, done.stdout, done.returncode)


_ONE_OF_TWO = (
    _BEGIN
    + """
def refuse_records(name):
    def start(function, *arguments, **named):
        if function.__self__.name == "gostitch-records":
            refuse()
        return real[name](function, *arguments, **named)
    return start

for name in real:
    setattr(threading, name, refuse_records(name))
for _ in range(20):
    reason = outcome(lambda: faults.add.submit(1, 2).result(10))
print(reason[:12], threading.active_count(), gostitch.runtime_info()["queues"])
limit(False)
print(faults.add.submit(1, 2).result(10), threading.active_count(), gostitch.runtime_info()["queues"])
"""
)


@pytest.mark.timeout(60)
def test_one_of_two(program: Programs) -> None:
    """The thread that could be started stays the only one of its kind, however often it is tried."""
    done = program(_ONE_OF_TWO, timeout=40)

    assert ("", "LibraryError 2 1\n3 3 2\n") == (done.stderr, done.stdout)
