"""Event loops that are closed, dropped or blocked while calls are under way.

asyncio says that close() discards what is pending and that nothing of the loop runs any more, so
what belonged to it can only be cancelled and freed.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import gc
import threading
from collections.abc import Callable
from typing import Any

import pytest
import uvloop

import faults
from gostitch import GoCancelledError, runtime_info
from invariants import settled

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
Loops = Callable[[], asyncio.AbstractEventLoop]


@pytest.fixture(params=LOOPS)
def new_loop(request: pytest.FixtureRequest) -> Loops:
    return LOOPS[request.param]


@pytest.fixture(autouse=True, scope="module")
def pipe_of_libuv() -> None:
    """uvloop's first loop opens a pipe for the signals of all loops."""
    uvloop.new_event_loop().close()


def _counts() -> tuple[int, int, int]:
    info = runtime_info()
    return info["calls"], info["pending"], info["queues"]


class TestClosed:
    def test_thirty(self, new_loop: Loops) -> None:
        """Thirty loops, each closed with awaited calls under way, leave no call and no queue."""

        async def main() -> list[asyncio.Task[Any]]:
            tasks = [asyncio.ensure_future(_awaiting()) for _ in range(2)]
            await asyncio.sleep(0)
            return tasks

        async def _awaiting() -> None:
            await faults.sleep.submit(600)

        kept = []
        for _ in range(30):
            loop = new_loop()
            kept.append(loop.run_until_complete(main()))
            loop.close()
            kept.append(loop)

        assert (0, 0, 2) == settled(_counts, (0, 0, 2))
        for tasks in kept[::2]:
            for task in tasks:
                task._log_destroy_pending = False

    def test_in_the_middle_of_a_stream(self, new_loop: Loops) -> None:
        """A stream that was not read to its end is ended."""

        async def main() -> Any:
            stream = faults.lines(10_000_000)
            await anext(stream)
            return stream

        loop = new_loop()
        stream = loop.run_until_complete(main())
        loop.close()

        assert (0, 0, 2) == settled(_counts, (0, 0, 2))
        assert stream is not None

    def test_with_questions_still_to_be_asked(self, new_loop: Loops) -> None:
        """A function that goes on asking after the loop was closed is cancelled, nobody is asked."""
        asked: list[bool] = []

        async def main() -> Any:
            return faults.ask.submit(10**9, lambda question: asked.append(loop.is_closed()) or 1)

        loop = new_loop()
        future = loop.run_until_complete(main())
        loop.close()

        assert settled(future.done, True)
        assert True not in asked
        assert (0, 0, 2) == settled(_counts, (0, 0, 2))

    def test_with_a_question_under_way(self, new_loop: Loops) -> None:
        """So does one whose answer was awaited when the loop was closed."""

        async def never(question: Any) -> int:
            await asyncio.sleep(600)
            return 1

        async def main() -> Any:
            future = faults.ask.submit(1, never)
            while not future._queue._conversations[future._token].callbacks._tasks:
                await asyncio.sleep(0.001)
            return future

        loop = new_loop()
        future = loop.run_until_complete(main())
        outcome: list[BaseException | None] = []
        thread = threading.Thread(target=lambda: outcome.append(future.exception(20)))
        thread.start()
        assert settled(lambda: bool(future._queue.awaited), True)
        for task in asyncio.all_tasks(loop):
            task._log_destroy_pending = False
        loop.close()
        thread.join(20)

        assert [RuntimeError] == [type(error) for error in outcome]
        assert "is closed" in str(outcome[0])


def test_dropped_with_calls_under_way() -> None:
    """A loop that nobody closed and nobody has any more takes its calls with it."""

    async def main() -> None:
        task = asyncio.ensure_future(_awaiting())
        task._log_destroy_pending = False
        await asyncio.sleep(0)

    async def _awaiting() -> None:
        await faults.sleep.submit(600)

    for _ in range(5):
        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        del loop
    with pytest.warns(ResourceWarning, match="unclosed event loop"):
        gc.collect()

    assert (0, 0, 2) == settled(_counts, (0, 0, 2))


def _must_be_cancelled(future: Any) -> None:
    with pytest.raises((GoCancelledError, concurrent.futures.CancelledError)):
        future.result(20)


def test_blocked_while_messages_come() -> None:
    """A loop that takes nothing holds back a function that sends without end, though others drain.

    What the function may be ahead is a number of messages (256), which gocore.Send documents.
    """
    handled: list[int] = []
    waiting: list[int] = []

    async def main() -> None:
        sends = faults.count_messages.submit(5_000_000, progress=lambda tick: handled.append(1))
        other = faults.add.submit(1, 2)
        queue = sends._queue
        thread = threading.Thread(target=other.result)  # has the queue drained elsewhere
        thread.start()
        thread.join(20)
        watched = threading.Thread(target=_must_be_cancelled, args=(sends,))
        watched.start()
        settled(lambda: bool(queue.awaited), True)
        conversation = queue._conversations[sends._token]
        # The loop is blocked here; the function would send millions meanwhile.
        most = 0
        for _ in range(200):
            threading.Event().wait(0.002)
            told = queue.drained() - conversation.is_reminded
            most = max(most, len(conversation.waiting) + told)
        waiting.append(most)
        sends.cancel()
        watched.join(20)

    asyncio.run(main())

    assert 0 < waiting[0] <= 256


def test_a_loop_in_debug_mode_that_another_thread_helps(caplog: pytest.LogCaptureFixture) -> None:
    """asyncio then refuses what is not thread-safe: the awaiter is woken as it asks for."""

    async def main() -> float:
        asyncio.get_running_loop().set_debug(True)
        future = faults.sleep.submit(0.02)

        async def wait() -> float:
            return await future

        waiter = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        thread = threading.Thread(target=future.exception, args=(20,))
        thread.start()
        thread.join(20)
        return await asyncio.wait_for(waiter, 20)

    caplog.set_level("ERROR", "asyncio")  # it tells of steps that take long
    assert 0.02 == asyncio.run(main())


def test_a_loop_that_refuses_one_step() -> None:
    """What it raises is told, and keeps nothing from the others that wait."""

    class Loop(asyncio.SelectorEventLoop):
        refuses = False

        def call_soon_threadsafe(self, *args: Any, **options: Any) -> asyncio.Handle:
            if self.refuses:
                self.refuses = False
                raise OverflowError("too many steps")
            return super().call_soon_threadsafe(*args, **options)

    told: list[str] = []
    raised: list[Exception] = []

    async def main() -> None:
        future = faults.sleep.submit(60)
        future.add_done_callback(lambda _: told.append("first"))
        future.add_done_callback(lambda _: told.append("second"))
        loop.refuses = True

        def cancel() -> None:
            try:
                future.cancel()
            except OverflowError as error:
                raised.append(error)

        thread = threading.Thread(target=cancel)
        thread.start()
        thread.join(20)
        while not told:
            await asyncio.sleep(0.001)

    loop = Loop()
    with contextlib.closing(loop):
        loop.run_until_complete(asyncio.wait_for(main(), 20))

    assert (1, ["second"]) == (len(raised), told)
