"""Ctrl-C: the main thread's call is cancelled and KeyboardInterrupt raised, promptly."""

from __future__ import annotations

import signal

import pytest

from programs import QUIET_LOOPS, Programs

_HEAD = """
import asyncio, gc, os, signal, sys, threading, time
import faults, gostitch

# Whoever started the tests may have had it ignored, as shells do for background jobs.
signal.signal(signal.SIGINT, signal.default_int_handler)

def interrupt_when(condition):
    '''Send SIGINT to the main thread as soon as the condition holds.

    To the thread, since one sent to the process while the main thread is just
    entering or leaving Go may be taken by another thread, on which Python only
    looks at it when the main thread takes the GIL the next time.
    '''
    def wait():
        while not condition():
            time.sleep(0.001)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    threading.Thread(target=wait).start()

def calls():
    return gostitch.runtime_info().get("calls", 0)

def settled():
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        gc.collect()
        info = gostitch.runtime_info()
        if not (info["calls"] or info["pending"] or info["buffers"]):
            return "nothing left"
        time.sleep(0.002)
    return {name: count for name, count in info.items() if count and type(count) is int}

faults.add(1, 2)
"""


def _run(program: Programs, text: str, **environment: str) -> list[str]:
    # Far longer than it takes, far shorter than the calls that are interrupted.
    done = program(QUIET_LOOPS + _HEAD + text, "-X", "dev", env=environment, timeout=20)

    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    "call",
    [
        "faults.sleep(60)",
        "faults.sleep(60, timeout=50)",
        "faults.receive_with(bytearray(100_000), 1)",
        "faults.count_messages(5, wait=True, progress=lambda _: None)",
        "faults.sleep.submit(60).result()",
        "list(faults.sleep.map([60, 60]))",
    ],
)
def test_raises_keyboard_interrupt(program: Programs, call: str) -> None:
    """Every way to wait on the main thread ends with KeyboardInterrupt, and nothing is left."""
    lines = _run(
        program,
        f"""
interrupt_when(calls)
try:
    {call}
except KeyboardInterrupt:
    print("interrupted")
for queue in list(gostitch._queue._queues.values()):
    for future in list(queue.pending.values()):
        future.cancel()
print(settled())
""",
    )

    assert ["interrupted", "nothing left"] == lines


def test_uncaught(program: Programs) -> None:
    """A program that does not catch it dies of it, as Python programs do."""
    done = program(_HEAD + "interrupt_when(calls)\nfaults.sleep(60)")

    assert -2 == done.returncode
    assert done.stderr.rstrip().endswith("KeyboardInterrupt")
    assert 1 == done.stderr.count("  File "), "the traceback ends at the line of the call"


def test_sent_to_the_process(program: Programs) -> None:
    """A signal from outside does the same."""
    process = program.start(
        _HEAD
        + """
try:
    print("ready", flush=True)
    faults.sleep(60)
except KeyboardInterrupt:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    print(settled(), flush=True)
"""
    )
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    process.send_signal(signal.SIGINT)

    assert "nothing left\n" == process.stdout.readline()


def test_many_times(program: Programs) -> None:
    """Ctrl-C works again and again."""
    lines = _run(
        program,
        """
count = 0
for _ in range(20):
    interrupt_when(calls)
    try:
        faults.sleep(60)
    except KeyboardInterrupt:
        count += 1
print(count, settled())
""",
    )

    assert ["20 nothing left"] == lines


def test_of_a_function_that_does_not_listen(program: Programs) -> None:
    """A function that ignores its context is not stopped, but the interrupt is not lost."""
    lines = _run(
        program,
        """
interrupt_when(calls)
try:
    faults.spin_ignoring_context(0.3)
    time.sleep(0.1)
except KeyboardInterrupt:
    print("interrupted")
print(settled())
""",
    )

    assert ["interrupted", "nothing left"] == lines


def test_large_result_in_the_moment_of_the_interrupt(program: Programs) -> None:
    """A result that arrives together with the interrupt is released."""
    lines = _run(
        program,
        """
for i in range(100):
    try:
        timer = threading.Timer(0.0005 * (i % 10), os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        while True:
            faults.make_bytes(300_000)
    except KeyboardInterrupt:
        pass
    timer.join()
print(settled())
""",
    )

    assert ["nothing left"] == lines


def test_of_a_handler_that_does_not_raise(program: Programs) -> None:
    """With a handler that does not raise the call is cancelled: GoCancelledError."""
    lines = _run(
        program,
        """
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append("handled"))
interrupt_when(calls)
try:
    faults.sleep(60)
except gostitch.GoCancelledError as error:
    print(error.code, seen, settled())
""",
    )

    assert ["cancelled ['handled'] nothing left"] == lines


def test_of_a_handler_that_raises_something(program: Programs) -> None:
    """What a handler raises is what the call raises."""
    lines = _run(
        program,
        """
class Stop(Exception):
    pass

def handler(*_):
    raise Stop

signal.signal(signal.SIGINT, handler)
interrupt_when(calls)
try:
    faults.sleep(60)
except Stop:
    print("stopped", settled())
""",
    )

    assert ["stopped nothing left"] == lines


def test_ignored(program: Programs) -> None:
    """A process that ignores SIGINT is not disturbed."""
    lines = _run(
        program,
        """
signal.signal(signal.SIGINT, signal.SIG_IGN)
interrupt_when(calls)
print(faults.sleep(0.3))
""",
    )

    assert ["0.3"] == lines


def test_other_threads_go_on(program: Programs) -> None:
    """Ctrl-C concerns the main thread's call, not those of other threads."""
    lines = _run(
        program,
        """
outcome = []
thread = threading.Thread(target=lambda: outcome.append(faults.receive_with(b"", 0) or faults.sleep(0.5)))
thread.start()
interrupt_when(lambda: calls() == 2)
try:
    faults.sleep(60)
except KeyboardInterrupt:
    thread.join()
    print(outcome)
""",
    )

    assert ["[0.5]"] == lines


def test_while_the_main_thread_calls_nothing(program: Programs) -> None:
    """Ctrl-C cancels no call of another thread, also not one in memory that the main thread's had."""
    lines = _run(
        program,
        """
signal.signal(signal.SIGINT, lambda *_: None)
outcomes = []
for _ in range(20):
    faults.sleep(0)
    thread = threading.Thread(target=lambda: outcomes.append(faults.sleep(0.05)))
    thread.start()
    while not calls():
        time.sleep(0.001)
    signal.raise_signal(signal.SIGINT)
    thread.join()
print(set(outcomes), len(outcomes))
""",
        GOMAXPROCS="1",  # one pool of memory
    )

    assert ["{0.05} 20"] == lines


def test_in_asyncio(program: Programs) -> None:
    """Ctrl-C in asyncio.run cancels the main task and so the call it awaits."""
    lines = _run(
        program,
        """
async def main():
    try:
        await faults.sleep.submit(60)
    except asyncio.CancelledError:
        print("cancelled")
        raise

interrupt_when(calls)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", settled())
""",
    )

    assert ["cancelled", "interrupted nothing left"] == lines


def test_in_a_plain_loop(program: Programs) -> None:
    """Ctrl-C in the middle of a loop loses no reply: every future gets its own."""
    # Python itself loses one that strikes in a finalizer, so there may be fewer than were
    # sent, and "Exception ignored" on stderr.
    done = program(
        _HEAD
        + """
import concurrent.futures

async def main(futures):
    futures.extend(faults.add.submit(i, 1) for i in range(300))
    futures.extend(faults.make_bytes.submit(100_000) for i in range(10))
    for _ in range(100):
        await asyncio.sleep(0.001)

async def end():
    for task in asyncio.all_tasks():
        if task is not asyncio.current_task():
            task.cancel()

interrupted = 0
loop = asyncio.new_event_loop()
for i in range(60):
    futures = []
    timer = threading.Timer(0.0005 * (i % 20), os.kill, (os.getpid(), signal.SIGINT))
    try:
        timer.start()
        loop.run_until_complete(main(futures))
    except KeyboardInterrupt:
        interrupted += 1
    timer.join()
    loop.run_until_complete(end())
    done, pending = concurrent.futures.wait(futures, timeout=10)
    assert not pending, pending
    for n, future in enumerate(futures):
        error = future.exception()
        assert type(error) is KeyboardInterrupt or n >= 300 or future.result() == n + 1
print(interrupted > 40, calls(), gostitch.runtime_info()["pending"])
""",
    )

    assert (0, "True 0 0\n") == (done.returncode, done.stdout), done.stderr


def test_in_a_call_with_messages_in_the_callback(program: Programs) -> None:
    """Ctrl-C while a message's callback runs ends the call as well."""
    lines = _run(
        program,
        """
def callback(tick):
    if tick.index == 3:
        os.kill(os.getpid(), signal.SIGINT)

try:
    faults.count_messages(1000, wait=True, progress=callback)
except KeyboardInterrupt:
    print("interrupted", settled())
""",
    )

    assert ["interrupted nothing left"] == lines


def test_when_another_thread_loaded_the_library(program: Programs) -> None:
    """The first call may come from any thread; Ctrl-C reaches the main thread's calls all the same."""
    done = program(
        _HEAD.replace("faults.add(1, 2)", "")
        + """
thread = threading.Thread(target=faults.add, args=(1, 2))
thread.start()
thread.join()
interrupt_when(calls)
try:
    faults.sleep(60)
except KeyboardInterrupt:
    print("interrupted", settled())
""",
        timeout=20,
    )

    assert ("interrupted nothing left\n", "") == (done.stdout, done.stderr)


def test_after_asyncio_took_the_wake_up_descriptor(program: Programs) -> None:
    """A loop that handled signals itself does not leave the main thread's calls deaf."""
    lines = _run(
        program,
        """
async def main():
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, lambda: None)
    await asyncio.sleep(0.1)
    loop.remove_signal_handler(signal.SIGTERM)

asyncio.run(main())
interrupt_when(calls)
try:
    faults.sleep(60)
except KeyboardInterrupt:
    print("interrupted", settled())
""",
    )

    assert ["interrupted nothing left"] == lines


def test_nothing_that_arrived_is_lost(program: Programs) -> None:
    """Ctrl-C between any two lines of handling what arrived: every call gets its reply.

    No message is told twice.
    """
    done = program(
        """
import sys
import faults
from gostitch import _pending
from invariants import live_counts, settled

faults.add.submit(1, 2).result(10)
lines, wanted = 0, 0

def at_line(frame, event, argument):
    global lines
    if frame.f_code.co_name not in ("drain", "_handle", "_handle_one", "_message"):
        return None
    lines += event == "line"
    if lines == wanted and event == "line":
        sys.settrace(None)
        raise KeyboardInterrupt
    return at_line

interrupted = True
while interrupted:
    wanted, lines, interrupted, told = wanted + 1, 0, False, []
    sys.settrace(at_line)
    try:
        faults.count_messages(3, progress=lambda tick: told.append(tick.index))
    except KeyboardInterrupt:
        interrupted = True
    finally:
        sys.settrace(None)
    zero = dict.fromkeys(live_counts(), 0)
    assert zero == settled(live_counts, zero), (wanted, live_counts())
    assert told == list(range(len(told))), (wanted, told)
print(wanted > 20)
""",
        timeout=50,
    )

    assert ("True\n", "") == (done.stdout, done.stderr)


_LOOPS = {
    "a loop": ("", ""),
    "a slow loop, while a thread waits": (
        "threading.Thread(target=future.exception, args=(20,)).start(); time.sleep(0.005)",
        "",
    ),
    "a loop within a loop": ("", "import nest_asyncio; nest_asyncio.apply(made)"),
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("signals", ["SIGALRM", "SIGALRM, SIGUSR1, SIGUSR2"])
@pytest.mark.parametrize("count", [0, 3])
@pytest.mark.parametrize("kind", _LOOPS)
def test_nothing_is_lost_in_a_loop(program: Programs, kind: str, count: int, signals: str) -> None:
    """Signals' handlers raise, the first between any two lines of what handles replies.

    CPython runs the others at its next steps: where the first exception is just being handled.
    One alone has no message told twice.
    """
    more, nested = _LOOPS[kind]
    done = program(
        f"""
import asyncio, ctypes, signal, sys, threading, time
import faults
from invariants import live_counts, settled

class Stop(Exception):
    pass

kept = []  # or what their tracebacks hold would be gone at once

def stop(number, frame):
    kept.append(Stop())
    raise kept[-1]

SIGNALS = [getattr(signal, name) for name in "{signals}".split(", ")]
for each in SIGNALS:
    signal.signal(each, stop)
send = getattr(ctypes.CDLL(None), "raise")
lines, wanted = 0, 0

def at_line(frame, event, argument):
    global lines
    if not frame.f_code.co_filename.endswith("gostitch/_queue.py"):
        return None
    lines += event == "line"
    if lines == wanted and event == "line":
        sys.settrace(None)
        list(map(send, SIGNALS))  # no handler runs in between
    return at_line

def submit():
    global future
    future = faults.count_messages.submit({count}, progress=told.append)
    {more}

def new_loop():
    asyncio._set_running_loop(None)
    made = asyncio.new_event_loop()
    {nested}
    made.set_exception_handler(lambda *of: None)  # where it tells of Stop
    return made

def run_until(is_over):
    # In steps, each with several ends: run_until_complete() itself would not survive this.
    until = time.monotonic() + 10
    while not is_over() and time.monotonic() < until:
        try:
            for step in range(4):
                loop.call_later(step / 200, loop.stop)
            loop.run_forever()
        except Stop:
            pass
        except RuntimeError:  # the first step of what it does at its end was struck, too
            return

loop = new_loop()
broken = 0  # loops whose own end was struck, which run for ever: from CPython 3.14 on nearly all
unseen = 0  # how often in a row no such line was reached: the pump may have been faster
while unseen < 20:
    before, lines, future, told = len(kept), 0, None, []
    wanted += not unseen
    sys.settrace(at_line)
    try:
        loop.call_soon(submit)
        run_until(lambda: future is not None or before != len(kept))
        run_until(lambda: future is None or future.done())
    except Stop:
        pass
    sys.settrace(None)
    if loop.is_running():
        broken += 1
        loop = new_loop()
    else:
        assert future is None or future.done(), wanted
        order = [tick.index for tick in told]
        assert len(SIGNALS) > 1 or order == list(range(len(order))), (wanted, order)
    unseen = unseen + 1 if before == len(kept) else 0
loop.close()
future = None
kept.clear()
zero = dict.fromkeys(live_counts(), 0)
print(wanted > 20, broken > 0 or zero == settled(live_counts, zero))
""",
        timeout=100,
    )

    assert ("True True\n", "") == (done.stdout, done.stderr)
