"""The host stays itself: what loading Go leaves as it was, and what Go knows of Python's environment."""

from __future__ import annotations

import pytest

from programs import Programs

SNAPSHOT = """
import locale, os, pathlib, resource, signal, subprocess, sys, threading
import faults

def masks():
    found = {}
    with open("/proc/self/status") as status:
        for line in status:
            name, _, value = line.partition(":")
            if name in ("SigBlk", "SigIgn", "SigCgt"):
                bits = int(value, 16)
                found[name] = {signal for signal in range(1, 65) if bits >> (signal - 1) & 1}
    return found

def snapshot():
    umask = os.umask(0)
    os.umask(umask)
    limits = {name: resource.getrlimit(getattr(resource, name))
              for name in dir(resource) if name.startswith("RLIMIT_")}
    return {
        "limits": limits,
        "limits of children": subprocess.run(
            ["sh", "-c", "ulimit -Sn; ulimit -Hn"], capture_output=True, text=True).stdout,
        "handlers": {s: signal.getsignal(s) for s in signal.valid_signals()},
        "mask": signal.pthread_sigmask(signal.SIG_BLOCK, ()),
        "umask": umask,
        "locale": locale.setlocale(locale.LC_ALL),
        "directory": os.getcwd(),
        "environment": dict(os.environb),
        "title": pathlib.Path("/proc/self/comm").read_text(),
        "priority": os.getpriority(os.PRIO_PROCESS, 0),
        "affinity": os.sched_getaffinity(0),
        "float": (0.1 + 0.2, sys.float_info),
        "ignored": masks()["SigIgn"],
        "blocked": masks()["SigBlk"],
    }
"""


def lines(program: Programs, text: str, **environment: str) -> list[str]:
    """Run a program and give what it prints, line by line."""
    done = program(text, env=dict(environment))
    assert (0, "") == (done.returncode, done.stderr)
    return str(done.stdout).splitlines()


class TestSnapshot:
    def test_nothing_changes(self, program: Programs) -> None:
        """Limits, handlers, masks, umask, locale, environment and more are as they were."""
        text = (
            SNAPSHOT
            + """
before = snapshot()
faults.add(1, 2)
faults.add.submit(1, 2).result()
after = snapshot()
for name in before:
    if before[name] != after[name]:
        print(name, before[name], after[name])
print("compared", len(before))
"""
        )
        assert ["compared 14"] == lines(program, text)

    def test_go_catches_only_what_it_must(self, program: Programs) -> None:
        """The signals by which the processor reports a fault, and the one that Go's scheduler uses."""
        text = (
            SNAPSHOT
            + """
before = masks()["SigCgt"]
faults.add(1, 2)
new = masks()["SigCgt"] - before
# 32 and 33 are glibc's own, for its threads.
print(sorted(signal.Signals(each).name for each in new if each < 32))
"""
        )
        assert ["['SIGBUS', 'SIGFPE', 'SIGSEGV', 'SIGURG']"] == lines(program, text)

    def test_a_handler_that_was_set_before_is_kept(self, program: Programs) -> None:
        """A service's own handlers run as before."""
        text = """
import os, signal
import faults
seen = []
for each in (signal.SIGTERM, signal.SIGUSR1, signal.SIGCHLD, signal.SIGALRM, signal.SIGPIPE):
    signal.signal(each, lambda number, frame: seen.append(signal.Signals(number).name))
faults.add(1, 2)
for each in (signal.SIGTERM, signal.SIGUSR1, signal.SIGCHLD, signal.SIGALRM, signal.SIGPIPE):
    os.kill(os.getpid(), each)
print(seen)
"""
        expected = "['SIGTERM', 'SIGUSR1', 'SIGCHLD', 'SIGALRM', 'SIGPIPE']"
        assert [expected] == lines(program, text)

    def test_a_closed_standard_output_does_not_end_the_process(self, program: Programs) -> None:
        """Go ends a program that writes to a closed standard output; here it is an error."""
        text = """
import faults
print(faults.write_to_closed())
print("alive")
"""
        assert ["write /dev/stdout: broken pipe", "alive"] == lines(program, text)


class TestEnvironment:
    def test_what_python_set_before_the_first_call(self, program: Programs) -> None:
        """Set, changed and removed variables are what Go sees, whatever bytes they hold."""
        text = r"""
import os
import faults
os.environ["SET_IN_PYTHON"] = "yes"
os.environ["CHANGED"] = "new"
del os.environ["REMOVED"]
os.environb[b"BYTES"] = b"\xff\xfe"
os.environ["EMPTY"] = ""
for name in ("SET_IN_PYTHON", "CHANGED", "REMOVED", "FROM_THE_START"):
    print(repr(faults.environment(name)))
print(faults.run(["sh", "-c", "printf %s \"$BYTES\" | od -An -tx1; env | grep ^EMPTY="], plain=True).split())
"""
        found = lines(program, text, CHANGED="old", REMOVED="there", FROM_THE_START="kept")

        assert ["'yes'", "'new'", "''", "'kept'", "['ff', 'fe', 'EMPTY=']"] == found

    def test_the_go_runtime_follows(self, program: Programs) -> None:
        """What Go's runtime reads at its start takes effect although it was set later."""
        text = """
import os
import faults
os.environ["GOMAXPROCS"] = "1"
os.environ["GOGC"] = "55"
os.environ["GOMEMLIMIT"] = "3GiB"
print(faults.settings())
"""
        expected = "FaultsRuntimeSettings(max_procs=1, gc_percent=55, memory_limit=3221225472)"
        assert [expected] == lines(program, text)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("GOMEMLIMIT", "3GB"),
            ("GOMAXPROCS", "many"),
            ("GOMAXPROCS", "0"),
            ("GOMAXPROCS", "100000"),
            ("GOGC", "half"),
            ("GOGC", "99999999999"),
        ],
    )
    def test_a_setting_that_go_does_not_understand(
        self, program: Programs, name: str, value: str
    ) -> None:
        """An error at the first call names the variable; Go itself would end the process."""
        text = f"""
import os
import faults, gostitch
os.environ[{name!r}] = {value!r}
try:
    faults.add(1, 2)
except gostitch.LibraryError as error:
    print(error)
"""
        (found,) = lines(program, text)

        assert f"the environment variable {name}={value} is not understood by Go" in found
        assert "correct or unset it" in found

    def test_programs_get_the_present_one(self, program: Programs) -> None:
        """A program that Go starts sees what Python has set by then, in both ways of calling."""
        text = """
import asyncio, os
import faults
faults.add(1, 2)
os.environ["LATER"] = "1"
print(faults.run(["sh", "-c", "echo $LATER"]).strip())
os.environ["LATER"] = "2"
print(faults.run.submit(["sh", "-c", "echo $LATER"]).result().strip())
os.environ["LATER"] = "3"
async def main():
    return await faults.run.submit(["sh", "-c", "echo $LATER"])
print(asyncio.run(main()).strip())
print(faults.run(["sh", "-c", "echo $LATER"], plain=True).strip(), "for a plain one, which follows")
"""
        expected = ["1", "2", "3", "3 for a plain one, which follows"]
        assert expected == lines(program, text)

    def test_programs_are_found_by_the_present_path(self, program: Programs) -> None:
        """PATH as Python has it now decides which program is run."""
        text = """
import os, stat, tempfile
import faults
faults.add(1, 2)
folder = tempfile.mkdtemp()
tool = os.path.join(folder, "a-tool-of-ours")
with open(tool, "w") as file:
    file.write("#!/bin/sh\\necho found\\n")
os.chmod(tool, 0o755)
os.environ["PATH"] = folder + ":" + os.environ["PATH"]
print(faults.run(["a-tool-of-ours"]).strip())
"""
        assert ["found"] == lines(program, text)


def test_a_limit_of_open_files_that_the_host_sets_later(program: Programs) -> None:
    """gostitch.configure leaves it alone."""
    done = program(
        """
import resource
import faults, gostitch
faults.add(1, 2)
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (777, hard))
gostitch.configure(grace=1)
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""
    )

    assert "777\n" == done.stdout, done.stderr
