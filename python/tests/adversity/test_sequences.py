"""No sequence of Python-level calls on the types of the extension ends the interpreter.

That is CPython's own rule for its types: whatever Python code does, the interpreter raises.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import pickle
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import faults
from adversity.sequences import conversation
from depth import NIGHTLY, SAMPLE
from gostitch import _pending, _process, runtime_info
from gostitch._future import Future
from gostitch._process import bridge
from gostitch._queue import Queue, decode_error
from gostitch.exceptions import GoError
from invariants import settled
from programs import Programs

SECONDS = 300 if NIGHTLY else 4


@pytest.mark.timeout(SECONDS + 100)
@pytest.mark.parametrize("shared", [False, True])
def test_in_random_order(program: Programs, tmp_path: Path, shared: bool) -> None:
    """Any methods, on objects made and changed in any way; the log has what led to a crash.

    Nothing is left behind, unless the queue that all calls share was among the objects.
    """
    log = tmp_path / "steps"
    done = program(
        "from adversity import sequences\n"
        f"sequences.main({SAMPLE * 1000}, {SECONDS}, {str(log)!r}, shared={shared})",
        "-X",
        "faulthandler",
        timeout=SECONDS + 60,
    )

    last = done.stdout.splitlines()[-2:]
    what = f"{last}\n{done.stderr[-3000:]}\n{log.read_text()[-2000:]}"
    assert (0, "") == (done.returncode, done.stderr), what
    _, steps, _, descriptors, mebibytes = last[-1].split()
    assert int(steps) > 100 * SECONDS
    if not shared:
        assert int(descriptors) < 20
        assert int(mebibytes) < 100


def test_a_future_that_cannot_be_told() -> None:
    """The replies behind it are handled all the same."""
    future = faults.sleep.submit(0.02)
    future._done_callbacks = object()

    assert [3] * 20 == [faults.add.submit(1, 2).result(20) for _ in range(20)]
    assert settled(lambda: future._token in future._queue.pending, False) is False


def _uninitialised(name: str) -> Any:
    kind = getattr(bridge, name)
    return kind.__new__(kind)


class TestFuture:
    def test_with_an_outcome_that_was_only_said(self) -> None:
        """A future without any call has the outcome that is set, as attributes have defaults."""
        future = Future.__new__(Future)
        future._state = "FINISHED"

        assert None is future.result()
        assert None is future.exception()

    def test_whose_result_is_deleted(self) -> None:
        future = faults.add.submit(1, 2)
        assert 3 == future.result(20)
        del future._result

        assert None is future.result()

    def test_whose_exception_is_none_at_all(self) -> None:
        """CPython raises SystemError for what is no exception."""
        future = Future.__new__(Future)
        future._state, future._exception = "FINISHED", 3

        with pytest.raises((SystemError, TypeError)):
            next(future.__await__())

    def test_started_without_a_call(self) -> None:
        queue = faults.add.submit(1, 2)._queue

        with pytest.raises(TypeError, match="not made for a call"):
            queue.start(Future.__new__(Future), 0, 0, b"")

    def test_with_callbacks_of_another_kind(self) -> None:
        """What Python has put into the list of a loop's callbacks is left out."""
        seen: list[Any] = []

        async def main() -> None:
            future = faults.sleep.submit(0.02)
            future.add_done_callback(seen.append)
            future._in_loop.extend([1, (1,)])
            await future
            await asyncio.sleep(0)

        asyncio.run(main())

        assert 1 == len(seen)


@pytest.mark.parametrize("method", ["drained", "wake", "shut"])
def test_a_queue_that_was_not_initialised(method: str) -> None:
    """It is empty and closed."""
    assert not getattr(_uninitialised("Queue"), method)()


@pytest.mark.parametrize("name", ["_library", "_blocked", "_conversations", "is_foreign"])
def test_a_queue_that_is_broken(name: str) -> None:
    """Replies of other queues arrive, although somebody waits for one of this queue."""
    queue = Queue(_process.library(), _pending.pump)
    future = queue.new_future(faults.sleep, b"", None)
    frame, *_ = faults.sleep.pack(0.05)
    assert queue.start(future, 0, 0, frame) is None
    queue._let_pump_serve(future._token)
    value = getattr(queue, name)
    if name == "is_foreign":
        setattr(queue, name, None)
    else:
        delattr(queue, name)

    assert [3] * 50 == [faults.add.submit(1, 2).result(20) for _ in range(50)]
    setattr(queue, name, value)
    assert 0.05 == future.result(20)
    queue.retire()


def test_a_queue_whose_records_fail() -> None:
    """All are counted that were drained, and handled once they can be."""
    queue = Queue(_process.library(), _pending.pump)
    futures = []
    for count in (2, 1):
        for _ in range(count):
            future = queue.new_future(faults.fail, b"", None)
            frame, *_ = faults.fail.pack("unknown")
            assert queue.start(future, 0, 0, frame) is None
            futures.append(future)
        assert 0 == settled(lambda: runtime_info()["calls"], 0)
        with pytest.raises(ZeroDivisionError):
            queue.drain_to(lambda *record: 1 / 0, {}, None)

    assert 3 == queue.drained()
    assert not queue.drain()
    assert [GoError] * 3 == [type(each.exception()) for each in futures]
    queue.close()


def test_a_record_with_memory_that_cannot_be_kept() -> None:
    """The memory stays with the record, which is the first again, until it is handled once."""

    class Waiting(list[Any]):
        fails = True

        def append(self, record: Any) -> None:
            if self.fails:
                raise ZeroDivisionError
            super().append(record)

    queue, waiting = Queue(_process.library(), _pending.pump), Waiting()
    future = queue.new_future(faults.make_bytes, b"", None)
    conversations = {
        future._token: conversation(token=future._token, future=future, waiting=waiting)
    }
    frame, *_ = faults.make_bytes.pack(100_000)
    assert queue.start(future, 0, 0, frame) is None
    assert 0 == settled(lambda: runtime_info()["calls"], 0)
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            queue.drain_to(lambda *record: None, conversations, None)
        assert 1 == runtime_info()["buffers"]
    waiting.fails = False
    queue.drain_to(lambda *record: None, conversations, None)

    ((*_, payload),) = waiting
    assert (1, bytes(range(256))) == (runtime_info()["buffers"], bytes(payload[:256]))
    waiting.clear()
    del payload, _
    assert 0 == settled(lambda: runtime_info()["buffers"], 0)
    queue.close()


def test_a_record_that_is_taken_while_its_call_is_looked_for() -> None:
    """The one behind it is not taken for it, and is not lost."""
    queue, armed = Queue(_process.library(), _pending.pump), []

    class Key:
        """A key of the queue's dict that is compared with the number of a call."""

        def __init__(self, token: int) -> None:
            self.token = token

        def __hash__(self) -> int:
            return hash(self.token)

        def __eq__(self, other: object) -> bool:
            if armed:
                armed.clear()
                queue.drain(until=0.0)  # one, as the time is over
                taken.append(queue.drained())
            return False

    futures = [queue.new_future(faults.add, b"", None) for _ in range(4)]
    keys, taken = [Key(future._token) for future in futures], list[int]()
    queue.pending.update((key, queue.new_future(faults.add, b"", None)) for key in keys)
    for future in futures:
        frame, *_ = faults.add.pack(1, 2)
        assert queue.start(future, 0, 0, frame) is None
    assert 0 == settled(lambda: runtime_info()["calls"], 0)
    armed.append(True)
    while queue.drain() or queue.is_ready():
        pass
    for key in keys:
        del queue.pending[key]

    assert 1 == len(taken)
    assert [3] * 4 == [future.result(0) for future in futures]
    queue.close()


def test_a_queue_that_was_closed() -> None:
    """Go has forgotten it, and takes nothing for it."""
    queue = Queue(_process.library(), _pending.pump)
    queue.close()
    frame, *_ = faults.add.pack(1, 2)
    refused = queue.start(queue.new_future(faults.add, b"", None), 0, 0, frame)

    assert refused is not None
    assert "is not open" in str(decode_error(refused, b""))
    assert {} == queue.pending


def test_a_call_on_a_queue_that_was_not_initialised() -> None:
    with pytest.raises(RuntimeError, match="not initialised"):
        _uninitialised("Queue").new_future(faults.add, b"", None)


def test_a_queue_of_what_are_no_futures() -> None:
    with pytest.raises(TypeError, match="expected a class of futures"):
        _uninitialised("Queue").__init__(0, None, int)


class _Acts:
    """An object that does something when it is dropped, hashed or compared."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def __del__(self) -> None:
        self._act()

    def __hash__(self) -> int:
        self._act()
        return 1

    def __eq__(self, other: object) -> bool:
        return False


class TestHands:
    """What holds a record is a list, which Python may change while the record is handled."""

    def test_that_are_a_circle(self) -> None:
        """Each is handled, one of them twice."""
        first: list[Any] = [(2, 5, 1, b""), None]
        second: list[Any] = [(2, 5, 2, b""), first]
        first[1] = second
        seen = []
        _uninitialised("Queue").handle_waiting(
            lambda of, *record: seen.append(record[2]), conversation(left=first), {}, False
        )

        assert [1, 2, 1] == seen

    def test_that_remind_twice(self) -> None:
        """However often Python says that it was not reminded."""
        queue, of = _uninitialised("Queue"), conversation(waiting=deque([(2, 5, 0, b"")]))
        for _ in range(3):
            of.is_reminded = False
            queue.remind(of)
        seen = []
        queue.drain_to(lambda here, *record: seen.append(record[0]), {5: of}, None)

        assert {0} == set(seen)
        assert 0 == queue.drained()

    def test_whose_token_empties_it(self) -> None:
        """The record is lost with it."""
        queue = _uninitialised("Queue")
        queue.pending[5] = None
        for _ in range(200):
            of = conversation()

            def empty(of: Any = of) -> None:
                if of.holder:
                    of.holder[0] = None

            of.waiting.append((1, _Acts(empty), 0, b""))
            with pytest.raises(ZeroDivisionError):
                queue.handle_waiting(lambda *record: 1 / 0, of, {}, False)
            assert of.holder is None

    def test_whose_handling_fails_after_the_call_is_over(self) -> None:
        """The call is forgotten all the same."""
        queue, of = _uninitialised("Queue"), conversation(waiting=deque([(1, 5, 0, b"")]))
        queue.pending[5] = None
        calls = {5: of}

        def handle(*record: Any) -> None:
            del queue.pending[5]
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            queue.handle_waiting(handle, of, calls, False)

        assert {} == calls

    def test_that_handles_when_it_is_emptied(self) -> None:
        queue, seen = _uninitialised("Queue"), []

        def handle(of: Any, *record: Any) -> None:
            seen.append(record[2])

        for _ in range(200):
            of = conversation()

            def again(of: Any = of) -> None:
                queue.handle_waiting(handle, of, {}, False)

            of.waiting.extend((2, 5, number, _Acts(again)) for number in range(3))
            queue.handle_waiting(handle, of, {}, False)
            assert of.holder is None

        assert [0, 1, 2] * 200 == seen

    def test_that_reminds_when_its_next_is_dropped(self) -> None:
        queue, of = _uninitialised("Queue"), conversation(left=[(1, 5, 0, b""), None])
        queue.pending[5] = None

        def handle(*record: Any) -> None:
            of.holder[1] = _Acts(lambda: queue.remind(of))
            raise ZeroDivisionError

        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                queue.handle_waiting(handle, of, {5: of}, False)

        assert 1 == queue.drained()
        assert (1, 5, 0, b"") == of.left[0]

    @pytest.mark.parametrize("name", sorted(vars(conversation())))
    def test_of_what_is_half_a_conversation(self, name: str) -> None:
        of = conversation(waiting=deque([(2, 5, 0, b""), (1, 5, 0, b"")]))
        missing = object()
        for value in (None, 1, [], [1], (), _Acts(lambda: None), missing):
            if value is missing:
                delattr(of, name)
            else:
                setattr(of, name, value)
            with contextlib.suppress(AttributeError, TypeError):
                _uninitialised("Queue").handle_waiting(lambda *record: None, of, {5: of}, False)
            with contextlib.suppress(AttributeError, TypeError):
                _uninitialised("Queue").remind(of)
            with contextlib.suppress(AttributeError, TypeError):
                bridge.let_go(of)


class TestSchema:
    def test_that_nests_deeply(self) -> None:
        """It is refused where both ends would run out of stack."""
        schema = bridge.Schema("none")
        with pytest.raises(ValueError, match="nest"):
            for _ in range(1_000_000):
                schema = bridge.Schema("optional", element=schema)

        assert b"\xc0" == schema.encode(None)

    def test_of_what_is_no_frame(self) -> None:
        """Bytes of the program's that came from Go do not say where Go's memory lies."""
        forged = b"\xd8\x02" + (16).to_bytes(8, "big") + (8).to_bytes(8, "big")
        came_back = faults.echo_bytes(forged + bytes(10_000))
        floats = bridge.Schema("buffer", element=bridge.Schema("uint", 8))

        for part in (came_back[:18], memoryview(came_back)[:18]):
            with pytest.raises(GoError, match="a buffer"):
                floats.decode(part)

    def test_of_a_class_without_a_name(self) -> None:
        """A metaclass may say that a class is called anything: the error says what there is."""

        class Meta(type):
            __name__ = property(lambda _: [5])  # type: ignore[assignment]

        argument: Any = Meta("Odd", (), {})()
        with pytest.raises(TypeError, match=r"expected int, got \[5\]"):
            faults.add(argument, 1)


def _is_cleared(data: bytearray) -> bool:
    with contextlib.suppress(BufferError):
        data.clear()
    return not data


class TestLoan:
    """Go reads what was lent until it replies, whatever is asked for."""

    @pytest.mark.parametrize("way", ["_end_loan", "end"])
    def test_that_is_to_end(self, way: str) -> None:
        queue = faults.add.submit(1, 2)._queue
        data = bytearray(1 << 20)
        frame, loan, _, _ = faults.receive_with.pack(data, 1)
        future = queue.new_future(faults.receive_with, b"", loan)
        assert queue.start(future, 2, 0, frame) is None

        if way == "end":
            with pytest.raises(RuntimeError, match="until the reply"):
                loan.end()
        else:
            future._end_loan()
        with pytest.raises(BufferError):
            data.clear()
        future.cancel()
        assert settled(lambda: _is_cleared(data), True)

    def test_of_a_future_that_is_started_again(self) -> None:
        queue = faults.add.submit(1, 2)._queue
        frame, loan, _, _ = faults.add.pack(1, 2)
        future = queue.new_future(faults.add, b"", loan)
        assert queue.start(future, 0, 0, frame) is None

        with pytest.raises(RuntimeError, match="started before"):
            queue.start(future, 0, 0, frame)
        assert 3 == future.result(20)


@pytest.mark.parametrize("name", ["Future", "Queue"])
@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, pickle.dumps])
def test_what_cannot_be_copied(name: str, way: Callable[[Any], Any]) -> None:
    """What refers to Go is not copied by half."""
    with pytest.raises(TypeError):
        way(_uninitialised(name))


@pytest.mark.parametrize("name", ["Function", "Schema", "Table"])
def test_what_cannot_be_uninitialised(name: str) -> None:
    with pytest.raises(TypeError):
        _uninitialised(name)
