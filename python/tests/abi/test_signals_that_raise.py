"""Handlers of signals run at once while the main thread waits for Go, and may raise.

The authority is Python itself: what ``time.sleep`` does under the same handler (PEP 475, and the
documentation of ``signal``: a handler that raises ends the wait, one that returns does not).
"""

from __future__ import annotations

import array
import re
import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import faults
from gostitch import _calls, _waiting, tasks
from gostitch._process import bridge
from programs import QUIET_LOOPS, Programs

_HEAD = """
import asyncio, atexit, gc, os, signal, socket, statistics, sys, threading, time, traceback, warnings
import faults, gostitch
from gostitch import tasks
from invariants import live_counts, settled

class Stop(Exception):
    pass

def stop(number, frame):
    raise Stop(number)

main = threading.main_thread().ident
silent = socket.create_server(("127.0.0.1", 0))  # connections are made, and never answered
atexit.register(silent.close)
url = f"http://127.0.0.1:{silent.getsockname()[1]}/"

def fetch():
    return tasks.fetch([tasks.FetchItem(url, "never")], retries=0)

async def waiting():
    await faults.await_end.submit()

# A signal may come before its first step where the machine is busy.
warnings.filterwarnings("ignore", "coroutine 'waiting' was never awaited")

def sent(number, since=0.03):
    '''Have a signal come soon, and give when, in a list.'''
    times = []
    def is_here(frame):
        return frame is not None and (frame.f_code is sent.__code__ or is_here(frame.f_back))
    def send():
        while is_here(sys._current_frames()[main]):
            time.sleep(0.001)  # starting this thread may take long on a busy machine
        time.sleep(since)
        times.append(time.monotonic())
        signal.pthread_kill(main, number)
    threading.Thread(target=send).start()
    return times

def lateness(wait, number):
    '''How long after the signal its handler's exception came out.'''
    times = sent(number)
    try:
        wait()
    except Stop as stopped:
        assert stopped.args == (number,)
        return time.monotonic() - times[0]
    raise AssertionError("the handler did not run")

def zero():
    nothing = dict.fromkeys(live_counts(), 0)
    assert settled(live_counts, nothing) == nothing, live_counts()

faults.sleep(0.01)  # is seen to be long
faults.add(1, 2)
"""


def _run(program: Programs, text: str) -> list[str]:
    done = program(QUIET_LOOPS + _HEAD + text, "-X", "dev", timeout=50)

    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.splitlines()


_WAYS = {
    "a call that was seen to be long": "lambda: faults.sleep(60)",
    "a call with a timeout": "lambda: faults.sleep(60, timeout=50)",
    "a function that is declared long": "fetch",
    "a stream": "lambda: list(faults.await_end_in_stream())",
    "a call with messages": "lambda: faults.await_end_with_messages(progress=lambda _: None)",
    "a callback": "lambda: faults.ask(1, lambda _: time.sleep(60))",
    "a future": "lambda: faults.await_end.submit().result()",
    "map": "lambda: list(faults.sleep.map([60, 60]))",
    "await": "lambda: asyncio.run(waiting())",
    "close": "lambda: (faults.sleep.submit(5), gostitch.close(60))",
}


@pytest.mark.parametrize("name", ["SIGALRM", "SIGUSR1", "SIGTERM"])
@pytest.mark.parametrize("way", _WAYS.values(), ids=_WAYS)
def test_as_soon_as_out_of_a_sleep(program: Programs, way: str, name: str) -> None:
    """The exception comes as soon as out of time.sleep, and leaves nothing behind."""
    lines = _run(
        program,
        f"""
wait = {way}
number = signal.{name}
signal.signal(number, stop)
ours, sleeps = [], []
for _ in range(4):
    sleeps.append(lateness(lambda: time.sleep(60), number))
    ours.append(lateness(wait, number))
    gostitch.reopen()
signal.signal(number, signal.SIG_IGN)
print(statistics.median(ours) < statistics.median(sleeps) + 0.05 or (ours, sleeps))
for queue in list(gostitch._queue._queues.values()):  # the futures of result() and map() are ours
    for future in list(queue.pending.values()):
        future.cancel()
zero()
""",
    )

    assert ["True"] == lines


def test_of_a_timer(program: Programs) -> None:
    """signal.setitimer, as timeouts of tests and tasks use it, ends a call in time, again and again."""
    lines = _run(
        program,
        """
signal.signal(signal.SIGALRM, stop)
late = []
for _ in range(10):
    due = time.monotonic() + 0.05
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        faults.sleep(60)
    except Stop:
        late.append(time.monotonic() - due)
print(statistics.median(late) < 0.05 or late)
zero()
""",
    )

    assert ["True"] == lines


@pytest.mark.parametrize("way", ["faults.sleep(0.6)", "faults.sleep(0.6, timeout=50)"])
def test_of_a_handler_that_returns(program: Programs, way: str) -> None:
    """A handler that returns runs at once, and the call goes on to its result (PEP 475)."""
    lines = _run(
        program,
        f"""
ran = []
signal.signal(signal.SIGUSR1, lambda *_: ran.append(time.monotonic()))
times = sent(signal.SIGUSR1)
print({way}, time.monotonic() - ran[0] > 0.3, ran[0] - times[0] < 0.2)
zero()
""",
    )

    assert ["0.6 True True"] == lines


def test_the_exception_is_that_of_the_handler(program: Programs) -> None:
    """The same object, once, with the traceback that it has out of time.sleep."""
    lines = _run(
        program,
        """
made = Stop("this one")

def handler(number, frame):
    raise made

def names(wait):
    made.__traceback__ = None
    sent(signal.SIGUSR1)
    try:
        wait()
    except BaseException as error:
        assert error is made and error.__cause__ is None and error.__context__ is None
        return [frame.name for frame in traceback.extract_tb(error.__traceback__)]

signal.signal(signal.SIGUSR1, handler)
print(names(lambda: faults.sleep(60)))
print(names(lambda: time.sleep(60)))
faults.sleep(0.1)
print("once")
""",
    )

    assert [lines[1], lines[1], "once"] == lines
    assert "handler" in lines[0]


def test_what_was_lent_is_back(program: Programs) -> None:
    """Where the function listens, its memory is the caller's again when the exception comes."""
    lines = _run(
        program,
        """
signal.signal(signal.SIGUSR1, stop)
data = bytearray(100_000)
try:
    faults.receive_with(data, 1, timeout=0.02)
except gostitch.GoTimeoutError:
    pass  # which is long
late = []
for _ in range(5):
    late.append(lateness(lambda: faults.receive_with(data, 1), signal.SIGUSR1))
    data.append(0)  # BufferError while it is lent
print(len(data), max(late) < 1)
zero()
""",
    )

    assert ["100005 True"] == lines


def test_of_a_function_that_does_not_listen(program: Programs) -> None:
    """It is left alone after a moment: the cause says that it still runs and keeps what it was lent."""
    lines = _run(
        program,
        """
signal.signal(signal.SIGUSR1, stop)
faults.linger(0.01, b"")
data = bytearray(100_000)
times = sent(signal.SIGUSR1)
try:
    faults.linger(1.5, data)
except Stop as error:
    print(time.monotonic() - times[0] < 0.5, type(error.__cause__).__name__, error.__cause__)
try:
    data.append(0)
except BufferError:
    print("lent")
zero()
data.append(0)
""",
    )

    assert 2 == len(lines)
    assert re.fullmatch(
        r"True GoCancelledError faults.linger\(\) did not end within 0\.03 s of Stop and was "
        r"abandoned: it still runs, .*",
        lines[0],
    )
    assert "lent" == lines[1]


def test_a_cause_of_its_own_is_kept(program: Programs) -> None:
    """What the handler gave its exception as its cause stays that."""
    lines = _run(
        program,
        """
def handler(number, frame):
    raise Stop from KeyError("mine")

signal.signal(signal.SIGUSR1, handler)
faults.linger(0.01, b"")
sent(signal.SIGUSR1)
try:
    faults.linger(0.5, b"")
except Stop as error:
    print(repr(error.__cause__))
zero()
""",
    )

    assert ["KeyError('mine')"] == lines


def test_the_grace_is_the_bound(program: Programs) -> None:
    """With configure(grace=) the caller is let go after that, and the cause says so."""
    lines = _run(
        program,
        """
gostitch.configure(grace=0.2)
signal.signal(signal.SIGUSR1, stop)
times = sent(signal.SIGUSR1)
try:
    faults.linger(1, b"")
except Stop as error:
    print(0.15 < time.monotonic() - times[0] < 0.6, "within 0.2 s of Stop and" in str(error.__cause__))
zero()
""",
    )

    assert ["True True"] == lines


def test_of_a_handler_that_calls_go(program: Programs) -> None:
    """A handler makes calls, long ones too, and raises or not, as if it were called anywhere else."""
    lines = _run(
        program,
        """
def handler(number, frame):
    print(faults.add(1, 2), faults.sleep(0.02), faults.add.submit(3, 4).result())
    if number == signal.SIGUSR2:
        raise Stop

signal.signal(signal.SIGUSR1, handler)
signal.signal(signal.SIGUSR2, handler)
sent(signal.SIGUSR1)
print(faults.sleep(0.3))
sent(signal.SIGUSR2)
try:
    faults.sleep(60)
except Stop:
    print("stopped")
zero()
""",
    )

    assert ["3 0.02 7", "0.3", "3 0.02 7", "stopped"] == lines


def test_of_a_handler_in_a_handler(program: Programs) -> None:
    """A call in a handler is ended by another signal's, whose exception has no other meaning there."""
    lines = _run(
        program,
        """
def outer(number, frame):
    sent(signal.SIGUSR2)
    try:
        faults.sleep(60)
    except Stop:
        print("the inner one ends")

signal.signal(signal.SIGUSR1, outer)
signal.signal(signal.SIGUSR2, stop)
sent(signal.SIGUSR1)
print(faults.sleep(0.5))
zero()
""",
    )

    assert ["the inner one ends", "0.5"] == lines


def test_of_a_second_signal_while_the_function_ends(program: Programs) -> None:
    """A second handler that raises is heard as well: its exception goes on, and tells of the first."""
    lines = _run(
        program,
        """
def first(number, frame):
    signal.setitimer(signal.ITIMER_REAL, 0.01)  # while the function is waited for
    raise Stop("first")

def second(number, frame):
    raise KeyError("second")

signal.signal(signal.SIGUSR1, first)
signal.signal(signal.SIGALRM, second)
faults.linger(0.01, b"")
sent(signal.SIGUSR1)
try:
    faults.linger(0.6, b"")
except KeyError as error:
    print(repr(error), repr(error.__context__))
zero()
""",
    )

    assert ["KeyError('second') Stop('first')"] == lines


def test_of_a_signal_that_another_thread_takes(program: Programs) -> None:
    """It wakes nobody (signal(7): any thread may be chosen); the handler runs a moment later."""
    lines = _run(
        program,
        """
signal.signal(signal.SIGUSR1, stop)
other = threading.Thread(target=time.sleep, args=(2,), daemon=True)
other.start()
main = other.ident  # to which it is sent
began = time.monotonic()
sent(signal.SIGUSR1)
try:
    faults.sleep(60)
except Stop:
    print(time.monotonic() - began < 1.5)
zero()
""",
    )

    assert ["True"] == lines


def test_at_any_time(program: Programs) -> None:
    """Whenever the signal comes, what comes out is the result or the exception, and nothing is left."""
    lines = _run(
        program,
        """
signal.signal(signal.SIGALRM, stop)
faults.linger(0.01, b"")
faults.linger(0.01, b"")
descriptors = len(os.listdir("/proc/self/fd"))
outcomes = {"result": 0, "exception": 0}
for i in range(600):
    data = bytearray(9000)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1e-6 + i % 60 * 0.0001)
        assert faults.linger(0.002, data) == 9000
        outcomes["result"] += 1
        signal.setitimer(signal.ITIMER_REAL, 0)
    except Stop:
        outcomes["exception"] += 1
signal.signal(signal.SIGALRM, signal.SIG_IGN)
print(min(outcomes.values()) > 20 or outcomes)
zero()
print(settled(lambda: len(os.listdir("/proc/self/fd")), descriptors) == descriptors)
""",
    )

    assert ["True", "True"] == lines


def test_inside_a_running_loop(program: Programs) -> None:
    """A handler ends a call that a coroutine makes; one of the loop waits until the loop has its turn."""
    lines = _run(
        program,
        """
async def stopped():
    try:
        faults.sleep(60)
    except Stop:
        print("stopped")
    return await faults.add.submit(1, 2)

async def told():
    loop, ran = asyncio.get_running_loop(), []
    loop.add_signal_handler(signal.SIGUSR2, ran.append, 1)
    sent(signal.SIGUSR2)
    print(faults.sleep(0.3), ran)
    await asyncio.sleep(0.01)
    print(ran)

signal.signal(signal.SIGUSR1, stop)
sent(signal.SIGUSR1)
print(asyncio.run(stopped(), debug=False))
asyncio.run(told(), debug=False)
zero()
""",
    )

    assert ["stopped", "3", "0.3 []", "[1]"] == lines


def test_in_a_forked_child(program: Programs) -> None:
    """A child's calls end as its parent's do, and what a handler forks goes on in both."""
    lines = _run(
        program,
        """
signal.signal(signal.SIGUSR1, stop)
pid = os.fork()
main = threading.main_thread().ident
if pid == 0:
    print(lateness(lambda: faults.sleep(60), signal.SIGUSR1) < 1, flush=True)
    os._exit(0)
os.waitpid(pid, 0)

children = []
def fork(number, frame):
    children.append(os.fork())

signal.signal(signal.SIGUSR1, fork)
sent(signal.SIGUSR1)
try:
    print(faults.sleep(0.3), flush=True)
except gostitch.ForkedHandleError:
    print("of the parent", flush=True)
    os._exit(0)
os.waitpid(children[0], 0)
zero()
""",
    )

    assert "True" == lines[0]
    assert ["0.3", "of the parent"] == sorted(lines[1:])


def test_ctrl_c_ends_it_whatever_its_handler_does(program: Programs) -> None:
    """SIGINT cancels a call that is waited for outside of Go as it does one that runs inside."""
    lines = _run(
        program,
        """
signal.signal(signal.SIGINT, lambda *_: print("handled"))
sent(signal.SIGINT)
try:
    faults.sleep(60)
except gostitch.GoCancelledError:
    print("cancelled")
zero()
""",
    )

    assert ["handled", "cancelled"] == lines


def test_when_the_interpreter_ends(program: Programs) -> None:
    """A destructor that runs last of all makes calls of long functions too."""
    lines = _run(
        program,
        """
import builtins, codecs, sys
class Last:
    def __del__(self, sleep=faults.sleep, pack=tasks.hash_tree, folder=os.getcwd(), write=os.write):
        write(1, f"{sleep(0.01)} {pack(folder).files}\\n".encode())

tasks.hash_tree(os.getcwd())  # nothing can be imported at the end
builtins.last = Last()
sys.last = Last()  # when the modules of the package are empty
codecs.register_error("last", lambda error, last=Last(): last)
last = Last()
""",
    )

    assert ["0.01 0"] * 4 == lines


def test_without_descriptors(program: Programs) -> None:
    """A long function works where no descriptor is left: it is run as others are."""
    lines = _run(
        program,
        """
taken = []
try:
    while True:
        taken.append(os.dup(0))
except OSError:
    print(faults.sleep(0.02))
for each in taken:
    os.close(each)
zero()
""",
    )

    assert ["0.02"] == lines


def test_how_it_is_described(program: Programs) -> None:
    """A call that the main thread waits for is no submitted one, wherever it is waited for."""
    lines = _run(
        program,
        """
seen = []
def look(number, frame):
    seen.extend((call["function"], call["submitted"]) for call in gostitch.runtime_info()["in_flight"])

signal.signal(signal.SIGUSR1, look)
sent(signal.SIGUSR1)
faults.sleep(0.3)
print(seen)
""",
    )

    assert ["[('faults.sleep', False)]"] == lines


def test_what_is_long() -> None:
    """All of the task library is declared long, and so is what the package itself may wait in."""
    from gostitch.observe import _generated as observing
    from gostitch.operate import _generated as operating

    assert {"fetch", "hash_tree", "pack", "unpack"} <= set(tasks.__all__)
    for made in (tasks.fetch, tasks.hash_tree, tasks.pack, tasks.unpack):
        assert made._declaration.long, made.name  # type: ignore[attr-defined]
    for made in (observing.flush, operating.free_memory, operating.goroutines):
        assert made._declaration.long, made.name  # type: ignore[attr-defined]


# Which calls are handed over.


def _twin(made: Any, *, long: bool) -> Any:
    """Give the function anew, as if nothing was seen of it yet."""
    of = made._declaration
    twin = bridge.Function(made.name)
    twin._declaration = _calls.Declaration(  # type: ignore[attr-defined]
        of.definition, of.checksum, of.parameters, of.result, None, None, None, long
    )
    return twin


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Count the calls that are waited for outside of Go."""
    count: list[int] = []

    def own_queue() -> Any:
        count.append(1)
        return _waiting._own_queue()

    bridge.install(own_queue=own_queue)
    yield count
    bridge.install(own_queue=_waiting._own_queue)


def _which(handed: list[int], sleep: Any, seconds: list[float]) -> list[bool]:
    """Tell which of the calls were handed over."""
    found = []
    for each in seconds:
        before = len(handed)
        sleep(each)
        found.append(len(handed) > before)
    return found


_LONG_S = 0.02  # far above a millisecond
_SHORT_S = 0.001


def test_short_functions_stay_in_go(handed: list[int]) -> None:
    """A function whose calls are short runs on the thread that calls.

    On a busy machine one may take long: then it is tried again.
    """
    slowest = _LONG_S
    while slowest > _SHORT_S:  # the timeout of the test ends it
        sleep, slowest = _twin(faults.sleep, long=False), 0.0
        before = len(handed)
        for _ in range(20):
            begun = time.perf_counter()
            sleep(0)
            slowest = max(slowest, time.perf_counter() - begun)
    assert before == len(handed)


def test_what_was_seen_to_be_long_is_handed_over(handed: list[int]) -> None:
    """From its second call on."""
    long = _which(handed, _twin(faults.sleep, long=False), [_LONG_S] * 5)

    assert [False, True, True, True, True] == long


def test_what_is_declared_long_is_handed_over(handed: list[int]) -> None:
    """Always, however short its calls are."""
    assert all(_which(handed, _twin(faults.sleep, long=True), [0] * 100))


def test_a_function_that_alternates_is_handed_over(handed: list[int]) -> None:
    """Its long calls are, although every other one is short."""
    seconds = [_LONG_S, 0.0] * 8
    long = _which(handed, _twin(faults.sleep, long=False), seconds)

    assert all(long[1:])


def test_a_function_that_was_long_comes_back(handed: list[int]) -> None:
    """Its calls run in Go again when they have been short for a while."""
    found = _which(handed, _twin(faults.sleep, long=False), [_LONG_S] * 3 + [0] * 400)

    assert [True, False] == [found[1], found[-1]]


def test_one_long_call_of_a_short_function_hands_over_few(handed: list[int]) -> None:
    """What the machine delays once does not make a small function slow."""
    sleep = _twin(faults.sleep, long=False)
    _which(handed, sleep, [0] * 200)
    found = _which(handed, sleep, [_LONG_S] + [0] * 50)

    assert found[1]
    assert sum(found) <= 8  # some may look long on a busy machine


# The same outcome, wherever it was waited for.


def _outcome(call: Callable[[Any], Any], twin: Any) -> Any:
    try:
        return type(got := call(twin)), got
    except Exception as error:
        return (
            type(error),
            re.sub("0x[0-9a-f]+", "0x", str(error)),
            {**getattr(error, "details", {})},
            [frame.name for frame in traceback.extract_tb(error.__traceback__)],
        )


def _scaled(made: Any) -> Any:
    data = bytearray(memoryview(array.array("d", range(2000))))
    made(memoryview(data).cast("d"), 2.0)
    return data


_EVERY_KIND: dict[str, tuple[Any, Callable[[Any], Any]]] = {
    "numbers": (faults.add, lambda f: f(1, 2)),
    "nothing": (faults.nothing, lambda f: f()),
    "small bytes": (faults.make_bytes, lambda f: bytes(f(10))),
    "large bytes": (faults.make_bytes, lambda f: bytes(f(300_000))),
    "a view": (faults.make_bytes, lambda f: (m := f(300_000)).readonly and (m.format, m.shape)),
    "lent": (faults.echo_bytes, lambda f: bytes(f(bytearray(b"x") * 9000))),
    "a list": (faults.make_list, lambda f: f(50)),
    "floats": (faults.make_floats, lambda f: list(f(5000).values)),
    "items": (faults.sum_floats, lambda f: f(memoryview(bytes(8000)).cast("d"))),
    "a table": (faults.every_column, lambda f: f(20).to_pylist()),
    "an error": (faults.fail, lambda f: f("not_found", text="nowhere")),
    "a typed error": (faults.fail_typed, lambda f: f()),
    "a wrapped error": (faults.fail_wrapped, lambda f: f(3)),
    "a joined error": (faults.fail_joined, lambda f: f(2)),
    "a user's error": (faults.buy, lambda f: f()),
    "a timeout": (faults.sleep, lambda f: f(60, timeout=0.05)),
    "no time": (faults.sleep, lambda f: f(60, timeout=-1)),
    "wrong arguments": (faults.add, lambda f: f(1, "2")),
    "a panic": (faults.panic, lambda f: f("nil")),
    "structured": (faults.structured, lambda f: f("n", [1, 2], faults.FaultsInner(1, "a"))),
    "written to": (faults.scale, _scaled),
}


@pytest.mark.parametrize("kind", _EVERY_KIND)
def test_the_outcome_is_the_same(kind: str, handed: list[int]) -> None:
    """Results, errors, details and tracebacks are those of a call that runs on this thread."""
    made, call = _EVERY_KIND[kind]
    twins = [_twin(made, long=long) for long in (False, True)]
    inside, outside = (_outcome(call, twin) for twin in twins)

    assert inside == outside
    assert (kind != "wrong arguments") == bool(handed)
