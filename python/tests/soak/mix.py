"""The calls of a soak: every kind, in a fixed proportion, each of which checks what it gets."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import faults
from gostitch import GoError, GoPanic

Call = Callable[[int], Any]


class UnexpectedError(Exception):
    """A call gave something else than it had to."""


def _expect(wanted: Any, got: Any) -> None:
    if wanted != got:
        raise UnexpectedError(f"wanted {wanted!r}, got {got!r}")


def _scalar(n: int) -> None:
    _expect(n + 1, faults.add(n, 1))


def _structured(n: int) -> None:
    reply = faults.structured("text", list(range(20)), faults.FaultsInner(n, "label"))
    _expect((n + 190, 5), (reply.total, len(reply.words)))


def _submitted(n: int) -> None:
    _expect(n + 1, faults.add.submit(n, 1).result(60))


def _with_a_deadline(n: int) -> None:
    _expect(n + 1, faults.add(n, 1, timeout=60))


def _bytes(n: int) -> None:
    data = bytes(1 + n % 20_000)
    _expect(len(data), len(faults.echo_bytes(data)))


def _lent(n: int) -> None:
    data = bytearray(b"x" * 5000)
    future = faults.echo_bytes.submit(data)
    _expect(5000, len(future.result(60)))
    data.append(1)  # it is ours again


def _failing(n: int) -> None:
    try:
        faults.fail("data")
    except GoError as error:
        _expect("data", error.code)
    else:
        raise UnexpectedError("fail() did not")


def _panicking(n: int) -> None:
    try:
        faults.panic("index")
    except GoPanic:
        return
    raise UnexpectedError("panic() did not")


def _too_late(n: int) -> None:
    try:
        faults.sleep(60, timeout=0.0001)
    except TimeoutError:
        return
    raise UnexpectedError("a timeout did not end the call")


def _cancelled(n: int) -> None:
    _expect(True, faults.sleep.submit(60).cancel())


def _stream(n: int) -> None:
    _expect(list(range(40)), [line.number for line in faults.lines(40)])


def _stream_closed_early(n: int) -> None:
    with faults.lines(1_000_000) as lines:
        for line in lines:
            if line.number == 3:
                break


def _stream_dropped(n: int) -> None:
    next(iter(faults.lines(1_000_000)))


def _messages(n: int) -> None:
    seen: list[int] = []
    faults.count_messages(5, progress=lambda tick: seen.append(tick.index))
    _expect([0, 1, 2, 3, 4], seen)


def _callback(n: int) -> None:
    _expect(10, faults.ask(5, lambda question: question.number))


def _callback_that_raises(n: int) -> None:
    class Refused(Exception):  # noqa: N818 - a test's own
        pass

    def answer(question: faults.FaultsQuestion) -> int:
        raise Refused

    try:
        faults.ask(3, answer)
    except Refused:
        return
    raise UnexpectedError("the callback's exception was lost")


async def _awaited(n: int) -> None:
    _expect(n + 1, await faults.add.submit(n, 1))


async def _gathered(n: int) -> None:
    calls = [faults.add.submit(n, i) for i in range(20)]
    _expect([n + i for i in range(20)], await asyncio.gather(*calls))


async def _cancelled_in_loop(n: int) -> None:
    async def wait() -> None:
        await faults.sleep.submit(60)

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return
    raise UnexpectedError("a cancelled task went on")


async def _failing_in_loop(n: int) -> None:
    try:
        await faults.fail.submit("data")
    except GoError as error:
        _expect("data", error.code)
    else:
        raise UnexpectedError("fail() did not")


async def _stream_in_loop(n: int) -> None:
    _expect(list(range(20)), [line.number async for line in faults.lines(20)])


async def _stream_closed_early_in_loop(n: int) -> None:
    async with faults.lines(1_000_000) as lines:
        async for line in lines:
            if line.number == 3:
                break


async def _callback_in_loop(n: int) -> None:
    async def answer(question: faults.FaultsQuestion) -> int:
        await asyncio.sleep(0)
        return question.number

    _expect(10, await faults.ask.submit(5, answer))


# How often each comes among so many calls of a thread, or of the loop.
ON_THREADS: dict[Call, int] = {
    _scalar: 600,
    _structured: 150,
    _submitted: 60,
    _with_a_deadline: 50,
    _bytes: 40,
    _lent: 20,
    _failing: 20,
    _panicking: 10,
    _too_late: 4,
    _cancelled: 10,
    _stream: 8,
    _stream_closed_early: 4,
    _stream_dropped: 4,
    _messages: 8,
    _callback: 8,
    _callback_that_raises: 4,
}
IN_LOOP: dict[Callable[[int], Awaitable[None]], int] = {
    _awaited: 100,
    _gathered: 20,
    _cancelled_in_loop: 5,
    _failing_in_loop: 5,
    _stream_in_loop: 2,
    _stream_closed_early_in_loop: 2,
    _callback_in_loop: 4,
}


def shuffled(kinds: dict[Any, int], seed: int) -> list[Any]:
    """Give one round of calls in an order that the seed decides."""
    calls = [kind for kind, count in kinds.items() for _ in range(count)]
    random.Random(seed).shuffle(calls)
    return calls
