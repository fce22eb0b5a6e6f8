"""The wheel: one for all CPythons of a platform, and it works where it is installed."""

from __future__ import annotations

import os
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import core_sources
import pytest
from shipped import go_build, symbols, toolchain

from gostitch.build._core import core_directory
from install_matrix import checkouts

ROOT = Path(__file__).parents[3]
Contents = Callable[[Path], dict[str, str]]

SCRIPT = """
import asyncio, sys
import gostitch
from gostitch import tasks
from gostitch.build._core import core_directory
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
assert (core_directory().parent.name, core_directory().name) == ("gostitch", "_go")
"""


@pytest.mark.timeout(300)
def test_one_wheel_serves_every_cpython(wheel: Path, contents: Contents) -> None:
    """Its tag promises the stable ABI from 3.10 on; library, symbols, C extension and types are inside."""
    names = set(contents(wheel))

    assert "-cp310-abi3-linux_" in wheel.name
    assert {"gostitch/libgostitch.so", "gostitch/py.typed", "gostitch/tasks/_generated.py"} <= names
    assert "gostitch/libgostitch.so.debug" in names
    assert 1 == len([name for name in names if name.endswith(".abi3.so")])


@pytest.mark.timeout(300)
def test_the_wheel_has_what_git_has_and_the_core(wheel: Path, contents: Contents) -> None:
    """Every file of the package, every source of the Go core, what was compiled, and no more."""
    package = {name.removeprefix("python/") for name in checkouts.files("python/gostitch")}
    core = {f"gostitch/_go/{path}" for path in core_sources.paths()}
    found = {name for name in contents(wheel) if not name.startswith("gostitch-")}

    assert package | core == {name for name in found if not name.endswith((".so", ".so.debug"))}
    assert not [
        name for name in core if "_test.go" in name or "testdata" in name or "faults" in name
    ]


@pytest.mark.timeout(300)
def test_the_sources_in_the_wheel_make_its_library(wheel: Path, tmp_path: Path) -> None:
    """Built in the wheel's own folder of sources, library and symbols have the same bytes."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    shipped, again = tmp_path / "gostitch" / "libgostitch.so", tmp_path / "again" / "libgostitch.so"
    core = tmp_path / "gostitch" / "_go"
    go_build.build("./gocore/cmd/libgostitch", again, core, toolchain.environment())

    assert again.read_bytes() == shipped.read_bytes()
    assert symbols.beside(again).read_bytes() == symbols.beside(shipped).read_bytes()


@pytest.mark.timeout(300)
def test_an_installed_wheel_calls_go(
    wheel: Path, tmp_path: Path, must_run: Callable[..., str]
) -> None:
    """In a fresh environment, away from the checkout, a call, an await and an error work."""
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    must_run(python, "-m", "pip", "install", "--quiet", wheel, cwd=tmp_path)

    must_run(python, "-W", "error", "-c", SCRIPT, cwd=tmp_path)


def test_a_checkout_is_its_own_core() -> None:
    """In an editable install the core's go.mod is at the root of the checkout."""
    assert ROOT == core_directory()
    assert os.path.samefile(sys.modules["gostitch"].__path__[0], ROOT / "python" / "gostitch")
