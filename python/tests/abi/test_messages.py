"""Messages that a function sends while it runs, progress for instance."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from typing import Any

import pytest

import faults
from gostitch import GoTypeError, runtime_info
from invariants import settled


class _BrokenError(Exception):
    """What a broken callback raises."""


def _calls() -> int:
    return int(runtime_info()["calls"])


class TestOfACall:
    def test_arrive_in_order_on_the_thread_that_waits(self) -> None:
        """A call hands over each message, in order, on the calling thread, before it returns."""
        seen: list[tuple[int, int]] = []
        count = faults.count_messages(
            1000, progress=lambda tick: seen.append((tick.index, threading.get_ident()))
        )

        assert 1000 == count
        assert [(i, threading.get_ident()) for i in range(1000)] == seen

    def test_are_typed(self) -> None:
        """A message is an instance of the class generated for its Go type."""
        seen: list[faults.FaultsTick] = []
        faults.count_messages(1, progress=seen.append)

        assert [faults.FaultsTick(0, "tick")] == seen

    def test_nobody_wants(self) -> None:
        """Without a callable the function runs as well."""
        assert 10 == faults.count_messages(10)

    def test_more_than_fit_the_queue(self) -> None:
        """A function that sends faster than Python takes is slowed down, and nothing is lost."""
        seen = 0

        def slow(_: object) -> None:
            nonlocal seen
            seen += 1
            if seen % 500 == 0:
                faults.sleep(0.001)

        assert 20_000 == faults.count_messages(20_000, progress=slow)
        assert 20_000 == seen

    @pytest.mark.parametrize("size", [0, 1, 100, 70_000])
    def test_of_bytes(self, size: int) -> None:
        """Messages may be plain bytes, of any size, and stay what they are."""
        seen: list[Any] = []
        faults.send_bytes(5, size, on_message=seen.append)

        assert [bytes([i]) * size for i in range(5)] == [bytes(message) for message in seen]

    def test_exception_cancels_the_call(self) -> None:
        """An exception in the callback cancels the function and is raised by the call."""

        def broken(tick: faults.FaultsTick) -> None:
            if tick.index == 3:
                raise _BrokenError

        with pytest.raises(_BrokenError):
            faults.count_messages(10, wait=True, progress=broken)

        assert 0 == settled(_calls, 0)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_interrupted(self, error: type[BaseException]) -> None:
        """The same holds for KeyboardInterrupt and SystemExit in the middle of a batch."""

        def interrupted(tick: faults.FaultsTick) -> None:
            if tick.index == 3:
                raise error

        with pytest.raises(error):
            faults.count_messages(200, wait=True, progress=interrupted)

        assert 0 == settled(_calls, 0)

    def test_more_than_one_batch_at_a_time(self) -> None:
        """What waits may be more than is drained at once."""
        sizes: list[int] = []
        faults.send_bytes(200, 3000, on_message=lambda data: sizes.append(len(data)))

        assert [3000] * 200 == sizes

    def test_not_callable(self) -> None:
        """What cannot be called is refused before the function starts."""
        with pytest.raises(
            GoTypeError, match=r"count_messages\(\) argument progress: expected a callable, got int"
        ):
            faults.count_messages(1, progress=3)  # type: ignore[arg-type]

    def test_nested(self) -> None:
        """A callback may call functions, with messages of their own."""
        inner: list[int] = []

        def outer(tick: faults.FaultsTick) -> None:
            faults.count_messages(2, progress=lambda t: inner.append(tick.index * 10 + t.index))
            inner.append(faults.add.submit(100, tick.index).result())

        faults.count_messages(3, progress=outer)

        assert [0, 1, 100, 10, 11, 101, 20, 21, 102] == inner

    def test_after_the_end(self) -> None:
        """What a goroutine sends after its call has ended is dropped in silence."""
        for _ in range(30):
            faults.send_late(50, on_message=lambda _: None)
            faults.send_late.submit(50, on_message=lambda _: None).result()


class TestOfSubmit:
    def test_arrive_before_the_result(self) -> None:
        """The messages of a submitted call are handled before its future is done."""
        seen: list[int] = []
        future = faults.count_messages.submit(500, progress=lambda tick: seen.append(tick.index))

        assert 500 == future.result()
        assert list(range(500)) == seen

    def test_arrive_in_the_loop(self) -> None:
        """In an event loop they are handled on its thread."""
        seen: list[tuple[int, int]] = []

        async def main() -> int:
            return await faults.count_messages.submit(
                500, progress=lambda tick: seen.append((tick.index, threading.get_ident()))
            )

        assert 500 == asyncio.run(main())
        assert [(i, threading.get_ident()) for i in range(500)] == seen

    @pytest.mark.parametrize("error", [_BrokenError, SystemExit, KeyboardInterrupt])
    def test_exception_fails_the_future(self, error: type[BaseException]) -> None:
        """An exception in the callback cancels the function and is the future's."""

        def broken(_: object) -> None:
            raise error

        future = faults.count_messages.submit(10, wait=True, progress=broken)
        with pytest.raises(error):
            future.result(20)

        assert 0 == settled(_calls, 0)
        assert 3 == faults.add.submit(1, 2).result(20)

    def test_exception_in_the_loop(self) -> None:
        """The same in an event loop, which goes on."""

        def broken(_: object) -> None:
            raise _BrokenError

        async def main() -> int:
            with pytest.raises(_BrokenError):
                await faults.count_messages.submit(10, wait=True, progress=broken)
            return await faults.add.submit(1, 2)

        assert 3 == asyncio.run(main())
        assert 0 == settled(_calls, 0)

    def test_callback_that_waits(self) -> None:
        """A callback may wait for another submitted call, in a loop and without one."""

        def waits(_: object) -> None:
            assert 3 == faults.add.submit(1, 2).result(20)

        async def main() -> int:
            return await faults.count_messages.submit(20, progress=waits)

        assert 20 == faults.count_messages.submit(20, progress=waits).result(20)
        assert 20 == asyncio.run(main())

    def test_of_a_blocked_loop(self) -> None:
        """A loop that blocks for the result of a talkative call does not hang."""
        seen: list[int] = []

        async def main() -> int:
            future = faults.count_messages.submit(2000, progress=lambda t: seen.append(t.index))
            return future.result(20)

        assert 2000 == asyncio.run(main())
        assert sorted(seen) == list(range(2000))

    def test_from_many_threads(self) -> None:
        """Calls with messages do not mix them up."""

        def one(n: int) -> list[int]:
            seen: list[int] = []
            faults.count_messages(n, progress=lambda tick: seen.append(tick.index))
            return seen

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert [list(range(n)) for n in range(200)] == list(pool.map(one, range(200)))
