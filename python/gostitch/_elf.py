"""A reader of ELF files that knows just enough to tell what a shared library needs.

It reads headers and the sections asked for, never the whole file, so that
hundreds of libraries can be looked at in a moment. Only the section table is
used; a library without one (few tools take it away) shows no sections.
"""

from __future__ import annotations

import os
import re
import stat
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

MACHINES = {"x86_64": 62, "aarch64": 183, "i686": 3, "armv7l": 40, "ppc64le": 21, "riscv64": 243}
"""The numbers ELF has for what ``platform.machine()`` names."""

MACHINE_NAMES = {number: name for name, number in MACHINES.items()} | {22: "s390x"}

_SHARED = 3  # ET_DYN
_NO_BITS = 8  # SHT_NOBITS: a section without bytes in the file
_LARGEST_TABLE = 64 << 20  # more than any real string or symbol table that we read


class NotElf(Exception):  # noqa: N818 - it says what the file is
    """The file is not an ELF file, or a damaged one; the text says which."""


class Section(NamedTuple):
    """A row of the section table."""

    name: str
    kind: int
    offset: int
    size: int


class Elf:
    """An open ELF file; use it as a context manager."""

    def __init__(self, path: str) -> None:
        if not stat.S_ISREG(os.stat(path).st_mode):  # to open a device may do something
            raise NotElf("it is not a regular file")
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._read_header()
            self.sections = {section.name: section for section in self._read_sections()}
        except (struct.error, IndexError, ValueError, OverflowError) as error:
            os.close(self._fd)
            raise NotElf("it is a damaged ELF file") from error
        except BaseException:
            os.close(self._fd)
            raise

    def __enter__(self) -> Elf:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)

    def _read_header(self) -> None:
        head = os.pread(self._fd, 64, 0)
        if head[:4] != b"\x7fELF":
            raise NotElf("it is not an ELF file" if head else "it is empty")
        self.bits = {1: 32, 2: 64}[head[4]] if head[4] in (1, 2) else 0
        self.order = ">" if head[5] == 2 else "<"
        kind, self.machine = struct.unpack_from(self.order + "HH", head, 16)
        self.is_shared = kind == _SHARED
        if self.bits == 64:
            self._table = struct.unpack_from(self.order + "Q", head, 40)[0]
            self._row, self._rows, self._names = struct.unpack_from(self.order + "HHH", head, 58)
        else:
            self._table = struct.unpack_from(self.order + "I", head, 32)[0]
            self._row, self._rows, self._names = struct.unpack_from(self.order + "HHH", head, 46)

    def _read_sections(self) -> list[Section]:
        if not self._table or not self._rows:
            return []
        table = os.pread(self._fd, self._row * self._rows, self._table)
        form = self.order + ("IIQQQQ" if self.bits == 64 else "IIIIII")
        rows = [struct.unpack_from(form, table, i * self._row) for i in range(self._rows)]
        _, _, _, _, offset, size = rows[self._names]
        names = self._at(offset, size)
        return [
            Section(_text(names, row[0]), kind=row[1], offset=row[4], size=row[5]) for row in rows
        ]

    def _at(self, offset: int, size: int) -> bytes:
        if size > _LARGEST_TABLE:
            raise ValueError("a section is too large to be true")
        return os.pread(self._fd, size, offset)

    def bytes_of(self, section: str) -> bytes:
        """Give the bytes of a section; none if there is no such section."""
        found = self.sections.get(section)
        if found is None or found.kind == _NO_BITS:
            return b""
        try:
            return self._at(found.offset, found.size)
        except (ValueError, OverflowError) as error:
            raise NotElf("it is a damaged ELF file") from error

    def exports(self, name: str) -> bool:
        """Tell whether the library defines a dynamic symbol."""
        names, wanted = self.bytes_of(".dynstr"), name.encode() + b"\0"
        form = self.order + ("IBBHQQ" if self.bits == 64 else "IIIBBH")
        at_section = 3 if self.bits == 64 else 5
        for row in _rows(form, self.bytes_of(".dynsym")):
            if row[at_section] and names.startswith(wanted, row[0]):
                return True
        return False

    def wanted_libraries(self) -> list[str]:
        """Give the names of the libraries that must be there (DT_NEEDED)."""
        dynamic, names = self.bytes_of(".dynamic"), self.bytes_of(".dynstr")
        form = self.order + ("qQ" if self.bits == 64 else "iI")
        return [_text(names, value) for tag, value in _rows(form, dynamic) if tag == 1]

    def oldest_glibc(self) -> tuple[int, ...] | None:
        """Give the oldest glibc that has all the symbol versions the library needs."""
        return max(glibc_versions(self.bytes_of(".gnu.version_r"), self), default=None)

    def static_tls_bytes(self) -> int:
        """Give the size of the thread-local variables, which Go needs in the static block."""
        return sum(
            self.sections[name].size for name in (".tdata", ".tbss") if name in self.sections
        )


def glibc_versions(needs: bytes, elf: Elf) -> list[tuple[int, ...]]:
    """Give the versions of glibc that the section .gnu.version_r names."""
    names = elf.bytes_of(".dynstr")
    found, at = [], 0
    try:
        while True:
            _, count, _, first, following = struct.unpack_from(elf.order + "HHIII", needs, at)
            entry = at + first
            for _ in range(count):
                _, _, _, name, further = struct.unpack_from(elf.order + "IHHII", needs, entry)
                version = re.fullmatch(r"GLIBC_(\d+(?:\.\d+)+)", _text(names, name))
                if version:
                    found.append(tuple(map(int, version[1].split("."))))
                entry += further
            if not following:
                return found
            at += following
    except struct.error:  # no such section, or a damaged one
        return found


def _rows(form: str, data: bytes) -> Iterator[tuple[Any, ...]]:
    """Read a table, without what is left over at its end in a damaged file."""
    return struct.iter_unpack(form, data[: len(data) - len(data) % struct.calcsize(form)])


def _text(names: bytes, offset: int) -> str:
    end = names.find(b"\0", offset)
    return names[offset : end if end >= 0 else None].decode(errors="replace")
