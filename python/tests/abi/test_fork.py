"""Fork and other ways to make processes, with Go loaded before or after."""

from __future__ import annotations

from pathlib import Path

from programs import Programs

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


def _run(program: Programs, text: str) -> list[str]:
    done = program(_HEAD + text, "-X", "dev", timeout=40)

    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.splitlines()


class TestForkAfterLoading:
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
    ):
        try:
            call()
        except gostitch.ForkedHandleError as error:
            assert error.details == {"pid": os.getpid(), "parent_pid": parent}
            assert str(parent) in str(error) and str(os.getpid()) in str(error)
            assert "spawn" in str(error)
        else:
            raise AssertionError("no error")
    assert gostitch.runtime_info()["loaded"] is False

print(in_child(child))
print(faults.add(1, 2), faults.add.submit(1, 2).result())
""",
        )

        assert ["0", "3 3"] == lines

    def test_futures_of_the_parent_fail_in_the_child(self, program: Programs) -> None:
        """In-flight futures fail in the child; in the parent they get their results."""
        lines = _run(
            program,
            """
futures = [faults.sleep.submit(0.5) for _ in range(5)]
waiting = threading.Thread(target=futures[0].result)
waiting.start()
condition_used = futures[1]
condition_used.add_done_callback(lambda f: None)

def child():
    done, pending = concurrent.futures.wait(futures, timeout=5)
    assert len(done) == 5, pending
    for future in futures:
        assert type(future.exception()) is gostitch.ForkedHandleError
        assert not future.cancel()
        try:
            future.send(b"x")
        except gostitch.ForkedHandleError:
            pass

print(in_child(child))
print([future.result() for future in futures])
waiting.join()
""",
        )

        assert ["0", "[0.5, 0.5, 0.5, 0.5, 0.5]"] == lines

    def test_buffers_of_the_parent_in_the_child(self, program: Programs) -> None:
        """Memory of Go can be read and dropped in the child, and the parent's stays."""
        lines = _run(
            program,
            """
data = faults.make_bytes(1 << 20)

def child():
    global data
    assert bytes(data[:4]) == bytes(range(4))
    del data
    gc.collect()

print(in_child(child), bytes(data[-2:]), gostitch.runtime_info()["buffers"])
""",
        )

        assert ["0 b'\\xfe\\xff' 1"] == lines

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

def child():
    try:
        faults.add(1, 2)
    except gostitch.ForkedHandleError:
        return
    raise AssertionError

threads = [threading.Thread(target=busy) for _ in range(3)]
for thread in threads:
    thread.start()
outcomes = []
forker = threading.Thread(target=lambda: outcomes.extend(in_child(child) for _ in range(10)))
forker.start()
forker.join()
stop.set()
for thread in threads:
    thread.join()
print(outcomes)
""",
        )

        assert [str([0] * 10)] == lines

    def test_while_another_thread_loads(self, program: Programs) -> None:
        """A child forked while the library is being loaded works or is refused, and never hangs."""
        lines = _run(
            program,
            """
def child():
    try:
        assert faults.add(1, 2) == 3
    except gostitch.ForkedHandleError:
        pass

thread = threading.Thread(target=faults.add, args=(1, 2))
thread.start()
outcomes = [in_child(child) for _ in range(20)]
thread.join()
print(outcomes)
""",
        )

        assert [str([0] * 20)] == lines

    def test_inside_a_loop(self, program: Programs) -> None:
        """A child forked inside a running loop can run a loop of its own."""
        lines = _run(
            program,
            """
import asyncio

async def main():
    future = faults.sleep.submit(0.3)

    def child():
        assert type(future.exception()) is gostitch.ForkedHandleError
        asyncio._set_running_loop(None)

        async def inner():
            await asyncio.sleep(0)
            try:
                await future
            except gostitch.ForkedHandleError:
                return
            raise AssertionError

        asyncio.run(inner())

    print(in_child(child))
    print(await future)

asyncio.run(main())
""",
        )

        assert ["0", "0.3"] == lines

    def test_the_child_may_exit_in_every_way(self, program: Programs) -> None:
        """os._exit, sys.exit and an exception in the child leave the parent well."""
        lines = _run(
            program,
            """
faults.add.submit(1, 2).result()
outcomes = []
for way in (lambda: os._exit(3), lambda: sys.exit(4)):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        way()
    outcomes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
print(outcomes, faults.add.submit(1, 2).result())
""",
        )

        assert ["[3, 4] 3"] == lines

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
