"""Limits of functions: turns, the queue before them, and default timeouts."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections.abc import Iterator

import pytest

import faults
from gostitch import GoCancelledError, GoLimitError, GoTimeoutError, Limit, configure, runtime_info
from invariants import settled


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Take all limits away after each test."""
    yield
    configure(limits=None, default_timeout=None)


def _state() -> tuple[int, int]:
    state = runtime_info()["limits"]["faults.sleep"]
    return state["running"], state["waiting"]


def _limit(concurrency: int, queue: int = 100, timeout: float | None = None) -> None:
    configure(limits={"faults.sleep": Limit(concurrency, queue, timeout)})


def test_no_more_than_so_many_run() -> None:
    """The others wait for their turn, and get their results."""
    _limit(2)
    running = [faults.sleep.submit(60) for _ in range(2)]
    assert (2, 0) == settled(_state, (2, 0))
    waiting = [faults.sleep.submit(0.01) for _ in range(4)]
    assert (2, 4) == settled(_state, (2, 4))
    for future in running:
        future.cancel()

    assert [0.01] * 4 == [future.result(20) for future in waiting]
    assert (0, 0) == settled(_state, (0, 0))


def test_a_waited_call_waits_too() -> None:
    """A thread waits for its turn with the GIL free."""
    _limit(1)
    first = faults.sleep.submit(60)
    assert (1, 0) == settled(_state, (1, 0))
    thread = threading.Thread(target=faults.sleep, args=(0.01,))
    thread.start()

    assert (1, 1) == settled(_state, (1, 1))
    first.cancel()
    thread.join(20)
    assert not thread.is_alive()


def test_a_full_queue() -> None:
    """One call more than may wait is refused at once, with the remedy."""
    _limit(1, queue=1)
    running = faults.sleep.submit(60)
    assert (1, 0) == settled(_state, (1, 0))
    waiting = faults.sleep.submit(0)
    assert (1, 1) == settled(_state, (1, 1))

    with pytest.raises(
        GoLimitError, match=r"faults\.sleep\(\) is limited to 1 calls at once and 1"
    ):
        faults.sleep(0)
    assert 1 == runtime_info()["limits"]["faults.sleep"]["refused"]
    running.cancel()
    assert 0 == waiting.result(20)


def test_cancelling_one_that_waits() -> None:
    """It gives its place to others, and never runs."""
    _limit(1)
    running = faults.sleep.submit(60)
    assert (1, 0) == settled(_state, (1, 0))
    waiting = faults.sleep.submit(60)
    assert (1, 1) == settled(_state, (1, 1))
    waiting.cancel()

    assert (1, 0) == settled(_state, (1, 0))
    running.cancel()
    assert (0, 0) == settled(_state, (0, 0))


def test_a_timeout_counts_the_waiting() -> None:
    """A call whose time is over before its turn came does not run."""
    _limit(1)
    running = faults.sleep.submit(60)
    assert (1, 0) == settled(_state, (1, 0))

    with pytest.raises(GoTimeoutError):
        faults.sleep(0, timeout=0.05)
    running.cancel()


def test_in_a_loop() -> None:
    """Awaits wait their turn without a thread each."""
    _limit(3)

    async def main() -> list[float]:
        return await asyncio.gather(*[faults.sleep.submit(0.01) for _ in range(50)])

    before = threading.active_count()
    assert [0.01] * 50 == asyncio.run(main())
    assert threading.active_count() <= before


def test_a_panic_gives_its_turn_back() -> None:
    """Whatever ends a function, the next one has its turn."""
    configure(limits={"faults.panic": Limit(1)})
    for _ in range(5):
        with pytest.raises(Exception, match="index out of range"):
            faults.panic("index")


def test_default_timeouts() -> None:
    """A function's own comes before the general one; math.inf is none."""
    configure(default_timeout=0.05)
    with pytest.raises(GoTimeoutError):
        faults.sleep(60)
    with pytest.raises(GoTimeoutError):
        faults.sleep.submit(60).result(20)
    _limit(10, timeout=0.2)
    assert 0.1 == faults.sleep(0.1)
    assert 0.3 == faults.sleep(0.3, timeout=math.inf)
    with pytest.raises(GoTimeoutError):
        faults.sleep(60)


def test_a_stream_has_its_turn_until_its_end() -> None:
    """A stream that is not closed keeps its turn."""
    configure(limits={"faults.lines": Limit(1, queue=0)})
    with faults.lines(1_000_000) as lines:
        next(lines)
        with pytest.raises(GoLimitError):
            next(faults.lines(1))
    deadline = time.monotonic() + 5
    while True:
        try:
            assert [0] == [line.number for line in faults.lines(1)]
            break
        except (GoLimitError, GoCancelledError):  # the first one has not noticed its end yet
            assert time.monotonic() < deadline
