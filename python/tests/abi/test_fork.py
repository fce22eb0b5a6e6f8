"""Fork: a child of a process that used Go works by itself, and leaves what is its parent's alone."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from abi.test_host import SNAPSHOT
from programs import QUIET_LOOPS, Programs

_HEAD = """
import concurrent.futures, gc, os, signal, sys, threading, time
import faults, gostitch

def in_child(what):
    '''Run in a forked child and give its exit status; it must end within 10 s.'''
    pid = os.fork()
    if pid == 0:
        try:
            what()
        except BaseException as error:
            print("child:", type(error).__name__, error, flush=True)
            os._exit(1)
        os._exit(0)
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return "hung"
"""


def _run(program: Programs, text: str, **environment: str) -> list[str]:
    done = program(QUIET_LOOPS + _HEAD + text, "-X", "dev", env=dict(environment), timeout=40)

    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.splitlines()


class TestChild:
    def test_calls_of_every_kind_work(self, program: Programs) -> None:
        """A child loads a library of its own at its first call, and says whose child it is."""
        lines = _run(
            program,
            """
faults.add(1, 2)
parent = os.getpid()

def child():
    before = gostitch.runtime_info()
    assert (False, parent) == (before["loaded"], before["forked_from"])
    assert faults.add(1, 2) == 3
    assert faults.add.submit(1, 2).result() == 3
    assert list(faults.add.map([1, 3], [2, 4])) == [3, 7]
    messages = []
    faults.count_messages(3, progress=messages.append)
    assert len(messages) == 3
    assert [line.number for line in faults.lines(3)] == [0, 1, 2]
    data = faults.make_bytes(100_000)
    assert 1 == gostitch.runtime_info()["buffers"]
    del data
    info = gostitch.runtime_info()
    assert 0 == info["buffers"]
    assert (True, parent, os.getpid()) == (info["loaded"], info["forked_from"], info["pid"])
    assert info["mapped"] == "/memfd:libfaults.so", info["mapped"]
    assert os.path.basename(info["library"]) == "libfaults.so"

print([in_child(child) for _ in range(3)])
print(faults.add(1, 2), faults.add.submit(1, 2).result(), gostitch.runtime_info()["forked_from"])
""",
        )

        assert ["[0, 0, 0]", "3 3 None"] == lines

    def test_children_of_children(self, program: Programs) -> None:
        """Six generations work, each with a copy, also where one of them never calls Go."""
        lines = _run(
            program,
            """
faults.add(1, 2)

def generation(left):
    if left != 3:
        assert faults.sleep(0.01) == 0.01
        assert faults.collect(1) >= 1
    if left:
        assert in_child(lambda: generation(left - 1)) == 0
    if left != 3:
        assert faults.add.submit(1, 2).result() == 3

print(in_child(lambda: generation(5)))
""",
        )

        assert ["0"] == lines

    def test_siblings_share_one_copy(self, program: Programs) -> None:
        """All children of a process map one file; it is made by the first that calls Go."""
        lines = _run(
            program,
            """
faults.add(1, 2)
size = lambda: os.fstat(gostitch._process._original._shared.number()).st_size
read, write = os.pipe()

def child():
    faults.add(1, 2)
    with open("/proc/self/maps") as maps:
        inodes = {line.split()[4] for line in maps if "memfd:libfaults" in line}
    os.write(write, "".join(inode + "\\n" for inode in inodes).encode())

print(in_child(lambda: None), size())
print([in_child(child) for _ in range(3)], size() == os.path.getsize(os.environ["GOSTITCH_LIBRARY"]))
print(len(set(os.read(read, 1000).split())))
""",
        )

        assert ["0 0", "[0, 0, 0] True", "1"] == lines

    def test_a_thread_that_forked_ends_in_the_child(self, program: Programs) -> None:
        """Where the forking thread returns in the child, neither runtime hangs or crashes."""
        lines = _run(
            program,
            """
statuses = []

def forks(uses_go):
    faults.add(1, 2)
    pid = os.fork()
    if pid:
        statuses.append(pid)
        return
    if uses_go:
        assert faults.sleep(0.01) == 0.01
    threading.Thread(target=end_after, args=(threading.get_native_id(),)).start()

def end_after(thread):
    while os.path.exists(f"/proc/self/task/{thread}/stat"):
        with open(f"/proc/self/task/{thread}/stat") as stat:  # the name, from 3.14 on Python's, has blanks
            if stat.read().rpartition(")")[2].split()[0] == "Z":  # the first thread of a process stays like that
                break
        time.sleep(0.001)
    assert not uses_go or faults.sleep(0.01) == 0.01
    os._exit(0)

for uses_go in (False, True) * 5:
    thread = threading.Thread(target=forks, args=(uses_go,))
    thread.start()
    thread.join()
print([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in statuses])
""",
        )

        assert [str([0] * 10)] == lines

    def test_from_another_thread_while_all_are_busy(self, program: Programs) -> None:
        """Forking from a thread, with calls under way everywhere, leaves both sides well."""
        lines = _run(
            program,
            """
stop = threading.Event()
faults.add(1, 2)

def busy():
    while not stop.is_set():
        faults.add(1, 2)
        faults.add.submit(1, 2).result()
        for line in faults.lines(5):
            pass

def child():
    assert faults.add(1, 2) == 3
    assert faults.add.submit(1, 2).result() == 3

threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads:
    thread.start()
outcomes = []
forker = threading.Thread(target=lambda: outcomes.extend(in_child(child) for _ in range(20)))
forker.start()
forker.join()
stop.set()
for thread in threads:
    thread.join()
print(outcomes)
""",
        )

        assert [str([0] * 20)] == lines

    def test_while_another_thread_loads(self, program: Programs) -> None:
        """A child forked while the library is being loaded works."""
        lines = _run(
            program,
            """
def child():
    assert faults.add(1, 2) == 3
    assert faults.sleep(0.01) == 0.01

thread = threading.Thread(target=faults.add, args=(1, 2))
thread.start()
outcomes = [in_child(child) for _ in range(20)]
thread.join()
print(outcomes)
""",
        )

        assert [str([0] * 20)] == lines

    def test_the_child_may_exit_in_every_way(self, program: Programs) -> None:
        """os._exit, sys.exit and an exception end a child at once, whether it has used Go or not."""
        lines = _run(
            program,
            """
faults.add.submit(1, 2).result()
outcomes = []
for uses_go in (False, True):
    for way in (lambda: os._exit(3), lambda: sys.exit(4)):
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            if uses_go:
                assert faults.add.submit(1, 2).result() == 3
            way()
        outcomes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(outcomes, faults.add.submit(1, 2).result())
""",
        )

        assert ["[3, 4, 3, 4] 3"] == lines

    def test_a_fork_that_python_does_not_know_of(self, program: Programs) -> None:
        """A child of the C function fork, of which no hook of Python is told, is told apart in C."""
        lines = _run(
            program,
            """
import ctypes
from gostitch._process import bridge
faults.add(1, 2)
data = faults.make_bytes(1 << 20)
pid = ctypes.PyDLL(None).fork()
if pid == 0:
    try:
        bridge.stats()
    except RuntimeError as error:
        print(error, flush=True)
    del data
    os._exit(0)
print(os.waitpid(pid, 0)[1], gostitch.runtime_info()["buffers"])
""",
        )

        assert ["the library is not loaded in this process", "0 1"] == lines

    def test_calls_in_a_child_that_python_does_not_know_of(self, program: Programs) -> None:
        """They are refused with both processes and the remedy: they would wait for ever.

        So is waiting for a call of the parent's.
        """
        lines = _run(
            program,
            """
import asyncio, ctypes
running, another = (faults.sleep.submit(1) for _ in range(2))

async def wait_for_another():
    await another

parent = os.getpid()
if ctypes.PyDLL(None).fork() == 0:
    for call in (
        lambda: faults.add(1, 2),
        lambda: faults.echo(text="never called before"),
        lambda: faults.add.submit(1, 2),
        lambda: next(faults.lines(3)),
        lambda: faults.ask(1, lambda question: 1),
        gostitch.runtime_info,
        running.result,
        lambda: concurrent.futures.wait([another]),
        lambda: asyncio.run(wait_for_another()),
    ):
        try:
            call()
        except gostitch.ForkedHandleError as error:
            assert error.details == {"pid": os.getpid(), "parent_pid": parent}
            print("did not tell Python; have it call PyOS_AfterFork_Child" in str(error), flush=True)
    sys.exit(0)
print(os.wait()[1])
""",
        )

        assert ["True"] * 9 + ["0"] == lines


class TestWhatIsTheParents:
    def test_futures_fail_in_the_child(self, program: Programs) -> None:
        """In-flight futures fail in the child; in the parent they get their results."""
        lines = _run(
            program,
            """
futures = [faults.sleep.submit(0.5) for _ in range(5)]
waiting = threading.Thread(target=futures[0].result)
waiting.start()
futures[1].add_done_callback(lambda f: None)
parent = os.getpid()

def check():
    done, pending = concurrent.futures.wait(futures, timeout=5)
    assert len(done) == 5, pending
    for future in futures:
        error = future.exception()
        assert type(error) is gostitch.ForkedHandleError
        assert error.details == {"pid": os.getpid(), "parent_pid": parent}
        assert str(parent) in str(error) and str(os.getpid()) in str(error)
        assert "make the call again in this process" in str(error)
        assert not future.cancel()
        try:
            future.send(b"x")
        except gostitch.ForkedHandleError:
            pass
        else:
            raise AssertionError

def child():
    check()
    assert faults.add.submit(1, 2).result() == 3
    check()

print(in_child(child))
print([future.result() for future in futures])
waiting.join()
""",
        )

        assert ["0", "[0.5, 0.5, 0.5, 0.5, 0.5]"] == lines

    def test_a_future_that_another_thread_settles(self, program: Programs) -> None:
        """A future that was claimed at the fork, by a thread that the child lacks, fails there."""
        lines = _run(
            program,
            """
future = faults.sleep.submit(0.5)
future._claimed = True

def child():
    assert type(future.exception(timeout=5)) is gostitch.ForkedHandleError

print(in_child(child))
""",
        )

        assert ["0"] == lines

    def test_buffers(self, program: Programs) -> None:
        """Memory of the parent's Go can be read and dropped in the child; no other is released."""
        lines = _run(
            program,
            """
data = [faults.make_bytes(1 << 20) for _ in range(8)]

def child():
    # Handles count from 1 in each library, so these have the numbers of the parent's.
    own = [faults.make_bytes(1 << 20) for _ in range(8)]
    assert gostitch.runtime_info()["buffers"] == 8
    assert all(bytes(each[:4]) == bytes(range(4)) for each in data)
    data.clear()
    gc.collect()
    assert gostitch.runtime_info()["buffers"] == 8
    assert all(bytes(each[-2:]) == b"\\xfe\\xff" for each in own)
    own.clear()
    assert gostitch.runtime_info()["buffers"] == 0

print(in_child(child), bytes(data[0][-2:]), gostitch.runtime_info()["buffers"])
""",
        )

        assert ["0 b'\\xfe\\xff' 8"] == lines

    def test_queues_and_tokens(self, program: Programs) -> None:
        """No queue of the parent reaches the child's library, whatever its number."""
        lines = _run(
            program,
            """
from gostitch import _pending
from gostitch._process import bridge
future = faults.sleep.submit(0.5)
queue = _pending.pump().queue
handle, token = queue.handle, future._token

def child():
    for loaded in (False, True):
        if loaded:
            own = faults.sleep.submit(0.2)
            assert own._token != token
        queues = gostitch.runtime_info()["queues"]
        for crossing in (
            lambda: bridge.send(handle, token, b"x"),
            lambda: queue.start(queue.new_future(faults.add, b"", None), 0, 0, b""),
        ):
            try:
                crossing()
            except RuntimeError as error:
                assert "forked from" in str(error)
            else:
                raise AssertionError
        queue.cancel(token)
        queue.close()
        queue.retire()
        assert queue.drain() is False
        assert gostitch.runtime_info()["queues"] == queues
    assert own.result() == 0.2

print(in_child(child), future.result())
""",
        )

        assert ["0 0.5"] == lines

    def test_streams(self, program: Programs) -> None:
        """In the middle of a stream the parent reads on; the child's raises what to do."""
        lines = _run(
            program,
            """
import asyncio
stream, untouched = faults.lines(100), faults.lines(3)
first = [next(stream).number for _ in range(10)]
parent = os.getpid()

def child():
    for loaded in (False, True):
        try:
            next(stream)
        except gostitch.ForkedHandleError as error:
            assert error.details == {"pid": os.getpid(), "parent_pid": parent}
            assert str(parent) in str(error) and str(os.getpid()) in str(error)
            assert "call the function again in this process" in str(error)
        else:
            raise AssertionError
        assert [line.number for line in faults.lines(3)] == [0, 1, 2]
    assert len(list(untouched)) == 3
    stream.close()
    assert list(stream) == []

print(in_child(child))
print(first + [line.number for line in stream] == list(range(100)))

async def main():
    stream = faults.lines(100)
    first = await anext(stream)
    def child():
        asyncio._set_running_loop(None)
        async def inner():
            try:
                await anext(stream)
            except gostitch.ForkedHandleError:
                return
            raise AssertionError
        asyncio.run(inner())
    print(in_child(child))
    print(len([line async for line in stream]))
asyncio.run(main())
""",
        )

        assert ["0", "True", "0", "99"] == lines

    def test_a_loop(self, program: Programs) -> None:
        """Where it has a call under way the child keeps the descriptor that its selector watches.

        Or another file would have the number, whose events epoll(7) then mixes up with it.
        """
        lines = _run(
            program,
            """
import asyncio
async def main():
    future = faults.sleep.submit(0.05)
    watched = future._queue.fd
    def child():
        os.fstat(watched)  # or it raises
    print(in_child(child), await future)
asyncio.run(main())
""",
        )

        assert ["0 0.05"] == lines

    def test_memory_that_was_lent(self, program: Programs) -> None:
        """In the child nobody reads it any more: it can be resized there, and in the parent not."""
        lines = _run(
            program,
            """
data = bytearray(100_000)
future = faults.receive_with.submit(data, 1)
def child():
    global future
    future = None
    gc.collect()
    data.append(1)
print(in_child(child))
try:
    data.append(1)
except BufferError:
    future.send(b"go on")
print(future.result())
""",
        )

        assert ["0", "100000"] == lines

    def test_inside_a_callback(self, program: Programs) -> None:
        """A child forked by a callback gets ForkedHandleError from the parent's call, and works."""
        lines = _run(
            program,
            """
def forks(number):
    global pid
    if len(seen) != 2 or pid is not None:
        return
    pid = os.fork()
    if pid == 0:
        # The rest of the messages is the parent's.
        assert faults.add(1, 2) == 3

pid, seen = None, []
try:
    faults.count_messages(5, progress=lambda number: (seen.append(number), forks(number)))
except gostitch.ForkedHandleError as error:
    assert pid == 0 and len(seen) == 2, seen
    assert faults.add.submit(1, 2).result() == 3
    os._exit(7)
print(len(seen), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
        )

        assert ["5 7"] == lines

    def test_inside_a_loop(self, program: Programs) -> None:
        """A child forked inside a running loop can run a loop of its own, with calls of its own."""
        lines = _run(
            program,
            """
import asyncio

async def main():
    future = faults.sleep.submit(0.3)

    def child():
        assert type(future.exception()) is gostitch.ForkedHandleError
        assert faults.add.submit(1, 2).result() == 3
        asyncio._set_running_loop(None)

        async def inner():
            assert await faults.add.submit(1, 2) == 3
            try:
                await future
            except gostitch.ForkedHandleError:
                return
            raise AssertionError

        asyncio.run(inner())

    print(in_child(child))
    print(await future, await faults.add.submit(1, 2))

asyncio.run(main())
""",
        )

        assert ["0", "0.3 3"] == lines

    def test_ctrl_c_in_the_child_is_its_own(self, program: Programs) -> None:
        """SIGINT to the child does not cancel the call of the parent's main thread."""
        lines = _run(
            program,
            """
faults.add(1, 2)
read, write = os.pipe()

def child():
    interrupted = threading.Event()
    signal.signal(signal.SIGINT, lambda *_: interrupted.set())
    os.write(write, b"ready")
    while not interrupted.is_set():
        time.sleep(0.001)

def poke():
    os.read(read, 5)
    with open("/proc/thread-self/children") as children:
        pass
    os.kill(pid, signal.SIGINT)

pid = os.fork()
if pid == 0:
    child()
    os._exit(0)
thread = threading.Thread(target=poke)
thread.start()
print(faults.sleep(0.3))
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
""",
        )

        assert ["0.3", "0"] == lines

    def test_ctrl_c_in_a_child_that_a_thread_forked(self, program: Programs) -> None:
        """Nor in the middle of that call, whose number the child knows; Python knows of no fork."""
        lines = _run(
            program,
            """
import ctypes
faults.add(1, 2)

def fork():
    while not gostitch.runtime_info()["calls"]:
        time.sleep(0.001)
    pid = ctypes.PyDLL(None).fork()
    if pid == 0:
        os.kill(os.getpid(), signal.SIGINT)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)

thread = threading.Thread(target=fork)
thread.start()
print(faults.sleep(0.6))
thread.join()
""",
        )

        assert ["0", "0.6"] == lines


class TestTheProcessStaysItself:
    def test_the_host_in_a_child(self, program: Programs) -> None:
        """Limits, handlers, mask and environment are in a child what they were before Go came."""
        lines = _run(
            program,
            SNAPSHOT
            + """
# The dev mode's faulthandler is among them; 32 and 33 are glibc's own, for its threads.
def caught():
    return sorted(number for number in masks()["SigCgt"] if number not in (32, 33))

before, caught_before = snapshot(), caught()
faults.add(1, 2)
faults.add.submit(1, 2).result()

def child():
    assert caught() == caught_before, (caught(), caught_before)
    assert faults.add.submit(1, 2).result() == 3
    after = snapshot()
    assert before == after, [(name, before[name], after[name]) for name in before if before[name] != after[name]]
    assert set(caught()) - set(caught_before) <= {7, 8, 11, 23}

print(in_child(child), in_child(lambda: in_child(child) and os._exit(1)))
""",
        )

        assert ["0 0"] == lines

    def test_a_fault_in_c(self, program: Programs) -> None:
        """A real fault in C ends a child by SIGSEGV, with faulthandler's dump; one in Go is GoPanic."""
        done = program(
            _HEAD
            + """
import ctypes, resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
faults.add(1, 2)

def child(uses_go):
    if uses_go:
        try:
            faults.panic("dereference")
        except gostitch.GoPanic:
            print("panic", flush=True)
    ctypes.string_at(0)

print([in_child(lambda: child(uses_go)) for uses_go in (False, True)])
print([in_child(lambda: in_child(lambda: child(uses_go)) == -11 or os._exit(1)) for uses_go in (False, True)])
""",
            "-X",
            "faulthandler",
        )

        assert ["panic", "[-11, -11]", "panic", "[0, 0]"] == done.stdout.splitlines()
        assert 4 == done.stderr.count("Fatal Python error: Segmentation fault"), done.stderr

    def test_programs_can_be_started(self, program: Programs) -> None:
        """subprocess works with Go loaded, and passes on the limit of open files unchanged."""
        lines = _run(
            program,
            """
import resource, subprocess
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (512, hard))
faults.add(1, 2)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
print(subprocess.run(["sh", "-c", "ulimit -n"], capture_output=True, text=True).stdout.strip())
""",
        )

        assert ["512", "512"] == lines

    def test_a_program_started_through_fork(self, program: Programs) -> None:
        """With preexec_fn subprocess forks in Python; that works and costs no copy."""
        lines = _run(
            program,
            """
import subprocess
faults.add(1, 2)
done = subprocess.run(["echo", "hello"], preexec_fn=os.getpid, capture_output=True, text=True)
print(done.stdout.strip(), os.fstat(gostitch._process._original._shared.number()).st_size)
""",
        )

        assert ["hello 0"] == lines

    def test_descriptors(self, program: Programs) -> None:
        """A child keeps none of its parent's queues and pipes, and little else."""
        lines = _run(
            program,
            """
faults.add.submit(1, 2).result()

def open_files():
    return [os.readlink(f"/proc/self/fd/{fd}") for fd in range(256) if os.path.lexists(f"/proc/self/fd/{fd}")]

before = len(open_files())

def child():
    assert before - 6 == len(open_files()), open_files()
    faults.add.submit(1, 2).result()
    # The runtime of the parent leaves its own: it is asked no more.
    assert len(open_files()) <= before + 9, open_files()

print(in_child(child), in_child(lambda: in_child(child) and os._exit(1)))
""",
        )

        assert ["0 0"] == lines


class TestTheCopy:
    def test_of_a_library_that_was_replaced(self, tmp_path: Path, program: Programs) -> None:
        """After an upgrade of the files, children still get the library of their parent."""
        shutil.copyfile(os.environ["GOSTITCH_LIBRARY"], tmp_path / "lib.so")
        lines = _run(
            program,
            """
faults.add(1, 2)
os.unlink("lib.so")
deleted = in_child(lambda: faults.sleep(0.01))
with open("lib.so", "w") as file:
    file.write("another one")
print(deleted, in_child(lambda: in_child(lambda: faults.sleep(0.01)) and os._exit(1)))
""",
            GOSTITCH_LIBRARY=str(tmp_path / "lib.so"),
        )

        assert ["0 0"] == lines

    def test_of_a_daemon_that_closes_everything(self, program: Programs) -> None:
        """A child that closed all descriptors, and has others of the same numbers, loads all the same."""
        lines = _run(
            program,
            """
faults.add(1, 2)

def daemon():
    os.closerange(3, 256)
    others = [os.open("/dev/null", os.O_RDONLY) for _ in range(20)]
    assert faults.add.submit(1, 2).result() == 3
    assert all(os.read(fd, 1) == b"" for fd in others)

def twice():
    daemon()
    assert in_child(daemon) == 0

print(in_child(twice))
""",
        )

        assert ["0"] == lines

    def test_of_a_child_without_rights(self, tmp_path: Path, program: Programs) -> None:
        """A child that gave up root, or may for another reason not read the file, loads its copy."""
        (tmp_path / "closed").mkdir()
        library = shutil.copyfile(os.environ["GOSTITCH_LIBRARY"], tmp_path / "closed" / "lib.so")
        lines = _run(
            program,
            """
faults.add(1, 2)
os.chmod("closed", 0)

def child():
    if os.getuid() == 0:
        os.setgid(65534)
        os.setuid(65534)
    assert not os.access(os.environ["GOSTITCH_LIBRARY"], os.R_OK)
    assert faults.sleep(0.01) == 0.01
    assert in_child(lambda: faults.sleep(0.01)) == 0

print(in_child(child))
""",
            GOSTITCH_LIBRARY=str(library),
        )

        assert ["0"] == lines

    def test_where_memory_files_are_refused(self, tmp_path: Path, program: Programs) -> None:
        """A temporary file, which is gone at once, does as well, for children of children too."""
        folder = tmp_path / "temporary"
        folder.mkdir()
        lines = _run(
            program,
            """
from gostitch._process import bridge

def refused(name):
    raise PermissionError(1, "refused")

bridge.memory_file = refused
faults.add(1, 2)

def child():
    assert faults.sleep(0.01) == 0.01
    mapped = gostitch.runtime_info()["mapped"]
    assert os.path.dirname(mapped) == os.environ["TMPDIR"], mapped
    assert not os.path.exists(mapped)

def both():
    child()
    assert in_child(child) == 0

print(in_child(both), os.listdir(os.environ["TMPDIR"]))
""",
            TMPDIR=str(folder),
        )

        assert ["0 []"] == lines

    def test_where_nothing_works(self, program: Programs) -> None:
        """One sentence names both processes, each way with its reason, and what to do."""
        (line,) = _run(
            program,
            """
from gostitch import _process
faults.add(1, 2)
parent = os.getpid()

def child():
    def refused(path):
        raise OSError(f"{path}: failed to map segment")
    _process._bring_in = refused
    try:
        faults.add(1, 2)
    except gostitch.LibraryError as error:
        assert error.details["parent_pid"] == parent and error.details["pid"] == os.getpid()
        print(str(error).replace(str(parent), "PARENT").replace(str(os.getpid()), "CHILD"), flush=True)

in_child(child)
""",
            TMPDIR="/nowhere",
        )

        assert "process CHILD was forked from process PARENT" in line
        assert "no copy of it can be loaded here (memory: /proc/self/fd/./" in line
        assert "memory of its own: " in line
        assert "/nowhere: No such file or directory" in line
        assert "/dev/shm: " in line
        assert "set TMPDIR to a folder where code may be executed" in line


class TestThePolicyError:
    def test_calls_are_refused_at_once(self, program: Programs) -> None:
        """In the child each kind of call raises ForkedHandleError, which names both processes."""
        lines = _run(
            program,
            """
faults.add(1, 2)
parent = os.getpid()

def child():
    for call in (
        lambda: faults.add(1, 2),
        lambda: faults.add.submit(1, 2),
        lambda: list(faults.add.map([1], [2])),
        lambda: faults.count_messages(1, progress=print),
        lambda: list(faults.lines(1)),
    ):
        try:
            call()
        except gostitch.ForkedHandleError as error:
            assert error.details == {"pid": os.getpid(), "parent_pid": parent}
            assert str(parent) in str(error) and str(os.getpid()) in str(error)
            assert "GOSTITCH_FORK" in str(error) and "spawn" in str(error)
        else:
            raise AssertionError("no error")
    assert gostitch.runtime_info()["loaded"] is False

print(in_child(child))
print(faults.add(1, 2), faults.add.submit(1, 2).result(), gostitch._process._original)
""",
            GOSTITCH_FORK="error",
        )

        assert ["0", "3 3 None"] == lines

    def test_before_loading_all_is_well(self, program: Programs) -> None:
        """Where nobody has called Go before the fork, the policy does not matter."""
        lines = _run(program, "print(in_child(lambda: faults.add(1, 2)))", GOSTITCH_FORK="error")

        assert ["0"] == lines

    def test_one_that_there_is_not(self, program: Programs) -> None:
        """A typing error is refused at the first call, before anything is loaded."""
        lines = _run(
            program,
            """
try:
    faults.add(1, 2)
except gostitch.LibraryError as error:
    print(error)
print(gostitch.runtime_info()["loaded"])
""",
            GOSTITCH_FORK="share",
        )

        assert [
            "GOSTITCH_FORK is 'share', and must be 'copy' (a forked child loads a copy of the library) or 'error' (its calls raise ForkedHandleError); correct or unset it",
            "False",
        ] == lines


class TestForkBeforeLoading:
    def test_parent_and_child_load_their_own(self, program: Programs) -> None:
        """Where nobody has called Go before the fork, both sides may afterwards."""
        lines = _run(
            program,
            """
def child():
    assert faults.add(1, 2) == 3
    assert faults.add.submit(1, 2).result() == 3

print([in_child(child) for _ in range(3)])
print(faults.add(1, 2))
""",
        )

        assert ["[0, 0, 0]", "3"] == lines

    def test_multiprocessing(self, tmp_path: Path, program: Programs) -> None:
        """Pools of every start method work; that of fork, before Go is loaded."""
        (tmp_path / "pools.py").write_text(
            "import concurrent.futures, multiprocessing, faults\n"
            "if __name__ == '__main__':\n"
            "    for method in ('fork', 'spawn', 'forkserver'):\n"
            "        context = multiprocessing.get_context(method)\n"
            "        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as pool:\n"
            "            print(method, list(pool.map(faults.add, [1, 3], [2, 4])))\n"
            "            error = pool.submit(faults.panic, 'string').exception()\n"
            "            print(type(error).__name__, error, error.go_frames[0].function[-5:])\n"
        )
        done = program("import runpy; runpy.run_path('pools.py', run_name='__main__')", timeout=60)

        assert "" == done.stderr
        expected = [("fork", "[3, 7]"), ("spawn", "[3, 7]"), ("forkserver", "[3, 7]")]
        lines = done.stdout.splitlines()
        assert [f"{method} {result}" for method, result in expected] == lines[::2]
        assert ["GoPanic a string Panic"] * 3 == lines[1::2]
