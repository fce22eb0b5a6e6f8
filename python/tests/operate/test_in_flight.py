"""What runs: runtime_info's calls in flight, dumps, and giving memory back."""

from __future__ import annotations

import io
import os
import re
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import faults
import gostitch
from gostitch import GoOSError, runtime_info
from invariants import settled
from programs import Programs


def _in_flight() -> list[dict[str, Any]]:
    return [
        call for call in runtime_info()["in_flight"] if call["function"] != "operate.goroutines"
    ]


def _functions() -> list[str]:
    return sorted(call["function"] for call in _in_flight())


def test_nothing_runs() -> None:
    """Without a call the list is empty."""
    faults.add(1, 2)

    assert [] == settled(_in_flight, [])


def test_waited_and_submitted() -> None:
    """Each call is there with its age and how it was made."""
    future = faults.sleep.submit(60)
    thread = threading.Thread(target=faults.spin_ignoring_context, args=(2,))
    thread.start()
    both = ["faults.sleep", "faults.spin_ignoring_context"]
    running = settled(_functions, both)
    found = {call["function"]: call for call in _in_flight()}
    future.cancel()
    thread.join()

    assert both == running
    assert found["faults.sleep"]["submitted"]
    assert not found["faults.spin_ignoring_context"]["submitted"]
    assert all(0 <= call["age_s"] < 30 and call["trace_id"] is None for call in found.values())
    assert [] == settled(_in_flight, [])


def test_a_function_that_ignores_its_end() -> None:
    """One whose context has ended is told apart from those that run as they should."""
    future = faults.spin_ignoring_context.submit(2)
    assert ["faults.spin_ignoring_context"] == settled(_functions, ["faults.spin_ignoring_context"])
    assert [False] == [call["ended"] for call in _in_flight()]
    future.cancel()

    assert [True] == settled(lambda: [call["ended"] for call in _in_flight()], [True])
    assert [] == settled(_in_flight, [])


def test_of_many_threads() -> None:
    """The list has a hundred at most, the oldest first; the number of calls is whole."""
    futures = [faults.sleep.submit(60) for _ in range(150)]
    ages = [call["age_s"] for call in runtime_info()["in_flight"]]

    assert (100, 150) == (len(ages), runtime_info()["calls"])
    assert sorted(ages, reverse=True) == ages
    for future in futures:
        future.cancel()


class TestDump:
    def test_of_everything(self) -> None:
        """A dump has the calls, Python's threads and the goroutines."""
        future = faults.sleep.submit(60)
        assert settled(lambda: "faults.Sleep" in gostitch.dump_text(), True)
        out = io.StringIO()
        gostitch.dump(out)
        future.cancel()

        text = out.getvalue()
        assert re.search(r"\d+\.\d{3} s  faults\.sleep  submitted", text)
        assert "test_in_flight.py" in text
        assert "goroutine" in text
        assert f"process {os.getpid()}" in text

    def test_of_calls_that_have_ended(self) -> None:
        """No goroutine is said to run one, although it will run others.

        But for those of Python's threads, which keep the name of their last call.
        """

        def named() -> list[str]:
            heads = re.findall(r"^goroutine .*", gostitch.dump_text(), re.MULTILINE)
            return [each for each in heads if "faults.add" in each and "locked" not in each]

        assert 200 == sum(each.result() for each in [faults.add.submit(0, 1) for _ in range(200)])
        assert [] == settled(named, [])

    def test_without_go(self, program: Programs) -> None:
        """It loads nothing."""
        done = program("import gostitch; gostitch.dump(); print(gostitch.runtime_info()['loaded'])")

        assert "Go is not loaded" in done.stderr
        assert "False\n" == done.stdout

    def test_on_a_signal(self, program: Programs, tmp_path: Path) -> None:
        """The state is written although the main thread is in a call of Go, each time."""
        path = tmp_path / "dump.txt"
        done = program(
            f"""
import os, signal, threading, time
import faults, gostitch

def ends(text):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if open({str(path)!r}).read().count(text) == times:
            return
        time.sleep(0.01)
    os._exit(3)

def send():
    global times
    for times in (1, 2):
        os.kill(os.getpid(), signal.SIGUSR2)
        ends("Goroutines\\n")
    future.cancel()

gostitch.dump_on_signal(signal.SIGUSR2, {str(path)!r})
assert os.stat({str(path)!r}).st_mode & 0o777 == 0o600
future = faults.sleep.submit(60)
threading.Thread(target=send).start()
faults.spin_ignoring_context(0.5)
"""
        )

        assert (0, "") == (done.returncode, done.stderr)
        text = path.read_text()
        assert "faults.spin_ignoring_context  waited for" in text
        assert "faults.sleep  submitted" in text
        assert 'File "<string>", line' in text
        assert "faults.Sleep" in text

    def test_to_a_place_that_cannot_be(self, tmp_path: Path) -> None:
        """The error comes at once, and the signal is left alone."""
        before = signal.getsignal(signal.SIGUSR2)
        with pytest.raises(GoOSError):
            gostitch.dump_on_signal(signal.SIGUSR2, tmp_path / "no" / "dump.txt")

        assert before == signal.getsignal(signal.SIGUSR2)


def test_memory_is_given_back() -> None:
    """What Go does not need any more goes back to the system."""
    data = faults.make_bytes(256 << 20)
    del data

    assert gostitch.free_memory() > 128 << 20


def test_memory_without_go(program: Programs) -> None:
    """Nothing is loaded for it."""
    text = "import gostitch; print(gostitch.free_memory(), gostitch.runtime_info()['loaded'])"

    assert "0 False\n" == program(text).stdout


def test_a_dump_where_python_lacks_memory_files(program: Programs) -> None:
    """A Python built for old systems has no os.memfd_create."""
    done = program(
        """
import os, signal, sys
del os.memfd_create
import faults, gostitch
faults.add(1, 2)
gostitch.dump(sys.stdout)
gostitch.dump_on_signal(signal.SIGUSR2, "dumps.txt")
"""
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert "Python threads" in done.stdout


def test_a_dump_on_a_signal_is_of_the_process_that_asked_for_it(program: Programs) -> None:
    """A forked child that gets the signal neither ends nor writes into its parent's file."""
    done = program(
        """
import os, signal, time
import faults, gostitch
gostitch.dump_on_signal(signal.SIGUSR2, "dumps.txt")
pid = os.fork()
if pid == 0:
    signal.raise_signal(signal.SIGUSR2)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
signal.raise_signal(signal.SIGUSR2)
while not (text := open("dumps.txt").read()).endswith("End of dump\\n"):
    time.sleep(0.01)
print(text.count("End of dump"), text.count('File "<string>"'))
""",
        "-W",
        "ignore",
    )

    assert ["0", "1 1"] == done.stdout.splitlines(), done.stderr


def test_dumps_that_are_asked_for_again(program: Programs) -> None:
    """What served the request before is given back."""
    done = program(
        """
import os, signal, time
import faults, gostitch
from gostitch.operate import _generated

def is_pipe(descriptor):
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}").startswith("pipe:")
    except FileNotFoundError:  # what the list was read from
        return False

def used():
    # Not what a busy machine makes of a call that takes long there.
    serving = _generated.goroutines().count("operate.WriteDumps.func1(")
    return sum(map(is_pipe, os.listdir("/proc/self/fd"))), serving

gostitch.dump_on_signal(signal.SIGUSR2, "dumps.txt")
os.kill(os.getpid(), signal.SIGUSR2)
while not os.path.exists("dumps.txt") or not os.path.getsize("dumps.txt"):
    time.sleep(0.001)  # now all is there that serves it
before = used()
for _ in range(20):
    gostitch.dump_on_signal(signal.SIGUSR2, "dumps.txt")
deadline = time.monotonic() + 10
while any(map(int.__gt__, used(), before)) and time.monotonic() < deadline:
    time.sleep(0.01)
print(*map(int.__gt__, used(), before), before[1])
"""
    )

    assert "False False 1\n" == done.stdout, done.stderr
