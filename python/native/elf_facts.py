"""What a shared library says about itself."""

from __future__ import annotations

import io
import re
import zlib
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
    build_id: str
    link: tuple[str, int] | None
    """The name of its symbols file and the CRC of that, as debuggers read them."""


class SymbolFacts(NamedTuple):
    """The file with the symbols of a library."""

    name: str
    machine: str
    build_id: str
    crc: int
    functions: dict[str, int]


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
    link = elf.get_section_by_name(".gnu_debuglink")
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
        build_id=_build_id(elf),
        link=None if link is None else _link(link.data()),
    )


def read_symbols(name: str, data: bytes) -> SymbolFacts:
    """Read the facts of a symbols file."""
    elf = ELFFile(io.BytesIO(data))
    table = elf.get_section_by_name(".symtab")
    return SymbolFacts(
        name=name,
        machine=MACHINES.get(elf["e_machine"], elf["e_machine"]),
        build_id=_build_id(elf),
        crc=zlib.crc32(data),
        functions={
            symbol.name: symbol["st_value"]
            for symbol in (table.iter_symbols() if table else ())
            if symbol["st_info"]["type"] == "STT_FUNC"
        },
    )


def _build_id(elf: ELFFile) -> str:
    section = elf.get_section_by_name(".note.gnu.build-id")
    return "" if section is None else next(section.iter_notes())["n_desc"]


def _link(data: bytes) -> tuple[str, int]:
    return data.partition(b"\0")[0].decode(), int.from_bytes(data[-4:], "little")


def _glibc(version: str) -> tuple[int, ...]:
    found = re.fullmatch(r"GLIBC_([0-9.]+)", version)
    return tuple(map(int, found[1].split("."))) if found else (0,)
