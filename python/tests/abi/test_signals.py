"""Signals of the program work as without Go, whoever handles them and whenever that was said."""

from __future__ import annotations

import signal

import pytest

from programs import QUIET_LOOPS, Programs

_HEAD = """
import asyncio, logging, os, signal, subprocess, sys, threading, time
import faults, gostitch

signal.signal(signal.SIGINT, signal.default_int_handler)

def calls():
    return gostitch.runtime_info().get("calls", 0)

def interrupt_when(condition):
    def wait():
        while not condition():
            time.sleep(0.001)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
    threading.Thread(target=wait).start()

faults.add(1, 2)
"""


def _run(program: Programs, text: str) -> list[str]:
    done = program(QUIET_LOOPS + _HEAD + text, "-X", "dev", timeout=30)

    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.splitlines()


def test_a_call_inside_a_running_loop(program: Programs) -> None:
    """Ctrl-C ends a call that a coroutine waits in, and so asyncio.run."""
    lines = _run(
        program,
        """
async def main():
    try:
        faults.sleep(60)
    except (gostitch.GoCancelledError, KeyboardInterrupt) as error:
        print("ended")
        await asyncio.sleep(60)

interrupt_when(calls)
try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", calls())
""",
    )

    # CPython 3.10 has no handler of its own in asyncio.run.
    assert ["ended", "interrupted 0"] == lines or ["interrupted 0"] == lines


@pytest.mark.parametrize("turns", [1, 20])
def test_a_call_right_after_a_loop(program: Programs, turns: int) -> None:
    """asyncio.run sets handlers and puts them back; the next call listens all the same."""
    lines = _run(
        program,
        f"""
async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: None)
    faults.add(1, 2)
    await faults.add.submit(1, 2)

count = 0
for _ in range({turns}):
    faults.add(1, 2)
    asyncio.run(main())
    interrupt_when(calls)
    try:
        faults.sleep(60)
    except KeyboardInterrupt:
        count += 1
print(count)
""",
    )

    assert [str(turns)] == lines


def test_of_a_handler_of_the_loop(program: Programs) -> None:
    """A handler that the loop was given runs, after the call that blocked the loop has ended."""
    lines = _run(
        program,
        """
async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    interrupt_when(calls)
    try:
        faults.sleep(60)
    except gostitch.GoCancelledError:
        print("cancelled")
    await stop.wait()
    print("told")

asyncio.run(main())
""",
    )

    assert ["cancelled", "told"] == lines


def test_the_program_keeps_the_wake_up_descriptor(program: Programs) -> None:
    """Whoever set the descriptor has it, and gets every signal."""
    lines = _run(
        program,
        """
read, write = os.pipe2(os.O_NONBLOCK)
signal.set_wakeup_fd(write)
interrupt_when(calls)
try:
    faults.sleep(60)
except KeyboardInterrupt:
    print(os.read(read, 100), signal.set_wakeup_fd(-1) == write)
""",
    )

    assert [r"b'\x02' True"] == lines


def test_of_a_handler_that_calls_go(program: Programs) -> None:
    """A handler's own calls are not cancelled by the signal that it handles."""
    lines = _run(
        program,
        """
seen = []
def handler(*_):
    for i in range(200):
        seen.append(faults.add(i, 1))
    seen.append(faults.sleep(0.05))

signal.signal(signal.SIGINT, handler)
for _ in range(20):
    interrupt_when(calls)
    try:
        faults.sleep(60)
    except gostitch.GoCancelledError:
        pass
print(len(seen))
""",
    )

    assert ["4020"] == lines


def test_while_small_calls_are_made(program: Programs) -> None:
    """No signal is lost between calls, and none ends a later one."""
    lines = _run(
        program,
        """
seen, wrong = [], []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
sent = 0
def send():
    global sent
    for _ in range(300):
        before = len(seen)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        while len(seen) == before:
            time.sleep(0.0001)
        sent += 1
thread = threading.Thread(target=send)
thread.start()
while thread.is_alive():
    try:
        faults.add(1, 2)
    except gostitch.GoCancelledError:
        pass
print(sent, faults.add(1, 2))
""",
    )

    assert ["300 3"] == lines


def test_handlers_are_what_the_program_set(program: Programs) -> None:
    """getsignal gives what was set, SIG_IGN and SIG_DFL work, before and after calls."""
    lines = _run(
        program,
        """
def handler(*_):
    print("handled")

for chosen in (handler, signal.SIG_IGN, handler, signal.default_int_handler):
    signal.signal(signal.SIGINT, chosen)
    assert faults.add(1, 2) == 3
    assert signal.getsignal(signal.SIGINT) == chosen
    try:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
    except KeyboardInterrupt:
        print("raised")
signal.signal(signal.SIGINT, signal.SIG_DFL)
faults.add(1, 2)
pid = os.fork()
if pid == 0:
    faults.add(1, 2)
    os.kill(os.getpid(), signal.SIGINT)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
    )

    assert ["handled", "handled", "raised", "-2"] == lines


def test_programs_that_are_started_inherit_nothing_odd(program: Programs) -> None:
    """A program started from here has the signals, and the descriptors, it would have."""
    text = (
        "import os, signal, sys; print(signal.getsignal(signal.SIGINT) is "
        "signal.default_int_handler, signal.pthread_sigmask(signal.SIG_BLOCK, []), "
        "sorted(os.listdir('/proc/self/fd')))"
    )
    lines = _run(
        program,
        f"""
command = [sys.executable, "-c", {text!r}]
print(subprocess.check_output(command, text=True, close_fds=False), end="")
os.system("true")
""",
    )

    assert ["True set() ['0', '1', '2', '3']"] == lines


def test_a_forked_child_does_not_interrupt_its_parent(program: Programs) -> None:
    """SIGINT of a child that was forked while a call ran is the child's alone."""
    lines = _run(
        program,
        """
def fork():
    while not calls():
        time.sleep(0.001)
    pid = os.fork()
    if pid == 0:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(10)
        except KeyboardInterrupt:
            os._exit(7)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

thread = threading.Thread(target=fork)
thread.start()
print(faults.sleep(1))
thread.join()
""",
    )

    assert ["7", "1.0"] == sorted(lines, reverse=True)


def test_in_a_forked_child(program: Programs) -> None:
    """Ctrl-C ends a call of a child, which has a library of its own."""
    lines = _run(
        program,
        """
pid = os.fork()
if pid == 0:
    interrupt_when(calls)
    try:
        faults.sleep(60)
    except KeyboardInterrupt:
        os._exit(7)
    os._exit(1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
    )

    assert ["7"] == lines


def test_descriptors_that_were_closed(program: Programs) -> None:
    """After a daemon closed what it inherited, no file of its own is written to.

    All but Go's poller and what wakes it, without which Go ends the process.
    """
    lines = _run(
        program,
        """
logging.getLogger("gostitch").disabled = True  # which may notice
kinds = {}
for fd in range(3, 100):
    try:
        kinds[fd] = os.readlink(f"/proc/self/fd/{fd}")
    except FileNotFoundError:
        pass
(poller,) = [fd for fd, kind in kinds.items() if kind.endswith("[eventpoll]")]
with open(f"/proc/self/fdinfo/{poller}") as file:
    polled = [int(line.split()[1]) for line in file if line.startswith("tfd:")]
(wakes,) = [fd for fd in polled if kinds[fd].endswith("[eventfd]")]
for fd in kinds.keys() - {poller, wakes}:
    os.closerange(fd, fd + 1)  # Go may close one whose other end is gone
files = [os.open(f"file{i}", os.O_RDWR | os.O_CREAT) for i in range(30)]
threading.Timer(0.1, lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)).start()
try:
    faults.spin_ignoring_context(0.3)
    time.sleep(1)
except KeyboardInterrupt:
    print({os.fstat(fd).st_size for fd in files})
os._exit(sys.stdout.flush() or 0)
""",
    )

    assert ["{0}"] == lines


@pytest.mark.parametrize("name", ["SIGTERM", "SIGCHLD", "SIGALRM", "SIGUSR1", "SIGHUP"])
def test_other_signals(program: Programs, name: str) -> None:
    """Their handlers run when the call returns, and no call ends because of them."""
    lines = _run(
        program,
        f"""
seen = []
signal.signal(signal.{name}, lambda *_: seen.append("handled"))
def send():
    while not calls():
        time.sleep(0.001)
    signal.pthread_kill(threading.main_thread().ident, signal.{name})
threading.Thread(target=send).start()
print(faults.sleep(0.2), seen)
""",
    )

    assert ["0.2 ['handled']"] == lines


def test_a_broken_pipe(program: Programs) -> None:
    """Writing to a closed pipe is an error of Python's, as without Go."""
    lines = _run(
        program,
        """
read, write = os.pipe()
os.close(read)
try:
    os.write(write, b"x")
except BrokenPipeError:
    print("broken", faults.add(1, 2))
""",
    )

    assert ["broken 3"] == lines


def test_sigwait(program: Programs) -> None:
    """A program may block SIGINT and wait for it instead."""
    lines = _run(
        program,
        """
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM)).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
print(faults.sleep(0.01), signal.sigwait([signal.SIGINT]).name)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
os._exit(sys.stdout.flush() or 0)
""",
    )

    assert ["0.01 SIGINT"] == lines


def test_simulated(program: Programs) -> None:
    """_thread.interrupt_main raises at once, or when the call returns."""
    lines = _run(
        program,
        """
import _thread
def simulate():
    while not calls():
        time.sleep(0.001)
    _thread.interrupt_main()
threading.Thread(target=simulate).start()
try:
    print(faults.sleep(0.2))
except KeyboardInterrupt:
    print("interrupted")
""",
    )

    assert "interrupted" == lines[-1]


def test_of_a_handler_in_c(program: Programs) -> None:
    """A handler that other native code set, below or above, is called too."""
    done = program(
        _HEAD
        + """
import ctypes
libc = ctypes.CDLL(None)
kind = ctypes.CFUNCTYPE(None, ctypes.c_int)
seen = []
handler = kind(lambda number: seen.append(number))
libc.signal.argtypes = [ctypes.c_int, kind]
libc.signal(int(signal.SIGUSR2), handler)
libc.signal(int(signal.SIGINT), handler)
time.sleep(0.001)
faults.add(1, 2)
signal.raise_signal(signal.SIGINT)
assert faults.add(1, 2) == 3
print(seen)
"""
    )

    assert (0, f"[{int(signal.SIGINT)}]\n") == (done.returncode, done.stdout), done.stderr


def test_a_handler_that_waits_for_go_in_a_busy_loop(program: Programs) -> None:
    """Its call and those of the loop get their replies, wherever the signal strikes."""
    done = program(
        """
import asyncio, signal
import faults

handled = 0

def handler(signum, frame):
    global handled
    assert faults.add.submit(1, 2).result(10) == 3
    handled += 1
    if handled < 300:  # not while this runs, or handlers pile up where all is slow
        signal.setitimer(signal.ITIMER_REAL, 0.001)

async def main():
    await faults.add.submit(1, 2)
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    while handled < 300:
        sums = await asyncio.gather(*(faults.add.submit(i, 2) for i in range(300)))
        assert sums == [i + 2 for i in range(300)]

asyncio.run(main())
print("done")
""",
        timeout=30,
    )

    assert ("done\n", "") == (done.stdout, done.stderr)
