"""Files in a folder that others may have put things into: none is waited for or followed."""

from __future__ import annotations

import errno
import os
import stat

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
