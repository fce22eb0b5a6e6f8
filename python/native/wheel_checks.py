"""The checks that a release wheel must pass; each gives sentences, none if all is well."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import elf_facts
from elf_facts import ElfFacts
from shipped import targets

OLDEST_GLIBC = (2, 17)


def libraries(wheel: Path) -> list[ElfFacts]:
    """Read the shared libraries in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".so"))
        return [elf_facts.read(name, archive.read(name)) for name in names]


def problems(wheel: Path, target: targets.Target) -> Iterator[str]:
    """Give everything that is wrong with a wheel."""
    for library in libraries(wheel):
        yield from (f"{library.name} {what}" for what in complaints(library, target))
    shown = _run("auditwheel", "show", wheel)
    found = re.search(r'platform\s+tag:\s+"manylinux_(\d+)_(\d+)_(\w+?)"', shown)
    if found is None:
        yield f"auditwheel sees no manylinux platform in it:\n{shown}"
    elif (int(found[1]), int(found[2])) > OLDEST_GLIBC or found[3] != target.machine:
        yield f"auditwheel says manylinux_{found[1]}_{found[2]}_{found[3]}:\n{shown}"
    for command in (("check-wheel-contents", wheel), ("abi3audit", "--strict", wheel)):
        yield from _of_tool(*command)


def complaints(library: ElfFacts, target: targets.Target) -> Iterator[str]:
    """Give what is wrong with one shared library."""
    if library.machine != target.machine:
        yield f"is for {library.machine}, not for {target.machine}"
    if library.glibc > OLDEST_GLIBC:
        yield f"needs glibc {'.'.join(map(str, library.glibc))}, newer than manylinux2014 has"
    if not library.stripped:
        yield "is not stripped"
    if library.search_paths:
        yield f"searches for libraries in {library.search_paths}, folders of the builder"


def _of_tool(program: str, *arguments: str | Path) -> Iterator[str]:
    try:
        _run(program, *arguments)
    except subprocess.CalledProcessError as error:
        yield f"{program} complains:\n{error.stdout}"


def _run(program: str, *arguments: str | Path) -> str:
    """Run a tool of this environment; gives what it said."""
    command = [Path(sys.executable).parent / program, *arguments]
    return subprocess.run(
        list(map(str, command)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    ).stdout
