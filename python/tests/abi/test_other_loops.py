"""Awaiting in trio, in anyio on it, and in Twisted.

What is expected is what each library says of its own waits: other tasks run meanwhile, and one
that is cancelled ends at once, with the library's own exception. That the function's context
ends then, Go tells by a clock that all processes share.
"""

from __future__ import annotations

import pytest

from programs import Programs

_PROLOGUE = """
import concurrent.futures, time
import faults, gostitch

def end_seen_since(started):
    until = time.monotonic() + 10
    while faults.end_seen() < started and time.monotonic() < until:
        time.sleep(0.01)
    return faults.end_seen() >= started
"""

_IN_TRIO = """
import {name}, trio

async def main():
    print(await faults.add.submit(1, 2))
    ticks = []

    async def tick():
        while True:
            await {name}.sleep(0.02)
            ticks.append(1)

    async with {group}() as group:
        group.start_soon(tick)
        print(await faults.sleep.submit(0.4), len(ticks) > 5)
        group.cancel_scope.cancel()

    print([line.number async for line in faults.lines(100)] == list(range(100)))
    print(await faults.ask.submit(3, lambda question: question.number))
    try:
        await faults.fail.submit("invalid_argument")
    except gostitch.GoError as error:
        print(type(error).__name__)

    started = time.monotonic_ns()
    with {name}.move_on_after(0.2) as scope:
        await faults.await_end.submit()
    print(scope.cancelled_caught, end_seen_since(started))
    started = time.monotonic_ns()
    with {name}.move_on_after(0.2) as scope:
        async for _ in faults.await_end_in_stream():
            pass
    print(scope.cancelled_caught, end_seen_since(started))

    future = faults.await_end.submit()

    async def cancel():
        await {name}.sleep(0.1)
        future.cancel()

    async with {group}() as group:
        group.start_soon(cancel)
        try:
            await future
        except concurrent.futures.CancelledError:
            print("cancelled by another")

    done = faults.add.submit(5, 6)
    done.result()
    print(await done, await done)
    futures = [faults.add.submit(i, 1) for i in range(200)]
    print(sum([await future for future in futures]))
    with faults.lines(10) as stream:
        async for line in stream:
            break
    print(line.number)

{run}
"""
_RUNS = {
    "trio": ("trio", "trio.open_nursery", "trio.run(main)"),
    "anyio": ("anyio", "anyio.create_task_group", 'anyio.run(main, backend="trio")'),
}


@pytest.mark.parametrize("of", _RUNS)
def test_trio(program: Programs, of: str) -> None:
    """Futures and streams of each kind are awaited; a cancelled scope ends the function's context."""
    name, group, run = _RUNS[of]
    done = program(_PROLOGUE + _IN_TRIO.format(name=name, group=group, run=run))

    assert 0 == done.returncode, done.stderr
    assert (
        """3
0.4 True
True
3
GoValueError
True True
True True
cancelled by another
11 11
20100
0
"""
        == done.stdout
    )


def test_trio_in_a_thread_beside_asyncio(program: Programs) -> None:
    """Each thread awaits in the library that runs there."""
    done = program(
        _PROLOGUE
        + """
import asyncio, threading, trio

async def twice():
    return await faults.add.submit(1, 2) + await faults.sleep.submit(0.2)

async def main():
    loop = asyncio.get_running_loop()
    beside = loop.run_in_executor(None, trio.run, twice)
    return [await twice(), await beside]

print(asyncio.run(main()))
"""
    )

    assert (0, "[3.2, 3.2]\n") == (done.returncode, done.stdout), done.stderr


_GUEST = """
import asyncio, trio

async def waits():
    added = await faults.add.submit(1, 2) + sum([await each for each in [faults.add.submit(1, 0)] * 3])
    with trio.move_on_after(0.1) as scope:
        await faults.await_end.submit()
    return added, [line.number async for line in faults.lines(3)], scope.cancelled_caught

async def host():
    loop = asyncio.get_running_loop()
    before = await faults.add.submit(3, 4)
    {run}
    return before, result, await faults.add.submit(5, 6)

print(asyncio.run(host()))
"""


@pytest.mark.parametrize(
    "run",
    [
        "result = trio.run(waits)",
        """ended = loop.create_future()
    trio.lowlevel.start_guest_run(
        waits, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=ended.set_result)
    result = (await ended).unwrap()""",
    ],
    ids=["within a task", "as a guest"],
)
def test_trio_in_a_loop_of_asyncio(program: Programs, run: str) -> None:
    """Each task awaits in the library that runs it, though both are on one thread."""
    done = program(_PROLOGUE + _GUEST.format(run=run))

    assert (0, "(7, (6, [0, 1, 2], True), 11)\n") == (done.returncode, done.stdout), done.stderr


def test_asyncio_in_a_task_of_trio(program: Programs) -> None:
    """A loop of asyncio's that a task of trio's runs is what drives its own coroutines."""
    done = program(
        _PROLOGUE
        + """
import asyncio, trio

async def inner():
    return await faults.sleep.submit(0.05), [line.number async for line in faults.lines(2)]

async def main():
    before = await faults.add.submit(1, 2)
    return before, asyncio.run(inner()), await faults.add.submit(3, 4)

print(trio.run(main))
"""
    )

    assert (0, "(3, (0.05, [0, 1]), 7)\n") == (done.returncode, done.stdout), done.stderr


def test_trio_ends_before_the_call(program: Programs) -> None:
    """A reply that comes after the end of the run finds nobody, and does no harm."""
    done = program(
        _PROLOGUE
        + """
import trio

async def main():
    with trio.move_on_after(0.1):
        await faults.linger.submit(0.5, b'')

trio.run(main)
print(faults.sleep(1.0))
"""
    )

    assert (0, "1.0\n", "") == (done.returncode, done.stdout, done.stderr)


_IN_TWISTED = """
{install}
from twisted.internet import defer, reactor, task
from gostitch.twisted import deferred

async def main(reactor):
    print(await faults.add.submit(1, 2))
    ticks = []
    ticker = task.LoopingCall(ticks.append, 1)
    ticker.start(0.02)
    print(await faults.sleep.submit(0.4), len(ticks) > 5)
    ticker.stop()
    print([line.number async for line in faults.lines(100)] == list(range(100)))
    print(await faults.ask.submit(3, lambda question: question.number))
    try:
        await faults.fail.submit("invalid_argument")
    except gostitch.GoError as error:
        print(type(error).__name__)

    async def of(future):
        return await future

    started = time.monotonic_ns()
    waiting = defer.ensureDeferred(of(faults.await_end.submit()))
    reactor.callLater(0.1, waiting.cancel)
    try:
        await waiting
    except defer.CancelledError:
        print("cancelled", end_seen_since(started))

    print(await deferred(faults.add.submit(3, 4)))
    try:
        await deferred(faults.fail.submit("invalid_argument"))
    except gostitch.GoError as error:
        print(type(error).__name__)
    started = time.monotonic_ns()
    waiting = deferred(faults.await_end.submit()).addTimeout(0.1, reactor)
    try:
        await waiting
    except defer.TimeoutError:
        print("over", end_seen_since(started))
    future = faults.await_end.submit()
    reactor.callLater(0.1, future.cancel)
    try:
        await future
    except concurrent.futures.CancelledError:
        print("cancelled by another")
    print(sum(await defer.gatherResults([deferred(faults.add.submit(i, 1)) for i in range(200)])))
    print(await yielding())

@defer.inlineCallbacks
def yielding():
    first = yield deferred(faults.add.submit(1, 2))
    return first

task.react(main)
"""
_REACTORS = {
    "epoll": "",
    "select": "from twisted.internet import selectreactor; selectreactor.install()",
    "asyncio": """
import asyncio
from twisted.internet import asyncioreactor
asyncioreactor.install(asyncio.new_event_loop())
""",
}


@pytest.mark.parametrize("reactor", _REACTORS)
def test_twisted(program: Programs, reactor: str) -> None:
    """Coroutines await futures and streams, and a Deferred can be had, with each kind of reactor."""
    done = program(_PROLOGUE + _IN_TWISTED.format(install=_REACTORS[reactor]))

    assert 0 == done.returncode, done.stderr
    assert (
        """3
0.4 True
True
3
GoValueError
cancelled True
7
GoValueError
over True
cancelled by another
20100
3
"""
        == done.stdout
    )


def test_nothing_that_is_known(program: Programs) -> None:
    """A driver of coroutines that is none of them is told what works."""
    done = program(
        """
import faults

async def main(awaited):
    await awaited

async def read():
    async for _ in faults.lines(3):
        pass

for coroutine in (main(faults.add.submit(1, 2)), read()):
    try:
        coroutine.send(None)
    except RuntimeError as error:
        print(error)
"""
    )

    assert 0 == done.returncode, done.stderr
    lines = done.stdout.splitlines()
    assert 2 == len(lines)
    assert "no event loop of asyncio, trio or Twisted runs" in lines[0]
    assert "no event loop of asyncio, trio or Twisted runs" in lines[1]


def test_twisted_within_a_task_of_asyncio(program: Programs) -> None:
    """A coroutine that Twisted drives there waits for Deferreds, as Twisted has it."""
    done = program(
        """
import asyncio
from twisted.internet import asyncioreactor
asyncioreactor.install(asyncio.new_event_loop())
from twisted.internet import defer, reactor
import faults

async def waits():
    return [line.number async for line in faults.lines(3)], await faults.add.submit(1, 2)

async def task():
    made = defer.ensureDeferred(waits())
    print(await made.asFuture(asyncio.get_running_loop()), await waits())
    reactor.callLater(0, reactor.stop)

reactor.callLater(0, lambda: setattr(reactor, "task", asyncio.ensure_future(task())))
reactor.run()
"""
    )

    assert (0, "([0, 1, 2], 3) ([0, 1, 2], 3)\n") == (done.returncode, done.stdout), done.stderr
