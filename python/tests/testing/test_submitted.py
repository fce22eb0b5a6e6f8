"""The fake library: futures, event loops and ``map``."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import threading

import pytest

import faults
from gostitch import Future, GoClosedError, GoTimeoutError, tasks
from gostitch.testing import FakeError, FakeLibrary, fake_library
from invariants import settled

_number = contextvars.ContextVar("number", default=0)


class TestFutures:
    def test_have_results_and_errors(self, fake: FakeLibrary) -> None:
        """A future ends as the test says."""
        fake.returns(faults.add, 3)
        fake.raises(faults.add, GoTimeoutError("slow"))
        good, bad = faults.add.submit(1, 2), faults.add.submit(1, 2)

        assert isinstance(good, Future)
        assert 3 == good.result(20)
        assert isinstance(bad.exception(20), GoTimeoutError)
        assert {good, bad} == concurrent.futures.wait([good, bad], timeout=20).done

    def test_tell_done_callbacks(self, fake: FakeLibrary) -> None:
        """Callbacks run when the reply is there, and at once afterwards."""
        release = threading.Event()
        fake.answers(faults.add, lambda a, b: release.wait(20) and a + b)
        told: list[int] = []
        future = faults.add.submit(1, 2)
        future.add_done_callback(lambda done: told.append(done.result()))

        assert ([], False) == (told, future.done())
        release.set()
        assert [3] == settled(lambda: told, [3])
        future.add_done_callback(lambda done: told.append(-1))
        assert [3, -1] == told

    def test_can_be_cancelled(self, fake: FakeLibrary) -> None:
        """A call that hangs is cancelled by its future, at once."""
        fake.hangs(tasks.hash_tree)
        future = tasks.hash_tree.submit("src")

        assert future.running()
        assert future.cancel()
        with pytest.raises(concurrent.futures.CancelledError):
            future.result(20)
        (call,) = fake.calls
        assert (True, True, None, None) == (
            call.ended, call.cancelled, call.result, call.exception,
        )  # fmt: skip

    def test_cannot_be_cancelled_after_the_end(self, fake: FakeLibrary) -> None:
        """What is done is done."""
        fake.returns(faults.add, 3)
        future = faults.add.submit(1, 2)

        assert 3 == future.result(20)
        assert not future.cancel()
        assert not fake.calls[0].cancelled

    def test_a_timeout(self, fake: FakeLibrary) -> None:
        """A submitted call that hangs ends with its timeout."""
        fake.hangs(tasks.hash_tree)

        with pytest.raises(GoTimeoutError):
            tasks.hash_tree.submit("src", timeout=0.01).result(20)

    def test_send(self, fake: FakeLibrary) -> None:
        """What is sent to the function is recorded; after its end there is nobody to take it."""
        fake.hangs(faults.receive)
        future = faults.receive.submit(2)
        future.send(b"a")
        future.send(b"b")
        future.cancel()

        assert [b"a", b"b"] == fake.calls[0].sent
        with pytest.raises(GoClosedError, match="the call has ended"):
            future.send(b"c")

    def test_see_the_callers_context(self, fake: FakeLibrary) -> None:
        """The answer runs in the context of the submit."""
        fake.answers(faults.add, lambda a, b: _number.get())
        token = _number.set(7)
        future = faults.add.submit(1, 2)
        _number.reset(token)

        assert 7 == future.result(20)

    def test_nothing_prepared(self, fake: FakeLibrary) -> None:
        """The submit itself says so: an error in a future may never be looked at."""
        with pytest.raises(FakeError, match="prepared nothing"):
            faults.add.submit(1, 2)

    def test_leaving_cancels_what_runs(self) -> None:
        """Nobody waits for ever for a call of a fake that is gone."""
        with fake_library(strict=False) as fake:
            fake.hangs(tasks.hash_tree)
            future = tasks.hash_tree.submit("src")
            call = fake.calls[0]

        assert future.cancelled()
        assert call.cancelled


class TestInALoop:
    def test_await(self, fake: FakeLibrary) -> None:
        """Awaiting gives results and errors."""
        fake.returns(faults.add, 3)
        fake.raises(faults.add, GoTimeoutError("slow"))

        async def main() -> int:
            found = await faults.add.submit(1, 2)
            with pytest.raises(GoTimeoutError, match="slow"):
                await faults.add.submit(1, 2)
            return found

        assert 3 == asyncio.run(main())

    def test_gather(self, fake: FakeLibrary) -> None:
        """asyncio takes the futures for its own."""
        fake.answers(faults.add, lambda a, b: a + b)

        async def main() -> list[int]:
            return await asyncio.gather(*(faults.add.submit(n, 1) for n in range(50)))

        assert list(range(1, 51)) == asyncio.run(main())

    def test_wait_for_cancels(self, fake: FakeLibrary) -> None:
        """A task that has had enough cancels the call."""
        fake.hangs(tasks.hash_tree)

        async def main() -> None:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(tasks.hash_tree.submit("src"), 0.01)

        asyncio.run(main())
        assert fake.calls[0].cancelled

    def test_a_loop_that_is_blocked(self, fake: FakeLibrary) -> None:
        """Waiting for the result on the loop's own thread does not hang, messages or not."""
        fake.returns(faults.count_messages, 1, messages=[{"index": 0, "text": "a"}])
        seen: list[int] = []

        async def main() -> int:
            future = faults.count_messages.submit(1, progress=lambda tick: seen.append(tick.index))
            return future.result(20)

        assert (1, [0]) == (asyncio.run(main()), seen)


class TestMap:
    def test_in_order(self, fake: FakeLibrary) -> None:
        """Results come in order, and the outcomes in the order of the items."""
        fake.answers(faults.add, lambda a, b: a * b)

        assert [n * n for n in range(100)] == list(faults.add.map(range(100), range(100)))

    def test_an_error_stands_in_its_place(self, fake: FakeLibrary) -> None:
        """Results before the failure arrive."""
        fake.returns(faults.add, 1)
        fake.raises(faults.add, GoTimeoutError("slow"))
        found = faults.add.map([1, 2], [1, 2])

        assert 1 == next(found)
        with pytest.raises(GoTimeoutError):
            next(found)
