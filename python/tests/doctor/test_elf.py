"""The reader of ELF files, on real libraries and on damaged ones."""

from __future__ import annotations

import _ctypes
import platform
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gostitch import _elf
from gostitch.doctor import _go_build


def test_a_go_library(library: Path) -> None:
    """Of a Go library its machine, exports, needs and build are read."""
    with _elf.Elf(str(library)) as elf:
        assert (64, True) == (elf.bits, elf.is_shared)
        assert _elf.MACHINES[platform.machine()] == elf.machine
        assert elf.exports("gostitch_open")
        assert not elf.exports("malloc")  # wanted, not exported
        assert not elf.exports("gostitch_ope")
        assert "libc.so.6" in elf.wanted_libraries()
        assert (2, 2) < (elf.oldest_glibc() or ()) < (3,)
        assert 8 == elf.static_tls_bytes()
        build = _go_build.read(elf)

    assert build is not None
    assert str(build.go_version).startswith("go1.")
    assert "github.com/gostitch/gostitch/gocore/cmd/libfaults" == build.package


def test_a_c_library() -> None:
    """A library that is not Go has no Go build."""
    assert None is _go_build.of_library(_ctypes.__file__)


def test_what_is_no_file(tmp_path: Path) -> None:
    """Folders, devices and pipes are refused without being opened."""
    for path in (str(tmp_path), "/dev/null"):
        with pytest.raises(_elf.NotElf, match="not a regular file"):
            _elf.Elf(path)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.dictionaries(st.integers(0, 4095), st.integers(0, 255), max_size=12),
    cut=st.integers(0, 4096),
)
def test_damaged_files(tmp_path: Path, changes: dict[int, int], cut: int) -> None:
    """Whatever the bytes are, the answer is a value or NotElf."""
    content = bytearray(Path(_ctypes.__file__).read_bytes())
    table = int.from_bytes(content[40:48], "little")
    for at, byte in changes.items():
        # Half of them in the header, half in the section table.
        content[at % 64 if at % 2 else min(table + at, len(content) - 1)] = byte
    path = tmp_path / "damaged.so"
    path.write_bytes(content[: len(content) - cut])
    try:
        with _elf.Elf(str(path)) as elf:
            elf.exports("x")
            elf.wanted_libraries()
            elf.oldest_glibc()
            elf.static_tls_bytes()
            _go_build.read(elf)
    except _elf.NotElf:
        pass
