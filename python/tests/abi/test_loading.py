"""Loading a library: which one, when, and what is said when it does not fit."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from programs import Programs

_CALL = """
import faults, gostitch
for _ in range(2):
    try:
        faults.add(1, 2)
    except gostitch.LibraryError as error:
        assert isinstance(error, ImportError)
        print(error)
"""


def _lines(program: Programs, text: str, **env: str | None) -> list[str]:
    done = program(text, "-X", "dev", "-W", "error", env=env)

    assert (0, "") == (done.returncode, done.stderr)
    return done.stdout.splitlines()


def test_the_library_that_is_shipped(program: Programs, tmp_path: Path) -> None:
    """Without GOSTITCH_LIBRARY the library in the package is loaded, and works."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "file").write_text("text")
    text = """
import gostitch
from gostitch import tasks
print(len(tasks.hash_tree("tree").digest) > 0)
info = gostitch.runtime_info()
print(info["library"].endswith("/gostitch/libgostitch.so"))
print([name for name in info["functions"] if name.startswith("faults.")])
"""

    assert ["True", "True", "[]"] == _lines(program, text, GOSTITCH_LIBRARY=None)


def test_importing_does_not_load_go(program: Programs) -> None:
    """Importing the package and generated modules loads no Go, and starts no thread."""
    text = """
import threading, gostitch, gostitch.functions, gostitch.tasks, faults
print(gostitch.runtime_info()["loaded"], threading.active_count())
with open("/proc/self/maps") as maps:
    print(any("libfaults" in line or "libgostitch" in line for line in maps))
faults.add(1, 2)
print(gostitch.runtime_info()["loaded"], threading.active_count())
"""

    # The two more are the pumps: for replies, and for logs and spans of Go.
    assert ["False 1", "False", "True 3"] == _lines(program, text)


def test_a_call_needs_no_asyncio(program: Programs) -> None:
    """Neither importing nor calling imports asyncio, which costs more than all the rest."""
    text = """
import sys
import gostitch, gostitch.tasks, faults
print(faults.add(1, 2), faults.add.submit(1, 2).result(), len(list(faults.lines(3))))
# On 3.10 TimeoutError is one of three classes, one of them asyncio's.
print("asyncio" in sys.modules and sys.version_info >= (3, 11))
"""

    assert ["3 3 3", "False"] == _lines(program, text)


def test_what_runtime_info_tells(program: Programs) -> None:
    """runtime_info tells versions, paths, the process and live counts."""
    text = """
import os, faults, gostitch
assert faults.add(1, 2) == 3
info = gostitch.runtime_info()
print(info["version"] == info["library_version"] == gostitch.__version__)
print(info["go_version"].startswith("go1."), info["abi"], info["pid"] == os.getpid())
print(info["library"] == os.environ["GOSTITCH_LIBRARY"], "faults.add" in info["functions"])
print({name: info[name] for name in ("calls", "pending", "buffers", "queues", "handles")})
"""

    assert [
        "True",
        "True 6 True",
        "True True",
        "{'calls': 0, 'pending': 0, 'buffers': 0, 'queues': 2, 'handles': 2}",
    ] == _lines(program, text)


def test_no_such_library(program: Programs) -> None:
    """A path to nothing is a LibraryError that names path, variable and remedy."""
    expected = (
        "there is no Go library at /nowhere/lib.so (GOSTITCH_LIBRARY names it); correct or unset it"
    )

    assert [expected] * 2 == _lines(program, _CALL, GOSTITCH_LIBRARY="/nowhere/lib.so")


def test_a_directory(program: Programs, tmp_path: Path) -> None:
    """A directory is no library."""
    found = _lines(program, _CALL, GOSTITCH_LIBRARY=str(tmp_path))

    assert 2 == len([line for line in found if line.startswith("there is no Go library at")])


def test_not_a_library(program: Programs, tmp_path: Path) -> None:
    """A file that is no library is a LibraryError with the loader's reason."""
    path = tmp_path / "text.so"
    path.write_text("this is not a library")
    found = _lines(program, _CALL, GOSTITCH_LIBRARY=str(path))

    assert 2 == len(found)
    for line in found:
        assert re.fullmatch(rf"the Go library cannot be loaded: {path}: .*", line)


def test_a_library_of_somebody_else(program: Programs) -> None:
    """A C library without our functions is refused, and which one it misses is told."""
    zlib = next(p for p in Path("/usr/lib").rglob("libz.so*") if p.is_file())
    found = _lines(program, _CALL, GOSTITCH_LIBRARY=str(zlib))

    assert 2 == len(found)
    assert "it does not export gostitch_open, so it is not a gostitch library" in found[0]


def test_after_a_failure_the_right_one(program: Programs, library: Path) -> None:
    """A library that could not be found may be found later."""
    text = f"""
import os, faults, gostitch
try:
    faults.add(1, 2)
except gostitch.LibraryError:
    os.environ["GOSTITCH_LIBRARY"] = {str(library)!r}
print(faults.add(1, 2))
"""

    assert ["3"] == _lines(program, text, GOSTITCH_LIBRARY="/nowhere")


def test_a_relative_path(program: Programs, library: Path, tmp_path: Path) -> None:
    """The variable may name a path relative to the working directory."""
    shutil.copy(library, tmp_path / "mine.so")
    text = "import faults; print(faults.add(1, 2))"

    assert ["3"] == _lines(program, text, GOSTITCH_LIBRARY="mine.so")


def test_another_version(program: Programs) -> None:
    """Package and library of different releases are refused, however often one tries."""
    text = "import gostitch._process\ngostitch._process.VERSION = '9.9.9'\n" + _CALL
    found = _lines(program, text)

    assert 2 == len(found)
    assert found[0] == found[1]
    assert re.fullmatch(
        r"the library \S+ is version \S+ and the Python package is version 9\.9\.9; "
        r"install both from the same release",
        found[0],
    )


def test_a_stale_stub(program: Programs) -> None:
    """A stub generated for another version of a function is refused; others work."""
    text = """
import faults, gostitch
faults.add._declaration.checksum = "0123456789abcdef"
for call in (faults.add, faults.add.submit):
    try:
        call(1, 2)
    except gostitch.LibraryError as error:
        print("contract 0123456789abcdef" in str(error), "generate the stubs again" in str(error))
        print(error.details["function"])
print(faults.echo_list([1]))
"""

    assert ["True True", "faults.add"] * 2 + ["[1]"] == _lines(program, text)


def test_a_function_the_library_lacks(program: Programs) -> None:
    """A stub whose function the library does not have says which ones it has."""
    text = """
import faults, gostitch
try:
    faults.add(1, 2)
except gostitch.LibraryError as error:
    print("has no function 'faults.add'" in str(error), "tasks.hash_tree" in str(error))
"""

    assert ["True True"] == _lines(program, text, GOSTITCH_LIBRARY=None)


def test_from_many_threads_at_once(program: Programs) -> None:
    """Threads that make the first call together load the library once."""
    text = """
import concurrent.futures, threading, faults
barrier = threading.Barrier(16)

def first(i):
    barrier.wait()
    return faults.add(i, 1) if i % 2 else faults.add.submit(i, 1).result()

with concurrent.futures.ThreadPoolExecutor(16) as pool:
    print(list(pool.map(first, range(16))) == list(range(1, 17)))
"""

    assert ["True"] == _lines(program, text)


def test_no_descriptor_is_inherited(program: Programs) -> None:
    """A program started by the process inherits no descriptor of ours."""
    text = """
import os, subprocess, faults
faults.add.submit(1, 2).result()
listing = subprocess.run(["ls", "/proc/self/fd"], capture_output=True, text=True, close_fds=False)
print(listing.stdout.split())
"""

    assert ["['0', '1', '2', '3']"] == _lines(program, text)


def test_goexit_names_the_function(program: Programs) -> None:
    """runtime.Goexit in a call that waits ends the process, which Go forces; stderr says whose."""
    done = program("import faults; faults.goexit()")

    assert done.returncode < 0 or done.returncode == 2
    assert "gostitch: faults.goexit() called runtime.Goexit on a thread of Python" in done.stderr


def test_an_interrupt_in_the_first_call(program: Programs) -> None:
    """Wherever Ctrl-C strikes while the library is loaded, the next call works."""
    text = """
import sys, warnings
import faults

# Between open() and the block that closes it a file is nobody's, as in any program.
warnings.simplefilter("ignore", ResourceWarning)
where = iter(range(10**9))
stop_at = int(sys.argv[1]) if len(sys.argv) > 1 else 0

def strike(frame, event, arg):
    ours = "gostitch" in frame.f_code.co_filename and frame.f_code.co_name != "_tokens"
    if ours and next(where) == stop_at:
        sys.setprofile(None)
        raise KeyboardInterrupt

def attempt(number):
    global where, stop_at
    where, stop_at = iter(range(10**9)), number
    sys.setprofile(strike)
    try:
        faults.add(1, 2)
    except KeyboardInterrupt:
        return False
    finally:
        sys.setprofile(None)
    return True

struck = 0
while not attempt(struck):
    struck += 1
print(struck > 10, faults.add(1, 2), faults.add.submit(1, 2).result(10))
"""
    assert ["True 3 3"] == _lines(program, text)


def test_a_handler_that_calls_while_go_is_loaded(program: Programs) -> None:
    """A signal in the middle of loading: its handler's calls work, and so does the first one."""
    done = program(
        """
import os, signal
import faults
from gostitch import _crashes

begin = _crashes.begin

def interrupted():
    signal.raise_signal(signal.SIGUSR1)
    return begin()

def handler(signum, frame):
    _crashes.begin = begin
    print(faults.add(1, 2), faults.add.submit(3, 4).result(10))

_crashes.begin = interrupted
signal.signal(signal.SIGUSR1, handler)
print(faults.add(5, 6), faults.add.submit(7, 8).result(10))
"""
    )

    assert (0, "3 7\n11 15\n", "") == (done.returncode, done.stdout, done.stderr)


def test_little_address_space(program: Programs) -> None:
    """Where the Go runtime would end the process for want of it, one sentence refuses."""
    done = program(
        """
import resource
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
import faults, gostitch
try:
    faults.add(1, 2)
except gostitch.LibraryError as error:
    print(error)
"""
    )

    assert 0 == done.returncode, done.stderr
    assert "the address space is limited to 1024 MiB (RLIMIT_AS)" in done.stdout
    assert "ulimit -v unlimited" in done.stdout


def test_few_descriptors(program: Programs) -> None:
    """The same for file descriptors, in a forked child too; with one more all works."""
    done = program(
        """
import os, resource, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of fork, from 3.12 on
import faults, gostitch

def limit(files):
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, 1000))

def call():
    try:
        print(faults.add(1, 2), flush=True)
    except gostitch.LibraryError as error:
        print(error, flush=True)

limit(12)
call()
limit(1000)
call()
limit(24)
if os.fork() == 0:
    call()
    limit(1000)
    call()
    os._exit(0)
print(os.wait()[1])
"""
    )

    assert (0, "") == (done.returncode, done.stderr)
    refused, parent, refused_child, child, status = done.stdout.splitlines()
    assert "takes up to 16 file descriptors" in refused
    assert "raise the limit (ulimit -n)" in refused_child
    assert ["3", "3", "0"] == [parent, child, status]
