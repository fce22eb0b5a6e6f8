"""The wheel: one for all CPythons of a platform, and it works where it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SCRIPT = """
import asyncio, sys
import gostitch
from gostitch import tasks
assert not gostitch.runtime_info()["loaded"]
call = tasks.hash_tree(sys.prefix + "/pyvenv.cfg")
awaited = asyncio.run(asyncio.wait_for(tasks.hash_tree.submit(sys.prefix + "/pyvenv.cfg"), 30))
assert call == awaited and call.files == 1
try:
    tasks.hash_tree("/does/not/exist")
except FileNotFoundError as error:
    assert isinstance(error, gostitch.GoError)
info = gostitch.runtime_info()
assert info["library"].startswith(sys.prefix), info
assert (info["calls"], info["pending"], info["buffers"]) == (0, 0, 0), info
"""


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name != "GOSTITCH_LIBRARY"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel from the checkout as pip does, with the compilers of this environment."""
    into = tmp_path_factory.mktemp("wheel")
    run(
        sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
        "--wheel-dir", into, ".",
        cwd=ROOT,
    )  # fmt: skip
    (built,) = into.glob("*.whl")
    return built


@pytest.mark.timeout(300)
def test_one_wheel_serves_every_cpython(wheel: Path) -> None:
    """Its tag promises the stable ABI from 3.10 on; library, shim and types are inside."""
    names = set(zipfile.ZipFile(wheel).namelist())

    assert "-cp310-abi3-linux_" in wheel.name
    assert {
        "gostitch/libgostitch.so",
        "gostitch/_shim.abi3.so",
        "gostitch/py.typed",
        "gostitch/tasks/_generated.py",
    } <= names
    assert not [name for name in names if "test" in name or name.endswith((".c", ".h", ".go"))]


@pytest.mark.timeout(300)
def test_an_installed_wheel_calls_go(wheel: Path, tmp_path: Path) -> None:
    """In a fresh environment, away from the checkout, a call, an await and an error work."""
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)

    run(python, "-W", "error", "-c", SCRIPT, cwd=tmp_path)
