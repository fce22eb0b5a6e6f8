"""gevent and eventlet, which replace the threads, locks and sleeps of the standard library.

gevent's documentation asks for ``patch_all()`` before anything else; services patch later all the
same. What is expected of the waits is what gevent says of its own: greenlets switch where one
waits for what was patched, and only there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from programs import Programs

TESTS = str(Path(__file__).parents[1])

GEVENT = """
from gevent import monkey
monkey.patch_all()
from gevent import sleep, spawn
value_of = lambda greenlet: greenlet.get(timeout=20)
"""
EVENTLET = """
import eventlet
eventlet.monkey_patch()
from eventlet import sleep, spawn
value_of = lambda greenlet: greenlet.wait()
"""
# Not among the packages of the tests: Sentry's SDK would import it.
WITH_EVENTLET = {"PYTHONPATH": os.pathsep.join([os.path.join(sys.prefix, "eventlet"), TESTS])}
LIBRARIES = {"gevent": (GEVENT, {}), "eventlet": (EVENTLET, WITH_EVENTLET)}
FIRST = "assert 3 == faults.add.submit(1, 2).result()"
ORDERS = {
    "patched, imported, called": ("{patch}", "import faults", FIRST),
    "imported, patched, called": ("import faults", "{patch}", FIRST),
    "imported, called, patched": ("import faults", FIRST, "{patch}"),
}

PROGRAM = """
import concurrent.futures, gostitch, signal, threading, time

def others_run_during(wait):
    ticks = []
    def tick():
        while True:
            sleep(0.02)
            ticks.append(1)
    ticker = spawn(tick)
    wait()
    ticker.kill()
    return len(ticks) > 5

print("result", faults.sleep.submit(0.4).result())
print("others run:", others_run_during(faults.sleep.submit(0.4).result))
print("in a call:", others_run_during(lambda: faults.sleep(0.4)))
def timed_out(call, *args, **named):
    try:
        list(call(*args, timeout=0.4, **named) or [])
    except gostitch.GoTimeoutError:
        return
    raise AssertionError

print("in a stream:", others_run_during(lambda: timed_out(faults.await_end_in_stream)))
tell = lambda tick: None
print("in a call that tells:", others_run_during(lambda: timed_out(faults.await_end_with_messages, progress=tell)))

waiting = [spawn(lambda: faults.add.submit(1, 2).result()) for _ in range(50)]
print("greenlets", sum(value_of(each) for each in waiting))
started = time.monotonic()
waiting = [spawn(faults.sleep, 0.4) for _ in range(20)]
print("calls", round(sum(value_of(each) for each in waiting), 3), time.monotonic() - started < 4)

print("answers", value_of(spawn(lambda: faults.ask.submit(3, lambda q: q.number).result())))
print("asks", faults.ask(3, lambda question: question.number))

answers = []
threads = [threading.Thread(target=lambda: answers.append(faults.add.submit(1, 2).result())) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(20)
print("threads", answers)

print("lines", sum(1 for _ in faults.lines(100)))

started = time.monotonic_ns()
waiting = spawn(faults.await_end)
sleep(0.2)
waiting.kill()
while faults.end_seen() < started:
    sleep(0.01)
print("killed")

class Alarm(Exception):
    pass

def handler(number, frame):
    raise Alarm

signal.signal(signal.SIGALRM, handler)
for wait in (lambda: faults.sleep(20), lambda: faults.sleep.submit(20).result()):
    started = time.monotonic()
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        wait()
    except Alarm:
        print("alarm", time.monotonic() - started < 10)
"""

EXPECTED = """result 0.4
others run: {}
in a call: True
in a stream: True
in a call that tells: True
greenlets 150
calls 8.0 True
answers 3
asks 3
threads [3, 3, 3, 3]
lines 100
killed
alarm True
alarm True
"""


# Not for eventlet that comes after the first call: what it puts in the place of events, threads of
# the system, which ours are then, cannot set.
_SEVERAL = """
futures = [faults.sleep.submit(0.01) for _ in range(5)]
print("done", len(concurrent.futures.wait(futures, timeout=20).done))
print("completed", len(list(concurrent.futures.as_completed(futures, timeout=20))))
"""


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("name", LIBRARIES)
def test_patched(program: Programs, name: str, order: str) -> None:
    """Every way to call ends, and others run meanwhile; not in ``result()`` if it came after the first call."""
    patch, env = LIBRARIES[name]
    text, is_late = (
        "\n".join(ORDERS[order]).format(patch=patch) + PROGRAM,
        FIRST in ORDERS[order][:2],
    )
    expected = EXPECTED.format(not is_late)
    if (name, is_late) != ("eventlet", True):
        text, expected = text + _SEVERAL, expected + "done 5\ncompleted 5\n"
    done = program(text, env=env)

    assert (0, expected) == (done.returncode, done.stdout), done.stderr


_SIGNALS = """
import faults, os, signal

def blocked():
    return signal.pthread_sigmask(signal.SIG_BLOCK, [])

before = blocked()
waiting = [spawn(lambda: faults.sleep.submit(0.1).result(20)) for _ in range(5)]
print([value_of(each) for each in waiting], blocked() == before)
got = []
signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
os.kill(os.getpid(), signal.SIGTERM)
sleep(0.1)
print(got == [signal.SIGTERM])
"""


@pytest.mark.parametrize("name", LIBRARIES)
def test_signals(program: Programs, name: str) -> None:
    """Greenlets that start our threads at the same time leave the signals of theirs as they were."""
    patch, env = LIBRARIES[name]
    done = program(patch + _SIGNALS, env=env)

    assert (0, "[0.1, 0.1, 0.1, 0.1, 0.1] True\nTrue\n") == (done.returncode, done.stdout), (
        done.stderr
    )


_TICKS = """
import _thread, faults, gevent, threading

def others_run():
    ticks, over = [], []
    def tick():
        while not over:
            gevent.sleep(0.02)
            ticks.append(1)
    gevent.spawn(tick)
    faults.sleep(0.3)
    in_a_call = len(ticks)
    faults.sleep.submit(0.3).result()
    over.append(1)
    return in_a_call > 5, len(ticks) - in_a_call > 5
"""
_ELSEWHERE = {
    "the first call is a pool's": """
gevent.get_hub().threadpool.apply(faults.add, (1, 2))
print(others_run())
""",
    "a hub of another thread": """
faults.add(1, 2)
seen = []
monkey.get_original("_thread", "start_new_thread")(lambda: seen.append(others_run()), ())
while not seen:
    gevent.sleep(0.01)
print(*seen)
""",
}


@pytest.mark.parametrize("where", _ELSEWHERE)
def test_threads_of_gevent(program: Programs, where: str) -> None:
    """Others run in whatever hub there is, and whoever loads the library."""
    done = program(GEVENT + _TICKS + _ELSEWHERE[where])

    assert (0, "(True, True)\n") == (done.returncode, done.stdout), done.stderr


_EACH_WAY = """
print(faults.add(1, 2), faults.add.submit(1, 2).result(20), len(list(faults.lines(200))))
print(faults.ask(5, lambda question: 1), faults.ask.submit(5, lambda question: 1).result(20))
print(faults.ask.submit(5, lambda question: faults.add.submit(1, 0).result(20)).result(20))
"""
_ALL_WORK = "3 3 200\n5 5\n5\n"


@pytest.mark.parametrize(
    "patch",
    [
        "patch_thread()",
        "patch_queue()",
        "patch_thread(); monkey.patch_select()",
        "patch_all(select=False)",
        "patch_all(thread=False)",
        "patch_all(time=False)",
        "patch_all(queue=False)",
    ],
)
def test_gevent_in_part(program: Programs, patch: str) -> None:
    """Threads, and what they are woken by, are never of two kinds: every way to call ends."""
    done = program(f"from gevent import monkey\nmonkey.{patch}\nimport faults\n{_EACH_WAY}")

    assert (0, _ALL_WORK) == (done.returncode, done.stdout), done.stderr


@pytest.mark.parametrize(
    "what", ["select=False", "thread=False", "all=False, thread=True", "all=False, time=True"]
)
def test_eventlet_in_part(program: Programs, what: str) -> None:
    """As gevent."""
    done = program(
        f"import eventlet\neventlet.monkey_patch({what})\nimport faults\n{_EACH_WAY}",
        env=WITH_EVENTLET,
    )

    assert (0, _ALL_WORK) == (done.returncode, done.stdout), done.stderr
