"""The checks that a release wheel must pass; each gives sentences, none if all is well."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import elf_facts
from elf_facts import ElfFacts, SymbolFacts
from shipped import symbols, targets

OLDEST_GLIBC = (2, 17)
BEFORE_THEIR_TIME = {
    "PyBuffer_FillInfo",
    "PyBuffer_Release",
    "PyObject_GetBuffer",
    "PyVectorcall_Call",
}
"""What 3.10 has but was promised later; ``compat.h`` says why that is safe."""


def libraries(wheel: Path) -> list[ElfFacts]:
    """Read the shared libraries in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".so"))
        return [elf_facts.read(name, archive.read(name)) for name in names]


def symbols_files(wheel: Path) -> dict[str, SymbolFacts]:
    """Read the files of a wheel that have the symbols of its libraries."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.endswith(symbols.SUFFIX)]
        return {name: elf_facts.read_symbols(name, archive.read(name)) for name in names}


def problems(wheel: Path, target: targets.Target) -> Iterator[str]:
    """Give everything that is wrong with a wheel."""
    for library in libraries(wheel):
        yield from (f"{library.name} {what}" for what in complaints(library, target))
        if Path(library.name).name.startswith("lib"):
            of = symbols_files(wheel).get(library.name + symbols.SUFFIX)
            yield from (f"{library.name} {what}" for what in without_symbols(library, of))
    shown = _tool("auditwheel", "show", wheel).stdout
    found = re.search(r'platform\s+tag:\s+"manylinux_(\d+)_(\d+)_(\w+?)"', shown)
    if found is None:
        yield f"auditwheel sees no manylinux platform in it:\n{shown}"
    elif (int(found[1]), int(found[2])) > OLDEST_GLIBC or found[3] != target.machine:
        yield f"auditwheel says manylinux_{found[1]}_{found[2]}_{found[3]}:\n{shown}"
    # PyInstaller wants a dash in the name of a hook, which is then no module (W004).
    contents = _tool("check-wheel-contents", "--ignore", "W004", wheel)
    if contents.returncode != 0:
        yield f"check-wheel-contents complains:\n{contents.stdout}{contents.stderr}"
    yield from stable_abi(json.loads(_tool("abi3audit", "--report", wheel).stdout))


def complaints(library: ElfFacts, target: targets.Target) -> Iterator[str]:
    """Give what is wrong with one shared library."""
    if library.machine != target.machine:
        yield f"is for {library.machine}, not for {target.machine}"
    if library.glibc > OLDEST_GLIBC:
        yield f"needs glibc {'.'.join(map(str, library.glibc))}, newer than manylinux2014 has"
    if not library.stripped:
        yield "is not stripped"
    if ".abi3" in library.name and not library.name.endswith(".abi3.so"):
        yield "has a name that only CPython 3.15 and newer ones look for"
    if library.search_paths:
        yield f"searches for libraries in {library.search_paths}, folders of the builder"


def without_symbols(library: ElfFacts, of: SymbolFacts | None) -> Iterator[str]:
    """Give what keeps profilers from the symbols of a Go library."""
    if of is None:
        yield "has no symbols file beside it"
        return
    if (of.machine, of.build_id) != (library.machine, library.build_id) or not of.build_id:
        yield f"is of another build than {of.name}"
    if library.link != (Path(of.name).name, of.crc):
        yield f"names {library.link} as its symbols file, not {of.name}"
    if not any(name.endswith("gocore.Execute") for name in of.functions):
        yield f"has no functions of the core in {of.name}"


def stable_abi(report: dict[str, Any]) -> Iterator[str]:
    """Give what a report of abi3audit has against the extensions of a wheel."""
    for audit in report["specs"].values():
        for extension in audit["wheel"]:
            result = extension["result"]
            unstable = result["non_abi3_symbols"]
            later = result["future_abi3_objects"].keys() - BEFORE_THEIR_TIME
            if unstable or later:
                names = ", ".join(sorted({*unstable, *later}))
                yield f"{extension['name']} uses {names}, which CPython 3.10 does not promise"


def _tool(program: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment."""
    command = [Path(sys.executable).parent / program, *arguments]
    return subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
