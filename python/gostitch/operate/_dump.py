"""Everything that a process can tell of itself when somebody asks what it is doing."""

from __future__ import annotations

import contextlib
import faulthandler
import os
import sys
import time
from typing import Any, TextIO

from gostitch import _info, _process
from gostitch._copies import Descriptor
from gostitch.operate import _generated, _note


def dump_text() -> str:
    """Give the state of this process: versions, calls in flight, Python's stacks, goroutines.

    Loads nothing; may take some milliseconds where there are many goroutines.
    """
    info = _info.runtime_info()
    parts = [
        f"gostitch {info['version']}, process {info['pid']}, "
        f"{time.strftime('%Y-%m-%d %H:%M:%S%z')}, Python {sys.version.split()[0]}",
        _section("Calls in flight, the oldest first", _calls(info)),
        _section("Runtime", _facts(info)),
        _section("Python threads", _python_stacks()),
        _section("Goroutines", _goroutines()),
    ]
    return "\n\n".join(parts) + "\n"


def dump(file: TextIO | None = None) -> None:
    """Write the state of this process to a text file, standard error by default."""
    print(dump_text(), end="", file=file or sys.stderr, flush=True)


def dump_on_signal(signum: int, path: str | os.PathLike[str]) -> None:
    """Append the state of this process to a file whenever a signal arrives.

    Works while the main thread is stuck in Go or in a C extension, even with the GIL:
    Python's stacks are written by ``faulthandler``, the rest by Go. Loads the
    library; choose a signal that nobody else handles, such as ``signal.SIGUSR2``. Call it again in
    a forked child. The file is made at once, for this user alone. ``gostitch doctor --pid`` then
    asks the process and prints what it appends.

    Raises ``OSError`` if the file cannot be written, ``ValueError`` or ``RuntimeError`` if the
    signal cannot be handled.
    """
    place = os.path.abspath(path)
    stacks, ours = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(stacks, False)
    try:
        _generated.write_dumps(stacks, place)
    except BaseException:
        os.close(stacks)
        os.close(ours)
        raise
    # The descriptor stays open for as long as the signal may come.
    try:
        faulthandler.register(signum, file=ours, all_threads=True, chain=False)
    except BaseException:
        os.close(ours)  # which ends what Go does
        raise
    before = _ends.pop(signum, None)
    _ends[signum] = Descriptor(ours)
    if before is not None:
        before.close()
    _note.leave(signum, os.fsdecode(place))


_ends: dict[int, Descriptor] = {}
"""The descriptor that Python's stacks are written to, by signal."""


def _after_fork_in_child() -> None:
    # The parent's goroutine reads what is written there, and would take the child's
    # threads for its process's; the signal must not end the child either.
    while _ends:
        _, end = _ends.popitem()
        with contextlib.suppress(OSError):  # somebody has closed it
            nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.dup2(nowhere, end.number(), inheritable=False)
            finally:
                os.close(nowhere)


os.register_at_fork(after_in_child=_after_fork_in_child)


def _section(title: str, text: str) -> str:
    return f"{title}\n{'-' * len(title)}\n{text.rstrip()}"


def _calls(info: dict[str, Any]) -> str:
    if not info["in_flight"]:
        return "none"
    return "\n".join(
        f"{call['age_s']:10.3f} s  {call['function']}"
        + ("  submitted" if call["submitted"] else "  waited for")
        + ("  its context has ended" if call["ended"] else "")
        + (f"  trace {call['trace_id']}" if call["trace_id"] else "")
        for call in info["in_flight"]
    )


def _facts(info: dict[str, Any]) -> str:
    left_out = {"in_flight", "functions", "version", "pid"}
    return "\n".join(f"{name}: {value}" for name, value in info.items() if name not in left_out)


def _python_stacks() -> str:
    # In memory, as there may be no place for files.
    with open(_process.bridge.memory_file(b"stacks"), "w+b") as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        return os.fsdecode(file.read())


def _goroutines() -> str:
    if _process.loaded() is None:
        return "Go is not loaded"
    try:
        _process.refuse_if_closed()
    except Exception as error:
        return str(error)
    return _generated.goroutines()
