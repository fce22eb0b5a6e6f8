"""A Go workspace of a user's module and the installed core.

With it a user's ``go.mod`` need not mention gostitch, and the core is always the
one of the installed package. It lies outside the user's tree, but for the one
that ``gostitch develop`` leaves for editors.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from gostitch._version import VERSION

from . import _go_build, _toolchain
from ._core import core_directory

CORE = "github.com/gostitch/gostitch"
MARK = "// Written by gostitch develop, for editors and 'go test'; not for version control."
MAIN = "gostitch_library"
"""The last element of the import path of the main package, below the user's module: there the
user's internal packages can be imported."""

PROFILE = Path("gocore", "cmd", "libgostitch", "default.pgo")
"""Where the processor's time goes in calls, for the compiler; in the core."""


class Workspace:
    """A folder with a go.work, the main package, and the commands that use them."""

    def __init__(self, folder: Path, module: Path) -> None:
        self.folder = folder
        self.module = module
        self.env = _toolchain.environment()
        self.path = _json("mod", module / "go.mod").get("Module", {}).get("Path")
        if not self.path:
            sys.exit(f"{module / 'go.mod'} has no module line; write 'module example.com/NAME'")
        self.main_package = f"{self.path}/{MAIN}"
        self.main_file = folder / MAIN / "main.go"
        self.env["GOFLAGS"] = _flags(_settings(module, "GOFLAGS"))
        uses, replaces, version = self._modules()
        self.main_file.parent.mkdir()
        (folder / MAIN / "go.mod").write_text(f"module {self.main_package}\n\ngo {version}\n")
        # Go builds with the profile beside the main package, unless GOFLAGS names another.
        shutil.copyfile(core_directory() / PROFILE, folder / MAIN / PROFILE.name)
        work = folder / "go.work"
        work.write_text(_text([*uses, folder / MAIN], replaces, version), encoding="utf-8")
        self.env["GOWORK"] = str(work)
        self._development = _text(uses, replaces, version)

    def _modules(self) -> tuple[list[Path], list[dict[str, Any]], str]:
        """Give the modules of the workspace, its replacements, and its version of Go."""
        core = core_directory()
        uses, replaces, versions = [self.module, core], [], [(1, 26, 0)]
        own = self.own_file()
        if own is not None:
            work = _json("work", own)
            versions.append(_version(work.get("Go", "")))
            replaces = [of for of in work.get("Replace") or [] if of["Old"]["Path"] != CORE]
            for use in work.get("Use") or []:
                folder = (own.parent / use["DiskPath"]).resolve()
                if folder not in uses and _module_of(folder) != CORE:
                    uses.append(folder)
            for of in replaces:
                new = of["New"]["Path"]
                if new.startswith((".", "/")):
                    of["New"]["Path"] = str((own.parent / new).resolve())
        for folder in uses:
            file = folder / "go.mod"
            if not file.is_file():
                sys.exit(f"{own} uses {folder}, which has no go.mod; correct it")
            found = _json("mod", file)
            wanted = _version(found.get("Go", ""))
            _refuse_too_new(file, wanted)
            versions.append(wanted)
            for required in found.get("Require") or []:
                if required["Path"] == CORE:
                    _refuse_newer_core(file, required["Version"])
                    # What it asks for may be nowhere; the installed core is here.
                    replaces.append({"Old": required, "New": {"Path": str(core)}})
        return uses, replaces, ".".join(map(str, max(versions)))

    def own_file(self) -> Path | None:
        """Give the user's own go.work, if there is one that we did not write."""
        named = os.environ.get("GOWORK")
        if named == "off":
            return None
        if named:
            return Path(named)
        for folder in (self.module, *self.module.parents):
            file = folder / "go.work"
            if file.is_file():
                return None if file.read_text(encoding="utf-8").startswith(MARK) else file
        return None

    def leave_for_editors(self) -> Path | None:
        """Write a go.work beside go.mod, unless the user has one; gives the file."""
        if self.own_file() is not None:
            return None
        file = self.module / "go.work"
        text = f"{MARK}\n\n{self._development}"
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            unfinished = file.with_name(f".go.work.{os.getpid()}")
            try:
                unfinished.write_text(text, encoding="utf-8")
                unfinished.replace(file)
            finally:
                unfinished.unlink(missing_ok=True)
        return file

    def run(self, *words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the user's module."""
        return subprocess.run(
            [*map(str, words)],
            cwd=self.module,
            env=self.env | env,
            capture_output=True,
            text=True,
            check=False,
        )


def _text(uses: list[Path], replaces: list[dict[str, Any]], version: str) -> str:
    lines = [f"go {version}", "", "use (", *(f"\t{json.dumps(str(of))}" for of in uses), ")"]
    for of in replaces:
        old, new = of["Old"], of["New"]
        lines.append(f"replace {_versioned(old)} => {_versioned(new)}")
    return "\n".join(lines) + "\n"


def _versioned(of: dict[str, str]) -> str:
    return " ".join([json.dumps(of["Path"]), *([of["Version"]] if "Version" in of else [])])


def _json(kind: str, file: Path) -> dict[str, Any]:
    """Read a go.mod or go.work as Go does."""
    done = subprocess.run(
        [_go_build.go_command(), kind, "edit", "-json", str(file)],
        cwd=file.anchor,
        env=_toolchain.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{done.stderr.strip()}\ngostitch: {file} cannot be read; correct it")
    return dict(json.loads(done.stdout))


def _module_of(folder: Path) -> str | None:
    file = folder / "go.mod"
    return _json("mod", file).get("Module", {}).get("Path") if file.is_file() else None


def _settings(module: Path, name: str) -> str:
    """Give a setting of Go's, from the environment or its own file."""
    done = subprocess.run(
        [_go_build.go_command(), "env", name],
        cwd=module.anchor,
        env=_toolchain.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip()


def _flags(given: str) -> str:
    """Leave out the flags that a workspace cannot have."""
    return " ".join(of for of in given.split() if not re.match(r"--?(mod|modfile)=", of))


def _version(text: str) -> tuple[int, int, int]:
    first, second, third = [*map(int, re.findall(r"\d+", text)), 0, 0, 0][:3]
    return first, second, third


def _refuse_newer_core(file: Path, wanted: str) -> None:
    if _version(wanted) > _version(VERSION):
        sys.exit(
            f"{file} requires gostitch {wanted}, and {VERSION} is installed, whose core is the one "
            f"that is built; run: pip install 'gostitch>={wanted.removeprefix('v')}', or remove that "
            "line, which a build does not need"
        )


def _refuse_too_new(file: Path, wanted: tuple[int, int, int]) -> None:
    go = _go_build.go_command()
    done = subprocess.run(
        [go, "env", "GOVERSION"],
        cwd=file.anchor,
        env=_toolchain.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    have = _version(done.stdout)
    if have < wanted and any(have):
        sys.exit(
            f"{file} wants Go {'.'.join(map(str, wanted))} and {go} is Go "
            f"{'.'.join(map(str, have))}; install a newer Go, or lower the go line"
        )
