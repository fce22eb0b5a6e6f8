"""Rebuild an editable install in place; ``gostitch._editable`` runs this.

With setuptools and compilers in the environment, as after ``make dev``, that is
one command; otherwise pip makes an environment for the build.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys

from core_sources import ROOT
from shipped import toolchain


def command() -> list[str]:
    """Give the command that builds in place."""
    if _has("setuptools.command.bdist_wheel") and not toolchain.missing():
        return [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"]
    return [
        sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
        "--no-deps", "--editable", ".",
    ]  # fmt: skip


def _has(module: str) -> bool:
    """Tell whether a module is there; old versions of setuptools lack this one."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(subprocess.run(command(), cwd=ROOT, check=False).returncode)
