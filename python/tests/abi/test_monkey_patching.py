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

PATCH = "from gevent import monkey; monkey.patch_all()"
FIRST = "assert 3 == faults.add.submit(1, 2).result()"
ORDERS = {
    "patched, imported, called": (PATCH, "import faults", FIRST),
    "imported, patched, called": ("import faults", PATCH, FIRST),
    "imported, called, patched": ("import faults", FIRST, PATCH),
}

PROGRAM = """
import concurrent.futures, signal, threading, time
import gevent

def ticks_during(wait):
    ticks = []
    def tick():
        while True:
            gevent.sleep(0.02)
            ticks.append(1)
    ticker = gevent.spawn(tick)
    wait()
    ticker.kill()
    return len(ticks)

print("result", faults.sleep.submit(0.4).result())
print("others run:", ticks_during(faults.sleep.submit(0.4).result) > 5)

waiting = [gevent.spawn(lambda: faults.add.submit(1, 2).result()) for _ in range(50)]
gevent.joinall(waiting, timeout=20)
print("greenlets", sum(each.value for each in waiting))

answers = []
gevent.spawn(lambda: answers.append(faults.ask.submit(3, lambda q: q.number).result())).join(20)
print("answers", answers, faults.ask(3, lambda question: question.number))

futures = [faults.sleep.submit(0.01) for _ in range(5)]
print("done", len(concurrent.futures.wait(futures, timeout=20).done))
print("completed", len(list(concurrent.futures.as_completed(futures, timeout=20))))

threads = [threading.Thread(target=lambda: answers.append(faults.add.submit(1, 2).result())) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(20)
print("threads", answers[1:])

print("lines", sum(1 for _ in faults.lines(100)))

class Alarm(Exception):
    pass

def handler(number, frame):
    raise Alarm

signal.signal(signal.SIGALRM, handler)
faults.sleep(0.01)  # seen to take long
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
greenlets 150
answers [3] 3
done 5
completed 5
threads [3, 3, 3, 3]
lines 100
alarm True
alarm True
"""


@pytest.mark.parametrize("order", ORDERS)
def test_gevent(program: Programs, order: str) -> None:
    """Every way to call ends; other greenlets run meanwhile unless gevent came after the first call."""
    done = program("\n".join(ORDERS[order]) + PROGRAM)

    expected = EXPECTED.format(order != "imported, called, patched")
    assert (0, expected) == (done.returncode, done.stdout), done.stderr


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


PATCH_EVENTLET = "import eventlet; eventlet.monkey_patch()"
# Not among the packages of the tests: Sentry's SDK would import it.
WITH_EVENTLET = {"PYTHONPATH": os.pathsep.join([os.path.join(sys.prefix, "eventlet"), TESTS])}
_WAYS_THAT_WAIT = [
    "faults.add.submit(1, 2).result()",
    "faults.ask(3, lambda question: 1)",
    "next(faults.lines(3))",
]
_REFUSED = """
import faults, gostitch
try:
    {}
except gostitch.LibraryError as error:
    print(error)
"""


@pytest.mark.parametrize(
    "order", [f"{PATCH_EVENTLET}; import faults", f"import faults; {PATCH_EVENTLET}"]
)
@pytest.mark.parametrize("way", _WAYS_THAT_WAIT)
def test_eventlet(program: Programs, order: str, way: str) -> None:
    """It takes select.poll away, without which nobody would handle replies: the error says so."""
    done = program(f"{order}\n{_REFUSED.format(way)}", env=WITH_EVENTLET)

    assert 0 == done.returncode, done.stderr
    assert "eventlet.monkey_patch(select=False, thread=False)" in done.stdout


@pytest.mark.parametrize(
    "patch", ["eventlet.monkey_patch(select=False, thread=False)", "eventlet.monkey_patch()"]
)
def test_eventlet_as_the_error_says(program: Programs, patch: str) -> None:
    """So patched it works, and if it is patched after the first call in any way."""
    before = FIRST if patch.endswith("()") else ""
    done = program(
        f"""
import eventlet, faults
{before}
{patch}
print(sum(faults.add.submit(1, 2).result() for _ in range(50)))
print(faults.ask.submit(3, lambda question: question.number).result())
print(faults.sleep.submit(0.3).result())
{_EACH_WAY}
""",
        env=WITH_EVENTLET,
    )

    assert (0, "150\n3\n0.3\n" + _ALL_WORK) == (done.returncode, done.stdout), done.stderr


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
