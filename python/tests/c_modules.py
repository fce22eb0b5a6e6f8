"""Modules in C that tests need beside the ones of the package."""

from __future__ import annotations

import os
import shlex
import subprocess
import sysconfig
from pathlib import Path

import pytest
from shipped import toolchain

FOLDER = Path(__file__).resolve().parents[2] / "build" / "tests"


def build(source: Path) -> Path:
    """Build a module for this interpreter, and return its folder."""
    compiler = toolchain.cc()
    if compiler is None:
        pytest.fail("no C compiler was found; run 'make dev'")
    FOLDER.mkdir(parents=True, exist_ok=True)
    built = FOLDER / f"{source.stem}{sysconfig.get_config_var('EXT_SUFFIX')}"
    new = built.with_suffix(f".{os.getpid()}")  # another process may have the old one loaded
    headers = sysconfig.get_paths()["include"]
    command = [*shlex.split(compiler), "-shared", "-fPIC", "-O2", f"-I{headers}"]
    subprocess.run([*command, str(source), "-o", str(new)], check=True)
    new.replace(built)
    return FOLDER
