"""Files in a folder that others may have put things into: none is waited for or followed."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import time
from collections.abc import Iterator

TOLD = ".told"
"""What a report ends with that was logged, and is to be sent to Sentry."""

NAME = r"(?P<pid>[0-9]{1,10})-(?P<start>[0-9]*)-(?P<space>[0-9]+)\.crash"
_STEM = r"[0-9]{1,10}-[0-9]*-[0-9]+"
_NAME_OF_TOLD = rf"{_STEM}\{TOLD}"
_NAME_OF_OWNER = rf"{_STEM}\.json(\.new)?"
_NAME_OF_TAKEN = rf"{_STEM}\.[0-9]+"  # by a process that has not come to its end

_MOST_FILES = 200  # are left of a kind
FORGOTTEN_AFTER_S = 30 * 86400.0  # an empty file of another container, and what nobody sends
_STRAY_AFTER_S = 60.0  # who has written whose a report is has the report

_SAFE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_PLANTED = (errno.ELOOP, errno.ENXIO)
"""What opening a symbolic link, and a socket or a device that is none, ends with."""


def make(path: str) -> None:
    """Make an empty file; whatever has its name already is removed, and never opened."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _SAFE
    try:
        fd = os.open(path, flags, 0o600)
    except FileExistsError:  # of the program that this process was before exec, or planted
        os.unlink(path)
        fd = os.open(path, flags, 0o600)
    os.close(fd)


def replace(path: str, content: bytes) -> None:
    """Give a file another content: who opens it finds one or the other."""
    new = f"{path}.new"
    make(new)
    fd = os.open(new, os.O_WRONLY | _SAFE)
    try:
        while content:
            content = content[os.write(fd, content) :]
    finally:
        os.close(fd)
    os.replace(new, path)


def open_own(path: str) -> int | None:
    """Open a file of this user for reading, and give the descriptor; None: it is none.

    A symbolic link, a pipe, a device, a directory, a socket, a second name of a file and a
    file of somebody else are none. Raises ``OSError`` where it cannot be opened.
    """
    try:
        fd = os.open(path, os.O_RDONLY | _SAFE)
    except OSError as error:
        if error.errno in _PLANTED:
            return None
        raise
    found = os.fstat(fd)
    if stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and found.st_nlink == 1:
        return fd
    os.close(fd)
    return None


def read(fd: int, most: int) -> bytes:
    """Read a file from its beginning, up to a bound."""
    parts = []
    while most > 0 and (part := os.read(fd, most)):
        parts.append(part)
        most -= len(part)
    return b"".join(parts)


def beside(path: str) -> str:
    """Give the file that says whose a report is."""
    return f"{os.path.splitext(path)[0]}.json"


def remove(path: str) -> None:
    """Remove a file, if it is there and can be."""
    with contextlib.suppress(OSError):
        os.unlink(path)


def reports(folder: str) -> Iterator[str]:
    """Give the reports in a folder, oldest first; what is beyond the bounds is removed."""
    with contextlib.suppress(OSError):
        names = os.listdir(folder)
        _forget(folder, names)
        _bounded(folder, names, _NAME_OF_TOLD)
        yield from _bounded(folder, names, NAME)


def told(folder: str) -> list[str]:
    """Give the files of reports that were logged, and are to be sent, oldest first."""
    try:
        return _bounded(folder, os.listdir(folder), _NAME_OF_TOLD)
    except OSError:
        return []


def _bounded(folder: str, names: list[str], pattern: str) -> list[str]:
    """Return the files with such names, oldest first, and remove those beyond the bound."""
    fitting = filter(re.compile(pattern).fullmatch, names)
    files = sorted((os.path.join(folder, name) for name in fitting), key=modified)
    for each in files[:-_MOST_FILES]:
        remove(each)
        remove(beside(each))
    return files[-_MOST_FILES:]


def _forget(folder: str, names: list[str]) -> None:
    """Remove what nobody has sent for long, and what says whose a report is that is not there."""
    reports = {name.partition(".")[0] for name in names if name.endswith((".crash", TOLD))}
    for name in names:
        if re.fullmatch(f"{_NAME_OF_TOLD}|{_NAME_OF_TAKEN}", name):
            patience = FORGOTTEN_AFTER_S
        elif not re.fullmatch(_NAME_OF_OWNER, name) or name.removesuffix(".json") in reports:
            continue
        else:
            patience = _STRAY_AFTER_S
        path = os.path.join(folder, name)
        if time.time() - modified(path) > patience:
            remove(path)


def modified(path: str) -> float:
    """Return when a file was written, in seconds since 1970; 0 if it is not there."""
    try:
        return os.lstat(path).st_mtime
    except OSError:
        return 0.0
