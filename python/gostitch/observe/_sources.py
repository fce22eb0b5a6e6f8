"""Source lines of Go: found where the sources are, for frames of events.

A library that was built with ``-trimpath`` names a source by the path of its module. The sources
of a release are mostly elsewhere; then there are none, and Sentry's integrations of source code
find them. A file that changed after the library was built is not what runs, and is not shown.
What is looked at is bounded, and kept.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import sentry_sdk

from gostitch import _process
from gostitch.observe import _build

AROUND = 5
"""Lines before and after one, as sentry_sdk has them of Python."""

_MOST_BYTES = 1 << 20
_LONGEST = 1024  # characters of a line
_HIGHEST = 20  # folders above one that are looked at
_MODULE = re.compile(rb'^module\s+"?([^\s"]+)', re.MULTILINE)
_CAPITAL = re.compile("[A-Z]")


Lines = tuple[list[str], str, list[str]]
"""Some lines of a file: those before one, itself, and those after it."""


def path_of(file: str) -> str | None:
    """Return where a source is that the compiler has named so; None if it is not here."""
    place = _find(file) if _may_be_source(file) else None
    return None if place is None else place.path


def lines(file: str, number: int, around: int, until: float | None = None) -> Lines | None:
    """Return a line of a file and those around it; None if the file as it was built is not here.

    ``until`` is when the program ran, if that was earlier.
    """
    place = _find(file) if number > 0 and _may_be_source(file) else None
    found = None if place is None else _read(place.path)
    if place is None or found is None or number > len(found.lines):
        return None
    if not place.is_fixed and found.changed > min(_built_at(), until or found.changed):
        return None
    at = number - 1
    before, after = found.lines[max(0, at - around) : at], found.lines[number : number + around]
    return list(before), found.lines[at], list(after)


def _may_be_source(file: str) -> bool:
    """Tell a source of Go from what else the report of a crash may name."""
    return file.endswith(".go") and "/../" not in f"/{file}"


class _Place(NamedTuple):
    """Where a source is; a fixed one has a version, and never changes."""

    path: str
    is_fixed: bool


@functools.lru_cache(maxsize=1000)
def _find(file: str) -> _Place | None:
    for place in _places(file):
        if os.path.isfile(place.path):
            return place
    return None


def _places(file: str) -> Iterator[_Place]:
    """Give the places where a file may be, as the compiler has named it."""
    if file.startswith("/"):
        yield _Place(file, is_fixed=False)
        return
    named, versioned, rest = file.partition("@")
    if versioned:
        version, _, inside = rest.partition("/")
        for cache in _caches():
            yield _Place(f"{cache}/{_escaped(named)}@{_escaped(version)}/{inside}", is_fixed=True)
        for _, folder in _modules():
            yield _Place(f"{folder}/vendor/{named}/{inside}", is_fixed=False)
        return
    for module, folder in _modules():
        if file.startswith(f"{module}/"):
            yield _Place(f"{folder}/{file[len(module) + 1 :]}", is_fixed=False)
    if "." not in file.partition("/")[0]:
        for root in _roots_of_go():
            yield _Place(f"{root}/src/{file}", is_fixed=True)


class _File(NamedTuple):
    lines: tuple[str, ...]
    changed: float


@functools.lru_cache(maxsize=32)
def _read(path: str) -> _File | None:
    data = _bytes_of(path)
    if data is None:
        return None
    content, changed = data
    texts = content.decode(errors="replace").removesuffix("\n").split("\n")
    return _File(tuple(text.rstrip("\r")[:_LONGEST] for text in texts), changed)


def _bytes_of(path: str) -> tuple[bytes, float] | None:
    """Read a plain file of no great size, and when it changed."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    try:
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode) or found.st_size > _MOST_BYTES:
            return None
        return os.read(fd, _MOST_BYTES), found.st_mtime
    except OSError:
        return None
    finally:
        os.close(fd)


@functools.lru_cache(maxsize=1)
def _modules() -> tuple[tuple[str, str], ...]:
    """Return the paths of the modules of Go that have sources here, and their folders.

    That is what a ``go.mod`` says above the library, the package, the program and the folder that
    Sentry calls the project's; and gostitch's own sources in its wheel.
    """
    library = _process.loaded()
    package = Path(__file__).resolve().parents[1]
    program = getattr(sys.modules.get("__main__"), "__file__", None)
    begin = [
        package / "_go",
        package,
        Path("" if library is None else library.path).parent,
        Path(program or "").parent,
        Path(sentry_sdk.get_client().options.get("project_root") or ""),
    ]
    found: dict[str, str] = {}
    for folder in dict.fromkeys(Path(os.path.abspath(each)) for each in begin):
        for above in (folder, *list(folder.parents)[:_HIGHEST]):
            said = _bytes_of(str(above / "go.mod"))
            named = _MODULE.search(said[0]) if said else None
            if named:
                found.setdefault(named[1].decode(errors="replace"), str(above))
    return tuple(sorted(found.items(), key=lambda each: -len(each[0])))  # the innermost first


def _caches() -> list[str]:
    """Return the folders in which Go keeps modules."""
    own = os.environ.get("GOMODCACHE")
    paths = (os.environ.get("GOPATH") or os.path.expanduser("~/go")).split(os.pathsep)
    return [own] if own else [f"{path}/pkg/mod" for path in paths if path]


@functools.lru_cache(maxsize=1)
def _roots_of_go() -> tuple[str, ...]:
    """Return the folders of that Go which has built the library."""
    version = _build.go_version().partition(" ")[0]
    program = shutil.which("go")
    given = [os.environ.get("GOROOT") or "", "/usr/local/go"]
    if program is not None:
        given.append(str(Path(os.path.realpath(program)).parents[1]))
    toolchain = f"golang.org/toolchain@v0.0.1-{version}.{_build.target()}"
    given += [f"{cache}/{toolchain}" for cache in _caches()]
    return tuple(root for root in dict.fromkeys(given) if root and _version_in(root) == version)


def _version_in(root: str) -> str:
    said = _bytes_of(f"{root}/VERSION")
    return said[0].decode(errors="replace").partition("\n")[0].strip() if said else ""


def _escaped(path: str) -> str:
    """Return a path as Go's cache has it, where capitals are marked."""
    return _CAPITAL.sub(lambda found: f"!{found[0].lower()}", path)


@functools.lru_cache(maxsize=1)
def _built_at() -> float:
    """Return when the library was built; nothing is older than an unknown time."""
    library = _process.loaded()
    try:
        return 0.0 if library is None else os.stat(library.path).st_mtime
    except OSError:
        return 0.0
