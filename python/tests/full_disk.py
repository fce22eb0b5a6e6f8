"""Disks that are full, for programs in processes of their own.

A tiny tmpfs in a mount namespace of the program is a real one; a file-size
limit stands in for it where mounting is not allowed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SIZE = 1 << 20
"""Bytes that fit on a full disk, or into one file of it."""

_CLONE_NEWNS, _CLONE_NEWUSER = 0x00020000, 0x10000000
_MS_RDONLY, _MS_REMOUNT, _MS_BIND = 0x1, 0x20, 0x1000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000
_libc = ctypes.CDLL(None, use_errno=True)


class LimitedDisk:
    """A folder on a disk with room enough, in a process that may write small files only."""

    errno = errno.EFBIG
    text = "file too large; raise the file-size limit of this process"

    def __init__(self, folder: Path, size: int = SIZE) -> None:
        self.folder = folder
        folder.mkdir()
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, self._limits[1]))

    def make_room(self) -> None:
        """Let the process write files of any size again."""
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)


class TinyDisk:
    """A tmpfs that only this process sees."""

    errno = errno.ENOSPC
    text = "no space left on device; make room on that disk"

    def __init__(self, folder: Path, size: int = SIZE, inodes: int = 0) -> None:
        self.folder = folder
        folder.mkdir()
        own_mounts()
        self._mount(0, f"size={size},nr_inodes={inodes}")

    def make_room(self) -> None:
        """Make the disk large."""
        self._mount(_MS_REMOUNT, f"size={64 * SIZE},nr_inodes=0")

    def _mount(self, flags: int, options: str) -> None:
        _call("mount", b"tmpfs", os.fsencode(self.folder), b"tmpfs", flags, options.encode())


def own_mounts() -> None:
    """Enter a mount namespace, as root or in a user namespace where one is root."""
    if os.geteuid() == 0:
        _call("unshare", _CLONE_NEWNS)
    else:
        user, group = os.geteuid(), os.getegid()
        _call("unshare", _CLONE_NEWNS | _CLONE_NEWUSER)
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1")
    _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)


def remount_read_only(point: str) -> None:
    """Let nothing be written below a mount point, in this process and its children."""
    flags = _MS_REMOUNT | _MS_BIND | _MS_RDONLY
    _call("mount", b"none", os.fsencode(point), None, flags, None)


def _call(name: str, *arguments: bytes | int | None) -> None:
    given = [ctypes.c_ulong(each) if isinstance(each, int) else each for each in arguments]
    if getattr(_libc, name)(*given) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def kinds() -> list[str]:
    """Give the classes of disks that can be had here."""
    probe = "import pathlib, sys, full_disk; full_disk.TinyDisk(pathlib.Path(sys.argv[1]))"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", probe, f"{folder}/disk"],
            cwd=Path(__file__).parent,
            capture_output=True,
            check=False,
            timeout=20,
        )
    return ["LimitedDisk"] if done.returncode else ["LimitedDisk", "TinyDisk"]
