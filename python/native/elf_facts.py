"""What a shared library says about itself."""

from __future__ import annotations

import io
import re
from typing import NamedTuple

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

MACHINES = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64"}


class ElfFacts(NamedTuple):
    """One shared library, as it stands in a wheel."""

    name: str
    size: int
    machine: str
    glibc: tuple[int, ...]
    libraries: tuple[str, ...]
    search_paths: tuple[str, ...]
    stripped: bool


def read(name: str, data: bytes) -> ElfFacts:
    """Read the facts of a shared library."""
    elf = ELFFile(io.BytesIO(data))
    dynamic = next(part for part in elf.iter_sections() if isinstance(part, DynamicSection))
    versions = [
        version.name
        for part in elf.iter_sections()
        if isinstance(part, GNUVerNeedSection)
        for _, wanted in part.iter_versions()
        for version in wanted
    ]
    names = [part.name for part in elf.iter_sections()]
    return ElfFacts(
        name=name,
        size=len(data),
        machine=MACHINES.get(elf["e_machine"], elf["e_machine"]),
        glibc=max(map(_glibc, versions), default=(0,)),
        libraries=tuple(tag.needed for tag in dynamic.iter_tags("DT_NEEDED")),
        search_paths=tuple(
            getattr(tag, kind)
            for kind in ("rpath", "runpath")
            for tag in dynamic.iter_tags(f"DT_{kind.upper()}")
        ),
        stripped=not any(name == ".symtab" or name.startswith(".debug") for name in names),
    )


def _glibc(version: str) -> tuple[int, ...]:
    found = re.fullmatch(r"GLIBC_([0-9.]+)", version)
    return tuple(map(int, found[1].split("."))) if found else (0,)
