"""The copies of the library's file that forked children load, without forking."""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from gostitch._copies import Original
from gostitch._process import bridge

_CONTENT = b"\x7fELF and the rest" * 1000

# fcntl(2), F_ADD_SEALS: what each seal forbids, and its number in linux/fcntl.h.
_FORBIDDEN: dict[str, Callable[[int], object]] = {
    "more seals (F_SEAL_SEAL)": lambda fd: fcntl.fcntl(fd, 1033, 0x0010),
    "shrinking (F_SEAL_SHRINK)": lambda fd: os.ftruncate(fd, 1),
    "growing (F_SEAL_GROW)": lambda fd: os.ftruncate(fd, len(_CONTENT) + 1),
    "writing (F_SEAL_WRITE)": lambda fd: os.pwrite(fd, b"x", 0),
    "mapping to write (F_SEAL_WRITE)": lambda fd: mmap.mmap(fd, 0, mmap.MAP_SHARED),
}


@pytest.mark.parametrize("what", _FORBIDDEN)
@pytest.mark.parametrize("shared", [True, False])
def test_a_copy_in_memory_stays_as_it_is(tmp_path: Path, what: str, shared: bool) -> None:
    """Code runs in it, in siblings too: fcntl(2) has each seal refuse its change with EPERM.

    One that shrank would end them with SIGBUS.
    """
    (tmp_path / "library.so").write_bytes(_CONTENT)
    original = Original(str(tmp_path / "library.so"), bridge.memory_file)
    if not shared and original._shared is not None:
        original._shared.close()
    names: list[str] = []
    own, _ = original.load_copy(names.append)
    try:
        (name,) = names
        fd = own._file.number()
        assert name.startswith("/proc/self/fd/")
        assert _CONTENT == os.pread(fd, 2 * len(_CONTENT), 0)
        with pytest.raises(PermissionError) as refused:
            _FORBIDDEN[what](fd)
        assert errno.EPERM == refused.value.errno
        assert _CONTENT == os.pread(fd, 2 * len(_CONTENT), 0)
    finally:
        own.close()


def test_a_file_in_memory_is_closed_on_exec_and_may_be_run() -> None:
    """memfd_create(2): MFD_CLOEXEC; without MFD_NOEXEC_SEAL it is executable."""
    fd = bridge.memory_file(b"name")
    try:
        assert fcntl.fcntl(fd, fcntl.F_GETFD) & fcntl.FD_CLOEXEC
        assert os.fstat(fd).st_mode & 0o111
        assert "/memfd:name (deleted)" == os.readlink(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)
