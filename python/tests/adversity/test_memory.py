"""Allocations that fail on the threads that others wait for.

Whoever waits gets a result or MemoryError: CPython says of a failed allocation that it raises
that, on the thread where it was (C API, Exception Handling), and of threads that an exception
ends only them.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from depth import NIGHTLY, SAMPLE
from programs import Programs

# make test runs every so many-th place.
_EACH = 1 if NIGHTLY else 5

_PROGRAM = """
import asyncio, faulthandler, gc, logging, os, sys, threading, time
import failing_memory, faults, gostitch

faulthandler.dump_traceback_later(60, exit=True)
logging.getLogger("gostitch").addHandler(logging.NullHandler())
logging.getLogger("gostitch").propagate = False
sys.unraisablehook = lambda _: None  # of destructors that had no memory

def pumps():
    return [each.ident for each in threading.enumerate() if each.name == "gostitch-{pump}"]

def give_the_pump_time():
    # It takes the reply, unless it has no memory.
    deadline = time.monotonic() + 0.5
    while any(left()[0][:2]) and time.monotonic() < deadline:
        time.sleep(0.001)

def drop_a_stream():
    next(iter(faults.lines(500)))
    give_the_pump_time()

def in_loop(text):
    scope = {{}}
    exec("async def main():\\n    " + text, globals(), scope)
    asyncio.run(scope["main"]())
    give_the_pump_time()

def in_slow_loop():
    # A thread waits, so the pump takes the messages, and gives them to the loop.
    async def main():
        future = faults.count_messages.submit(3, progress=lambda tick: None)
        threading.Thread(target=outcome, args=(future.result,)).start()
        time.sleep(0.01)
        return await future
    return asyncio.run(main())

def in_loop_that_stops():
    # In the middle of that, so nobody handles them there.
    loop, futures = asyncio.new_event_loop(), []
    def begin():
        futures.append(faults.count_messages.submit(3, progress=lambda tick: None))
        threading.Thread(target=outcome, args=(futures[0].result,)).start()
        loop.stop()
        time.sleep(0.01)
    loop.call_soon(begin)
    loop.run_forever()
    try:
        return futures.pop().result(20)
    finally:
        loop.close()

def outcome(work):
    try:
        return work()
    except BaseException as error:
        return type(error)

class Seen(logging.Handler):
    def emit(self, record):
        seen.append(record.getMessage())

seen, failing = [], False
logging.getLogger("gostitch.go").addHandler(Seen())
logging.getLogger("gostitch.go").setLevel(logging.INFO)

def logged():
    # The record, or that there was none for a moment: one may be lost where there is no memory.
    seen.clear()
    faults.log(4, "hello")
    deadline = time.monotonic() + (0.03 if failing else 10)
    while not seen and time.monotonic() < deadline:
        time.sleep(0.0005)
    return len(seen) or MemoryError

def work():
    return {work}

def left():
    info = gostitch.runtime_info()
    return [info[name] for name in ("calls", "pending", "queues", "buffers")], len(os.listdir("/proc/self/fd"))

for _ in range(3):
    faults.sleep(0.01)  # a call seen to take long is waited for with a descriptor, which stays
expected = work()
work()
gc.collect()
deadline = time.monotonic() + 15
while left()[0] != [0, 0, 2, 0] and time.monotonic() < deadline:
    time.sleep(0.01)
wanted = left()
at, failures, ended = {offset} % {each}, 0, 0
while ended < 3:
    faulthandler.cancel_dump_traceback_later()
    faulthandler.dump_traceback_later(30, exit=True)
    failing_memory.begin(at, {many}, *pumps())
    failing = True
    found = outcome(work)
    failing = False
    failed = failing_memory.end()
    ended = 0 if failed else ended + 1
    failures += failed
    if found not in (expected, MemoryError, *{also}):
        print(at, "gave", found)
    if work() != expected:
        print(at, "is not as before")
    at += {each}
deadline = time.monotonic() + 15
while left() != wanted and time.monotonic() < deadline:
    gc.collect()
    work()  # what a destructor was kept from, the next call does
    time.sleep(0.01)
print(failures > 0, left() == wanted or (left(), wanted))
"""

WAYS = {
    "records": "logged()",
    "callbacks on their own threads": "faults.ask.submit(3, lambda question: 1).result(20)",
    "replies": "faults.add.submit(3, 4).result(20)",
    "errors": "outcome(lambda: faults.fail.submit('unknown').result(20))",
    "callbacks": "faults.ask.submit(3, lambda question: 1).result(20)",
    "messages": "faults.count_messages.submit(70, progress=lambda tick: None).result(20)",
    "a stream that is dropped": "drop_a_stream()",
    "results that stay in Go": "bytes(faults.make_bytes.submit(100_000).result(20)[:9])",
    "messages that stay in Go": "faults.send_floats.submit(50_000, send=lambda floats: floats[-1]).result(20)",
    "messages of a slow loop": "in_slow_loop()",
    "messages of a loop that stops": "in_loop_that_stops()",
    "calls of a loop that is closed": "in_loop('faults.sleep.submit(60)')",
}


_THREADS = {"records": "records", "callbacks on their own threads": "callback"}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("many", [1, 3, 40])
@pytest.mark.parametrize("way", WAYS)
def test_on_a_thread_that_others_wait_for(
    program: Programs, failing_memory: Path, way: str, many: int
) -> None:
    """Whichever allocation of it fails, whoever waits is told, and the thread goes on."""
    done = program(
        _PROGRAM.format(
            pump=_THREADS.get(way, "pump"),
            work=WAYS[way],
            each=_EACH,
            offset=SAMPLE,
            many=many,
            also="(gostitch.GoError,)",
        ),
        env={"PYTHONPATH": os.pathsep.join([str(failing_memory), str(Path(__file__).parents[1])])},
        timeout=100,
    )

    assert ("", "True True\n", 0) == (done.stderr[-3000:], done.stdout, done.returncode)


@pytest.mark.timeout(120)
def test_for_long(program: Programs, failing_memory: Path) -> None:
    """Where the pump has no memory at all, whoever waits is served nevertheless."""
    done = program(
        _PROGRAM.format(
            pump="pump",
            work="faults.add.submit(3, 4).result(20)",
            each=200,
            offset=0,
            many=100_000,
            also="()",
        ),
        env={"PYTHONPATH": os.pathsep.join([str(failing_memory), str(Path(__file__).parents[1])])},
        timeout=100,
    )

    assert ("", "True True\n", 0) == (done.stderr[-3000:], done.stdout, done.returncode)


_IN_LOOP = """
import asyncio, faulthandler, threading, time
import failing_memory, faults
from gostitch import _queue

faulthandler.dump_traceback_later(60, exit=True)
handle, at, failed = _queue.Queue.handle_waiting, -1, False
main = threading.get_ident()

def fail(*arguments):
    global failed
    if at < 0 or failed or threading.get_ident() != main:
        return handle(*arguments)
    failing_memory.begin(at, 1, main)
    try:
        return handle(*arguments)
    finally:
        failed = failing_memory.end() > 0

_queue.Queue.handle_waiting = fail

async def call():
    asyncio.get_running_loop().set_exception_handler(lambda *of: None)
    future = faults.count_messages.submit({count}, progress=lambda tick: None)
    if {slow}:
        threading.Thread(target=lambda: future.exception(20)).start()
        time.sleep(0.01)
    await asyncio.wait([future], timeout=20)
    return future.done() and (future.exception() or future.result())

asyncio.run(call())
found, at, failed = set(), 0, True
while failed:
    failed = False
    found.add(repr(asyncio.run(call())))
    at += 1
print(at > 3, found <= {{"{count}", "MemoryError()"}} or found)
"""


@pytest.mark.timeout(120)
@pytest.mark.parametrize("slow", [False, True])
@pytest.mark.parametrize("count", [0, 3])
def test_of_a_loop_that_handles_messages(
    program: Programs, failing_memory: Path, slow: bool, count: int
) -> None:
    """Whichever allocation fails, the awaiter gets the result or MemoryError."""
    done = program(
        _IN_LOOP.format(slow=slow, count=count),
        env={"PYTHONPATH": os.pathsep.join([str(failing_memory), str(Path(__file__).parents[1])])},
        timeout=100,
    )

    assert ("", "True True\n", 0) == (done.stderr[-3000:], done.stdout, done.returncode)
