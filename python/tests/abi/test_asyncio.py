"""Submitted calls inside event loops: await, gather, cancel, several loops, loops that end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import gc
import threading
import time
import weakref
from collections.abc import Coroutine
from typing import Any

import pytest

import faults
from gostitch import GoPanic, GoTimeoutError, GoTypeError, runtime_info
from invariants import settled
from programs import Programs


def _calls() -> int:
    return int(runtime_info()["calls"])


def _in_thread(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a loop and thread of its own."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, main).result(50)


class TestAwait:
    def test_gives_the_result(self) -> None:
        """await gives the result of the function."""

        async def main() -> int:
            return await faults.add.submit(1, 2)

        assert 3 == asyncio.run(main())

    def test_raises_the_error(self) -> None:
        """await raises what the call would raise."""

        async def main() -> None:
            with pytest.raises(GoTypeError):
                await faults.add.submit("1", 2)  # type: ignore[arg-type]
            with pytest.raises(GoPanic):
                await faults.panic.submit("string")
            with pytest.raises(GoTimeoutError):
                await faults.sleep.submit(60, timeout=0.01)

        asyncio.run(main())

    def test_a_thousand_at_once(self) -> None:
        """A thousand calls awaited together all give their own results."""

        async def main() -> list[int]:
            return await asyncio.gather(*(faults.add.submit(i, 1) for i in range(1000)))

        assert list(range(1, 1001)) == asyncio.run(main())

    def test_a_thousand_in_tasks(self) -> None:
        """The same from a thousand tasks, which each do several calls."""

        async def one(i: int) -> int:
            return await faults.add.submit(await faults.add.submit(i, 1), 1)

        async def main() -> list[int]:
            return await asyncio.gather(*map(one, range(1000)))

        assert list(range(2, 1002)) == asyncio.run(main())

    def test_twice(self) -> None:
        """A future can be awaited again."""

        async def main() -> tuple[int, int]:
            future = faults.add.submit(1, 2)
            return await future, await future

        assert (3, 3) == asyncio.run(main())

    def test_in_two_tasks(self) -> None:
        """Two tasks can await one future."""

        async def main() -> list[float]:
            future = faults.sleep.submit(0.02)

            async def wait() -> float:
                return await future

            return await asyncio.gather(wait(), wait())

        assert [0.02, 0.02] == asyncio.run(main())

    def test_where_it_was_not_submitted(self) -> None:
        """A future can be awaited in another loop than the one it was submitted in."""

        async def await_it(future: Any) -> Any:
            return await future

        async def main() -> float:
            future = faults.sleep.submit(0.05)
            there = asyncio.get_running_loop().run_in_executor(None, _in_thread, await_it(future))
            return await there + await future

        assert 0.1 == asyncio.run(main())

    def test_that_was_submitted_outside(self) -> None:
        """A future submitted without a loop can be awaited in one."""

        async def main(future: Any) -> Any:
            return await future

        assert 0.02 == asyncio.run(main(faults.sleep.submit(0.02)))

    def test_in_many_loops_at_once(self) -> None:
        """One future awaited in several loops of several threads wakes all of them."""

        async def main(future: Any) -> Any:
            return await future

        for _ in range(20):
            future = faults.receive.submit(1)
            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                waiting = [pool.submit(asyncio.run, main(future)) for _ in range(4)]
                future.send(b"x")

                assert [["x"]] * 4 == [outcome.result(20) for outcome in waiting]

    def test_as_a_task_or_future(self) -> None:
        """ensure_future, shield, wait and as_completed take it."""

        async def main() -> None:
            assert 3 == await asyncio.ensure_future(faults.add.submit(1, 2))
            assert 3 == await asyncio.shield(faults.add.submit(1, 2))
            done, _ = await asyncio.wait({asyncio.ensure_future(faults.add.submit(1, 2))})
            assert [3] == [future.result() for future in done]
            found = [await f for f in asyncio.as_completed([faults.add.submit(1, 2)])]
            assert [3] == found
            assert 3 == await asyncio.wrap_future(faults.add.submit(1, 2))

        asyncio.run(main())

    @pytest.mark.parametrize("of", ["gostitch", "asyncio"])
    def test_asked_again_before_its_end(self, of: str) -> None:
        """Who asks an await again before its future is done, gets the error that asyncio's gives."""

        async def main() -> None:
            loop = asyncio.get_running_loop()
            future: Any = faults.sleep.submit(60) if of == "gostitch" else loop.create_future()
            steps = future.__await__()

            assert next(steps) is future
            with pytest.raises(RuntimeError, match=r"^await wasn't used with future$"):
                next(steps)

            future.cancel()

        asyncio.run(main())

    def test_runs_other_work_meanwhile(self) -> None:
        """The loop goes on while Go works."""

        async def main() -> int:
            future = faults.receive.submit(1)
            turns = 0
            while turns < 100:
                await asyncio.sleep(0)
                turns += 1
            future.send(b"done")
            await future
            return turns

        assert 100 == asyncio.run(main())


class TestCancel:
    def test_before_it_is_awaited(self) -> None:
        """As of asyncio's futures: awaiting it raises CancelledError."""

        async def main() -> None:
            future = faults.sleep.submit(60)
            future.cancel()
            with pytest.raises(asyncio.CancelledError):
                await future

        asyncio.run(main())

    def test_of_a_task_cancels_the_function(self) -> None:
        """Cancelling the task that awaits ends the Go function."""

        async def main() -> None:
            async def wait() -> None:
                await faults.sleep.submit(60)

            task = asyncio.create_task(wait())
            await asyncio.sleep(0)
            assert 1 == settled(_calls, 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        assert 0 == settled(_calls, 0)

    def test_of_a_gather(self) -> None:
        """Cancelling a gather cancels all of its calls."""

        async def main() -> None:
            everything = asyncio.gather(*(faults.sleep.submit(60) for _ in range(100)))
            await asyncio.sleep(0)
            everything.cancel()
            with pytest.raises(asyncio.CancelledError):
                await everything

        asyncio.run(main())
        assert 0 == settled(_calls, 0)

    def test_wait_for(self) -> None:
        """wait_for gives up after its timeout, and cancels the function."""

        async def main() -> None:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(faults.sleep.submit(60), 0.01)
            assert 3 == await asyncio.wait_for(faults.add.submit(1, 2), 20)

        asyncio.run(main())
        assert 0 == settled(_calls, 0)

    @pytest.mark.parametrize("message", [None, "enough"])
    def test_of_one_in_a_gather(self, message: str | None) -> None:
        """The gather ends as with a future of asyncio, in either way to gather."""

        async def ends(future: Any) -> list[Any]:
            asyncio.get_running_loop().call_later(0.02, future.cancel, message)
            (kept,) = await asyncio.gather(future, return_exceptions=True)
            with pytest.raises(asyncio.CancelledError) as raised:
                await asyncio.gather(future)
            return [type(kept), kept.args, type(raised.value)]

        async def main() -> tuple[list[Any], list[Any]]:
            theirs: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            return await ends(faults.sleep.submit(60)), await ends(theirs)

        ours, theirs = asyncio.run(main())
        assert theirs == ours

    @pytest.mark.parametrize("wait", ["wait", "wait_for", "as_completed", "shield"])
    def test_of_one_that_is_waited_for(self, wait: str) -> None:
        """Each way to wait ends as it does with a future of asyncio."""

        async def ends(future: Any) -> Any:
            asyncio.get_running_loop().call_later(0.02, future.cancel)
            try:
                if wait == "wait":
                    return [each.cancelled() for each in (await asyncio.wait([future]))[0]]
                if wait == "wait_for":
                    return await asyncio.wait_for(future, 10)
                if wait == "shield":
                    return await asyncio.shield(future)
                return [await each for each in asyncio.as_completed([future])]
            except asyncio.CancelledError as error:
                return [type(error), error.args]

        async def main() -> tuple[Any, Any]:
            theirs: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            return await ends(faults.sleep.submit(60)), await ends(theirs)

        ours, theirs = asyncio.run(main())
        assert theirs == ours

    def test_shielded(self) -> None:
        """A shielded call survives the cancellation of the task that awaits it."""

        async def main() -> list[str]:
            future = faults.receive.submit(1)

            async def wait() -> None:
                await asyncio.shield(future)

            task = asyncio.create_task(wait())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            future.send(b"alive")
            return await future

        assert ["alive"] == asyncio.run(main())

    def test_of_the_future(self) -> None:
        """A cancelled future raises asyncio's CancelledError in whoever awaits it."""

        async def main() -> None:
            future = faults.sleep.submit(60)
            asyncio.get_running_loop().call_soon(future.cancel)
            with pytest.raises(asyncio.CancelledError):
                await future
            assert future.cancelled()

        asyncio.run(main())

    def test_from_another_thread(self) -> None:
        """Another thread may cancel what the loop awaits."""

        async def main() -> None:
            future = faults.sleep.submit(60)
            thread = threading.Thread(target=future.cancel)
            asyncio.get_running_loop().call_soon(thread.start)
            with pytest.raises(asyncio.CancelledError):
                await future
            thread.join()

        asyncio.run(main())

    def test_of_one_of_two_who_await(self) -> None:
        """Cancelling one of two tasks that await a future cancels the call, and so the other."""

        async def main() -> None:
            future = faults.sleep.submit(60)

            async def wait() -> None:
                await future

            tasks = [asyncio.create_task(wait()) for _ in range(2)]
            await asyncio.sleep(0)
            tasks[0].cancel()
            outcomes = await asyncio.gather(*tasks, return_exceptions=True)
            assert [asyncio.CancelledError] * 2 == [type(outcome) for outcome in outcomes]

        asyncio.run(main())


class TestBlocking:
    def test_result_inside_the_loop(self) -> None:
        """result() in the loop's own thread blocks the loop, as it must, but does not hang."""

        async def main() -> float:
            return faults.sleep.submit(0.02).result(20)

        assert 0.02 == asyncio.run(main())

    def test_wait_inside_the_loop(self) -> None:
        """concurrent.futures.wait in the loop's own thread does not hang either."""

        async def main() -> int:
            futures = [faults.add.submit(i, 1) for i in range(50)]
            done, _ = concurrent.futures.wait(futures, timeout=20)
            return len(done)

        assert 50 == asyncio.run(main())

    def test_result_in_another_thread(self) -> None:
        """Another thread may wait for a future of the loop."""

        async def main() -> float:
            future = faults.sleep.submit(0.02)
            return await asyncio.get_running_loop().run_in_executor(None, future.result, 20)

        assert 0.02 == asyncio.run(main())

    def test_map_inside_the_loop(self) -> None:
        """map, which blocks, works inside a loop."""

        async def main() -> list[int]:
            return list(faults.add.map(range(100), range(100)))

        assert [2 * i for i in range(100)] == asyncio.run(main())

    def test_the_loop_serves_itself_again_afterwards(self) -> None:
        """After somebody outside has waited, the loop alone handles its replies."""
        threads: set[int] = set()

        async def main() -> None:
            faults.sleep.submit(0.01).result(20)
            for _ in range(50):
                await faults.count_messages.submit(
                    5, progress=lambda _: threads.add(threading.get_ident())
                )
            assert {threading.get_ident()} == threads

        asyncio.run(main())

    def test_callbacks_stay_in_the_loop(self) -> None:
        """Messages of a loop's call arrive on its thread although another thread waits too."""
        threads: set[int] = set()

        async def main() -> int:
            future = faults.count_messages.submit(
                2000, progress=lambda _: threads.add(threading.get_ident())
            )
            outside = asyncio.get_running_loop().run_in_executor(None, future.result, 20)
            count = await future + await outside
            assert {threading.get_ident()} == threads
            return count

        assert 4000 == asyncio.run(main())


class TestLoopsThatEnd:
    def test_with_pending_futures(self) -> None:
        """What belonged to a closed loop is cancelled, and who comes to wait later is told so."""
        futures = []

        async def main() -> None:
            futures.extend(faults.sleep.submit(600) for _ in range(5))

        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        loop.close()
        done, pending = concurrent.futures.wait(futures, timeout=20)

        assert (5, 0) == (len(done), len(pending))
        assert all(future.cancelled() for future in futures)

    def test_while_a_thread_waits(self) -> None:
        """A thread that waits for a call of the loop gets its reply although the loop is closed."""
        seen: list[float] = []

        async def main() -> threading.Thread:
            future = faults.sleep.submit(0.3)
            thread = threading.Thread(target=lambda: seen.append(future.result(20)))
            thread.start()
            while not future._queue.awaited:
                await asyncio.sleep(0)
            return thread

        loop = asyncio.new_event_loop()
        thread = loop.run_until_complete(main())
        loop.close()
        thread.join(20)

        assert [0.3] == seen

    def test_between_two_batches(self) -> None:
        """What the loop has not come to arrives elsewhere."""
        many: list[Any] = []

        async def main() -> int:
            many.extend(_answered(20_000))
            return await many[0] + await many[1]

        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        assert sum(range(1, 20_001)) == sum(call.result(20) for call in many)
        loop.close()

    def test_and_are_dropped(self) -> None:
        """A loop that is dropped with calls under way is freed, and its queue with it."""

        async def main() -> None:
            faults.sleep.submit(0.05)

        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        loop.close()
        gone = weakref.ref(loop)
        del loop
        gc.collect()

        assert gone() is None

    def test_without_being_closed(self) -> None:
        """The same holds for a loop that nobody closed."""

        async def main() -> None:
            faults.sleep.submit(0.02)

        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        del loop
        with pytest.warns(ResourceWarning, match="unclosed event loop"):
            gc.collect()

    def test_after_somebody_watched(self) -> None:
        """A loop whose queue others had watched leaves no descriptor and no busy thread behind."""

        async def main() -> None:
            await asyncio.get_running_loop().run_in_executor(
                None, faults.sleep.submit(0.01).result, 20
            )

        for _ in range(5):
            asyncio.run(main())
        gc.collect()

        assert 2 == settled(lambda: runtime_info()["queues"], 2)

    def test_many_one_after_the_other(self) -> None:
        """Two hundred loops, each with a call, leave nothing behind."""

        async def main() -> int:
            return await faults.add.submit(1, 2)

        assert {3} == {asyncio.run(main()) for _ in range(200)}

    def test_in_threads(self) -> None:
        """Loops in several threads do not disturb each other."""

        async def main(start: int) -> list[int]:
            numbers = range(start, start + 200)
            return await asyncio.gather(*(faults.add.submit(i, 1) for i in numbers))

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            outcomes = [pool.submit(asyncio.run, main(1000 * n)) for n in range(8)]

            for n, outcome in enumerate(outcomes):
                assert list(range(1000 * n + 1, 1000 * n + 201)) == outcome.result(50)

    def test_in_debug_mode(self) -> None:
        """asyncio's debug mode finds nothing wrong."""

        async def main() -> list[int]:
            return await asyncio.gather(*(faults.add.submit(i, 1) for i in range(50)))

        assert list(range(1, 51)) == asyncio.run(main(), debug=True)

    def test_that_something_still_refers_to(self) -> None:
        """The queue of a closed loop is given back when that is closed, whoever refers to it."""

        async def main() -> int:
            return await faults.add.submit(1, 2)

        loops = []
        for _ in range(20):
            loop = asyncio.new_event_loop()
            assert 3 == loop.run_until_complete(main())
            loop.close()
            loops.append(loop)

        assert 2 == runtime_info()["queues"]  # the process's own


def _answered(count: int) -> list[Any]:
    """Submit calls whose replies the loop finds together (the last, seldom, a moment later)."""
    calls = [faults.add.submit(i, 1) for i in range(count)]
    assert 0 == settled(_calls, 0)
    return calls


@pytest.mark.parametrize("count", [1, 5])
class TestRepliesThatComeTogether:
    """Whom they wake does not know of the others."""

    def test_callbacks_have_the_context_in_which_they_were_added(self, count: int) -> None:
        """As those of asyncio's futures do."""
        var: contextvars.ContextVar[int] = contextvars.ContextVar("var")
        seen = []

        async def main() -> None:
            calls = _answered(count)
            for i, call in enumerate(calls):
                var.set(i)
                call.add_done_callback(lambda call: seen.append((call.result(), var.get())))
            var.set(-1)
            await asyncio.gather(*calls)

        asyncio.run(main())
        assert [(i + 1, i) for i in range(count)] == sorted(seen)

    def test_an_exception_is_told_to_the_loop(self, count: int) -> None:
        """The other callbacks run."""
        told = []
        seen = []

        def fail(call: Any) -> None:
            raise ValueError(call.result())

        async def main() -> None:
            asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(what))
            calls = _answered(count)
            calls[0].add_done_callback(fail)
            for call in calls:
                call.add_done_callback(lambda call: seen.append(call.result()))
            await asyncio.gather(*calls)

        asyncio.run(main())
        assert [*range(1, count + 1)] == sorted(seen)
        (what,) = told
        assert "ValueError(1)" == repr(what["exception"])
        assert "fail" in what["message"]

    def test_one_that_ends_the_loop(self, count: int) -> None:
        """What it has kept from running runs when the loop does again."""
        seen = []

        def leave(call: Any) -> None:
            raise SystemExit(call.result())

        async def main() -> None:
            calls = _answered(count)
            calls[0].add_done_callback(leave)
            for call in calls:
                call.add_done_callback(lambda call: seen.append(call.result()))
            while len(seen) < count:
                await asyncio.sleep(0)

        loop = asyncio.new_event_loop()
        task = loop.create_task(main())
        with pytest.raises(SystemExit, match="1"):
            loop.run_until_complete(task)
        loop.run_until_complete(asyncio.wait_for(task, 20))
        loop.close()
        assert [*range(1, count + 1)] == sorted(seen)

    def test_a_slow_step_in_debug_mode(self, count: int, caplog: pytest.LogCaptureFixture) -> None:
        """asyncio names the task that took long."""

        async def slow(call: Any) -> None:
            await call
            time.sleep(0.2)

        async def main() -> None:
            asyncio.get_running_loop().slow_callback_duration = 0.15
            first, *others = _answered(count)
            await asyncio.gather(asyncio.create_task(slow(first), name="the slow one"), *others)

        asyncio.run(main(), debug=True)
        assert "name='the slow one'" in caplog.text


def test_the_loop_is_told_of_an_exception_where_it_was_raised() -> None:
    """In the context of the callback, as asyncio itself does since Python 3.12."""
    var: contextvars.ContextVar[str] = contextvars.ContextVar("var", default="nobody's")
    told = []

    def fail(call: Any) -> None:
        raise ValueError

    async def submit(name: str) -> None:
        var.set(name)
        calls = _answered(5)
        calls[0].add_done_callback(fail)
        await asyncio.gather(*calls)

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, what: told.append(var.get()))
        for name in "first", "second":
            await asyncio.create_task(submit(name))

    asyncio.run(main())
    assert ["first", "second"] == told


def test_fairness() -> None:
    """Whoever has 10 000 calls under way keeps nobody waiting: others' calls come and go meanwhile."""

    def other() -> int:
        return sum(faults.add.submit(i, 1).result(20) + faults.add(i, 1) for i in range(100))

    async def main() -> tuple[int, int]:
        many = [faults.sleep.submit(60) for _ in range(10_000)]
        total = await asyncio.to_thread(other)
        ended = sum(each.done() for each in many)
        for each in many:
            each.cancel()
        return total, ended

    assert (2 * sum(range(1, 101)), 0) == asyncio.run(main())
    assert 0 == settled(_calls, 0)


def test_a_callback_that_runs_the_loop(program: Programs) -> None:
    """With nest_asyncio a callback may run the loop that it was called by, and await Go there."""
    done = program(
        """
import asyncio, nest_asyncio
import faults

nest_asyncio.apply()

async def add():
    return await faults.add.submit(1, 2)

async def main():
    loop = asyncio.get_running_loop()
    print(await faults.ask.submit(3, lambda question: loop.run_until_complete(add())))

asyncio.run(main())
"""
    )

    assert (0, "9\n", "") == (done.returncode, done.stdout, done.stderr)


def test_a_task_that_runs_the_loop(program: Programs) -> None:
    """The same in a task, until those end to whom replies came together with its own."""
    done = program(
        """
import asyncio, nest_asyncio, time
import faults, gostitch

nest_asyncio.apply()
awaiting = []

async def one(number):
    awaiting.append(number)
    result = await faults.add.submit(number, 1)
    if awaiting:
        awaiting.clear()
        others = [task for other, task in enumerate(tasks) if other != number]
        result += sum(asyncio.get_running_loop().run_until_complete(asyncio.gather(*others)))
    return result

async def main():
    tasks.extend(asyncio.create_task(one(number)) for number in range(4))
    while len(awaiting) < 4:
        await asyncio.sleep(0)
    while gostitch.runtime_info()["calls"]:
        time.sleep(0.001)
    print(max(await asyncio.gather(*tasks)))

tasks = []
asyncio.run(main())
"""
    )

    assert (0, "10\n", "") == (done.returncode, done.stdout, done.stderr)


def test_a_handler_of_a_signal_that_runs_the_loop(program: Programs) -> None:
    """The same between the replies of a batch: those after the signal wake theirs too."""
    done = program(
        """
import asyncio, nest_asyncio, signal, time
import faults, gostitch

loop = asyncio.new_event_loop()
nest_asyncio.apply(loop)
call_soon = loop.call_soon

def call_soon_and_interrupt(callback, *arguments, **named):
    handle = call_soon(callback, *arguments, **named)
    if type(callback).__name__ == "Wakeups" and not handled:
        signal.raise_signal(signal.SIGUSR1)
    return handle

def handle(number, frame):
    handled.append(number)
    loop.run_until_complete(asyncio.sleep(0))

async def main():
    calls = [faults.add.submit(i, 1) for i in range(50)]
    while gostitch.runtime_info()["calls"]:
        time.sleep(0.001)
    print(sum(await asyncio.wait_for(asyncio.gather(*calls), 20)), len(handled))

handled = []
signal.signal(signal.SIGUSR1, handle)
loop.call_soon = call_soon_and_interrupt
loop.run_until_complete(main())
"""
    )

    assert (0, f"{sum(range(1, 51))} 1\n", "") == (done.returncode, done.stdout, done.stderr)


def test_ctrl_c_after_the_loop_has_taken_the_handle_of_a_batch(program: Programs) -> None:
    """The loop then forgets that handle; the replies of the batch wake theirs all the same."""
    done = program(
        """
import asyncio, sys, time
import faults, gostitch

async def submit():
    for i in range(50):
        faults.add.submit(i, 1).add_done_callback(done.append)
    while gostitch.runtime_info()["calls"]:
        time.sleep(0.001)

def interrupt(frame, event, argument):
    handle = frame.f_locals.get("self")
    if frame.f_code.co_name == "_run" and type(handle._callback).__name__ == "Wakeups":
        sys.settrace(None)
        raise KeyboardInterrupt

done = []
loop = asyncio.new_event_loop()
loop.run_until_complete(submit())
sys.settrace(interrupt)
try:
    loop.run_forever()
except KeyboardInterrupt:
    print("interrupted with", len(done))
deadline = time.monotonic() + 20
while len(done) < 50 and time.monotonic() < deadline:
    loop.run_until_complete(asyncio.sleep(0))
print(len(done))
"""
    )

    assert (0, "interrupted with 0\n50\n", "") == (done.returncode, done.stdout, done.stderr)


def test_nobody_makes_wake_ups() -> None:
    """Their class, which anybody finds in a loop of asyncio, makes none."""
    types = set()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        call_soon = loop.call_soon

        def watch(callback: Any, *arguments: Any, **named: Any) -> Any:
            types.add(type(callback))
            return call_soon(callback, *arguments, **named)

        loop.call_soon = watch  # type: ignore[method-assign]
        await asyncio.gather(*_answered(5))

    asyncio.run(main())
    (wakeups,) = (each for each in types if each.__module__ == "gostitch._bridge")
    with pytest.raises(TypeError, match="cannot create"):
        wakeups()
