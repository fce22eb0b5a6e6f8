"""Ctrl-C at each single place of gostitch's Python code leaves no call, queue, buffer or descriptor.

None that the next call would not take away, that is: nothing adds up.
"""

from __future__ import annotations

import pytest

from programs import Programs

_PROGRAM = """
import asyncio, concurrent.futures, gc, logging, os, sys, time, warnings
import faults, gostitch
from interrupts import Interrupter

warnings.simplefilter("ignore")  # coroutines that Ctrl-C kept from being awaited
sys.unraisablehook = lambda _: None
logging.disable()
gostitch.configure(grace={grace})

def work():
    {work}

def in_loop(text):
    scope = {{}}
    exec("async def main():\\n    " + text, globals(), scope)
    asyncio.run(scope["main"]())

def left():
    info = gostitch.runtime_info()
    counts = [info[name] for name in ("calls", "pending", "queues", "buffers")]
    return counts, len(os.listdir("/proc/self/fd"))

def settled(wanted):
    deadline = time.monotonic() + 5
    while left() != wanted and time.monotonic() < deadline:
        gc.collect()
        time.sleep(0.001)
    return left()

work()
work()
gc.collect()
deadline = time.monotonic() + 20
while left()[0] != [0, 0, 2, 0] and time.monotonic() < deadline:
    time.sleep(0.01)
wanted = left()

at = 0
while True:
    interrupter = Interrupter(at)
    raised = interrupter.run(work)
    if not interrupter.where:
        break
    if not isinstance(raised, (KeyboardInterrupt, asyncio.CancelledError, type(None))):
        print(at, interrupter.where, repr(raised))
    raised = None  # its context may hold the loop
    found = settled(wanted)
    if found != wanted:  # what a finalizer was kept from, the next call does
        work()
        found = settled(wanted)
    if found != wanted:
        print(at, interrupter.where, found, wanted)
        wanted = found
    at += 1
print("done", at > {least})
"""

WAYS = {
    "a long call": "faults.sleep(0.01)",
    "a long call with memory that is lent": "faults.linger(0.005, bytearray(9000))",
    "a future": "faults.sleep.submit(0.01).result(20)",
    "futures in order": "list(faults.add.map([1, 2], [3, 4]))",
    "a callback": "faults.ask(2, lambda question: 1)",
    "messages": "faults.count_messages(2, progress=lambda tick: None)",
    "a stream": "[*faults.lines(3)]",
    "a stream that is left": "with faults.lines(100_000) as lines: next(lines)",
    "a stream that is dropped": "next(faults.lines(100_000))",
    "an await": "in_loop('await faults.add.submit(1, 2)')",
    "an await that is cancelled": "in_loop('f = faults.sleep.submit(0.2); asyncio.get_running_loop().call_soon(f.cancel); await asyncio.wait([f])')",
    "a callback in a loop": "in_loop('await faults.ask.submit(2, lambda question: 1)')",
    "a stream in a loop": "in_loop('async for line in faults.lines(3): pass')",
}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_left(program: Programs, way: str) -> None:
    """Wherever it strikes, KeyboardInterrupt is what comes out, and nothing adds up."""
    done = program(_PROGRAM.format(work=WAYS[way], grace=None, least=3), timeout=150)

    assert ("done True\n", "") == (done.stdout, done.stderr)


@pytest.mark.timeout(180)
def test_nothing_is_left_of_a_call_that_may_be_abandoned(program: Programs) -> None:
    """Nor of one that is waited for only so long."""
    done = program(_PROGRAM.format(work="faults.add(1, 2)", grace=5, least=3), timeout=150)

    assert ("done True\n", "") == (done.stdout, done.stderr)
