"""Other Go libraries, which must not share a process with ours."""

from __future__ import annotations

import csv
import importlib.metadata
import os
from typing import Any

from gostitch.doctor import _go_build, _library, _maps, _runtime
from gostitch.doctor._finding import Verdict, ok, problem, warning

_TWO_RUNTIMES = (
    "Go supports one Go runtime in a process: with two, signals reach the wrong one, goroutines "
    "are not preempted and forked children hang or crash"
)
_APART = "Use one of them in a process of its own (multiprocessing with 'spawn', a subprocess)."


def loaded() -> Verdict:
    """Look for other Go libraries in this process."""
    code = [each for each in _maps.read() if "x" in each.rights]
    paths = dict.fromkeys(each.path for each in code if not each.deleted)
    gone = sorted({each.path for each in code if each.deleted})
    ours: list[str] = []
    others: list[dict[str, Any]] = []
    for path in paths:
        build = _go_build.of_library(path)
        if build is None:
            continue
        if _library.is_ours(path) or _is_loaded_library(path):
            ours.append(path)
        else:
            others.append(_described(path, build))
    facts: dict[str, Any] = {"ours": ours, "others": others, "deleted_files": gone}
    if not others:
        return ok("There is no other Go library in this process.", **facts)
    names = ", ".join(each["path"] for each in others)
    beside = "beside gostitch's" if ours else "already, and the first call would add gostitch's"
    words = f"There is another Go library in this process {beside}: {names}. {_TWO_RUNTIMES}."
    return problem(words, _APART, **facts)


def _is_loaded_library(path: str) -> bool:
    info = _runtime.info()
    return bool(info and info["library"] and os.path.realpath(info["library"]) == path)


def installed() -> Verdict:
    """Look for Go libraries among the files of installed distributions."""
    found: list[dict[str, Any]] = []
    distributions = files = 0
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        distributions += 1
        for path in shared_libraries(distribution):
            files += 1
            real = os.path.realpath(path)
            if real in seen or _library.is_ours(real):
                continue
            seen.add(real)
            build = _go_build.of_library(real)
            if build is not None:
                name = str(distribution.metadata["Name"])
                more = {"distribution": name, "gostitch": _library.is_gostitch(real)}
                found.append(_described(real, build) | more)
    facts: dict[str, Any] = {
        "distributions": distributions,
        "files": files,
        "libraries": found,
    }
    if not found:
        return ok(f"None of {distributions} installed distributions has a Go library.", **facts)
    names = ", ".join(sorted({each["distribution"] for each in found}))
    if all(each["gostitch"] for each in found):
        words = (
            f"More libraries made with gostitch are installed: {names}. One process can use one."
        )
        fix = f"Let {_library.VARIABLE} name the one to use, or build one that holds all functions."
        return warning(words, fix, **facts)
    words = f"Installed distributions with a Go library: {names}. {_TWO_RUNTIMES}."
    return warning(words, f"Where you call gostitch, do not import them. {_APART}", **facts)


def shared_libraries(distribution: importlib.metadata.Distribution) -> list[str]:
    """Give the paths of a distribution's shared libraries.

    ``Distribution.files`` makes an object of every file, which would take
    seconds for a large environment, so the record is read as text.
    """
    try:
        record = distribution.read_text("RECORD") or ""
    except (OSError, UnicodeDecodeError):
        return []
    names = map(_name_in, record.splitlines())
    shared = [name for name in names if ".so." in f"{name.rpartition('/')[2]}."]
    return [str(distribution.locate_file(name)) for name in shared]


def _name_in(line: str) -> str:
    """Return the name of the file that a line of a record is about, or nothing."""
    if ".so" not in line:
        return ""
    try:
        return next(csv.reader([line]))[0]
    except csv.Error:
        return ""


def _described(path: str, build: _go_build.GoBuild) -> dict[str, Any]:
    return {"path": path, "go_version": build.go_version, "package": build.package}
