"""What a project's ``pyproject.toml`` says of its Go functions."""

from __future__ import annotations

import difflib
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

from . import _provide

_KEYS = {
    "package": str,
    "source": str,
    "go": list,
    "module": str,
    "tasks": bool,
}
_SOURCES = ("python", "src")
_EXAMPLE = '[tool.gostitch] with package = "NAME"'


class Project(NamedTuple):
    """A project with Go functions: where what is."""

    root: Path
    name: str
    package: str  # the Python package that gets the library and the generated module
    source: Path  # the folder with that package
    go: tuple[str, ...]  # patterns of the Go packages that register functions
    module: Path  # the folder with go.mod
    tasks: bool  # the library has the task library too
    pyproject: dict[str, Any]

    @property
    def library(self) -> str:
        """Give the file name of the library."""
        return f"lib{self.package.rpartition('.')[2]}.so"

    @property
    def folder(self) -> Path:
        """Give the folder of the Python package."""
        return self.source.joinpath(*self.package.split("."))

    @property
    def typed(self) -> str:
        """Give the path of the file that lets type checkers read the package (PEP 561)."""
        parts = self.package.split(".")
        # Not in a namespace package, which is not of this project alone.
        depths = range(1, len(parts) + 1)
        is_own = (self.source.joinpath(*parts[:n], "__init__.py").is_file() for n in depths)
        depth = next((n for n, own in zip(depths, is_own) if own), len(parts))
        return "/".join([*parts[:depth], "py.typed"])

    @property
    def backend(self) -> str:
        """Give what packs the project, setuptools where it does not say (PEP 517)."""
        return str(self.pyproject.get("build-system", {}).get("build-backend", "setuptools"))

    @property
    def has_other_backend(self) -> bool:
        """Tell whether another backend than this one packs the project."""
        return not self.backend.startswith("gostitch")


GENERATED = "_generated.py"
"""The file name of the generated module."""


def read(root: Path) -> Project:
    """Read and check the settings; exits with one sentence if they cannot work."""
    file = root / "pyproject.toml"
    if not file.is_file():
        sys.exit(
            f"there is no pyproject.toml in {root}; run this in the folder of your project, with "
            f"one that has [project] and {_EXAMPLE}"
        )
    try:
        pyproject = _provide.toml().loads(file.read_text(encoding="utf-8"))
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError are such
        sys.exit(f"{file} is not TOML: {error}")
    name = _name(pyproject)
    if not name:
        sys.exit(f"{file} has no [project] with a name; add it, with a version")
    settings = pyproject.get("tool", {}).get("gostitch")
    if settings is None:
        sys.exit(f"{file} has no [tool.gostitch]; add {_EXAMPLE}, the Python package that gets it")
    _check(file, settings)
    package = settings.get("package", re.sub(r"[-.]+", "_", name).lower())
    if not all(part.isidentifier() for part in package.split(".")):
        sys.exit(f"{file}: package = {package!r} cannot be the name of a Python package")
    source = _source(file, settings, package)
    module = _inside(file, "module", settings.get("module", "."))
    if not (module / "go.mod").is_file():
        example = f"module example.com/{package.partition('.')[0]}"
        sys.exit(
            f"there is no go.mod in {module}; write one with the lines '{example}' and 'go 1.26', "
            "or name its folder: module = in [tool.gostitch]"
        )
    patterns = tuple(settings.get("go", ["./..."]))
    return Project(
        root, name, package, source, patterns, module, settings.get("tasks", True), pyproject
    )


def _name(pyproject: dict[str, Any]) -> str | None:
    """Give the name of the project; poetry's own table has one too."""
    for table in (pyproject.get("project"), pyproject.get("tool", {}).get("poetry")):
        if isinstance(table, dict) and table.get("name"):
            return str(table["name"])
    return None


def _check(file: Path, settings: Any) -> None:
    """Refuse keys and values that mean nothing."""
    if not isinstance(settings, dict):
        sys.exit(f"{file}: gostitch under [tool] must be a table")
    for key, value in settings.items():
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            hint = f"do you mean {near[0]}?" if near else f"there are {', '.join(_KEYS)}"
            sys.exit(f"{file}: [tool.gostitch] knows no {key!r}; {hint}")
        kind = _KEYS[key]
        if not isinstance(value, kind) or value in ("", []):
            example = {str: '"text"', list: '["./..."]', bool: "true or false"}[kind]
            sys.exit(f"{file}: {key} in [tool.gostitch] must be {example}, not {value!r}")
    for pattern in settings.get("go", []):
        if not isinstance(pattern, str) or not pattern or pattern.startswith("-"):
            sys.exit(f"{file}: go in [tool.gostitch] lists Go packages as text, not {pattern!r}")


def _source(file: Path, settings: dict[str, Any], package: str) -> Path:
    """Find the folder that has the Python package."""
    inner = Path(*package.split("."))
    if "source" in settings:
        source = _inside(file, "source", settings["source"])
    else:
        named = [file.parent / name for name in _SOURCES]
        found = [folder for folder in named if (folder / inner).is_dir()]
        source = found[0] if found else file.parent
    if not (source / inner).is_dir():
        where = source if "source" in settings else f"{file.parent}, nor in its python or src"
        sys.exit(
            f"there is no Python package {package} in {where}; make the folder with an "
            "__init__.py, or correct package = and source = in [tool.gostitch]"
        )
    if not (source / inner / "__init__.py").is_file():
        sys.exit(
            f"there is no __init__.py in {source / inner}, so importing {package} would give an "
            f"empty package; write one with the line 'from {package}._generated import *'"
        )
    return source


def _inside(file: Path, key: str, text: str) -> Path:
    """Give a folder of the project, which it must be, since an sdist has only the project."""
    folder = (file.parent / text).resolve()
    if not folder.is_dir() or not folder.is_relative_to(file.parent.resolve()):
        sys.exit(f"{file}: {key} = {text!r} is no folder of the project")
    return folder
