"""Signals that the program blocks are for who waits for them: no thread of Go, or of the package, takes them.

POSIX (sigwait, pthread_sigmask): a signal to the process stays pending while all of its threads block it,
and whoever waits for it gets it. golang.org/issue/55066 says what Go libraries do instead.
"""

from __future__ import annotations

import pytest

from programs import Programs

_HEAD = """
import ctypes, gzip, os, signal, subprocess, sys, threading, time
import faults

WAITED_FOR = [
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM,
    signal.SIGTERM, signal.SIGCHLD, signal.SIGIO, signal.SIGWINCH, signal.SIGPROF, signal.SIGVTALRM,
    signal.SIGRTMIN, signal.SIGRTMIN + 5, signal.SIGRTMAX,
]

def use_go():
    # Many threads of Go, and those of the package.
    assert faults.add.submit(1, 2).result(10) == 3
    list(faults.lines(10))
    sleeping = [faults.sleep.submit(0.05) for _ in range(20)]
    spinning = [faults.spin_ignoring_context.submit(0.05) for _ in range(20)]
    for each in sleeping + spinning:
        each.result(10)

def masks():
    found = {}
    for thread in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{thread}/status") as status:
                bits = next(int(line.split()[1], 16) for line in status if line.startswith("SigBlk"))
        except OSError:
            continue  # it has ended
        found[int(thread)] = {number for number in range(1, 65) if bits >> (number - 1) & 1}
    return found

def blocking_in_c(*numbers):
    # As C code does, which tells Python nothing.
    bits = ctypes.create_string_buffer(128)
    for number in numbers:
        bits[(number - 1) // 8] = bytes([bits[(number - 1) // 8][0] | 1 << (number - 1) % 8])
    assert ctypes.CDLL(None).pthread_sigmask(signal.SIG_BLOCK, bits, None) == 0
"""


def _run(program: Programs, text: str, timeout: float = 60, **environment: str) -> list[str]:
    done = program(_HEAD + text, timeout=timeout, env=dict(environment))
    assert (0, "") == (done.returncode, done.stderr)
    return str(done.stdout).splitlines()


_WAIT = """
use_go()
signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
under_way = [faults.sleep.submit(60) for _ in range(10)]
missing = 0
for i in range(500):
    number = WAITED_FOR[i % len(WAITED_FOR)]
    if i % 50 == 0:
        use_go()  # which makes threads, and ends calls
    os.kill(os.getpid(), number)
    got = signal.sigtimedwait([number], 5)
    missing += got is None or got.si_signo != number
print(missing)
os._exit(sys.stdout.flush() or 0)
"""


@pytest.mark.timeout(120)
def test_sigwait(program: Programs) -> None:
    """Five hundred signals of all kinds that were blocked after loading come to who waits."""
    assert ["0"] == _run(program, _WAIT)


@pytest.mark.timeout(120)
def test_sigwait_without_preemption(program: Programs) -> None:
    """Where Go needs no SIGURG, its threads have no more signals open than the program had at loading."""
    text = _WAIT.replace("use_go()\nsignal", "signal", 1)
    assert ["0"] == _run(program, text, GODEBUG="asyncpreemptoff=1")


@pytest.mark.timeout(120)
def test_signalfd(program: Programs) -> None:
    """They come to a descriptor of signals (signalfd), too; SIGCHLD of children among them."""
    lines = _run(
        program,
        """
use_go()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD, signal.SIGUSR1])
bits = (1 << signal.SIGCHLD - 1 | 1 << signal.SIGUSR1 - 1).to_bytes(128, "little")
fd = ctypes.CDLL(None).signalfd(-1, bits, 0)
seen = []
for i in range(100):
    if i % 2:
        os.kill(os.getpid(), signal.SIGUSR1)
    else:
        child = subprocess.Popen(["true"])
    seen.append(int.from_bytes(os.read(fd, 128)[:4], "little"))
    if not i % 2:
        child.wait()
    assert faults.add(1, 2) == faults.add.submit(1, 2).result(10) == 3
print(seen.count(signal.SIGCHLD), seen.count(signal.SIGUSR1))
""",
    )

    assert ["50 50"] == lines


def test_each_thread(program: Programs) -> None:
    """All threads block what the first one does, also those made later, and unblock it with it."""
    lines = _run(
        program,
        """
use_go()
wanted = set(map(int, WAITED_FOR))
def is_so(blocked):
    # A thread that is being made blocks all signals until it begins.
    until = time.monotonic() + 5
    while time.monotonic() < until:
        if all(each & wanted == blocked for each in masks().values()):
            return True
        time.sleep(0.001)
    return False
for how in (signal.SIG_BLOCK, signal.SIG_UNBLOCK) * 3:
    signal.pthread_sigmask(how, WAITED_FOR)
    for _ in range(2):
        print(is_so(wanted if how == signal.SIG_BLOCK else set()))
        use_go()
""",
    )

    assert ["True"] * 12 == lines


def test_that_c_code_blocks(program: Programs) -> None:
    """The next call notices what C code has blocked, which tells nobody."""
    lines = _run(
        program,
        """
use_go()
blocking_in_c(signal.SIGUSR1, signal.SIGRTMAX)
time.sleep(0.1)
faults.add(1, 2)
print([each for each in masks().values() if not {signal.SIGUSR1, signal.SIGRTMAX} <= each])
""",
    )

    assert ["[]"] == lines


def test_blocked_before_loading(program: Programs) -> None:
    """What the first thread blocks before it loads Go it blocks afterwards, and all others with it."""
    lines = _run(
        program,
        """
signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
use_go()
print([each for each in masks().values() if not set(map(int, WAITED_FOR)) <= each])
def in_thread():
    faults.add(1, 2)
    print(set(WAITED_FOR) - signal.pthread_sigmask(signal.SIG_BLOCK, []))
thread = threading.Thread(target=in_thread)
thread.start()
thread.join()
""",
    )

    assert ["[]", "set()"] == lines


@pytest.mark.parametrize("loader", ["first thread", "other thread"])
def test_threads_that_block_everything(program: Programs, loader: str) -> None:
    """A thread that blocks all, as uWSGI's do, loads and calls Go: faults become panics, others run on."""
    lines = _run(
        program,
        f"""
def in_thread():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        faults.panic("dereference")
    except Exception as error:
        print(type(error).__name__)
    use_go()
if {loader == "first thread"}:
    use_go()
thread = threading.Thread(target=in_thread)
thread.start()
thread.join()
end = time.monotonic() + 10
while any(masks().values()) and time.monotonic() < end:
    time.sleep(0.01)  # until the thread is gone, for the system too
print([each for each in masks().values() if each])
print(faults.run.submit(["grep", "SigBlk", "/proc/self/status"]).result(10).split())
""",
    )

    assert ["GoPanic", "[]", "['SigBlk:', '0000000000000000']"] == lines


class TestProcessesThatGoStarts:
    def test_what_they_block(self, program: Programs) -> None:
        """The same as those that Python starts: what the thread blocks that starts them."""
        lines = _run(
            program,
            """
def of_children():
    command = ["grep", "SigBlk", "/proc/self/status"]
    mine = subprocess.run(command, capture_output=True, text=True).stdout
    # Go opens its own in every thread of its own.
    return [of.split()[1] for of in (mine, faults.run(command), faults.run.submit(command).result(10),
            faults.run.submit(command, plain=True).result(10))]

use_go()
print(*of_children())
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD])
print(*of_children())
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD])
print(*of_children())
""",
        )

        none, some = "0" * 16, f"{1 << 9 | 1 << 14 | 1 << 16:016x}"
        assert [f"{none} " * 4, f"{some} " * 4, f"{none} " * 4] == [f"{line} " for line in lines]

    def test_they_end_by_a_signal(self, program: Programs) -> None:
        """SIGTERM ends a process that a Go function waits for."""
        lines = _run(
            program,
            """
use_go()
started = [faults.run.submit(["sh", "-c", f"echo $$ >pid{i}.new; mv pid{i}.new pid{i}; exec sleep 60"]) for i in range(5)]
for i, each in enumerate(started):
    while not os.path.exists(f"pid{i}"):
        time.sleep(0.01)
    with open(f"pid{i}") as file:
        os.kill(int(file.read()), signal.SIGTERM)
    print(each.exception(10))
""",
        )

        assert ["signal: terminated"] * 5 == lines


def test_handlers_of_python(program: Programs) -> None:
    """They run as before, whichever thread takes the signal, and when it is unblocked."""
    lines = _run(
        program,
        """
use_go()
seen = []
for number in WAITED_FOR:
    signal.signal(number, lambda number, frame: seen.append(number))
for number in WAITED_FOR:
    os.kill(os.getpid(), number)
print(set(seen) == set(WAITED_FOR))
seen.clear()
signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
for number in WAITED_FOR:
    os.kill(os.getpid(), number)
use_go()
print(seen)
signal.pthread_sigmask(signal.SIG_UNBLOCK, WAITED_FOR)
print(set(seen) == set(WAITED_FOR))
""",
    )

    assert ["True", "[]", "True"] == lines


def test_the_mask_is_told_as_before(program: Programs) -> None:
    """pthread_sigmask gives, takes and refuses what it did."""
    lines = _run(
        program,
        """
use_go()
print(signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]))
print(signal.pthread_sigmask(signal.SIG_SETMASK, set()) == {signal.SIGUSR1})
for wrong in ((), (signal.SIG_BLOCK,), (12345, []), (signal.SIG_BLOCK, [0]), (signal.SIG_BLOCK, 3)):
    try:
        signal.pthread_sigmask(*wrong)
    except (TypeError, ValueError, OSError) as error:
        print(type(error).__name__)
seen = []
def handler(*_):
    seen.append(1)
    raise LookupError
signal.signal(signal.SIGUSR1, handler)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
os.kill(os.getpid(), signal.SIGUSR1)
try:
    signal.pthread_sigmask(signal.SIG_SETMASK, {signal.SIGUSR2})
except LookupError:
    print(seen, [each for each in masks().values() if each & {signal.SIGUSR1, signal.SIGUSR2} != {signal.SIGUSR2}])
""",
    )

    assert [
        "set()",
        "True",
        "TypeError",
        "TypeError",
        "OSError",
        "ValueError",
        "TypeError",
        "[1] []",
    ] == lines


@pytest.mark.timeout(120)
def test_go_is_preempted_and_profiled(program: Programs) -> None:
    """Go's own signals reach its threads whatever the program has blocked but SIGPROF."""
    lines = _run(
        program,
        """
use_go()
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - {signal.SIGPROF})
endless = faults.spin_without_calls.submit(10**10)
assert faults.collect(1) >= 1  # which stops all goroutines
print(endless.done())
spinning = [faults.spin_ignoring_context.submit(1.5)]
faults.profile("cpu", 1.0)
with gzip.open("cpu") as profile:
    print(b"SpinIgnoringContext" in profile.read())  # where samples were taken
for each in spinning:
    each.result(30)
os._exit(sys.stdout.flush() or 0)
""",
    )

    assert ["False", "True"] == lines


def test_a_thread_that_ends(program: Programs) -> None:
    """What a thread has blocked since its first call it blocks until it is gone."""
    lines = _run(
        program,
        """
use_go()
signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
blocking, ending = threading.Event(), threading.Event()
def in_thread():
    signal.pthread_sigmask(signal.SIG_UNBLOCK, WAITED_FOR)
    faults.add(1, 2)
    signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
    blocking.set()
    ending.wait()
for number in WAITED_FOR:
    threads = [threading.Thread(target=in_thread) for _ in range(3)]
    for thread in threads:
        blocking.clear()
        thread.start()
        blocking.wait()
    os.kill(os.getpid(), number)
    ending.set()
    for thread in threads:
        thread.join()
    time.sleep(0.01)  # until they are gone, for the system too
    print(signal.sigtimedwait([number], 5).si_signo == number)
    ending.clear()
""",
    )

    assert ["True"] * 15 == lines


def test_in_a_forked_child(program: Programs) -> None:
    """A child's library follows what the child blocks."""
    lines = _run(
        program,
        """
use_go()
pid = os.fork()
if pid == 0:
    use_go()
    signal.pthread_sigmask(signal.SIG_BLOCK, WAITED_FOR)
    print([each for each in masks().values() if not set(map(int, WAITED_FOR)) <= each], flush=True)
    os._exit(0)
assert os.waitpid(pid, 0)[1] == 0
print([each for each in masks().values() if each])
""",
    )

    assert ["[]", "[]"] == lines
