"""Everything that a process can tell of itself when somebody asks what it is doing."""

from __future__ import annotations

import faulthandler
import os
import sys
import time
from typing import Any, TextIO

from gostitch import _info, _process
from gostitch.operate import _note


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
    from gostitch.operate import _generated

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
    faulthandler.register(signum, file=ours, all_threads=True, chain=False)
    _note.leave(signum, os.fsdecode(place))


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
    with open(os.memfd_create("stacks"), "w+b") as file:
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
    from gostitch.operate import _generated

    return _generated.goroutines()
