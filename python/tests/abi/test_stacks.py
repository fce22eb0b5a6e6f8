"""Stacks: those that handlers of the host run on where Go is, and those that are too small for it.

What is expected is what CPython does without Go: a handler that C code has set runs on a thread of
the program, on its stack, and Python code may run in it (PyGILState_Ensure).
"""

from __future__ import annotations

import functools
import resource
import signal

import pytest

from programs import Programs


def _run(program: Programs, text: str, *options: str, **environment: str) -> list[str]:
    done = program(text, *options, timeout=60, env=dict(environment))
    assert (0, "") == (done.returncode, done.stderr)
    return str(done.stdout).splitlines()


_HANDLER = """
import ctypes, faulthandler, os, re, signal, sys, threading, time
import faults

libc = ctypes.CDLL(None)
kind = ctypes.CFUNCTYPE(None, ctypes.c_int)
seen = []

def use_much():
    # As much as the end of the interpreter: compiling, imports, regular expressions.
    exec("x = [[[[[((((((1))))))]]]]]\\ndef f(a, b=1, *c, **d): return [i for i in (a, b)]")
    re.purge()
    re.compile("(a|(b|(c|(d|(e|f)))))*?[g-z]{1,3}" * 3)
    def deep(n):
        return n and next(map(deep, [n - 1]))
    deep(40)

@kind
def handler(number):
    use_much()
    try:
        seen.append((threading.get_native_id(), faults.add(1, 2), faults.add.submit(1, 2).result(20)))
    except Exception as error:
        seen.append((threading.get_native_id(), type(error).__name__, str(error)))

def set_handler():
    libc.signal.argtypes = [ctypes.c_int, kind]
    libc.signal(int(signal.SIGUSR1), handler)

def use_go():
    assert 3 == faults.add(1, 2) == faults.add.submit(1, 2).result(20)
    list(faults.lines(10))

def wait_for(count):
    end = time.monotonic() + 20
    while len(seen) < count and time.monotonic() < end:
        time.sleep(0.001)
"""

_ORDERS = {
    "before Go": "set_handler(); use_go()",
    "after Go": "use_go(); set_handler(); time.sleep(0.1); use_go()",
}


@pytest.mark.parametrize("faulthandler", ["0", "1"])
@pytest.mark.parametrize("order", _ORDERS)
def test_a_handler_beside_go(program: Programs, order: str, faulthandler: str) -> None:
    """Python code runs in a handler of a thread that has called Go, and calls Go."""
    lines = _run(
        program,
        f"""{_HANDLER}
{_ORDERS[order]}
def in_thread():
    use_go()
    for i in range(20):
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
thread = threading.Thread(target=in_thread)
thread.start()
thread.join()
for _ in range(20):
    os.kill(os.getpid(), signal.SIGUSR1)
use_go()
print(len(seen), {{each[1:] for each in seen}}, seen[-1][0] == os.getpid())
""",
        PYTHONFAULTHANDLER=faulthandler if faulthandler == "1" else "",
    )

    assert ["40 {(3, 3)} True"] == lines


@pytest.mark.parametrize("order", _ORDERS)
def test_a_handler_that_interrupts_go(program: Programs, order: str) -> None:
    """It cannot call Go on this thread, and is told so; the call that it has interrupted goes on."""
    lines = _run(
        program,
        f"""{_HANDLER}
{_ORDERS[order]}
turns = []
thread = threading.Thread(target=lambda: turns.append(faults.spin_ignoring_context(2.0)))
thread.start()
time.sleep(0.2)
for i in range(10):
    signal.pthread_kill(thread.ident, signal.SIGUSR1)
    wait_for(i + 1)
thread.join()
use_go()
print(len(seen), {{each[0] for each in seen}} == {{thread.native_id}}, turns[0] > 0)
print(*{{each[1:] for each in seen}})
""",
    )

    assert "10 True True" == lines[0]
    assert 2 == len(lines)
    assert "'RuntimeError'" in lines[1]
    assert "this runs in a handler of a signal that has interrupted Go" in lines[1]


@pytest.mark.parametrize("order", _ORDERS)
def test_a_signal_that_a_thread_of_go_takes(program: Programs, order: str) -> None:
    """The host's handler runs on the first thread of the process, never on one of Go."""
    lines = _run(
        program,
        f"""{_HANDLER}
{_ORDERS[order]}
mine = {{thread.native_id for thread in threading.enumerate()}}
of_go = [int(each) for each in os.listdir("/proc/self/task") if int(each) not in mine]
for i, thread in enumerate(of_go):
    assert libc.tgkill(os.getpid(), thread, int(signal.SIGUSR1)) == 0
    wait_for(i + 1)
print(len(of_go) > 2, len(seen) - len(of_go), {{each[0] for each in seen}} == {{os.getpid()}}, {{each[1:] for each in seen}})
""",
    )

    assert ["True 0 True {(3, 3)}"] == lines


def test_a_handler_that_is_put_back(program: Programs) -> None:
    """Who puts the handler back that was there before finds that one, and later ones are covered anew."""
    lines = _run(
        program,
        f"""{_HANDLER}
use_go()
libc.signal.restype = ctypes.c_void_p
set_handler()
time.sleep(0.1)
use_go()
libc.signal.argtypes = [ctypes.c_int, ctypes.c_void_p]
ours = libc.signal(int(signal.SIGUSR1), 1)  # ignored
os.kill(os.getpid(), signal.SIGUSR1)
print(len(seen))
libc.signal(int(signal.SIGUSR1), ours)
os.kill(os.getpid(), signal.SIGUSR1)
print(len(seen))
signal.signal(signal.SIGUSR1, lambda *_: seen.append("python"))
time.sleep(0.1)
use_go()
os.kill(os.getpid(), signal.SIGUSR1)
print(len(seen), seen[-1])
""",
    )

    assert ["0", "1", "2 python"] == lines


class TestOverflow:
    _TEXT = """
import faults, faulthandler, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
{before}
faults.add(1, 2)
faults.add.submit(1, 2).result(20)
{after}
faulthandler._stack_overflow()
"""

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_of_a_stack_with_faulthandler(self, program: Programs, when: str) -> None:
        """faulthandler tells of an overflow as without Go."""
        enable = {"before": "", "after": ""} | {when: "faulthandler.enable()"}
        done = program(self._TEXT.format(**enable), timeout=60)

        assert -signal.SIGSEGV == done.returncode, done.stderr
        assert "Fatal Python error: Segmentation fault" in done.stderr
        assert 'File "<string>", line' in done.stderr

    def test_of_a_stack(self, program: Programs) -> None:
        """An overflow ends the process by SIGSEGV, as without Go."""
        done = program(self._TEXT.format(before="", after=""), timeout=60)

        assert -signal.SIGSEGV == done.returncode, done.stderr


def _limit_stack(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_STACK, (limit, resource.getrlimit(resource.RLIMIT_STACK)[1]))


@pytest.mark.parametrize("later", [0, 16 << 20])
@pytest.mark.parametrize("limit", [8 << 20, resource.RLIM_INFINITY])
def test_signals_on_a_stack_that_is_used_to_its_end(
    program: Programs, limit: int, later: int
) -> None:
    """A handler of Python's lies upon nothing that is in use, wherever the stack stands."""
    done = program(
        f"""
import resource, signal, sys, threading, time
import faults
from gostitch._bridge import stack_shortage

faults.add(1, 2)
times = 7
if {later}:
    resource.setrlimit(resource.RLIMIT_STACK, ({later}, resource.getrlimit(resource.RLIMIT_STACK)[1]))
    times = 15
    time.sleep(0.1)
    faults.add(1, 2)
signal.signal(signal.SIGUSR1, lambda *_: None)
sys.setrecursionlimit(1 << 30)
deepest = 0

def deeper(n, most):
    global deepest
    deepest = n
    signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
    if n % 100 == 0 and faults.add(n, 1) != n + 1:
        raise AssertionError
    # Through C, or no stack would be used.
    return n if is_enough(n) else next(map(lambda m: deeper(m, most), [n + 1]))

def in_thread():
    global is_enough
    is_enough = lambda n: (stack_shortage() or "99").split()[0] < "40"
    try:
        deeper(0, None)
    except RecursionError:
        pass  # from CPython 3.12 on there are limits for C code

threading.stack_size(1 << 20)
thread = threading.Thread(target=in_thread)
thread.start()
thread.join()
most = times * deepest
is_enough = lambda n: n >= most
try:
    deeper(0, most)
except RecursionError:
    pass
print(deepest > 500)
""",
        timeout=60,
        preexec_fn=functools.partial(_limit_stack, limit),
    )

    assert ("True\n", "", 0) == (done.stdout, done.stderr, done.returncode)


_SMALL = """
import sys, threading

def in_thread(size, work):
    def run():
        try:
            print(work())
        except BaseException as error:
            print(type(error).__name__, error)
    threading.stack_size(size)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
"""


class TestSmallStacks:
    @pytest.mark.parametrize("size", [32 << 10, 48 << 10])
    def test_import(self, program: Programs, size: int) -> None:
        """A thread whose stack CPython's own imports would overflow is told what to do."""
        lines = _run(
            program,
            f"""{_SMALL}
def work():
    from gostitch import tasks
in_thread({size}, work)
in_thread({size}, work)
def again():
    import faults
    return faults.add(1, 2)
in_thread(262144, again)
""",
        )

        assert lines[0] == lines[1]
        assert lines[0].startswith("ImportError gostitch cannot be imported here: ")
        assert "call threading.stack_size(262144) before the thread is made" in lines[0]
        assert ["3"] == lines[2:]

    def test_loading(self, program: Programs) -> None:
        """So is one that makes the first call; the next one may be made anywhere."""
        lines = _run(
            program,
            f"""{_SMALL}
import faults
in_thread(32768, lambda: faults.add(1, 2))
in_thread(131072, lambda: faults.add(1, 2))
in_thread(32768, lambda: faults.add(1, 2))
""",
        )

        assert lines[0].startswith("LibraryError the Go library cannot be loaded here: ")
        assert ["3", "3"] == lines[1:]

    @pytest.mark.parametrize("size", [32 << 10, 64 << 10, 128 << 10, 1 << 20])
    def test_calls(self, program: Programs, size: int) -> None:
        """Calls of all kinds are made from threads with small stacks."""
        lines = _run(
            program,
            f"""{_SMALL}
import faults, gostitch
faults.add(1, 2)
list(faults.lines(1))
faults.add.submit(1, 2).result(20)
def panic():
    try:
        faults.panic("dereference")
    except gostitch.GoPanic:
        return "panic"
for work in (
    lambda: sum(faults.add(1, 2) for _ in range(50)), lambda: faults.add.submit(1, 2).result(20),
    lambda: len(list(faults.lines(30))), panic, lambda: faults.goroutines(300), lambda: faults.collect(2) >= 2,
):
    in_thread({size}, work)
""",
        )

        assert ["150", "3", "30", "panic", "300", "True"] == lines

    def test_at_the_end_of_a_stack(self, program: Programs) -> None:
        """A call may be made as deep as Python code runs."""
        lines = _run(
            program,
            f"""{_SMALL}
import faults
from gostitch._bridge import stack_shortage
faults.add(1, 2)
sys.setrecursionlimit(100000)
found = set()
least = [1 << 30]
def left():
    told = stack_shortage()
    return int(told.split()[0]) if told else 1 << 30
def deeper():
    found.add(faults.add(1, 2))
    least[0] = min(least[0], left())
    # Through C, or no stack would be used.
    return least[0] > 20 and next(map(lambda _: deeper(), [1]))
in_thread(262144, deeper)
print(found, least[0] <= 20)
""",
        )

        assert ["False", "{3} True"] == lines
