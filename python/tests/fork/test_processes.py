"""Every way that Python has to make a process, with a parent that used Go, times every exercise."""

from __future__ import annotations

import pytest

from fork.extent import KINDS, LONG
from programs import Programs

_PROGRAM = """
import concurrent.futures, multiprocessing, os, sys, threading
from fork.exercises import exercise

def exit_of(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

def forked(what):
    pid = os.fork()
    if pid == 0:
        try:
            what()
        except BaseException as error:
            print(type(error).__name__, error, flush=True)
            os._exit(1)
        os._exit(0)
    assert exit_of(pid) == 0

def child(parent, kind):
    _, forked_from = exercise(kind).split()
    assert forked_from == str(parent), (forked_from, parent)

def in_thread(what):
    failed = []
    def run():
        try:
            what()
        except BaseException as error:
            failed.append(error)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not failed, failed

def nested(parent, kind, left):
    child(parent, kind)
    if left:
        me = os.getpid()
        forked(lambda: nested(me, kind, left - 1))

def pools(method, kind):
    context = multiprocessing.get_context(method)
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:
        parents = {text.split()[1] for text in pool.map(exercise, [kind] * 6)}
    with context.Pool(2) as pool:
        parents |= {text.split()[1] for text in pool.map(exercise, [kind] * 6)}
    assert parents == {str(os.getpid()) if method == "fork" else "None"}, parents

WAYS = {
    "os.fork": lambda kind: [forked(lambda: child(os.getppid(), kind)) for _ in range(3)],
    "os.fork from a thread": lambda kind: in_thread(
        lambda: [forked(lambda: child(os.getppid(), kind)) for _ in range(3)]
    ),
    "six generations": lambda kind: forked(lambda: nested(os.getppid(), kind, 5)),
    "fork": lambda kind: pools("fork", kind),
    "forkserver": lambda kind: pools("forkserver", kind),
    "spawn": lambda kind: pools("spawn", kind),
}

if __name__ == "__main__":
    way, kind = sys.argv[1:]
    exercise("all")
    WAYS[way](kind)
    exercise("all")
    print("both sides work")
"""


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "way", ["os.fork", "os.fork from a thread", "six generations", "fork", "forkserver", "spawn"]
)
def test_a_child_of_a_process_that_used_go(program: Programs, way: str, kind: str) -> None:
    """It does what its parent did before and does afterwards."""
    (program.folder / "processes.py").write_text(_PROGRAM)
    text = f"import runpy, sys; sys.argv = ['', {way!r}, {kind!r}]; runpy.run_path('processes.py', run_name='__main__')"
    done = program(text, timeout=50)

    assert ("both sides work\n", "", 0) == (done.stdout, done.stderr, done.returncode)


@pytest.mark.timeout(300)
def test_many_forks(program: Programs) -> None:
    """Among threads that use Go all the time, a thousand forks (in the sample fifty): none hangs."""
    count = 1000 if LONG else 50
    done = program(
        f"""
import os, signal, threading, time
import faults
from fork.exercises import EXERCISES

stop = threading.Event()

def busy():
    while not stop.is_set():
        faults.add.submit(1, 2).result()
        faults.collect(1)
        faults.loopback(1)

kinds = list(EXERCISES.values())
threads = [threading.Thread(target=busy) for _ in range(2)]
for thread in threads:
    thread.start()
outcomes = {{}}
for i in range({count}):
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        try:
            kinds[i % len(kinds)]()
        except BaseException as error:
            print(i, type(error).__name__, error, flush=True)
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    outcomes[status] = outcomes.get(status, 0) + 1
stop.set()
for thread in threads:
    thread.join()
print(outcomes)
""",
        timeout=280,
    )

    assert (f"{{0: {count}}}\n", "") == (done.stdout, done.stderr)
