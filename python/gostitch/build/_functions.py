"""Build a project's library of Go functions, with its generated module."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from . import _disk_space, _go_build, _provide, _symbols, _targets, _trial
from ._project import GENERATED, Project
from ._workspace import CORE, Workspace


class Built(NamedTuple):
    """What a build made."""

    library: Path
    generated: Path
    functions: tuple[str, ...]
    go_work: Path | None = None


def build(project: Project, into: Path, *, for_editors: bool = False) -> Built:
    """Build the library, its symbols and its module into a folder.

    All files appear whole, and only if all went well: the sources were read, the
    library was built, and a process could load it. Exits with one sentence if not.
    """
    _provide.compilers()
    into.mkdir(parents=True, exist_ok=True)
    library, generated = into / project.library, into / GENERATED
    # Beside their places, so that they can be renamed there.
    with tempfile.TemporaryDirectory(prefix=".gostitch-", dir=into) as near:
        with tempfile.TemporaryDirectory(prefix="gostitch-") as folder:
            workspace = Workspace(Path(folder), project.module)
            new_module, listed = Path(near) / GENERATED, Path(folder) / "functions.json"
            _generate(project, workspace, new_module, listed)
            new_library = Path(near) / project.library
            _go_build.build(
                workspace.main_package, new_library, project.module, workspace.env
            )
            places = {of["name"]: of["place"] for of in json.loads(listed.read_text())}
            if _runs_here():
                _compare(places, _trial.functions_of(new_library, project.library))
            work = workspace.leave_for_editors() if for_editors else None
        if _symbols.beside(new_library).exists():
            os.replace(_symbols.beside(new_library), _symbols.beside(library))
        else:
            _symbols.beside(library).unlink(missing_ok=True)
        os.replace(new_library, library)
        if not generated.is_file() or generated.read_bytes() != new_module.read_bytes():
            os.replace(new_module, generated)
    return Built(library, generated, tuple(sorted(places)), work)


def build_in_place(project: Project, *, for_editors: bool = False) -> Built:
    """Build into the project's own package, which type checkers may read from then on."""
    built = build(project, project.folder, for_editors=for_editors)
    typed = project.source / project.typed
    if not typed.exists():
        typed.touch()
    return built


def _generate(project: Project, workspace: Workspace, module: Path, listed: Path) -> None:
    """Write the Python module, and the main package of the library."""
    generator = workspace.folder / "gostitch-gen"
    # For this machine, whichever the library is for; plain Go.
    here = {"CGO_ENABLED": "0", "GOOS": "", "GOARCH": ""}
    done = workspace.run(
        _go_build.go_command(), "build", "-o", generator, f"{CORE}/gocore/cmd/gostitch-gen", **here
    )
    if done.returncode == 0:
        done = workspace.run(
            generator, "-out", module, "-library", project.library,
            "-main", workspace.main_file, "-list", listed, f"-tasks={str(project.tasks).lower()}",
            *project.go,
        )  # fmt: skip
    said = (done.stdout + done.stderr).strip()
    if done.returncode != 0:
        said = _disk_space.lines(said) or said  # Go says much that follows from it
        sys.exit(f"{said}\ngostitch: {project.name} was not built: {_remedy(said)}")
    if said:
        print(said, file=sys.stderr)  # notes


_PATTERNS = (
    (
        r"^no call of gocore\.Register found",
        "name the Go packages that register functions: go = in [tool.gostitch]",
    ),
    (
        r"^(directory|pattern) .*(not one of the workspace modules|outside)",
        "go = in [tool.gostitch] names folders of this project's module; a package of another "
        "module is named by its import path, and that module by go.mod or a go.work of yours",
    ),
    (
        r"^(no required module provides|package .* is not in std|stat |pattern |no Go files in)",
        "correct go = in [tool.gostitch], which names Go packages: a folder, beginning with ./, or "
        "an import path that go.mod or go.work knows",
    ),
    (
        r"could not import",
        "correct the import, or run 'go get' with its path, for a module that go.mod lacks",
    ),
)
"""What the generator says of the packages it was to read, and what to do about it."""


def _remedy(said: str) -> str:
    fits = (text for pattern, text in _PATTERNS if re.search(pattern, said, re.MULTILINE))
    return next(fits, None) or _go_build.remedy(said)


def _runs_here() -> bool:
    target = _targets.chosen()
    return target is None or target.machine == platform.machine()


def _compare(places: dict[str, str], loaded: list[str]) -> None:
    """Refuse a library that lacks a function which its sources register."""
    for name in sorted(places.keys() - set(loaded)):
        sys.exit(
            f"{places[name]}: {name} is registered there, but nothing runs that line when the "
            "library is loaded; put it into the function Register() of that package"
        )
