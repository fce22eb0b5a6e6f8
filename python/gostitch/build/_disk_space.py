"""Tell that a build failed for want of disk space, from what was said or what is left.

gostitch's own build uses this module too, from ``python/native/shipped.py``.
"""

from __future__ import annotations

import os
import re
import resource
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

_FULL = re.compile(
    r"no space left on device|disk quota exceeded|no usable temporary directory", re.I
)
_LIMITED = re.compile(r"file too large|file size limit exceeded|SIGXFSZ", re.I)

_MAKE_ROOM = "make room, or point TMPDIR and GOCACHE to folders on a disk that has some"
_RAISE_LIMIT = "raise the limit, with 'ulimit -f unlimited'"

_LITTLE = 1 << 20
"""Bytes below which a disk is full for a compiler, which may have removed what it wrote."""


def lines(said: str) -> str:
    """Give the first lines that say so, without what follows from them."""
    found = [line for line in said.splitlines() if _FULL.search(line) or _LIMITED.search(line)]
    return "\n".join(found[:3])


def reason(said: str) -> str | None:
    """Give cause and remedy if something that was said tells of a full disk."""
    if _FULL.search(said):
        return f"the disk is full; {_MAKE_ROOM}"
    if _LIMITED.search(said):
        return f"a file grew beyond the file-size limit of this process; {_RAISE_LIMIT}"
    return None


def shortage(folders: Iterable[str | Path]) -> str | None:
    """Give cause and remedy if the disk of a folder is full, for tools that nobody listened to."""
    for folder in folders:
        try:
            disk = os.statvfs(folder)
        except OSError:
            continue
        if disk.f_bavail * disk.f_frsize < _LITTLE or (disk.f_files and not disk.f_favail):
            return f"the disk of {folder} is full; {_MAKE_ROOM}"
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    if limit != resource.RLIM_INFINITY:
        return f"this process may write files of {limit} bytes at most; {_RAISE_LIMIT}"
    return None


def _tell_unless_full(unraisable: sys.UnraisableHookArgs) -> None:
    if reason(str(unraisable.exc_value)) is None:
        sys.__unraisablehook__(unraisable)


@contextmanager
def explained() -> Iterator[None]:
    """Exit with one sentence where something inside could not write for want of space."""
    # An archive that could not be written says so again, at length, when it is finalized:
    # before the exception arrives here, or at the end of the process.
    before, sys.unraisablehook = sys.unraisablehook, _tell_unless_full
    try:
        yield
    except (Exception, SystemExit) as error:
        said = str(error)
        full = reason(said)
        if full is None or full in said:
            sys.unraisablehook = before
            raise
        sys.exit(f"{lines(said)[:400]}\ngostitch: nothing was built: {full}")
    sys.unraisablehook = before
