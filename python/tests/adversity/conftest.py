"""What the tests of adversity share: an allocator that fails."""

from __future__ import annotations

import shlex
import subprocess
import sysconfig
from pathlib import Path

import pytest
from shipped import toolchain

SOURCE = Path(__file__).with_name("failing_memory.c")
FOLDER = Path(__file__).resolve().parents[3] / "build" / "tests"


@pytest.fixture(scope="session")
def failing_memory() -> Path:
    """The folder of the module ``failing_memory``, built for this interpreter."""
    compiler = toolchain.cc()
    if compiler is None:
        pytest.fail("no C compiler was found; run 'make dev'")
    FOLDER.mkdir(parents=True, exist_ok=True)
    built = FOLDER / f"failing_memory{sysconfig.get_config_var('EXT_SUFFIX')}"
    headers = sysconfig.get_paths()["include"]
    command = [*shlex.split(compiler), "-shared", "-fPIC", "-O2", f"-I{headers}"]
    subprocess.run([*command, str(SOURCE), "-o", str(built)], check=True)
    return FOLDER
