"""Install gostitch in every way on every CPython that it supports.

Each installation makes a call, an await, a panic, a fork and a Ctrl-C, or builds, installs and
calls a function of a user's own. A CPython that is not on this machine comes from Debian, and so
does one for arm64, which qemu runs. After ``make wheel``; takes minutes. One line a combination;
the last line counts them, and the exit status is 1 if one failed. Arguments choose the
combinations whose line has all these words: ``install_matrix 3.12 wheel``.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from install_matrix import checkouts, scenes
from install_matrix.checkouts import ROOT
from install_matrix.interpreters import Interpreter
from install_matrix.places import EmulatedPlace, FailedError, Place
from install_matrix.supply import EMULATED, Supplier, Supply
from install_matrix.tally import Tally
from own.projects import Project

FAULTS = ROOT / "python" / "tests" / "faults.py"
# What make clean removes, and what the next run finds again.
UNPACKED = ROOT / "build" / "debian"
AT_A_TIME = 2

sys.path.insert(0, str(ROOT / "python" / "native"))

import go_library  # noqa: E402
from shipped import targets  # noqa: E402


class Combination(NamedTuple):
    """One interpreter and one way to install."""

    python: Interpreter
    way: str
    bare: bool = False
    emulated: bool = False
    builder: Interpreter | None = None

    def __str__(self) -> str:
        name = f"CPython {self.python.version:<8} {self.way}"
        if self.builder:
            return f"{name} that {self.builder.version} built"
        if self.emulated:
            return f"{name} on arm64"
        return f"{name} with neither go nor cc" if self.bare else name

    @property
    def machine(self) -> str:
        """Return the machine that it is for."""
        return EMULATED if self.emulated else platform.machine()


def built(pattern: str) -> Path:
    """Give the one file in dist that fits."""
    found = list((ROOT / "dist").glob(pattern))
    if len(found) != 1:
        sys.exit(f"dist has {len(found)} files {pattern} and must have one; run 'make wheel'")
    return found[0]


def install(place: Place, of: Combination) -> None:
    """Install in one of the ways."""
    if of.builder:
        (place.folder / "builder").mkdir()
        builder = Place(place.folder / "builder", of.builder.path)
        builder.run(*builder.python, "-m", "pip", "wheel", "--no-deps", built("*.tar.gz"))
        place.pip_install(*builder.folder.glob("*.whl"))
    elif of.way in ("wheel", "own"):
        place.pip_install(built(f"*_{of.machine}.whl"))
    elif of.way == "sdist":
        place.pip_install(built("*.tar.gz"))
    elif of.way == "checkout":
        # New headers must have nothing against what is used of them: warned of today, gone tomorrow.
        place.pip_install(checkouts.copy(place.folder / "gostitch"), CFLAGS="-Wall -Werror")
    else:
        place.pip_install("--editable", checkouts.copy(place.folder / "gostitch"))


def use_own(place: Place) -> None:
    """Build a project with a function of its own, install its wheel, and call it."""
    project = Project(place.folder / "project")
    out = place.folder / "out"
    build = "import os, sys; os.chdir(sys.argv[1]); from gostitch.cli import main; sys.exit(main(sys.argv[2:]))"
    # A cache of its own, so that what a machine lacks is fetched here; Go's own stays warm.
    go_cache = os.environ.get("GOCACHE") or os.path.expanduser("~/.cache/go-build")
    place.run(
        *place.python, "-c", build, project.root, "build", "--out", out,
        XDG_CACHE_HOME=str(place.folder / "cache"), GOCACHE=go_cache,
    )  # fmt: skip
    place.pip_install("--no-deps", *out.iterdir())
    place.play(scenes.OWN)


def use(place: Place, of: Combination) -> None:
    """Make a call, an await and so on; an editable install also rebuilds."""
    if of.way == "own":
        use_own(place)
        return
    library = place.play(scenes.CALL_AND_AWAIT)
    inside = str(place.folder / ("gostitch" if of.way == "editable" else "env"))
    if not library.startswith(inside):
        raise FailedError(f"the library of another installation was loaded: {library}")
    shutil.copy2(FAULTS, place.folder)
    faults = str(library_of_tests(of.machine))
    for scene in (scenes.PANIC, scenes.LIFE):
        place.play(scene, GOSTITCH_LIBRARY=faults)
    said = place.play(scenes.END, GOSTITCH_LIBRARY=faults)
    if said != "3 7\n":
        raise FailedError(f"a destructor at the end said {said}")
    if of.way == "editable":
        version = place.folder / "gostitch" / "gocore" / "doc.go"
        text, before = version.read_text(), 'const Version = "'
        version.write_text(text.replace(before, before + "9.9.9-"))
        place.play(scenes.STALE)
        place.play(scenes.REBUILT, GOSTITCH_REBUILD="1")


def library_of_tests(machine: str) -> Path:
    """Give the library with the functions that break things, as it was built for a machine."""
    return ROOT / "build" / "tests" / machine / "libfaults.so"


def build_library_of_tests(machine: str) -> None:
    """Build it; Go's cache makes that cheap when nothing changed."""
    target = "" if machine == platform.machine() else machine
    with mock.patch.dict(os.environ, {targets.VARIABLE: target}):
        go_library.build("./gocore/cmd/libfaults", library_of_tests(machine))


def combinations(supply: Supply) -> Iterator[Combination]:
    """Give what to try."""
    for python in supply.native:
        for way in ("wheel", "sdist", "checkout", "editable", "own"):
            yield Combination(python, way)
    oldest, newest = supply.native[0], supply.native[-1]
    for way in ("sdist", "editable", "own"):
        yield Combination(oldest, way, bare=True)
    if newest != oldest:
        yield Combination(oldest, "wheel", builder=newest)
    for python in supply.emulated:
        yield Combination(python, "wheel", emulated=True)


def attempt(of: Combination, emulator: list[str]) -> tuple[str | None, float]:
    """Try one combination; gives what failed, or None, and the seconds it took."""
    begun, trouble = time.monotonic(), None
    with tempfile.TemporaryDirectory(prefix="gostitch-install-") as folder:
        try:
            if of.emulated:
                place: Place = EmulatedPlace(
                    Path(folder).resolve(), of.python.path, of.machine, emulator
                )
            else:
                place = Place(Path(folder).resolve(), of.python.path, bare=of.bare)
            install(place, of)
            use(place, of)
        except (FailedError, subprocess.TimeoutExpired) as error:
            trouble = str(error)
    return trouble, time.monotonic() - begun


def main(words: list[str], say: Callable[[str], object]) -> int:
    """Try everything, or what has these words in its line."""
    begun, tally = time.monotonic(), Tally(say)
    supply = Supplier(UNPACKED, words, tally, say).supply()
    if not supply.native:
        say("no CPython was found that gostitch could be installed on")
        return 1
    wanted = [of for of in combinations(supply) if all(word in str(of) for word in words)]
    for machine in {of.machine for of in wanted}:
        build_library_of_tests(machine)
    say(f"ready in {time.monotonic() - begun:.0f} s")
    # Much of each is waiting, for files and for one processor of two.
    with ThreadPoolExecutor(max_workers=AT_A_TIME) as pool:
        attempts = [(of, pool.submit(attempt, of, supply.emulator)) for of in wanted]
        for of, attempted in attempts:
            tally.add(of, *attempted.result())
    say(f"in {time.monotonic() - begun:.0f} s")
    return tally.end()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], lambda line: print(line, flush=True)))
