"""What an installed gostitch must do, as programs that run in its environment."""

CALL_AND_AWAIT = """
import asyncio, sys
import gostitch
from gostitch import tasks
from gostitch.build._core import core_directory

assert not gostitch.runtime_info()["loaded"]
assert gostitch._bridge.__file__.endswith("/_bridge.abi3.so")  # which every CPython finds
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
import asyncio, traceback
import faults, gostitch

async def awaited():
    await faults.panic.submit("string")

for attempt in (lambda: faults.panic("string"), lambda: asyncio.run(awaited())):
    try:
        attempt()
    except gostitch.GoPanic as panic:
        assert "a string" in str(panic) and "faults.Panic" in str(panic.go_stack), panic.go_stack
        logged = traceback.format_exc()
        assert "GoPanic: a string\\nIn Go, innermost first:\\n  faults.Panic (" in logged, logged
    else:
        raise AssertionError("no panic")
assert faults.add(1, 2) == 3  # the process lives
"""

# With the library of the tests too, whose functions take as long as they are told to.
LIFE = """
import asyncio, os, signal, threading, time, warnings
import faults, gostitch

warnings.simplefilter("ignore", DeprecationWarning)  # of fork, from 3.12 on

def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.01)

def use():
    assert faults.add(1, 2) == 3
    assert faults.add.submit(3, 4).result(60) == 7
    assert [line.number for line in faults.lines(3)] == [0, 1, 2]

def fork(generations):
    pid = os.fork()
    if pid:
        ended = []
        wait_for(lambda: ended.append(os.waitpid(pid, os.WNOHANG)) or ended[-1][0])
        assert ended[-1] == (pid, 0), ended[-1]
        return
    status = 1
    try:
        use()
        if generations > 1:
            fork(generations - 1)
        status = 0
    finally:
        os._exit(status)

def interrupt():
    wait_for(lambda: gostitch.runtime_info()["calls"])
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

async def cancelled():
    task = asyncio.ensure_future(faults.sleep.submit(600))
    await asyncio.sleep(0.05)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return await faults.sleep.submit(0.01)

use()
fork(2)
use()

signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=interrupt).start()
begun = time.monotonic()
try:
    faults.sleep(600)
except KeyboardInterrupt:
    assert time.monotonic() - begun < 60
else:
    raise AssertionError("nothing was interrupted")

assert asyncio.run(cancelled()) == 0.01
last = faults.sleep.submit(0.2)
assert gostitch.close(60) == [] and last.result(60) == 0.2
try:
    faults.add(1, 2)
except gostitch.GoClosedError:
    pass
else:
    raise AssertionError("a call was taken after the close")
info = gostitch.runtime_info()
assert (info["calls"], info["pending"], info["buffers"]) == (0, 0, 0), info
"""

# CPython 3.15 lets no destructor wait for a lock any more that runs when the interpreter ends.
END = """
import builtins
import faults

class Keep:
    def __del__(self, faults=faults):
        print(faults.add(1, 2), faults.add.submit(3, 4).result(), flush=True)

keep = Keep()
keep.itself, builtins.keep = keep, keep
faults.add(1, 2)  # loads the library, which must not be left to the end
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
