"""Profilers of whole processes, perf and py-spy, find the names of Go functions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from shipped import symbols

from conftest import LIBRARY

EXECUTE = "github.com/gostitch/gostitch/gocore.Execute"
SPIN = "github.com/gostitch/gostitch/gocore/internal/faults.SpinWithoutCalls"

# A function on the thread of the caller, as calls of long ones are not; then in a forked child,
# which loads a copy of the library in memory.
SPINNING = """
import os, time, faults

def spin():
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        faults.spin_without_calls(5000)

spin()
child = os.fork()
if not child:
    spin()
    os._exit(0)
os.waitpid(child, 0)
"""


def must(*command: str | Path, folder: Path, **env: str) -> str:
    """Run a profiler, and give what it says on standard output."""
    done = subprocess.run(
        list(map(str, command)),
        cwd=folder,
        # perf keeps files below HOME, with the symbols of what it has seen.
        env=os.environ
        | {"HOME": str(folder), "PYTHONPATH": str(Path(__file__).parents[1])}
        | {"GOSTITCH_LIBRARY": str(LIBRARY), **env},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=30,
        check=False,
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def test_perf(tmp_path: Path) -> None:
    """perf finds them in the file beside the library; for forked children in its cache of builds."""
    # An event of the kernel's own clock and of the user's code alone: others need privileges.
    must(
        "perf", "record", "--quiet", "--event=cpu-clock:u", "--freq=200", "--call-graph=fp",
        "--buildid-mmap", "--output=data", "--", sys.executable, "-c", SPINNING,
        folder=tmp_path,
    )  # fmt: skip

    def names_in(library: str) -> set[str]:
        report = must(
            "perf", "report", "--input=data", "--stdio", "--children", "--call-graph=none",
            "--sort=dso,sym", "--field-separator=|", folder=tmp_path,
        )  # fmt: skip
        rows = [line.split("|") for line in report.splitlines() if line.count("|") == 3]
        return {
            symbol.partition("]")[2].strip() for _, _, dso, symbol in rows if dso.strip() == library
        }

    assert {EXECUTE, SPIN} <= names_in("libfaults.so")
    in_memory = "memfd:libfaults.so (deleted)"
    assert not {EXECUTE, SPIN} & names_in(in_memory)
    must("perf", "buildid-cache", "--add", symbols.beside(LIBRARY), folder=tmp_path)
    assert {EXECUTE, SPIN} <= names_in(in_memory)


def test_py_spy(tmp_path: Path) -> None:
    """py-spy finds them inside the library that 'gostitch symbols' writes."""
    joined = tmp_path / "joined.so"
    must(sys.executable, "-m", "gostitch", "symbols", joined, "--library", LIBRARY, folder=tmp_path)

    must(
        Path(sys.executable).parent / "py-spy", "record", "--native", "--format=raw", "--rate=50",
        "--duration=3", "--output=stacks", "--", sys.executable, "-c", SPINNING,
        folder=tmp_path, GOSTITCH_LIBRARY=str(joined),
    )  # fmt: skip
    stacks = (tmp_path / "stacks").read_text()
    assert [line for line in stacks.splitlines() if EXECUTE in line and SPIN in line]
