"""What Go writes into every binary it builds: its version and the module."""

from __future__ import annotations

from typing import NamedTuple

from gostitch import _elf

_MAGIC = b"\xff Go buildinf:"
_INLINE = 2  # the flag of Go 1.18 and later: the strings follow the header
_STRINGS = 32
_SENTINEL = 16  # bytes around the module's text


class GoBuild(NamedTuple):
    """How a Go library was built; what its build did not record is None."""

    go_version: str | None
    package: str | None


def read(elf: _elf.Elf) -> GoBuild | None:
    """Give the build information of a Go binary, None for anything else."""
    if ".go.buildinfo" not in elf.sections:
        return None
    data = elf.bytes_of(".go.buildinfo")
    if not data.startswith(_MAGIC) or len(data) <= _STRINGS or not data[15] & _INLINE:
        return GoBuild(None, None)
    version, after = _string(data, _STRINGS)
    module, _ = _string(data, after)
    lines = module[_SENTINEL:-_SENTINEL].decode(errors="replace").splitlines()
    package = next((line.split("\t")[1] for line in lines if line.startswith("path\t")), None)
    return GoBuild(version.decode(errors="replace") or None, package)


def of_library(path: str) -> GoBuild | None:
    """Give the build information of a Go shared library; None if it is none or unreadable."""
    try:
        with _elf.Elf(path) as elf:
            return read(elf)
    except (OSError, _elf.NotElf):
        return None


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    """Read a string behind its length, which is a varint."""
    length = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return data[at : at + length], at + length
