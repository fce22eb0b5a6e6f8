"""The file of the Go library, without loading it."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

from gostitch import _elf, _mounts
from gostitch.doctor import (
    _go_build,
    _maps,
    _package,
    _platform,
    _runtime,
    _versions,
)
from gostitch.doctor._finding import Verdict, ok, problem, warning

VARIABLE = "GOSTITCH_LIBRARY"
"""What ``_process`` calls it too; a copy, since that module needs the bridge."""

_MARK = "gostitch_open"
_UNSET = f"Correct or unset {VARIABLE}."
_REINSTALL = "Install gostitch again (in a checkout: make build)."


def path() -> str:
    """Give the path of the library that is loaded, or that a first call would load."""
    info = _runtime.info()
    if info is not None and info["library"]:
        return str(info["library"])
    chosen = os.environ.get(VARIABLE) or _runtime.chosen()
    return os.path.realpath(chosen or _package.FOLDER / "libgostitch.so")


def library_file() -> Verdict:
    """Check that the library is there, is a gostitch library and fits the machine."""
    file = path()
    chosen = os.path.realpath(os.environ.get(VARIABLE) or "/") == file
    fix = _UNSET if chosen else _REINSTALL
    facts: dict[str, Any] = {"path": file, "chosen_by_variable": chosen, "size": None}
    why = f" ({VARIABLE} names it)" if chosen else ""
    if not os.path.exists(file):
        return problem(f"There is no Go library at {file}{why}.", fix, **facts)
    if not os.path.isfile(file):
        return problem(f"{file} is not a file{why}.", fix, **facts)
    facts["size"] = os.path.getsize(file)
    try:
        read, exports = _read(file)
        facts |= read
    except OSError as error:
        return problem(f"{file} cannot be read{why}: {error.strerror}.", fix, **facts)
    except _elf.NotElf as error:
        return problem(f"{file} is no library{why}: {error}.", fix, **facts)
    if not exports:
        kind = "a Go library, but not of gostitch" if facts["go_version"] else "not a Go library"
        words = f"{file} is {kind}{why}: it does not export {_MARK}."
        return problem(words, fix, **facts)
    unfit = _unfit(file, facts)
    if unfit is not None:
        return problem(*unfit, **facts)
    words = f"{file}{why}, {facts['size'] / 1e6:.1f} MB, built with {facts['go_version']}."
    if _is_replaced(file):
        words += " It was replaced on disk after this process had loaded it."
        return warning(words, "Restart the process to use the new file.", **facts)
    short = _static_tls_tunable()
    if short is not None and short < facts["static_tls_bytes"]:
        words += (
            f" GLIBC_TUNABLES leaves {short} bytes of static thread-local storage for libraries "
            f"loaded later, and the library needs {facts['static_tls_bytes']}."
        )
        fix = "Raise or remove glibc.rtld.optional_static_tls in GLIBC_TUNABLES."
        return warning(words, fix, **facts)
    return ok(words, **facts)


def damage() -> str | None:
    """Say why the file that would be loaded is no library, or give None.

    Nobody should try to load it then: to use a file that was cut off ends the process.
    """
    if _runtime.is_loaded():
        return None
    try:
        _read(path())
    except _elf.NotElf as error:
        return str(error)
    except OSError:
        return None  # loading it says why
    return None


def _read(file: str) -> tuple[dict[str, Any], bool]:
    """Give what is in a library, and whether it is one of gostitch."""
    with _elf.Elf(file) as elf:
        return _facts(elf), elf.exports(_MARK)


def _facts(elf: _elf.Elf) -> dict[str, Any]:
    build = _go_build.read(elf)
    glibc = elf.oldest_glibc()
    return {
        "machine": _elf.MACHINE_NAMES.get(elf.machine, f"ELF machine {elf.machine}"),
        "bits": elf.bits,
        "needs_glibc": _versions.text(glibc) if glibc else None,
        "needs_libraries": elf.wanted_libraries(),
        "static_tls_bytes": elf.static_tls_bytes(),
        "go_version": build.go_version if build else None,
        "package": build.package if build else None,
    }


def _unfit(file: str, facts: dict[str, Any]) -> tuple[str, str] | None:
    """Say why the library cannot be loaded here, and what to do."""
    machine, bits = platform.machine(), 64
    if machine in _elf.MACHINES and (facts["machine"], facts["bits"]) != (machine, bits):
        words = f"{file} is made for {facts['machine']} ({facts['bits']} bit), not for {machine}."
        return words, f"Install or build the library for {machine}."
    if any("musl" in name for name in facts["needs_libraries"]):
        return f"{file} is made for musl.", "Install or build the library for glibc."
    here = _platform.glibc()
    if here and facts["needs_glibc"] and _versions.numbers(facts["needs_glibc"]) > here:
        words = f"{file} needs glibc {facts['needs_glibc']}, and here is {_versions.text(here)}."
        fix = "Use a newer system, or a release wheel, which is built for old ones."
        return words, fix
    if _mounts.forbids_programs(file, _mounts.read()):
        words = f"{file} lies on a file system that forbids to load code (noexec)."
        return words, "Install gostitch elsewhere, or mount that file system without noexec."
    return None


def _is_replaced(file: str) -> bool:
    return any(each.deleted and each.path == file for each in _maps.read())


def _static_tls_tunable() -> int | None:
    tunables = os.environ.get("GLIBC_TUNABLES", "")
    found = re.search(r"(?:^|:)glibc\.rtld\.optional_static_tls=(0x[0-9a-fA-F]+|\d+)", tunables)
    return int(found[1], 0) if found else None


def is_gostitch(file: str) -> bool:
    """Tell whether a file is a library made with gostitch."""
    try:
        with _elf.Elf(file) as elf:
            return elf.exports(_MARK)
    except (OSError, _elf.NotElf):
        return False


def is_ours(file: str) -> bool:
    """Tell whether a file is part of this package or the library it would load."""
    return os.path.realpath(file) == path() or Path(file).parent == _package.FOLDER
