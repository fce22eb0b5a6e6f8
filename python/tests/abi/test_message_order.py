"""Messages of a call arrive in order and none is lost, whatever waits while they are handled.

The authority is the function, which numbers its messages; CPython says where code of others may run:
a collection at any allocation, a signal's handler and a profile function between any two steps.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest

import faults
from invariants import settled
from programs import Programs

_BEGIN = """
import asyncio, faulthandler, gc, random, signal, sys, threading, time
import faults

faulthandler.dump_traceback_later(50, exit=True)
chance, here = random.Random(7), threading.local()

def wait():
    if getattr(here, "waits", False):
        return
    here.waits = True
    try:
        faults.sleep.submit(0.001).result(20)
    finally:
        here.waits = False

def submitted():
    got = []
    faults.count_messages.submit(50, progress=lambda tick: got.append(tick.index)).result(20)
    return got

def in_loop():
    got = []
    async def main():
        await faults.count_messages.submit(50, progress=lambda tick: got.append(tick.index))
    asyncio.run(main())
    return got

def stream_in_loop():
    async def main():
        return [line.number async for line in faults.lines(50)]
    return asyncio.run(main())
"""

_WAYS = {
    "a signal's handler": """
signal.signal(signal.SIGALRM, lambda number, frame: wait())
def begin():
    signal.setitimer(signal.ITIMER_REAL, chance.random() * 0.004 + 1e-5, 0.0007)
def end():
    signal.setitimer(signal.ITIMER_REAL, 0)
""",
    "a profile function": """
def profile(frame, event, argument):
    if event == "call" and frame.f_code.co_name in ("_message", "_handle") and chance.random() < 0.05:
        wait()
def begin():
    threading.setprofile(profile)
    sys.setprofile(profile)
def end():
    sys.setprofile(None)
""",
    "a finalizer": """
class Waits:
    def __init__(self):
        self.itself = self
    def __del__(self):
        wait()
gc.set_threshold(30, 2, 2)
def begin():
    for _ in range(3):
        Waits()
def end():
    pass
""",
}


@pytest.mark.timeout(90)
@pytest.mark.parametrize("way", _WAYS)
@pytest.mark.parametrize("calls", ["submitted", "in_loop", "stream_in_loop"])
def test_what_waits_meanwhile(program: Programs, way: str, calls: str) -> None:
    text = f"""
{_BEGIN}
{_WAYS[way]}
begin()
wrong, until = [], time.monotonic() + 1.5
while time.monotonic() < until:
    begin()
    got = {calls}()
    end()
    if got != list(range(50)):
        wrong.append(got)
print(wrong[:2])
"""
    done = program(text, timeout=80)

    assert (0, "", "[]\n") == (done.returncode, done.stderr, done.stdout)


def test_a_callback_that_waits_for_its_own_call() -> None:
    """It gets the result: later messages, and the reply, do not wait for it."""
    seen: list[Any] = []
    submitted = threading.Event()

    def progress(tick: faults.FaultsTick) -> None:
        assert submitted.wait(20)
        if tick.index == 0:
            seen.append(future.result(20))

    future = faults.count_messages.submit(5, progress=progress)
    submitted.set()

    assert 5 == future.result(20)
    assert settled(lambda: seen, [5]) == [5]  # it may be told after this thread


def test_one_at_a_time() -> None:
    """A callback that takes its time is not run beside itself, though another call is waited for."""
    inside = 0
    most = 0

    def progress(tick: faults.FaultsTick) -> None:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        threading.Event().wait(0.08)
        inside -= 1

    future = faults.count_messages.submit(5, progress=progress)
    assert [3] * 20 == [faults.add.submit(1, 2).result(20) for _ in range(20)]

    assert 5 == future.result(20)
    assert 1 == most


_WAITS = {
    "it polls": "while not future.done(): time.sleep(0.01)",
    "another thread waits": "thread = threading.Thread(target=future.result); thread.start(); thread.join()",
    "it awaits": "asyncio.run(wait())",
    "it waits again": "concurrent.futures.wait([future], 20)",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("way", _WAITS)
def test_a_callback_that_waits_unseen_for_its_own_call(program: Programs, way: str) -> None:
    """The reply is not behind it for ever, as somebody waits."""
    done = program(
        f"""
import asyncio, concurrent.futures, threading, time
import faults
submitted = threading.Event()
async def wait():
    return await asyncio.wrap_future(future)
def progress(tick):
    submitted.wait()
    if tick.index == 0:
        {_WAITS[way]}
future = faults.count_messages.submit(5, progress=progress)
concurrent.futures.wait([future], 0)  # so that its condition is there
submitted.set()
print(future.result(20))
""",
        timeout=40,
    )

    assert (0, "", "5\n") == (done.returncode, done.stderr, done.stdout)


_NESTED = """
import asyncio, time
import faults, nest_asyncio

loop = asyncio.new_event_loop()
nest_asyncio.apply(loop)
got = []

def progress(tick):
    got.append(tick.index)
    if tick.index == 0:
        time.sleep({late})
        got.append(str(loop.run_until_complete(future)))

async def main():
    global future
    future = faults.count_messages.submit(5, progress=progress)
    time.sleep({late})
    return await future

print(loop.run_until_complete(main()), got)
"""


@pytest.mark.parametrize("late", [0, 0.2])
def test_a_callback_that_runs_the_loop_until_its_own_call_is_done(
    program: Programs, late: float
) -> None:
    """By nest_asyncio: messages and reply are handled there, those too that had arrived before."""
    done = program(_NESTED.format(late=late), timeout=40)

    assert (0, "", "5 [0, 1, 2, 3, 4, '5']\n") == (done.returncode, done.stderr, done.stdout)


_UNSERVED = """
import asyncio, threading
import faults, nest_asyncio

loop = asyncio.new_event_loop()
nest_asyncio.apply(loop)
got = []

def begin():
    global future
    future = faults.count_messages.submit(3, progress=lambda tick: got.append(tick.index))
    {within}

loop.call_soon(begin)
loop.call_later(0.01, loop.stop)
loop.run_forever()
print(future.result(20), got)
"""


@pytest.mark.parametrize("within", ["future.result(20)", "loop.stop()"])
def test_a_loop_with_nest_asyncio_that_does_not_run(program: Programs, within: str) -> None:
    """Since it waits for the result, or has stopped: another thread handles what arrives."""
    done = program(_UNSERVED.format(within=within), timeout=40)

    assert (0, "", "3 [0, 1, 2]\n") == (done.returncode, done.stderr, done.stdout)
