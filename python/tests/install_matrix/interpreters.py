"""Find the CPythons of a machine, by running whatever looks like one."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

OLDEST = (3, 10)
SUPPORTED = tuple(f"3.{minor}" for minor in range(10, 16))
"""Each must be in the matrix; the classifiers of pyproject.toml are the same (a test compares)."""

# Where version managers and images keep interpreters besides PATH.
_FOLDERS = (
    "~/.pyenv/versions/*/bin",
    "~/.local/share/uv/python/*/bin",
    "/opt/python/*/bin",
    "/usr/local/bin",
    "/usr/bin",
)

_PROBE = """
import importlib.util, json, os, sys, sysconfig
print(json.dumps({
    "implementation": sys.implementation.name,
    "version": sys.version_info[:3],
    "home": os.path.realpath(sys.base_prefix),
    "environment": sys.prefix != sys.base_prefix,
    "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    "header": os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")),
    "ensurepip": importlib.util.find_spec("ensurepip") is not None,
}))
"""


class Interpreter(NamedTuple):
    """A CPython that gostitch supports, with what pip needs to build for it."""

    path: str
    version: str
    home: str = ""

    @property
    def minor(self) -> str:
        """Return the version without its last part."""
        return self.version.rpartition(".")[0]


class LeftOut(NamedTuple):
    """Something that looks like a Python, and why it is not in the matrix."""

    path: str
    reason: str


def find() -> tuple[list[Interpreter], list[LeftOut]]:
    """Give the interpreters, oldest first, and what was left out."""
    found: dict[Interpreter, Interpreter] = {}
    left_out = []
    for path in dict.fromkeys(_candidates()):
        of = examine(path)
        if isinstance(of, LeftOut):
            left_out.append(of)
        else:
            found.setdefault(of._replace(path=""), of)
    return sorted(found.values(), key=age), left_out


def examine(path: str) -> Interpreter | LeftOut:
    """Return what a program is that looks like a Python."""
    facts = _probe(path)
    reason = "does not run" if facts is None else _unfit(facts)
    if facts is None or reason:
        return LeftOut(path, str(reason))
    return Interpreter(path, ".".join(map(str, facts["version"])), str(facts["home"]))  # type: ignore[call-overload]


def age(of: Interpreter) -> list[int]:
    """Return what sorts interpreters, oldest first."""
    return [*map(int, of.version.split("."))]


def _candidates() -> Iterator[str]:
    yield str(getattr(sys, "_base_executable", sys.executable))
    folders = [Path(entry) for entry in os.get_exec_path()]
    for pattern in _FOLDERS:
        full = os.path.expanduser(pattern)
        folders += sorted(Path("/").glob(full.lstrip("/")))
    for folder in dict.fromkeys(folders):
        if folder.is_dir():
            names = sorted(os.listdir(folder))
            yield from (str(folder / n) for n in names if re.fullmatch(r"python3(\.\d+)?t?", n))


def _probe(path: str) -> dict[str, object] | None:
    try:
        done = subprocess.run(
            [path, "-I", "-c", _PROBE], capture_output=True, text=True, timeout=30, check=True
        )
        return dict(json.loads(done.stdout))
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _unfit(facts: dict[str, object]) -> str | None:
    version = tuple(facts["version"])  # type: ignore[arg-type]
    if facts["implementation"] != "cpython":
        return f"is {facts['implementation']}"
    if version < OLDEST:
        return f"is CPython {version[0]}.{version[1]}"
    if facts["free_threaded"]:
        return "is free-threaded"
    if facts["environment"]:
        return "is a virtual environment"
    if not facts["header"]:
        return "has no Python.h"
    if not facts["ensurepip"]:
        return "has no ensurepip, so no virtual environment"
    return None
