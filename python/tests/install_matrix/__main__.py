"""Install gostitch in every way on every CPython here.

Each installation makes a call, an await and a panic, or builds, installs and calls a function of a
user's own. After ``make wheel``; takes minutes. One line a combination; the last line
counts them, and the exit status is 1 if one failed. Arguments choose the
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
from pathlib import Path
from typing import NamedTuple

import checkouts
import interpreters
import scenes
from checkouts import ROOT
from interpreters import Interpreter

TIMEOUT_S = 600
FAULTS = ROOT / "python" / "tests" / "faults.py"

sys.path.insert(0, str(ROOT / "python" / "native"))
sys.path.insert(1, str(ROOT / "python" / "tests"))

import go_library  # noqa: E402

from own.projects import Project  # noqa: E402


class FailedError(Exception):
    """A combination failed; the text says at what."""


class Combination(NamedTuple):
    """One interpreter and one way to install."""

    python: Interpreter
    way: str
    bare: bool = False

    def __str__(self) -> str:
        name = f"CPython {self.python.version:<8} {self.way}"
        return f"{name} with neither go nor cc" if self.bare else name


class Place:
    """A folder with a clean virtual environment, and commands run in it."""

    def __init__(self, folder: Path, of: Combination) -> None:
        self.folder = folder
        unwanted = ("GOSTITCH_", "PIP_TARGET", "PYTHON", "VIRTUAL_ENV", "CC", "CFLAGS", "LDFLAGS")
        self.env = {
            name: value for name, value in os.environ.items() if not name.startswith(unwanted)
        }
        if of.bare:
            (folder / "bin").mkdir()
            self.env["PATH"] = str(folder / "bin")  # nothing is in it
        self.run(of.python.path, "-m", "venv", folder / "env")
        self.python = folder / "env" / "bin" / "python"

    def pip_install(self, *what: str | Path) -> None:
        """Install with the pip of the environment."""
        self.run(self.python, "-m", "pip", "install", "--disable-pip-version-check", *what)

    def play(self, text: str, **env: str) -> str:
        """Run a program in which every warning is an error."""
        (self.folder / "scene.py").write_text(text)
        return self.run(self.python, "-W", "error", self.folder / "scene.py", **env)

    def run(self, *command: str | Path, **env: str) -> str:
        """Run a command, which must succeed."""
        done = subprocess.run(
            list(map(str, command)),
            cwd=self.folder,
            env=self.env | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            raise FailedError(f"{' '.join(map(str, command))}\n{done.stdout}")
        return done.stdout


def built(pattern: str) -> Path:
    """Give the one file in dist that fits."""
    found = list((ROOT / "dist").glob(pattern))
    if len(found) != 1:
        sys.exit(f"dist has {len(found)} files {pattern} and must have one; run 'make wheel'")
    return found[0]


def install(place: Place, way: str) -> None:
    """Install in one of the ways."""
    if way in ("wheel", "own"):
        place.pip_install(built(f"*_{platform.machine()}.whl"))
    elif way == "sdist":
        place.pip_install(built("*.tar.gz"))
    elif way == "checkout":
        place.pip_install(checkouts.copy(place.folder / "gostitch"))
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
        place.python, "-c", build, project.root, "build", "--out", out,
        XDG_CACHE_HOME=str(place.folder / "cache"), GOCACHE=go_cache,
    )  # fmt: skip
    place.pip_install("--no-deps", *out.iterdir())
    place.play(scenes.OWN)


def use(place: Place, way: str, faults: Path) -> None:
    """Make a call, an await and a panic; an editable install also rebuilds."""
    if way == "own":
        use_own(place)
        return
    library = place.play(scenes.CALL_AND_AWAIT)
    inside = str(place.folder / ("gostitch" if way == "editable" else "env"))
    if not library.startswith(inside):
        raise FailedError(f"the library of another installation was loaded: {library}")
    shutil.copy2(FAULTS, place.folder)
    place.play(scenes.PANIC, GOSTITCH_LIBRARY=str(faults))
    if way == "editable":
        version = place.folder / "gostitch" / "gocore" / "doc.go"
        text, before = version.read_text(), 'const Version = "'
        version.write_text(text.replace(before, before + "9.9.9-"))
        place.play(scenes.STALE)
        place.play(scenes.REBUILT, GOSTITCH_REBUILD="1")


def combinations(pythons: list[Interpreter]) -> Iterator[Combination]:
    """Give what to try."""
    for python in pythons:
        for way in ("wheel", "sdist", "checkout", "editable", "own"):
            yield Combination(python, way)
    for way in ("sdist", "editable", "own"):
        yield Combination(pythons[0], way, bare=True)


def attempt(of: Combination, faults: Path) -> str | None:
    """Try one combination; gives what failed, or None."""
    with tempfile.TemporaryDirectory(prefix="gostitch-install-") as folder:
        try:
            place = Place(Path(folder).resolve(), of)
            install(place, of.way)
            use(place, of.way, faults)
        except (FailedError, subprocess.TimeoutExpired) as error:
            return str(error)
    return None


def main(words: list[str], say: Callable[[str], object]) -> int:
    """Try everything, or what has these words in its line."""
    pythons, left_out = interpreters.find()
    for path, reason in left_out:
        say(f"left out: {path} {reason}")
    if not pythons:
        say("no CPython was found that gostitch could be installed on")
        return 1
    faults = ROOT / "build" / "tests" / "libfaults.so"
    go_library.build("./gocore/cmd/libfaults", faults)
    begun, failed, passed = time.monotonic(), 0, 0
    for of in combinations(pythons):
        if not all(word in str(of) for word in words):
            continue
        started = time.monotonic()
        trouble = attempt(of, faults)
        failed, passed = failed + (trouble is not None), passed + (trouble is None)
        say(f"{'FAILED' if trouble else 'ok':<6} {of} ({time.monotonic() - started:.0f} s)")
        if trouble:
            say(trouble)
    say(f"in {time.monotonic() - begun:.0f} s")
    say(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], lambda line: print(line, flush=True)))
