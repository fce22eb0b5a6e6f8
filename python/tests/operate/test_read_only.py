"""A container whose file systems cannot be written to."""

from __future__ import annotations

import pytest

import full_disk
from programs import Programs

_READ_ONLY = """
import ctypes, os, sys, tempfile
import full_disk

full_disk.own_mounts()
for line in open("/proc/self/mountinfo"):
    point = line.split(" ")[4]
    try:
        full_disk.remount_read_only(point)
    except OSError:
        pass  # one that may not be changed here
for folder in ("/tmp", "/dev/shm", os.path.expanduser("~"), os.getcwd()):
    try:
        open(f"{folder}/x", "w")
    except OSError:
        continue
    sys.exit(f"{folder} can be written to")
"""


@pytest.mark.skipif("TinyDisk" not in full_disk.kinds(), reason="no mounts of one's own here")
def test_everything_works(program: Programs) -> None:
    """Loading, calls, awaits, panics, a forked child, a dump and the doctor need no file."""
    done = program(
        _READ_ONLY
        + """
import asyncio, io
import faults, gostitch
from gostitch.doctor import examine

print(faults.add(1, 2), faults.add.submit(1, 2).result(10))

async def main():
    return await faults.add.submit(2, 3)

print(asyncio.run(main()))
try:
    faults.panic("nil")
except gostitch.GoPanic:
    print("panic")
pid = os.fork()
if pid == 0:
    os._exit(faults.add(40, 2))
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
out = io.StringIO()
gostitch.dump(out)
print("faults" in out.getvalue() or "Goroutines" in out.getvalue())
print([f.id for f in examine() if "could not be looked at" in f.words])
print(gostitch.close(5))
""",
        "-W",
        "ignore",
        # Crash reports are for where they usually are, and nowhere can be.
        env={"PYTHONDONTWRITEBYTECODE": "1", "GOSTITCH_CRASH_DIR": None},
    )

    assert (0, "") == (done.returncode, done.stderr)
    assert ["3 3", "5", "panic", "42", "True", "[]", "[]"] == done.stdout.splitlines()
