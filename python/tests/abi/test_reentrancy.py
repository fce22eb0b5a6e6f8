"""Python code that runs in the middle of things: collections, callbacks, other threads, the end."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import faults
from gostitch import GoTypeError, GoValueError, _pending, _process, runtime_info
from gostitch._queue import Queue
from invariants import settled
from programs import Programs


@pytest.fixture
def at_every_call() -> Iterator[Any]:
    """Run something whenever Python code is called, until the test ends."""

    def install(what: Any) -> None:
        sys.setprofile(lambda frame, event, arg: what(frame) if event == "call" else None)

    yield install
    sys.setprofile(None)


def test_who_holds_all_objects_while_a_result_is_made(at_every_call: Any) -> None:
    """A memory profiler sees no container with holes, and does not disturb what is being made."""
    now = datetime.now(timezone.utc)
    thing = faults.FaultsThing(
        colour=faults.FaultsColour.RED, made=now, parts={"a": faults.FaultsPart("x", [now, now])}
    )
    faults.echo_thing(thing)
    kept: list[Any] = []

    def hold(frame: Any) -> None:
        # Of the bridge's doing alone: tuple(generator) of Python itself cannot bear it.
        if frame.f_code.co_name == "lift_time":
            kept.append(gc.get_objects())

    at_every_call(hold)
    back = faults.echo_thing(thing)
    sys.setprofile(None)

    assert thing == back
    assert 3 == len(kept)


def test_a_collection_that_drops_a_stream(at_every_call: Any) -> None:
    """Wherever it happens, cancelling the stream waits for nobody."""

    class Holder:
        """What keeps itself, and a stream, until a collection."""

    stream = faults.lines(1000, pause=timedelta(milliseconds=5))
    next(stream)
    holder: Any = Holder()
    holder.me, holder.stream = holder, stream
    del holder, stream
    future = faults.sleep.submit(0.1)
    at_every_call(lambda frame: gc.collect() if frame.f_code.co_name == "__init__" else None)

    assert 0.1 == future.result(20)


def test_a_collection_that_drains_the_queue() -> None:
    """Whoever comes first has the record, and its memory, wherever the other one was interrupted.

    Up to CPython 3.11 a collection begins at an allocation; gc.callbacks are run then.
    """
    queue, thresholds = Queue(_process.library(), _pending.pump), gc.get_threshold()
    within = -1

    def drain(phase: str, info: dict[str, int]) -> None:
        nonlocal within
        if within == 0:
            queue.drain()
        within -= 1

    gc.callbacks.append(drain)
    try:
        for at in range(40):
            future = queue.new_future(faults.make_bytes, b"", None)
            frame, *_ = faults.make_bytes.pack(100_000)
            assert queue.start(future, 0, 0, frame) is None
            assert settled(queue.is_ready, True)
            within = at % 10
            gc.set_threshold(1 + at // 10)
            queue.drain()
            within = -1
            gc.set_threshold(*thresholds)

            assert future.done()
            assert 1 == runtime_info()["buffers"]
            assert bytes(range(256)) == bytes(future.result()[:256])
            del future
            assert 0 == settled(lambda: runtime_info()["buffers"], 0)
    finally:
        gc.callbacks.remove(drain)
        gc.set_threshold(*thresholds)
        queue.close()


def test_closing_a_stream_that_another_thread_reads() -> None:
    """The reader finds the end."""
    for pause in (timedelta(milliseconds=30), timedelta(seconds=60)):
        stream = faults.lines(1000, pause=pause)
        reader = threading.Thread(target=lambda stream=stream: list(stream))
        reader.start()
        while stream._future is None:
            time.sleep(0.001)
        stream.close()
        reader.join(10)

        assert not reader.is_alive()


@pytest.mark.parametrize("busy_s", [0.0, 0.3])
def test_a_loop_that_is_busy_loses_nothing(busy_s: float) -> None:
    """While the loop does other things the pump helps; results and messages keep their order."""

    async def main() -> tuple[list[int], list[int]]:
        slow = faults.spin_ignoring_context.submit(1.0)
        stream = faults.lines(5, pause=timedelta(milliseconds=20))
        numbers = [(await stream.__anext__()).number]
        slow.cancel()  # from now on the pump looks after this loop's queue
        messages: list[int] = []
        counted = faults.count_messages.submit(5, progress=lambda tick: messages.append(tick.index))
        time.sleep(busy_s)
        numbers += [line.number async for line in stream]
        assert 5 == await counted
        return numbers, messages

    assert ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4]) == asyncio.run(main())


def test_a_callback_that_outlives_its_call(caplog: pytest.LogCaptureFixture) -> None:
    """It waits for another call; meanwhile its own ends, and what it raises then is nobody's."""
    raised = threading.Event()

    def progress(tick: faults.FaultsTick) -> None:
        faults.sleep.submit(0.1).result()
        raised.set()
        raise ValueError

    future = faults.count_messages.submit(1, progress=progress)

    assert 1 == future.result(20)
    assert raised.wait(20)
    assert 3 == faults.add.submit(1, 2).result(20)
    assert [] == caplog.records


@pytest.mark.parametrize("kind", ["message", "done"])
def test_a_callback_that_wants_a_lock_of_who_waits(kind: str) -> None:
    """A thread that holds a lock and waits gets its reply, although a callback waits for the lock."""
    lock, entered = threading.Lock(), threading.Event()

    def callback(argument: object) -> None:
        entered.set()
        with lock:
            pass

    with lock:
        if kind == "message":
            future: Any = faults.count_messages.submit(1, progress=callback)
        else:
            future = faults.sleep.submit(0.05)
            future.add_done_callback(callback)
        assert entered.wait(20)
        assert 3 == faults.add.submit(1, 2).result(20)
    assert future.result(20) in (1, 0.05)


def test_answers_that_wait_for_each_other() -> None:
    """However many questions are asked at once, each has a thread."""
    together = threading.Barrier(40)

    def answer(question: faults.FaultsQuestion) -> int:
        together.wait(20)
        return 1

    assert 40 == faults.ask.submit(40, answer, parallel=40).result(30)


def test_an_exception_of_a_callback_keeps_nothing_alive() -> None:
    """It is in no reference cycle, so what its frames hold goes with it."""
    gc.disable()
    try:
        alive: list[Any] = []

        class Large:
            """What a frame holds."""

        def answer(question: faults.FaultsQuestion) -> int:
            large = Large()
            alive.append(weakref.ref(large))
            raise ValueError

        with pytest.raises(ValueError):  # noqa: PT011 - it is the callback's own
            faults.ask(1, answer)

        assert [None] == [each() for each in alive]
    finally:
        gc.enable()


class TestArgumentsOfOnesOwn:
    def test_a_mapping_with_keys_alone(self) -> None:
        """What dict() takes is a mapping."""

        class Keys:
            def keys(self) -> list[str]:
                return ["a"]

            def __getitem__(self, key: str) -> int:
                return 1

        assert {"a": 1} == faults.echo(table=Keys()).table  # type: ignore[arg-type]

    @pytest.mark.parametrize("value", [10**5000, -(10**5000)], ids=["large", "small"])
    def test_a_number_that_python_does_not_print(self, value: int) -> None:
        """It is out of range like any other."""
        with pytest.raises(GoValueError, match="so large a number is out of range"):
            faults.add(value, 1)

    def test_a_record_without_a_field(self) -> None:
        """A field that was deleted is named."""
        point = faults.FaultsPoint(1.0, "label")
        del point.label
        with pytest.raises(GoTypeError, match=r"argument origin\.label: the field is not set"):
            faults.echo(origin=point)


def test_a_look_that_is_wanted_while_one_looks(program: Programs) -> None:
    """Who changes a level of logging just then, say from a finalizer, is not forgotten."""
    text = """
import faults
from gostitch._process import bridge

def look():
    looks.append(bridge)
    if len(looks) == 1:
        bridge.look_again()

faults.add(1, 2)
looks = []
bridge.install(observe=look)
bridge.look_again()
for _ in range(4):
    faults.add(1, 2)
print(len(looks))
"""
    done = program(text, timeout=20)

    assert (0, "2\n", "") == (done.returncode, done.stdout, done.stderr)


def test_calls_at_the_very_end(program: Programs) -> None:
    """Destructors that run when modules are gone may call, or get an error, and nothing crashes."""
    text = """
import builtins, contextvars, codecs, sys, threading
import faults
faults.add(1, 2)

class Late:
    def __del__(self, add=faults.add, fail=BaseException):
        try:
            add(1, 2)
            add.submit(1, 2)
        except fail:
            pass

contextvars.ContextVar("v").set(Late())
codecs.register_error("mine", lambda error, late=Late(): late)
kept = Late()
local = threading.local()
local.kept = Late()
sys.kept = Late()
builtins.kept = Late()
print("end")
"""
    done = program(text, timeout=20)

    assert (0, "end\n", "") == (done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("raises", [False, True])
def test_a_handler_that_calls_while_pumps_are_made(
    program: Programs, nth: int, raises: bool
) -> None:
    """Logs of Go arrive, and a flush waits for them, whatever becomes of the pump in the making."""
    done = program(
        f"""
import logging, os, signal, time
import faults, gostitch
from gostitch import _pending

class Ended(BaseException):
    pass

def handler(number, frame):
    faults.add(1, 2)
    if {raises}:
        raise Ended

class Made(_pending.Turn):
    left = {nth}
    def __init__(self):
        Made.left -= 1
        if Made.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)
        super().__init__()

signal.signal(signal.SIGTERM, handler)
_pending.Turn = Made
try:
    faults.add.submit(1, 2).result(20)
except Ended:
    print("ended")
arrived = []
class Kept(logging.Handler):
    def emit(self, record):
        arrived.append(record.getMessage())
logging.getLogger("gostitch.go").addHandler(Kept())
for said in range(20):
    faults.log(8, "said in Go")
    gostitch.force_flush(5)
    if len(arrived) != said + 1:
        print("the flush was over before", said)
print(len(arrived), faults.add.submit(1, 2).result(20))
print(gostitch.runtime_info()["records_dropped"])
"""
    )

    expected = "ended\n" * raises + "20 3\n0\n"
    assert (0, expected) == (done.returncode, done.stdout), done.stderr
