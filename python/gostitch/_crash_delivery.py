"""Sending crash reports to Sentry: each once, and only where its own process would have sent to."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable

from gostitch import _crash_files, _crash_owners, _crashes

_MOST = 20  # are sent at one start

_log = logging.getLogger("gostitch")

Send = Callable[[_crashes.CrashReport, _crash_owners.Owner], object]


def owned_by(owner: _crash_owners.Owner | None) -> None:
    """Note whose a crash of this process would be; None: nobody's who sends."""
    path = _crashes.own()
    if path is None:
        return
    if owner is None:
        _crash_files.remove(_crash_files.beside(path))
    else:
        _crash_owners.write(_crash_files.beside(path), owner)


def deliver(dsn: str, send: Send) -> None:
    """Hand over the reports of processes that sent to where this one does, by the hash of that.

    Who fails to send one leaves it to the next process.
    """
    folder = _crashes.folder()
    sent = 0
    for path in [] if folder is None else _crash_files.told(folder):
        if sent == _MOST:
            return
        owner = _crash_owners.read(_crash_files.beside(path))
        if owner is not None and owner.dsn == dsn:
            with contextlib.suppress(OSError):  # another process is faster, or a disk is full
                _deliver(path, owner, send)
                sent += 1


def _deliver(path: str, owner: _crash_owners.Owner, send: Send) -> None:
    # Whoever can rename it has it.
    mine = f"{path.removesuffix(_crash_files.TOLD)}.{os.getpid()}"
    os.rename(path, mine)
    report = _read(mine)
    try:
        if report is not None:
            send(_crashes.owned(report, owner), owner)
    except Exception:
        os.rename(mine, path)
        raise
    os.unlink(mine)
    _crash_files.remove(_crash_files.beside(path))


def _read(path: str) -> _crashes.CrashReport | None:
    """Read a report; None if somebody has put something else there."""
    pid = int(os.path.basename(path).partition("-")[0])
    fd = _crash_files.open_own(path)
    if fd is None:
        return None
    try:
        when = _crashes.time_of(os.fstat(fd).st_mtime)
        return _crashes.parse(pid, when, _crashes.text_of(fd))
    finally:
        os.close(fd)
