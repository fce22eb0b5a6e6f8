"""gostitch doctor --pid: another process tells what it is doing."""

from __future__ import annotations

import json
import os
from subprocess import Popen

import pytest

from doctor.diagnosis import diagnose
from programs import Programs

_ARMED = """
import os, signal, sys
import faults, gostitch
gostitch.dump_on_signal(signal.SIGUSR2, "dumps.txt")
"""

_STUCK = "print('ready', flush=True)\nfaults.spin_ignoring_context(60)\n"


def _ready(process: Popen[str]) -> int:
    assert process.stdout is not None
    assert "ready\n" == process.stdout.readline()
    return process.pid


def test_of_a_process_that_is_stuck(program: Programs) -> None:
    """Its calls, threads and goroutines are printed, each time those of now."""
    pid = _ready(program.start(_ARMED + _STUCK))

    for _ in range(2):
        done = diagnose("--pid", str(pid))
        assert (0, "") == (done.returncode, done.stderr)
        assert 1 == done.stdout.count("faults.spin_ignoring_context  waited for")
        assert f"process {pid}" in done.stdout
        assert 'File "<string>", line' in done.stdout
        assert "faults.SpinIgnoringContext" in done.stdout
    asked = json.loads(diagnose("--pid", str(pid), "--json").stdout)
    assert pid == asked["pid"]
    assert "faults.SpinIgnoringContext" in asked["dump"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import faults; faults.add(1, 2)\n", "has not called gostitch.dump_on_signal"),
        (_ARMED + "if os.fork(): os.wait(); os._exit(0)\n", "has not called"),
        (
            _ARMED + "import faulthandler; faulthandler.unregister(signal.SIGUSR2)\n"
            "signal.signal(signal.SIGUSR2, signal.SIG_IGN)\n",
            "no longer handles SIGUSR2",
        ),
    ],
    ids=["never armed", "armed before the fork", "taken by somebody else"],
)
def test_of_one_that_cannot_be_asked(program: Programs, text: str, reason: str) -> None:
    """The reason is a sentence, and the process lives on."""
    body = "import os, time\nprint('ready', os.getpid(), flush=True)\ntime.sleep(60)\n"
    process = program.start(text + body)
    assert process.stdout is not None
    pid = int(process.stdout.readline().split()[1])
    done = diagnose("--pid", str(pid))

    assert (1, "") == (done.returncode, done.stdout)
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
    os.kill(pid, 0)
    os.kill(pid, 9)


def test_what_it_prints_is_fit_for_a_terminal(program: Programs) -> None:
    """What a process writes may be anything; ECMA-48 has terminals act on control characters."""
    hostile = "\\x1b]0;title\\x07\\x9b31m\\u202e\\x00"
    text = f"""{_ARMED}
def answer(*of):
    with open("dumps.txt", "a", encoding="utf-8") as file:
        file.write("{hostile}\\nEnd of dump\\n")

signal.signal(signal.SIGUSR2, answer)
print("ready", flush=True)
while True:
    signal.pause()
"""
    pid = _ready(program.start(text))
    done = diagnose("--pid", str(pid))

    assert 0 == done.returncode, done.stderr
    assert "\nEnd of dump\n" in done.stdout
    assert done.stdout.replace("\n", "").isprintable()


@pytest.mark.parametrize("plant", ["os.mkfifo('dumps.txt')", "os.mkdir('dumps.txt')"])
def test_where_the_file_is_none(program: Programs, plant: str) -> None:
    """A pipe that nobody reads is refused when dumps are wanted: open(2) says ENXIO, not waiting."""
    done = program(f"import os\n{plant}\ntry:\n    exec({_ARMED!r})\nexcept OSError as e: print(e)")

    assert 0 == done.returncode, done.stderr
    assert "dumps.txt" in done.stdout


@pytest.mark.parametrize(
    "replace", ["os.mkfifo('dumps.txt')", "os.symlink('/dev/zero', 'dumps.txt')"]
)
def test_a_file_that_was_replaced(program: Programs, replace: str) -> None:
    """The process asked writes to the file that it opened or to none; who asks waits for none."""
    plant = f"os.unlink('dumps.txt'); {replace}\n"
    pid = _ready(program.start(_ARMED + plant + "print('ready', flush=True)\nsignal.pause()\n"))
    done = diagnose("--pid", str(pid), "--timeout", "3")

    assert 0 != done.returncode
    assert f"the dump of process {pid} cannot be read" in done.stderr


def test_of_one_that_is_stopped(program: Programs) -> None:
    """It does not answer, and the command does not wait for ever."""
    pid = _ready(program.start(_ARMED + _STUCK))
    os.kill(pid, 19)
    done = diagnose("--pid", str(pid), "--timeout", "0.5")

    assert 1 == done.returncode
    assert "wrote nothing" in done.stderr


def test_by_a_signal_without_a_name(program: Programs) -> None:
    """Real-time signals do as well."""
    armed = _ARMED.replace("SIGUSR2", "SIGRTMIN + 3")
    pid = _ready(program.start(armed + _STUCK))
    done = diagnose("--pid", str(pid))

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize(("pid", "status"), [("4194305", 1), ("0", 2), ("-1", 2), ("me", 2)])
def test_of_none(pid: str, status: int) -> None:
    """A number that no process has is said to be one."""
    done = diagnose(f"--pid={pid}")

    assert status == done.returncode
    assert "process" in done.stderr
    assert "Traceback" not in done.stderr
