"""Which platforms a library runs on, as the last part of a wheel's name."""

from __future__ import annotations

import re
from pathlib import Path

from gostitch._elf import MACHINE_NAMES, Elf

# What every Linux with glibc has.
_GLIBC = re.compile(r"(ld-linux[-\w]*|lib(c|dl|m|pthread|resolv|rt|util))\.so\.\d+")
_OLDEST = (2, 17)  # manylinux2014, the oldest that pip still names by number


def of_library(path: Path) -> str:
    """Give the tag: the glibc that the library needs, if it needs nothing else."""
    with Elf(str(path)) as elf:
        machine = MACHINE_NAMES.get(elf.machine, "unknown")
        glibc = elf.oldest_glibc()
        others = [name for name in elf.wanted_libraries() if not _GLIBC.fullmatch(name)]
    if others or glibc is None:
        return f"linux_{machine}"
    major, minor = max(glibc[:2], _OLDEST)
    return f"manylinux_{major}_{minor}_{machine}"
