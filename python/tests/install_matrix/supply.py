"""The interpreters of the matrix: those of this machine, and Debian's where it has none."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from install_matrix import debian, interpreters
from install_matrix.interpreters import SUPPORTED, Interpreter, LeftOut
from install_matrix.tally import Tally

EMULATED = "aarch64"
"""The machine that is tried under qemu."""

# Of the oldest version of its architecture, which the wheels are for.
_PROCESSOR = "cortex-a72"

# What Debian calls the machines.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Supply(NamedTuple):
    """What to install for, oldest first."""

    native: list[Interpreter]
    emulated: list[Interpreter]
    emulator: list[str]


class Supplier:
    """Finds the interpreters, and notes in the tally which could not be had."""

    def __init__(
        self, folder: Path, words: list[str], tally: Tally, say: Callable[[str], object]
    ) -> None:
        self._folder, self._tally, self._say = folder, tally, say
        self._numbers = [word for word in words if word[0].isdigit()]
        self._archives: dict[str, debian.Archive] = {}

    def supply(self) -> Supply:
        """Return an interpreter of each supported version, and the oldest and newest emulated."""
        try:
            return self._supply()
        finally:
            for archive in self._archives.values():
                archive.close()

    def _supply(self) -> Supply:
        native, left_out = interpreters.find()
        for path, reason in left_out:
            self._say(f"left out: {path} {reason}")
        here = platform.machine()
        for version in SUPPORTED:
            if all(python.minor != version for python in native):
                native += self._debians(here, [version])
        native.sort(key=interpreters.age)
        if here == EMULATED:
            return Supply(native, [], [])
        *older, newest = SUPPORTED
        emulated = self._debians(EMULATED, older) + self._debians(EMULATED, [newest])
        emulator = self._emulator(here) if emulated else []
        return Supply(native, emulated if emulator else [], emulator)

    def _debians(self, machine: str, versions: list[str]) -> list[Interpreter]:
        """Return the first of these versions that Debian still has, or none and note why."""
        asked_for = [version for version in versions if self._asked_for(version)]
        what = f"CPython {' or '.join(asked_for)}" + (" on arm64" if machine == EMULATED else "")
        with self._noted(what):
            for version in asked_for:
                try:
                    return [self._unpacked(machine, version)]
                except debian.GoneError:
                    continue
            if asked_for:
                self._tally.add_gone(what)
        return []

    def _emulator(self, here: str) -> list[str]:
        with self._noted("qemu"):
            archive = self._archive(here)
            program = debian.emulator(archive, EMULATED, archive.folder / "qemu")
            return [str(program), "-cpu", _PROCESSOR]
        return []

    @contextlib.contextmanager
    def _noted(self, what: str) -> Iterator[None]:
        """Note what could not be had, and why."""
        begun = time.monotonic()
        try:
            yield
        except debian.NotDebianError as error:
            if os.environ.get("GOSTITCH_CI") != "1":
                self._say(f"left out: {what} {error}")
            else:
                self._tally.add(what, str(error), time.monotonic() - begun)
        except (debian.ArchiveError, debian.GoneError) as error:
            self._tally.add(what, str(error), time.monotonic() - begun)

    def _archive(self, machine: str) -> debian.Archive:
        architecture = _ARCHITECTURES.get(machine, machine)
        if architecture not in self._archives:
            folder, sources = self._folder / architecture, debian.sources(debian.UNRELEASED)
            self._archives[architecture] = debian.Archive(folder, sources, architecture)
        return self._archives[architecture]

    def _unpacked(self, machine: str, version: str) -> Interpreter:
        archive, emulated = self._archive(machine), machine == EMULATED
        into = archive.folder / f"python{version}"
        path = str(debian.cpython(archive, version, into, to_build=not emulated))
        if emulated:
            return Interpreter(path, version)
        of = interpreters.examine(path)
        if isinstance(of, LeftOut):
            raise debian.ArchiveError(f"{of.path} {of.reason}")
        return of

    def _asked_for(self, version: str) -> bool:
        """Tell whether the versions among the words of the command line leave room for it."""
        return all(
            f"{version}.".startswith(number) or number.startswith(f"{version}.")
            for number in self._numbers
        )
