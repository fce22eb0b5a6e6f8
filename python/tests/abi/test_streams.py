"""Streams: results one after the other, as fast as they are taken, and what ends them."""

from __future__ import annotations

import asyncio
import copy
import gc
import itertools
import pickle
import threading
from collections import deque
from datetime import timedelta
from typing import Any

import pytest

import faults
from gostitch import GoClosedError, GoError, GoPanic, GoTypeError, runtime_info
from invariants import settled
from programs import Programs


def _calls() -> int:
    return int(runtime_info()["calls"])


class TestInOrder:
    @pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 64, 65, 1000])
    def test_all_results(self, count: int) -> None:
        """Every result arrives once and in order, whatever the window."""
        assert list(range(count)) == [line.number for line in faults.lines(count)]

    @pytest.mark.parametrize("count", [0, 1, 65, 1000])
    def test_all_results_in_a_loop(self, count: int) -> None:
        """The same with async for."""

        async def read() -> list[int]:
            return [line.number async for line in faults.lines(count)]

        assert list(range(count)) == asyncio.run(read())

    def test_results_larger_than_a_copy(self) -> None:
        """Large results stay where Go made them until they are decoded."""
        sizes = [len(line.text) for line in faults.lines(20, size=300_000)]

        assert [300_000] * 20 == sizes

    @pytest.mark.parametrize("size", [1_100, 4_000, 20_000])
    def test_more_than_one_batch_at_a_time(self, size: int) -> None:
        """What waits may be more than is drained at once."""
        stream = faults.lines(150, size=size)
        first = next(stream)
        assert settled(lambda: faults.drawn() >= 60, True)

        assert [0, *range(1, 150)] == [first.number, *(line.number for line in stream)]

    def test_several_at_once(self) -> None:
        """Streams do not disturb each other."""
        several = zip(*[faults.lines(200) for _ in range(5)], strict=True)

        assert [[n] * 5 for n in range(200)] == [[line.number for line in row] for row in several]

    def test_many_in_one_loop(self) -> None:
        """A loop may read many streams."""

        async def read() -> int:
            return len([line async for line in faults.lines(100)])

        async def all_of_them() -> list[int]:
            return await asyncio.gather(*[read() for _ in range(50)])

        assert [100] * 50 == asyncio.run(all_of_them())


class TestBackpressure:
    def test_go_runs_ahead_by_a_window(self) -> None:
        """A consumer that waits holds the function back."""
        stream = faults.lines(100_000)
        for _ in range(3):
            next(stream)

        # Those taken, of which Go may know by now, 64 under way, and one that waits for room.
        assert settled(lambda: faults.drawn() <= 3 + 64 + 1, True)
        stream.close()

    def test_large_results_count_more(self) -> None:
        """Not more than a few MB are under way."""
        stream = faults.lines(100, size=1_000_000)
        next(stream)

        assert settled(lambda: faults.drawn() <= 7, True)
        stream.close()


class TestEarlyEnd:
    def test_close(self) -> None:
        """Closing ends the function, and the stream is at its end."""
        before = faults.stream_ends()
        stream = faults.lines(10**9)
        assert 0 == next(stream).number
        stream.close()

        assert [] == list(stream)
        assert before + 1 == settled(faults.stream_ends, before + 1)

    def test_break_in_a_with_block(self) -> None:
        """The end of the block closes."""
        before = faults.stream_ends()
        with faults.lines(10**9) as stream:
            for line in stream:
                if line.number == 100:
                    break

        assert before + 1 == settled(faults.stream_ends, before + 1)

    def test_dropping_it(self) -> None:
        """A stream that nobody holds any more ends its function."""
        before = faults.stream_ends()
        first = list(itertools.islice(faults.lines(10**9), 3))
        gc.collect()

        assert 3 == len(first)
        assert before + 1 == settled(faults.stream_ends, before + 1)

    def test_cancelling_the_task(self) -> None:
        """A cancelled consumer in a loop ends the function."""
        before = faults.stream_ends()

        async def read() -> None:
            async with faults.lines(10**9, pause=timedelta(hours=1)) as stream:
                await stream.__anext__()

        async def main() -> None:
            task = asyncio.create_task(read())
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        asyncio.run(main())

        assert before + 1 == settled(faults.stream_ends, before + 1)

    def test_a_timeout(self) -> None:
        """The deadline of the call is that of the whole stream."""
        with pytest.raises(TimeoutError):
            for _ in faults.lines(10**9, pause=timedelta(milliseconds=5), timeout=0.05):
                pass

    def test_a_timeout_of_a_quick_consumer(self) -> None:
        """A function that never waits ends with its deadline too."""
        with pytest.raises(TimeoutError):
            for _ in faults.lines(10**9, timeout=0.1):
                pass

    def test_never_started(self) -> None:
        """A stream that is not read costs nothing in Go."""
        stream = faults.lines(10)
        stream.close()

        assert 0 == _calls()
        assert [] == list(stream)


class TestErrors:
    def test_an_error_after_some_results(self) -> None:
        """What came before is given, then the error is raised, once."""
        stream = faults.lines(10, fail_after=3)
        seen = [next(stream).number for _ in range(3)]
        with pytest.raises(GoError, match="the stream failed"):
            next(stream)

        assert [0, 1, 2] == seen
        assert [] == list(stream)

    def test_a_panic(self) -> None:
        """A panic in the iterator is a GoPanic with its stack."""
        with pytest.raises(GoPanic, match="the stream panicked") as caught:
            list(faults.lines(10, panic_after=2))

        assert "faults.Lines" in caught.value.go_stack

    def test_a_panic_in_a_loop(self) -> None:
        """The same with async for."""

        async def read() -> None:
            async for _ in faults.lines(10, panic_after=2):
                pass

        with pytest.raises(GoPanic):
            asyncio.run(read())

    def test_bad_arguments(self) -> None:
        """They are refused when the function is called, not at the first result."""
        with pytest.raises(GoTypeError, match=r"faults\.lines\(\) argument count"):
            faults.lines("3")  # type: ignore[arg-type]

    def test_two_readers(self) -> None:
        """A second reader at the same time is refused."""
        stream = faults.lines(3, pause=timedelta(seconds=0.3))
        errors: list[Exception] = []
        started = threading.Event()

        def read() -> None:
            started.set()
            list(stream)

        reader = threading.Thread(target=read)
        reader.start()
        started.wait()
        while stream._future is None:
            pass
        try:
            next(stream)
        except GoClosedError as error:
            errors.append(error)
        reader.join()

        assert ["is being read already" in str(error) for error in errors] == [True]

    def test_for_and_async_for(self) -> None:
        """A stream is read one way."""

        async def read(stream: Any) -> None:
            await stream.__anext__()

        stream = faults.lines(3)
        next(stream)
        with pytest.raises(GoTypeError, match="begun with 'for'"):
            for _ in range(5):
                asyncio.run(read(stream))
        stream.close()

    def test_a_consumers_own_error(self) -> None:
        """An exception in the loop's body leaves the stream to be closed."""
        with pytest.raises(ZeroDivisionError), faults.lines(10**9) as stream:
            for _ in stream:
                raise ZeroDivisionError

        assert 0 == settled(_calls, 0)


def test_is_pickled_by_name() -> None:
    """Like every function."""
    assert faults.lines is pickle.loads(pickle.dumps(faults.lines))


def test_says_what_it_is() -> None:
    """Functions and streams have a name and documentation."""
    stream = faults.lines(1)

    assert ("<Go function faults.lines>", "<stream of faults.lines, waits>") == (
        repr(faults.lines),
        repr(stream),
    )
    assert "one after the other" in (faults.lines.__doc__ or "")


def test_the_interpreter_may_end_in_the_middle(program: Programs) -> None:
    """A stream that is under way at exit does not keep the process."""
    text = """
import faults
stream = faults.lines(10**9)
next(stream)
print("end")
"""
    done = program(text, timeout=10)

    assert (0, "end\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("debug", [False, True])
def test_closing_from_another_thread_wakes_the_loop(debug: bool) -> None:
    """A consumer that awaits finds the end, whatever asyncio checks."""

    async def main() -> list[int]:
        stream = faults.lines(1000, pause=timedelta(seconds=60))

        async def read() -> list[int]:
            return [line.number async for line in stream]

        reader = asyncio.ensure_future(read())
        while stream._waiter is None:
            await asyncio.sleep(0)
        thread = threading.Thread(target=stream.close)
        thread.start()
        thread.join(10)  # so that the loop does nothing meanwhile
        return await reader

    assert [] == asyncio.run(main(), debug=debug)


class TestClosedInTheMoment:
    def test_when_it_begins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A stream that another thread closes before there is a call ends that call."""
        stream = faults.lines(1_000_000)
        start = stream._start
        monkeypatch.setattr(stream, "_start", lambda queue: (stream.close(), start(queue))[1])

        assert [] == list(stream)
        assert 0 == settled(lambda: runtime_info()["calls"], 0)

    def test_when_a_result_is_taken(self) -> None:
        """The reader finds the end."""
        stream = faults.lines(3)

        class Results(deque[Any]):
            def __bool__(self) -> bool:
                there = len(self) > 0
                if there:
                    stream.close()  # as another thread does, just now
                return there

        assert 0 == next(stream).number
        stream._results = Results(stream._results)
        assert [] == list(stream)


@pytest.mark.parametrize("through", [pickle.dumps, copy.copy, copy.deepcopy])
def test_is_not_copied(through: Any) -> None:
    """Two that read one call would take each other's results: it is refused with what to do."""
    with pytest.raises(TypeError, match=r"stream of faults\.lines\(\) cannot .* take its results"):
        through(faults.lines(3))


def test_without_a_loop_of_asyncio() -> None:
    """Under another library's loop (trio's, say) the error says what to do."""
    with pytest.raises(RuntimeError, match=r"no event loop of asyncio, trio or Tw.*with 'for'"):
        faults.lines(3).__anext__().send(None)
    future = faults.sleep.submit(0.01)
    with pytest.raises(RuntimeError, match=r"no event loop of asyncio, trio or Tw.*to_thread"):
        next(future.__await__())
    future.result()
