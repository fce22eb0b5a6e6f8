"""Asking another process what it is doing, by the signal that it has arranged for that.

``gostitch.dump_on_signal`` leaves a note of signal and file for it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import time
from pathlib import Path
from typing import Any, BinaryIO

from gostitch.operate import _note

_POLL_S = 0.02
_END = "\nEnd of dump\n"


class AskError(Exception):
    """Why a process cannot be asked."""


def ask(pid: int, timeout_s: float) -> str:
    """Give the dump of another process, which it appends to its file as well.

    Raises ``AskError`` with the reason, where it cannot be asked or does not answer.
    """
    note = _note_of(pid)
    signum, path = int(note["signal"]), str(note["path"])
    # Not all real-time signals have a name.
    name = next((each.name for each in signal.Signals if each == signum), f"signal {signum}")
    if not _handles(pid, signum):
        raise AskError(
            f"process {pid} no longer handles {name}, which it had chosen for dumps; call "
            "gostitch.dump_on_signal() after whatever else sets handlers"
        )
    file = Path(f"/proc/{pid}/root{path}")  # as the process sees it, in a container too
    try:
        before = file.stat().st_size if file.exists() else 0
        os.kill(pid, signum)
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            time.sleep(_POLL_S)
            with _open(file) as dumps:
                dumps.seek(before)
                text = dumps.read().decode(errors="replace")
            if text.endswith(_END):
                return text
    except OSError as error:
        raise AskError(f"the dump of process {pid} cannot be read: {error}") from None
    raise AskError(
        f"process {pid} was sent {name} and wrote nothing to {path} within {timeout_s:g} s; it is "
        "stopped, or gets no processor, or its disk is full"
    )


def _open(path: Path) -> BinaryIO:
    """Open a file of the process asked, which is not waited for where it is none."""
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(f"{path} is no file")
    return os.fdopen(fd, "rb")


def _note_of(pid: int) -> dict[str, Any]:
    folder = Path(f"/proc/{pid}/fd")
    try:
        for each in folder.iterdir():
            if _points_to_note(each):
                note: dict[str, Any] = json.loads(each.read_text())
                if note["pid"] == _own_number(pid):
                    return note
    except FileNotFoundError:
        raise AskError(f"there is no process {pid}") from None
    except PermissionError:
        raise AskError(
            f"process {pid} is another user's; run gostitch doctor as that user or as root"
        ) from None
    raise AskError(
        f"process {pid} cannot be asked, as it has not called gostitch.dump_on_signal(signum, "
        "path); each process must for itself, a forked worker after the fork"
    )


def _points_to_note(descriptor: Path) -> bool:
    try:
        return os.readlink(descriptor).startswith(f"/memfd:{_note.NAME}")
    except FileNotFoundError:
        return False  # closed meanwhile


def _status(pid: int, name: str) -> str:
    text = Path(f"/proc/{pid}/status").read_text(errors="replace")
    found = re.search(rf"^{name}:\s*(.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def _own_number(pid: int) -> int:
    """Give the number by which a process knows itself, in a container another one."""
    return int((_status(pid, "NSpid") or str(pid)).split()[-1])


def _handles(pid: int, signum: int) -> bool:
    return bool(int(_status(pid, "SigCgt") or "0", 16) >> (signum - 1) & 1)
