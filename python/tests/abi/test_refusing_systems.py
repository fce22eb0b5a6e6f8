"""Where the system refuses what Go takes, one sentence names it before Go ends the process."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from confined import FILTER, UNPRIVILEGED
from gostitch import _space
from programs import Programs

_WORK = """
import os, resource, sys, tempfile
import faults, gostitch, gostitch.operate, gostitch._queue, gostitch._pending, gostitch._cgroup
import gostitch.operate._generated

def work():
    try:
        faults.add(1, 2)
    except gostitch.LibraryError as error:
        print("refused:", error, flush=True)
        return
    for _ in range(20):
        [each.result(20) for each in [faults.add.submit(1, 2) for _ in range(100)]]
    gostitch.free_memory()
    gostitch.free_memory()
    print("worked", flush=True)
"""
"""Calls, and collections of garbage, which take as many threads as Go has processors."""


@pytest.mark.parametrize("processors", [1, 4])
@pytest.mark.parametrize("more", [0, 1, 2, 3, 4, 5, 7, 9, 11])
def test_few_threads(program: Programs, more: int, processors: int) -> None:
    """RLIMIT_NPROC, which counts the threads of a user: refused, or enough. Go aborts otherwise."""
    text = f"{UNPRIVILEGED}{_WORK}become_user(); allow_threads({more}); work()"
    done = program(text, env={"GOMAXPROCS": str(processors), "GOSTITCH_CRASH_DIR": "off"})

    assert 0 == done.returncode, done.stderr
    needed = _space.threads_needed(processors)
    if os.getuid() != 0 or more < needed:
        assert f"takes up to {needed} threads, and {more} can be started" in done.stdout
        assert "RLIMIT_NPROC" in done.stdout
        assert "ulimit -u" in done.stdout
    else:
        assert "worked\n" == done.stdout


@pytest.mark.parametrize("processors", [1, 2, 8])
def test_enough_threads(program: Programs, processors: int) -> None:
    """With as many as are asked for it works, and with one less it is refused."""
    needed = _space.threads_needed(processors)
    for more in (needed, needed - 1):
        text = f"{UNPRIVILEGED}{_WORK}become_user(); allow_threads({more}); work()"
        done = program(text, env={"GOMAXPROCS": str(processors), "GOSTITCH_CRASH_DIR": "off"})
        assert 0 == done.returncode, done.stderr
        assert ("worked\n" == done.stdout) == (more == needed), done.stdout


def test_few_threads_in_a_forked_child(program: Programs) -> None:
    """A child, which loads Go anew, is told too, and may call when the limit is raised."""
    text = f"""{UNPRIVILEGED}{_WORK}
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of fork, from 3.12 on
become_user()
work()
soft, hard = resource.getrlimit(resource.RLIMIT_NPROC)
if os.fork() == 0:
    allow_threads(4)
    work()
    resource.setrlimit(resource.RLIMIT_NPROC, (soft, hard))
    work()
    os._exit(0)
print(os.wait()[1])
"""
    done = program(text, env={"GOMAXPROCS": "2", "GOSTITCH_CRASH_DIR": "off"})

    assert 0 == done.returncode, done.stderr
    parent, refused, child, status = done.stdout.splitlines()
    assert ["worked", "worked", "0"] == [parent, child, status]
    assert "takes up to 11 threads" in refused


def test_a_limit_of_threads_that_is_lowered_later(program: Programs) -> None:
    """Go cannot go on without a thread that it must have, so it ends; the report names the limit.

    ``setrlimit(2)``: at the limit, making a thread fails with EAGAIN. The next start reports.
    """
    reports = program.folder / "crashes"
    text = f"""{UNPRIVILEGED}{_WORK}
folder = tempfile.mkdtemp(); os.environ["GOSTITCH_CRASH_DIR"] = folder; print(folder, flush=True)
os.chown(folder, 100000 + os.getpid(), -1) if os.getuid() == 0 else None
become_user()
faults.add(1, 2)
allow_threads(0)
os.environ["GOMAXPROCS"] = "16"
gostitch.configure(max_procs=16)
for _ in range(100):
    gostitch.free_memory()
    [each.result(20) for each in [faults.add.submit(1, 2) for _ in range(100)]]
"""
    done = program(text, env={"GOMAXPROCS": "2"}, timeout=40)
    (folder,) = done.stdout.splitlines()
    try:
        assert -6 == done.returncode
        (report,) = Path(folder).iterdir()
        said = report.read_text()
        assert said.startswith("fatal error: no thread can be made for Go")
        assert "RLIMIT_NPROC is " in said
        reports.mkdir(mode=0o700)
        (reports / report.name).write_text(said)
        report.unlink()
    finally:
        Path(folder).rmdir()

    read = program(
        "import faults, gostitch, json; seen = []; gostitch.on_crash_report(seen.append);"
        "faults.add(1, 2); print(json.dumps([each.reason for each in seen]))"
    )
    assert [said.strip()] == json.loads(read.stdout)


def test_a_limit_of_threads_that_is_reached_for_a_moment(program: Programs) -> None:
    """Go waits for its thread some seconds, so that a moment without any ends nothing."""
    text = f"""{UNPRIVILEGED}{_WORK}
import threading
become_user()
faults.add.submit(1, 2).result()
before = resource.getrlimit(resource.RLIMIT_NPROC)
timer = threading.Timer(1, resource.setrlimit, (resource.RLIMIT_NPROC, before))
timer.start()
allow_threads(0)
gostitch.configure(max_procs=16)
for _ in range(20):
    gostitch.free_memory()  # on all processors; no thread of Python is wanted
timer.join()
work()
"""
    done = program(text, env={"GOMAXPROCS": "2", "GOSTITCH_CRASH_DIR": "off"}, timeout=40)

    assert (0, "worked\n", "") == (done.returncode, done.stdout, done.stderr)


_LIMITS = {"RLIMIT_DATA": (5, "ulimit -d unlimited"), "RLIMIT_AS": (0, "ulimit -v unlimited")}


@pytest.mark.parametrize("processors", ["1", "8"])
@pytest.mark.parametrize("limit", _LIMITS)
def test_little_memory(program: Programs, limit: str, processors: str) -> None:
    """RLIMIT_DATA and RLIMIT_AS: from nothing to plenty it is refused or works, and never ends."""
    column, remedy = _LIMITS[limit]
    outcomes = []
    for more in (1, 40, 100, 140, 200, 240, 300, 1700, 1800, 1900, 2000, 2150, 2400):
        text = f"""{_WORK}
used = int(open("/proc/self/statm").read().split()[{column}]) * resource.getpagesize()
resource.setrlimit(resource.{limit}, (used + ({more} << 20), resource.RLIM_INFINITY))
work()
"""
        done = program(text, env={"GOMAXPROCS": processors, "GOSTITCH_CRASH_DIR": "off"})
        assert 0 == done.returncode, (more, done.stderr)
        if done.stdout != "worked\n":
            assert limit in done.stdout
            assert remedy in done.stdout
        outcomes.append(done.stdout == "worked\n")
    assert outcomes == sorted(outcomes)
    assert [False, True] == [outcomes[0], outcomes[-1]]


def test_large_stacks(program: Programs) -> None:
    """pthread_create(3): a thread's stack is as large as RLIMIT_STACK says; they count as data."""
    text = f"""{_WORK}
if len(sys.argv) == 1:
    _, hard = resource.getrlimit(resource.RLIMIT_STACK)
    resource.setrlimit(resource.RLIMIT_STACK, (64 << 20, hard))
    code = open("/proc/self/cmdline").read().split(chr(0))[2]
    os.execv(sys.executable, [sys.executable, "-c", code, "again"])
resource.setrlimit(resource.RLIMIT_DATA, (512 << 20, 512 << 20))
work()
"""
    done = program(text, env={"GOMAXPROCS": "2", "GOSTITCH_CRASH_DIR": "off"})

    assert 0 == done.returncode, done.stderr
    assert f"takes up to {128 + 64 * 11}, the stacks of its threads" in done.stdout


@pytest.mark.parametrize(
    ("confine", "fix"),
    [
        ("become_user(); allow_threads(3)", "Raise the limit (ulimit -u"),
        (
            "resource.setrlimit(resource.RLIMIT_DATA, (1 << 26, 1 << 26))",
            "Remove the limit (ulimit -d",
        ),
        (
            "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))",
            "Remove the limit (ulimit -v",
        ),
        ("deny(1, 'eventfd2')", "Allow eventfd2 in"),
    ],
)
def test_the_doctor_gives_the_same_remedy(program: Programs, confine: str, fix: str) -> None:
    """What the sentence of the error ends with, and no other."""
    text = f"""{FILTER}{UNPRIVILEGED}{_WORK}
from gostitch.doctor import _loading
{confine}
print(_loading.here(may_load=True).fix)
"""
    done = program(text, env={"GOSTITCH_CRASH_DIR": "off"})

    assert 0 == done.returncode, done.stderr
    assert done.stdout.startswith(fix)


_CALLS = ["eventfd2", "epoll_create1", "epoll_ctl", "epoll_pwait", "pipe2"]
_ADVICE = {
    "EPERM": "allow {} in what confines this process",
    "ENOSYS": "allow {} in what confines this process",
    "EACCES": "allow {} in what confines this process",
    "ENOMEM": "more memory",
    "ENOSPC": "fs.epoll.max_user_watches",
    "EMFILE": "ulimit -n",
    "ENFILE": "fs.file-max",
    "EIO": "see what in the system refuses it",
}


@pytest.mark.parametrize("error", _ADVICE)
@pytest.mark.parametrize("call", _CALLS)
def test_a_filter_of_system_calls(program: Programs, call: str, error: str) -> None:
    """seccomp(2): a filter gives a call any error. The advice is for the error, as errno(3) has it."""
    done = program(f"{FILTER}{_WORK}deny({getattr(errno, error)}, {call!r}); work()")

    assert 0 == done.returncode, done.stderr
    assert done.stdout.startswith("refused: ")
    assert _ADVICE[error].format(call) in done.stdout
    assert ("ulimit -n" in done.stdout) == (error == "EMFILE")


@pytest.mark.parametrize("error", ["EPERM", "EMFILE", "ENFILE"])
@pytest.mark.parametrize("way", ["list(faults.lines(3))", "asyncio.run(wait())"])
def test_a_descriptor_that_is_refused_later(program: Programs, error: str, way: str) -> None:
    """The error of the system, with the same advice; calls that need no descriptor go on."""
    done = program(
        f"""{FILTER}
import asyncio, faults
async def wait():
    return await faults.add.submit(1, 2)
faults.add.submit(1, 2).result()
deny({getattr(errno, error)}, "eventfd2")
try:
    {way}
except OSError as raised:
    print(raised.errno, raised)
print(faults.add.submit(1, 2).result())
"""
    )

    said, result = done.stdout.splitlines()
    assert "" == done.stderr
    assert said.startswith(str(getattr(errno, error)))
    assert _ADVICE[error].format("eventfd2") in said
    assert "3" == result


@pytest.mark.parametrize(
    "call", ["poll", "rt_sigprocmask", "rt_sigaction", "sigaltstack", "getrandom"]
)
def test_a_filter_of_what_go_ends_over(program: Programs, call: str) -> None:
    """Those that no usual sandbox denies are told too: Go ends the process over each but poll."""
    done = program(f"{FILTER}{_WORK}deny({errno.EPERM}, {call!r}); work()")

    assert 0 == done.returncode, done.stderr
    assert f"takes the system call {call}, which is refused" in done.stdout
    assert f"allow {call} in" in done.stdout


def test_without_the_call_for_random_numbers(program: Programs) -> None:
    """getrandom(2) is newer than some kernels; Go reads /dev/urandom there."""
    done = program(f"{FILTER}{_WORK}deny({errno.ENOSYS}, 'getrandom'); work()")

    assert (0, "worked\n") == (done.returncode, done.stdout), done.stderr


@pytest.mark.parametrize("error", ["EPERM", "ENOSYS"])
def test_a_filter_of_threads(program: Programs, error: str) -> None:
    """Where threads are denied, the limit of threads is not what is to be raised."""
    text = f"{FILTER}{_WORK}deny({getattr(errno, error)}, 'clone', 'clone3'); work()"
    done = program(text)

    assert 0 == done.returncode, done.stderr
    assert "allow clone, clone3" in done.stdout
    assert "ulimit" not in done.stdout


@pytest.mark.parametrize("call", ["prlimit64", "sched_getaffinity"])
def test_what_may_not_be_asked(program: Programs, call: str) -> None:
    """A sandbox that forbids to ask for limits and processors forbids Go nothing that it needs."""
    done = program(f"{FILTER}{_WORK}deny({errno.EPERM}, {call!r}); work()")

    assert (0, "worked\n") == (done.returncode, done.stdout), done.stderr


@pytest.mark.parametrize("error", ["EPERM", "ENOSYS", "ENOMEM"])
def test_without_files_in_memory(program: Programs, error: str) -> None:
    """They are for forked children alone; a temporary file does as well."""
    text = f"""{FILTER}{_WORK}
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of fork, from 3.12 on
deny({getattr(errno, error)}, "memfd_create")
work()
if os.fork() == 0:
    work()
    os._exit(0)
print(os.wait()[1])
"""
    done = program(text)

    assert (0, "worked\nworked\n0\n") == (done.returncode, done.stdout), done.stderr
