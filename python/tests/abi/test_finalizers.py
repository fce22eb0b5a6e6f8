"""Finalizers that wait for Go, in the middle of what gostitch does: none of them waits for ever.

CPython says what may run when: a collection may begin at any allocation (up to 3.11) or between
any two steps (later), on whichever thread is there, and runs any code (gc, object.__del__).
"""

from __future__ import annotations

import pytest

from depth import NIGHTLY, SAMPLE
from programs import Programs

# make test runs every so many-th step.
_EACH = 1 if NIGHTLY else 41

_AT_EACH_STEP = """
import asyncio, faulthandler, gc, logging, sys, time
from finalizers import Finalizers

finalizers = Finalizers(lambda: seen.append(faults.add.submit(1, 2).result(20)))
import faults, gostitch

faulthandler.dump_traceback_later(25, exit=True)
logging.disable()
seen = []

def in_loop(text):
    scope = {{}}
    exec("async def main():\\n    " + text, globals(), scope)
    asyncio.run(scope["main"]())

def work():
    {work}

def refused(call):
    try:
        call()
    except gostitch.GoError:
        pass

work()
for service in {threads}:
    at = {offset} % {each}
    runs = 0
    while finalizers.run(work, at, on_service_threads=service):
        faulthandler.cancel_dump_traceback_later()
        faulthandler.dump_traceback_later(25, exit=True)
        until = time.monotonic() + 20
        while not seen and time.monotonic() < until:
            time.sleep(0.0005)  # on another thread it goes on beside the work
        if seen != [3]:
            print(at, finalizers.where, seen)
        seen.clear()
        at += {each}
        runs += 1
    print(service, runs > 0 or service and {in_loop})  # a loop needs none of gostitch's threads
gc.collect()
print("left", gostitch.runtime_info()["calls"])
"""

WAYS = {
    "a future": "faults.add.submit(3, 4).result(20)",
    "a future that fails": "refused(lambda: faults.fail.submit('unknown').result(20))",
    "a long call": "faults.sleep(0.002)",
    "futures in order": "list(faults.add.map([1, 2], [3, 4]))",
    "a callback": "faults.ask(2, lambda question: 1)",
    "a submitted callback": "faults.ask.submit(2, lambda question: 1).result(20)",
    "messages": "faults.count_messages(70, progress=lambda tick: None)",
    "a stream": "list(faults.lines(3))",
    "awaits": "in_loop('await asyncio.gather(*(faults.add.submit(i, 1) for i in range(3)))')",
    "a stream in a loop": "in_loop('async for _ in faults.lines(2): pass')",
    "settings": "gostitch.configure(default_timeout=60)",
    "a loop that is closed": "in_loop('faults.sleep.submit(60)')",
}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("way", WAYS)
def test_at_each_step(program: Programs, way: str) -> None:
    """A finalizer at any step of a call's own thread, or of gostitch's threads, gets its reply."""
    offset = SAMPLE
    on_service_threads = way not in (
        "a long call",
        "a callback",
        "messages",
        "a stream",
        "settings",
    )
    text = _AT_EACH_STEP.format(
        work=WAYS[way],
        each=_EACH,
        offset=offset,
        threads=[False, True] if on_service_threads else [False],
        in_loop="in_loop" in WAYS[way],
    )
    done = program(text, timeout=580)

    expected = "False True\n" + ("True True\n" if on_service_threads else "") + "left 0\n"
    assert ("", expected, 0) == (done.stderr, done.stdout, done.returncode)


_BESIDE_FAILURES = """
import faulthandler, gc, threading, time
import faults, gostitch

faulthandler.dump_traceback_later(60, exit=True)

class Waits:
    def __init__(self):
        self.itself = self

    def __del__(self):
        try:
            seen.append(faults.add.submit(1, 2).result(20))
        except BaseException as error:
            seen.append(repr(error))

seen = []
gc.set_threshold({threshold})
for _ in range({rounds}):
    futures = []
    for n in range({many}):
        futures.append(faults.fail.submit("unknown"))
        if n % 50 == 0:
            Waits()
    failed = [type(future.exception(30)).__name__ for future in futures]
    assert set(failed) == {{"GoError"}}, set(failed)
    gc.collect()
expected = {rounds} * {many} // 50
until = time.monotonic() + 30
while len(seen) < expected and time.monotonic() < until:
    time.sleep(0.001)  # one on another thread may still be under way
print(set(seen), len(seen) - expected)
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("threshold", "many"), [("700, 10, 10", 3000), ("1, 1, 1", 300)])
def test_beside_calls_that_fail(program: Programs, threshold: str, many: int) -> None:
    """Objects that refer to themselves, whose finalizers wait, beside thousands of errors."""
    text = _BESIDE_FAILURES.format(threshold=threshold, rounds=3, many=many)
    done = program(text, timeout=100)

    assert ("", "{3} 0\n", 0) == (done.stderr, done.stdout, done.returncode)


_WHILE_LOADING = """
import faulthandler, sys, threading
from finalizers import Finalizers

def finalize():
    # Another thread's call, which would wait for the thread that is here.
    thread = threading.Thread(target=lambda: seen.append(faults.add.submit(1, 2).result(20)))
    thread.start()
    thread.join(30)

finalizers = Finalizers(finalize)
import faults, gostitch

faulthandler.dump_traceback_later(40, exit=True)
seen = []
reached = finalizers.run(lambda: faults.add.submit(3, 4).result(20), {at}, on_service_threads=False)
print(reached, seen)
"""


@pytest.mark.timeout(90)
@pytest.mark.parametrize("part", range(8) if NIGHTLY else range(0, 8, 3))
def test_while_the_library_is_loaded(program: Programs, part: int) -> None:
    """A finalizer in the middle of loading may wait for a thread that makes its first call."""
    at = 60 + 400 * part + SAMPLE
    done = program(_WHILE_LOADING.format(at=at), timeout=60)

    assert ("", "True [3]\n", 0) == (done.stderr, done.stdout, done.returncode)


_WHILE_A_CALLBACK_IS_ADDED = """
import gc, threading
import faults

def settle(phase, info):
    # What a finalizer would do that waits for the call.
    if phase == "start" and future is not None:
        for _ in range(2000):
            if future.done():
                break
            threading.Event().wait(0.001)

future = None
faults.add.submit(1, 2).result()
gc.callbacks.append(settle)
kept, lost = [], []
for at in range({places}):
    gc.disable()
    gc.collect()
    made = faults.sleep.submit(0.01)
    called = threading.Event()
    kept.append([[] for _ in range(300)])  # lists come from the allocator, not from those that were freed
    future = made
    gc.set_threshold(gc.get_count()[0] + at, 1000, 1000)
    gc.enable()
    made.{add}(lambda of: called.set())
    gc.disable()
    future = None
    made.result(20)
    if not called.wait(5):
        lost.append(at)
print(lost)
"""


@pytest.mark.parametrize("add", ["add_done_callback", "_add_done_callback"])
def test_while_a_callback_is_added(program: Programs, add: str) -> None:
    """It is called although a collection at any allocation waits until the call has ended."""
    done = program(_WHILE_A_CALLBACK_IS_ADDED.format(places=12, add=add), timeout=60)

    assert ("", "[]\n", 0) == (done.stderr, done.stdout, done.returncode)
