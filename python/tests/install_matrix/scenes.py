"""What an installed gostitch must do, as programs that run in its environment."""

CALL_AND_AWAIT = """
import asyncio, sys
import gostitch
from gostitch import tasks
from gostitch.build._core import core_directory

assert not gostitch.runtime_info()["loaded"]
called = tasks.hash_tree(sys.prefix + "/pyvenv.cfg")
awaited = asyncio.run(asyncio.wait_for(tasks.hash_tree.submit(sys.prefix + "/pyvenv.cfg"), 30))
assert called == awaited and called.files == 1, (called, awaited)
info = gostitch.runtime_info()
assert info["library"].endswith("/gostitch/libgostitch.so"), info
assert (info["calls"], info["pending"], info["buffers"]) == (0, 0, 0), info
assert (core_directory() / "gocore" / "cabi" / "gostitch.h").is_file()
print(info["library"])
"""

# With the library of the tests, since no function that is shipped panics.
PANIC = """
import asyncio
import faults, gostitch

async def awaited():
    await faults.panic.submit("string")

for attempt in (lambda: faults.panic("string"), lambda: asyncio.run(awaited())):
    try:
        attempt()
    except gostitch.GoPanic as panic:
        assert "a string" in str(panic) and "faults.Panic" in str(panic.go_stack), panic.go_stack
    else:
        raise AssertionError("no panic")
assert faults.add(1, 2) == 3  # the process lives
"""

# The record says what the library was built from; the handshake says what it is.
STALE = """
import sys, warnings
from gostitch import tasks

with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    tasks.hash_tree(sys.prefix + "/pyvenv.cfg")
(warning,) = said
assert "gocore/doc.go" in str(warning.message) and "make build" in str(warning.message), warning
"""

REBUILT = """
import sys
import gostitch
from gostitch import tasks

try:
    tasks.hash_tree(sys.prefix + "/pyvenv.cfg")
except gostitch.LibraryError as error:
    assert "is version 9.9.9" in str(error), error
else:
    raise AssertionError("the old library was loaded")
"""

OWN = """
import gostitch, sums
from gostitch import tasks

assert sums.add(1, 2) == 3
assert gostitch.runtime_info()["library"].endswith("/sums/libsums.so")
assert tasks.hash_tree(sums.__file__).files == 1
"""
