"""Submitted calls without an event loop: futures, callbacks, map, cancellation."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError

import pytest

import faults
from gostitch import Future, GoClosedError, GoLimitError, GoTypeError, GoValueError, runtime_info
from invariants import settled


def _calls() -> int:
    return int(runtime_info()["calls"])


class TestSubmit:
    def test_gives_the_result(self) -> None:
        """The future has the result of the function."""
        future = faults.add.submit(1, 2)

        assert 3 == future.result()
        assert future.exception() is None
        assert (True, False, False) == (future.done(), future.running(), future.cancelled())

    def test_is_a_concurrent_future(self) -> None:
        """wait and as_completed of concurrent.futures work with it, and with others mixed in."""
        futures = [faults.sleep.submit(s) for s in (0.0, 0.02, 0.01)]
        done, pending = concurrent.futures.wait(futures, timeout=20)

        assert (set(futures), set()) == (done, pending)
        assert [0.0, 0.01, 0.02] == sorted(
            f.result() for f in concurrent.futures.as_completed(futures)
        )

    def test_first_completed(self) -> None:
        """wait returns with the first one that is done."""
        slow = faults.sleep.submit(60)
        fast = faults.add.submit(1, 2)
        done, pending = concurrent.futures.wait(
            [slow, fast], return_when=concurrent.futures.FIRST_COMPLETED
        )
        slow.cancel()

        assert ({fast}, {slow}) == (done, pending)

    def test_wait_is_never_early(self) -> None:
        """wait returns when all are done and not before, however the replies come in."""
        for _ in range(30):
            futures = [faults.add.submit(i, 1) for i in range(100)]
            done, pending = concurrent.futures.wait(futures)

            assert (100, 0) == (len(done), len(pending))

    def test_result_with_a_timeout(self) -> None:
        """result(timeout) gives up waiting; the call goes on."""
        future = faults.sleep.submit(60)
        with pytest.raises(concurrent.futures.TimeoutError):
            future.result(timeout=0.01)

        assert future.running()
        future.cancel()

    def test_exception(self) -> None:
        """exception() gives the error instead of raising it."""
        assert "data" == faults.fail.submit("data").exception().code  # type: ignore[union-attr]

    def test_of_bad_arguments(self) -> None:
        """A bad argument is refused at once, before there is a future."""
        with pytest.raises(GoTypeError, match=r"faults\.add\(\) argument a: expected int, got str"):
            faults.add.submit("1", 2)  # type: ignore[arg-type]

    def test_from_many_threads_at_once(self) -> None:
        """Many threads may wait for one future."""
        future = faults.sleep.submit(0.05)
        results: list[float] = []
        threads = [
            threading.Thread(target=lambda: results.append(future.result())) for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert [0.05] * 20 == results


class TestCallbacks:
    def test_run_when_it_is_done(self) -> None:
        """A callback gets the future once, whether added before or after the end."""
        called = threading.Event()
        seen: list[Future[float]] = []

        def callback(future: Future[float]) -> None:
            seen.append(future)
            called.set()

        future = faults.sleep.submit(0.02)
        future.add_done_callback(callback)
        assert called.wait(20)
        future.add_done_callback(seen.append)

        assert [future, future] == seen

    def test_may_submit_more(self) -> None:
        """A callback may start further calls, and so on, many deep."""
        finished = threading.Event()

        def again(future: Future[int]) -> None:
            if future.result() >= 500:
                finished.set()
            else:
                faults.add.submit(future.result(), 1).add_done_callback(again)

        faults.add.submit(0, 1).add_done_callback(again)

        assert finished.wait(20)

    def test_may_call(self) -> None:
        """A callback may call functions and wait for them."""
        answer: concurrent.futures.Future[int] = concurrent.futures.Future()
        faults.add.submit(1, 2).add_done_callback(
            lambda future: answer.set_result(faults.add(future.result(), 4))
        )

        assert 7 == answer.result(20)

    def test_may_wait_for_another_future(self) -> None:
        """A callback may even wait for another submitted call."""
        answer: concurrent.futures.Future[int] = concurrent.futures.Future()
        faults.add.submit(1, 2).add_done_callback(
            lambda future: answer.set_result(faults.add.submit(future.result(), 4).result())
        )

        assert 7 == answer.result(20)

    def test_that_fail_harm_nobody(self, caplog: pytest.LogCaptureFixture) -> None:
        """An exception in a callback is logged, and later calls go on."""

        def broken(_: object) -> None:
            raise RuntimeError("a broken callback")

        future = faults.add.submit(1, 2)
        future.add_done_callback(broken)

        assert 3 == future.result()
        assert 5 == faults.add.submit(2, 3).result()
        assert settled(lambda: "a broken callback" in caplog.text, True)


class TestCancel:
    def test_ends_the_function(self) -> None:
        """Cancelling ends the context of the Go function, and the future at once."""
        future = faults.sleep.submit(60)

        assert future.cancel()
        assert (True, True) == (future.done(), future.cancelled())
        assert 0 == settled(_calls, 0)
        with pytest.raises(CancelledError):
            future.result()

    def test_after_the_end(self) -> None:
        """A future that is done cannot be cancelled."""
        future = faults.add.submit(1, 2)
        future.result()

        assert not future.cancel()
        assert 3 == future.result()

    def test_twice(self) -> None:
        """Cancelling again says that it is cancelled."""
        future = faults.sleep.submit(60)

        assert (True, True) == (future.cancel(), future.cancel())

    def test_at_every_moment(self) -> None:
        """Whenever it strikes, a cancelled call ends as cancelled or with its result."""
        outcomes = set()
        for i in range(300):
            future = faults.add.submit(i, 1)
            for _ in range(i % 40):
                pass
            if future.cancel():
                with pytest.raises(CancelledError):
                    future.result()
            else:
                assert i + 1 == future.result()
            outcomes.add(future.cancelled())

        assert outcomes <= {True, False}

    def test_wakes_who_waits(self) -> None:
        """A thread that waits for a future learns of its cancellation."""
        future = faults.sleep.submit(60)
        waiting = concurrent.futures.ThreadPoolExecutor(1)
        outcome = waiting.submit(future.exception)
        assert settled(lambda: bool(future._blocked), True)
        future.cancel()
        with pytest.raises(CancelledError):
            outcome.result(20)
        waiting.shutdown()

    def test_a_function_that_does_not_listen(self) -> None:
        """A function that ignores its context is abandoned, and its reply dropped."""
        future = faults.spin_ignoring_context.submit(0.5)
        assert 1 == settled(_calls, 1)
        assert future.cancel()
        assert not future.running()
        assert 0 == settled(_calls, 0)

    def test_from_many_threads(self) -> None:
        """Cancelling and settling at once, from many threads, never hangs and never disagrees."""
        for _ in range(50):
            future = faults.add.submit(1, 2)
            threads = [threading.Thread(target=future.cancel) for _ in range(4)]
            for thread in threads:
                thread.start()
            try:
                assert 3 == future.result(20)
            except CancelledError:
                assert future.cancelled()
            for thread in threads:
                thread.join()


class TestMap:
    def test_keeps_the_order(self) -> None:
        """map gives the results in the order of the items."""
        assert [i + 10 for i in range(200)] == list(faults.add.map(range(200), [10] * 200))

    def test_takes_an_endless_iterable(self) -> None:
        """map takes from its items only as far ahead as in_flight says."""
        taken = 0

        def items() -> Iterator[int]:
            nonlocal taken
            while True:
                taken += 1
                yield taken

        results = faults.make_bytes.map(items(), in_flight=4)
        assert [1, 2, 3] == [len(next(results)) for _ in range(3)]
        results.close()  # type: ignore[attr-defined]

        assert taken <= 3 + 4

    def test_that_is_dropped(self) -> None:
        """Calls ahead of a map that nobody reads any more are cancelled."""
        results = faults.sleep.map([0.0, 60.0, 60.0])
        assert 0.0 == next(results)
        results.close()  # type: ignore[attr-defined]

        assert 0 == settled(_calls, 0)

    def test_with_a_failure(self) -> None:
        """An error is raised where its result would stand, and ends the rest."""
        results = faults.echo_list.map([[1], ["x"], [2]])  # type: ignore[list-item]

        assert [1] == next(results)
        with pytest.raises(TypeError):
            next(results)
        assert [] == list(results)

    @pytest.mark.parametrize("in_flight", [0, -1])
    def test_in_flight_must_be_positive(self, in_flight: int) -> None:
        """in_flight below 1 is refused."""
        with pytest.raises(GoValueError, match="in_flight must be at least 1"):
            faults.add.map([1], [2], in_flight=in_flight)

    def test_of_nothing(self) -> None:
        """map of nothing gives nothing."""
        assert [] == list(faults.add.map([], []))


class TestSend:
    def test_reaches_the_function(self) -> None:
        """Messages arrive in order."""
        future = faults.receive.submit(3)
        for text in (b"a", b"", b"c"):
            future.send(text)

        assert ["a", "", "c"] == future.result()

    def test_to_a_call_that_ended(self) -> None:
        """Sending to a call that has ended is a GoClosedError."""
        future = faults.receive.submit(0)
        future.result()
        with pytest.raises(GoClosedError, match="the call has ended"):
            future.send(b"late")

    def test_to_a_function_that_does_not_listen(self) -> None:
        """What waits is bounded: more is a GoLimitError that names the function."""
        future = faults.sleep.submit(60)
        with pytest.raises(GoLimitError, match=r"faults\.sleep; it must call gocore\.Receive"):
            for _ in range(1000):
                future.send(b"x")
        future.cancel()

    def test_takes_bytes_only(self) -> None:
        """Text cannot be sent."""
        future = faults.receive.submit(1)
        with pytest.raises(TypeError):
            future.send("text")  # type: ignore[arg-type]
        future.send(b"x")

        assert ["x"] == future.result()

    def test_cancelled_while_it_receives(self) -> None:
        """A function that waits for messages ends when it is cancelled."""
        future = faults.receive.submit(1)
        future.cancel()

        assert 0 == settled(_calls, 0)


@pytest.mark.parametrize(
    "call", [lambda: faults.sleep.submit(0.02), lambda: faults.sleep.submit(9, timeout=0.02)]
)
def test_that_was_abandoned(call: Callable[[], Future[object]]) -> None:
    """As when the interpreter ends: its reply is taken, and nobody is told."""
    future = call()
    future._abandoned = True
    pending = future._queue.pending

    assert settled(lambda: future._token in pending, False) is False
    assert not future.done()


def test_a_stopped_clock_is_not_needed() -> None:
    """Waiting without a timeout uses no polling: the waiting thread uses no processor."""
    future = faults.sleep.submit(0.2)
    before = time.thread_time()
    future.result()

    assert time.thread_time() - before < 0.1
