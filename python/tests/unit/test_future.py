"""The future of a call, with a queue that is none."""

from __future__ import annotations

import asyncio
import concurrent.futures
import gc
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from gostitch import Future, _threads
from gostitch._future import CANCELLED, FINISHED
from gostitch._loop_future import LoopFuture
from gostitch._turn import Turn


class _Queue:
    """Does what a future asks of its queue, and notes it."""

    def __init__(self) -> None:
        self.cancelled: list[int] = []
        self.sent: list[tuple[int, bytes]] = []
        self.watched: list[bool] = []

    def send(self, token: int, message: bytes) -> None:
        self.sent.append((token, message))

    def cancel(self, token: int) -> None:
        self.cancelled.append(token)

    def serve(self, token: int) -> None:
        """Nothing is left to be taken."""

    def watch(self, future: Future[Any], *, blocks: bool) -> None:
        self.watched.append(blocks)

    def relieve(self) -> None:
        """Nobody is held up here."""


def _future() -> Future[Any]:
    return Future(_Queue(), 7)


def _in_thread(work: Callable[..., Any], *args: Any) -> threading.Thread:
    thread = threading.Thread(target=work, args=args)
    thread.start()
    return thread


def _settle_all(futures: list[Future[Any]], state: str = FINISHED) -> None:
    for n, future in enumerate(futures):
        future.settle(state, n, None)


class TestOutcome:
    def test_of_a_result(self) -> None:
        """A settled future has its result."""
        future = _future()
        assert (False, True, False) == (future.done(), future.running(), future.cancelled())
        future.settle(FINISHED, 42, None)

        assert (42, None) == (future.result(0), future.exception(0))
        assert (True, False, False) == (future.done(), future.running(), future.cancelled())

    def test_of_an_error(self) -> None:
        """Or its exception."""
        future = _future()
        future.settle(FINISHED, None, KeyError("x"))

        assert KeyError is type(future.exception())
        with pytest.raises(KeyError):
            future.result()

    def test_is_set_once(self) -> None:
        """The first outcome stands."""
        future = _future()
        future.settle(FINISHED, 1, None)
        future.settle(FINISHED, 2, None)
        future.settle(CANCELLED, None, None)

        assert 1 == future.result()

    def test_is_set_once_by_many_threads(self) -> None:
        """Many threads that settle at once agree on one outcome."""
        for _ in range(200):
            future = _future()
            threads = [_in_thread(future.settle, FINISHED, n, None) for n in range(4)]
            first = future.result(20)
            for thread in threads:
                thread.join()

            assert first == future.result()

    def test_is_told_to_who_waits(self) -> None:
        """Threads that wait are woken."""
        future = _future()
        seen: list[Any] = []
        threads = [_in_thread(lambda: seen.append(future.result(20))) for _ in range(5)]
        future.settle(FINISHED, "x", None)
        for thread in threads:
            thread.join()

        assert ["x"] * 5 == seen

    def test_wakes_who_waits_at_once(self) -> None:
        """As it is settled, not when they look the next time."""
        future, lock = _future(), threading.Lock()
        lock.acquire()

        assert future._block(lock)
        assert not lock.acquire(blocking=False)
        future.settle(FINISHED, 1, None)
        assert lock.acquire(blocking=False)

    def test_waiting_asks_the_queue_to_be_watched(self) -> None:
        """Before somebody blocks, the queue is told; adding a callback does not block."""
        queue = _Queue()
        future: Future[Any] = Future(queue, 7)
        future.add_done_callback(lambda _: None)
        assert [False] == queue.watched
        with pytest.raises(concurrent.futures.TimeoutError):
            future.result(0)

        assert [False, True] == queue.watched


class TestCancel:
    def test_reaches_the_queue(self) -> None:
        """Cancelling cancels the function and the future."""
        queue = _Queue()
        future: Future[Any] = Future(queue, 7)

        assert (True, True) == (future.cancel(), future.cancel())
        assert ([7], True, True) == (queue.cancelled, future.done(), future.cancelled())
        with pytest.raises(concurrent.futures.CancelledError):
            future.result()

    def test_too_late(self) -> None:
        """A finished future is not cancelled, and the function left alone."""
        queue = _Queue()
        future: Future[Any] = Future(queue, 7)
        future.settle(FINISHED, 1, None)

        assert (False, []) == (future.cancel(), queue.cancelled)

    def test_wins_over_the_reply_it_brings_about(self) -> None:
        """The function's reply to being cancelled may come at once, and is not the outcome."""

        class Quick(_Queue):
            def cancel(self, token: int) -> None:
                future.settle(FINISHED, None, KeyError("cancelled"))

        future: Future[Any] = Future(Quick(), 7)

        assert (True, True) == (future.cancel(), future.cancelled())

    def test_races_with_the_reply(self) -> None:
        """Cancelling while the reply comes in leads to one of the two outcomes for everybody."""
        for _ in range(300):
            future = _future()
            told: list[bool] = []
            future.add_done_callback(lambda f, told=told: told.append(f.cancelled()))
            thread = _in_thread(future.settle, FINISHED, 1, None)
            future.cancel()
            thread.join()

            assert [future.cancelled()] == told
            assert future.done()


class TestConcurrent:
    @pytest.mark.parametrize("state", [FINISHED, CANCELLED])
    def test_wait(self, state: str) -> None:
        """concurrent.futures.wait sees both ends."""
        first, second = _future(), _future()
        thread = _in_thread(_settle_all, [first, second], state)
        done, pending = concurrent.futures.wait([first, second], 20)
        thread.join()

        assert ({first, second}, set()) == (done, pending)

    def test_wait_is_never_early(self) -> None:
        """wait returns with all futures done, whenever they settle while it begins."""
        for _ in range(200):
            futures = [_future() for _ in range(20)]
            thread = _in_thread(_settle_all, futures)
            done, pending = concurrent.futures.wait(futures, 20)
            thread.join()

            assert (20, 0) == (len(done), len(pending))

    def test_as_completed(self) -> None:
        """as_completed gives each once."""
        futures = [_future() for _ in range(10)]
        thread = _in_thread(_settle_all, futures)
        found = [f.result() for f in concurrent.futures.as_completed(futures, 20)]
        thread.join()

        assert list(range(10)) == sorted(found)

    def test_mixed_with_others(self) -> None:
        """It can be waited for together with futures of an executor."""
        future = _future()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            other = pool.submit(lambda: future.settle(FINISHED, 1, None))
            done, _ = concurrent.futures.wait([future, other], 20)

        assert {future, other} == done

    def test_whose_condition_is_never_given_back(self) -> None:
        """Somebody who was interrupted while holding it does not stop who settles, nor others."""
        future = _future()
        _in_thread(future._condition.acquire).join()  # the thread has ended with it
        future.settle(FINISHED, 1, None)

        assert 1 == future.result(20)

    def test_holding_its_condition_runs_no_python(self) -> None:
        """No signal handler can strike between the lock and the with statement that holds it."""
        future = _future()
        called: list[str] = []
        condition = future._condition
        gc.disable()  # others have it call what they want to know of it
        sys.setprofile(lambda frame, event, arg: called.append(f"{event} {frame.f_code.co_name}"))
        try:
            with condition:
                pass
        finally:
            sys.setprofile(None)
            gc.enable()

        assert not [each for each in called if each.startswith("call")]

    def test_callbacks_are_called_once_each(self) -> None:
        """However adding and settling fall together, each callback is called exactly once."""
        for _ in range(300):
            future = _future()
            called: list[int] = []
            thread = _in_thread(future.settle, FINISHED, 1, None)
            for n in range(5):
                future.add_done_callback(lambda _, n=n, called=called: called.append(n))
            thread.join()

            assert [0, 1, 2, 3, 4] == sorted(called)


class TestAwait:
    def test_of_a_future_that_is_done(self) -> None:
        """Awaiting what is done does not need the loop."""

        async def main() -> Any:
            future = _future()
            future.settle(FINISHED, 1, None)
            return await future

        assert 1 == asyncio.run(main())

    def test_settled_in_the_loop_and_in_a_thread(self) -> None:
        """It wakes whoever awaits, from wherever it settles."""

        async def main() -> list[Any]:
            here, there = _future(), _future()
            asyncio.get_running_loop().call_soon(here.settle, FINISHED, 1, None)
            thread = _in_thread(there.settle, FINISHED, 2, None)
            found = [await here, await there]
            thread.join()
            return found

        assert [1, 2] == asyncio.run(main())

    def test_cancelled_while_awaited(self) -> None:
        """Cancelling the task cancels the function."""

        async def main() -> list[int]:
            queue = _Queue()
            future: Future[Any] = Future(queue, 7)

            async def wait() -> Any:
                return await future

            task = asyncio.create_task(wait())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return queue.cancelled

        assert [7] == asyncio.run(main())

    def test_in_a_loop_that_was_closed(self) -> None:
        """Settling a future that was awaited in a loop now closed harms nobody."""
        future = _future()

        async def wait() -> Any:
            return await future

        loop = asyncio.new_event_loop()
        task = loop.create_task(wait())
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        future.settle(FINISHED, 1, None)
        task._log_destroy_pending = False  # type: ignore[attr-defined]

        assert 1 == future.result()

    def test_in_many_loops(self) -> None:
        """Loops in many threads may await one future."""

        async def wait(future: Future[Any]) -> Any:
            return await future

        for _ in range(50):
            future = _future()
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                outcomes = [pool.submit(asyncio.run, wait(future)) for _ in range(4)]
                future.settle(FINISHED, 1, None)

                assert [1] * 4 == [outcome.result(20) for outcome in outcomes]


class TestLoopFuture:
    def test_is_a_future_of_asyncio(self) -> None:
        """asyncio takes it for one of its own."""

        async def main() -> Any:
            loop = asyncio.get_running_loop()
            future: LoopFuture[Any] = LoopFuture(_Queue(), 7, _weak(loop))
            assert asyncio.isfuture(future)
            assert future is asyncio.ensure_future(future)
            assert loop is future.get_loop()
            loop.call_soon(future.settle, FINISHED, 1, None)
            return await asyncio.wait_for(future, 20)

        assert 1 == asyncio.run(main())

    def test_callbacks_run_through_the_loop(self) -> None:
        """Inside the loop a callback runs later, in the context it was added in."""

        async def main() -> None:
            loop = asyncio.get_running_loop()
            future: LoopFuture[Any] = LoopFuture(_Queue(), 7, _weak(loop))
            called: list[Any] = []
            future.add_done_callback(called.append)
            future.settle(FINISHED, 1, None)
            assert [] == called
            await asyncio.sleep(0)
            assert [future] == called

        asyncio.run(main())

    def test_callbacks_can_be_removed(self) -> None:
        """remove_done_callback tells how many it removed."""

        async def main() -> None:
            future: LoopFuture[Any] = LoopFuture(_Queue(), 7, _weak(asyncio.get_running_loop()))
            called: list[Any] = []
            for callback in (called.append, print, called.append):
                future.add_done_callback(callback)
            counts = [future.remove_done_callback(c) for c in (called.append, called.append, print)]
            assert [2, 0, 1] == counts
            future.settle(FINISHED, 1, None)
            await asyncio.sleep(0)
            assert [] == called

        asyncio.run(main())

    def test_settled_by_another_thread_while_callbacks_are_added(self) -> None:
        """However the two fall together, each callback is called exactly once."""

        async def main() -> None:
            loop = asyncio.get_running_loop()
            for _ in range(200):
                future: LoopFuture[Any] = LoopFuture(_Queue(), 7, _weak(loop))
                called: list[int] = []
                thread = _in_thread(future.settle, FINISHED, 1, None)
                for n in range(5):
                    future.add_done_callback(lambda _, n=n, called=called: called.append(n))
                thread.join()
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                assert [0, 1, 2, 3, 4] == sorted(called)

        asyncio.run(main())

    def test_outside_of_its_loop(self) -> None:
        """Elsewhere it is a concurrent future."""

        async def make() -> LoopFuture[Any]:
            return LoopFuture(_Queue(), 7, _weak(asyncio.get_running_loop()))

        future = asyncio.run(make())
        future.settle(FINISHED, 1, None)

        assert 1 == future.result()
        assert {future} == concurrent.futures.wait([future]).done


def _weak(loop: asyncio.AbstractEventLoop) -> Any:
    import weakref

    return weakref.ref(loop)


def test_send() -> None:
    """send goes to the queue with the call's token."""
    queue = _Queue()
    Future(queue, 7).send(b"x")

    assert [(7, b"x")] == queue.sent


def test_an_outcome_at_the_moment_of_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits looks around now and then; an outcome that comes just then is not missed."""
    future = _future()

    class Late:
        """A lock whose time is over at the moment of the outcome."""

        def acquire(self, timeout: float = -1) -> bool:
            if timeout < 0:
                return True  # by its owner
            if not future.done():
                _in_thread(future.settle, FINISHED, 1, None).join(10)
            return False

        def release(self) -> None:
            """Too late."""

    kind = _threads.kind()._replace(new_lock=Late)
    monkeypatch.setattr("gostitch._threads._kept", kind)

    assert 1 == future.result(10)


def test_who_waits_is_told_although_ctrl_c_strikes() -> None:
    """Ctrl-C in the thread that settles goes on from there, and nobody waits for ever."""
    future = _future()

    class Interrupted:
        def add_result(self, future: Future[Any]) -> None:
            if not struck:
                struck.append(True)
                raise KeyboardInterrupt

    struck: list[bool] = []
    assert future._condition
    future._waiters.append(Interrupted())
    seen: list[Any] = []
    waiting = _in_thread(
        lambda: seen.extend(f.result() for f in concurrent.futures.wait([future], 20).done)
    )
    while len(future._waiters) < 2:  # it comes to wait
        pass
    with pytest.raises(KeyboardInterrupt):
        future.settle(FINISHED, 1, None)
    waiting.join(10)

    assert ([1], 1) == (seen, future.result(0))


class _LockOfTheEnd:
    """A lock as CPython 3.15 has them where the interpreter ends: to wait for one raises."""

    def __init__(self) -> None:
        self._taken = False

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        if self._taken and blocking and timeout != 0:
            raise RuntimeError("cannot acquire lock at interpreter finalization")
        had, self._taken = not self._taken, True
        return had

    def release(self) -> None:
        self._taken = False


class TestTheEndOfTheInterpreter:
    @pytest.fixture(autouse=True)
    def ending(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "is_finalizing", lambda: True)

    def test_who_waits_handles_the_reply(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A destructor waits for no lock there, since no thread is left that would give it back."""
        kind = _threads.kind()._replace(new_lock=_LockOfTheEnd)
        monkeypatch.setattr("gostitch._threads._kept", kind)
        queue = _Queue()
        future: Future[Any] = Future(queue, 7)
        queue.relieve = lambda: future.settle(FINISHED, 42, None)  # type: ignore[method-assign]

        assert 42 == future.result(20)

    def test_a_turn_is_not_waited_for(self) -> None:
        """Nor for a turn or a condition that a thread has kept which does not run any more."""
        lock = _LockOfTheEnd()
        turn = Turn()
        turn._lock = lock  # type: ignore[assignment]

        assert [True, False] == [turn.take(1), turn.take(1)]
        assert not _threads.take(lock, 1)
