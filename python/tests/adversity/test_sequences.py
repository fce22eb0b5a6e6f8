"""No sequence of Python-level calls on the types of the extension ends the interpreter.

That is CPython's own rule for its types: whatever Python code does, the interpreter raises.
"""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import faults
from depth import NIGHTLY, SAMPLE
from gostitch._future import Future
from gostitch._process import bridge
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
    assert (0, "") == (done.returncode, done.stderr), (last, log.read_text()[-2000:])
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


@pytest.mark.parametrize("method", ["drain_batch", "drained", "wake", "shut"])
def test_a_queue_that_was_not_initialised(method: str) -> None:
    """It is empty and closed."""
    assert not getattr(_uninitialised("Queue"), method)()


def test_a_call_on_a_queue_that_was_not_initialised() -> None:
    with pytest.raises(RuntimeError, match="not initialised"):
        _uninitialised("Queue").new_future(faults.add, b"", None)


def test_a_queue_of_what_are_no_futures() -> None:
    with pytest.raises(TypeError, match="expected a class of futures"):
        _uninitialised("Queue").__init__(0, None, int)


def test_hands_that_python_changed() -> None:
    """A chain of records that were kept can be cut or closed to a circle; its records are lost."""
    future = faults.add.submit(1, 2)
    queue = future._queue
    assert 3 == future.result()  # or its reply may be drained meanwhile
    first, second = [(1, 0, 0, b""), None], [(1, 0, 0, b""), None]
    queue.pending[0] = None
    queue.keep({0: None}, first)
    queue.keep({0: None}, second)
    second[1] = second
    assert queue.drained() > 2
    second.clear()
    taken = [None, None]

    assert 0 == queue.drained()
    assert not queue.take({}, taken) or taken == [None, None]
    del queue.pending[0]


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
