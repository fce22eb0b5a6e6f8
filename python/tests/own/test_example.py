"""The example project: built as its README says, and its tests in both languages."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from shipped import toolchain

from install_matrix import checkouts

EXAMPLE = Path("examples/own_functions")
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the example, built in place."""
    folder = tmp_path_factory.mktemp("example")
    for name in checkouts.files(str(EXAMPLE)):
        target = folder / Path(name).relative_to(EXAMPLE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((ROOT / name).read_bytes())
    _run(sys.executable, "-m", "gostitch", "develop", "--no-install", cwd=folder)
    return folder


def _run(*command: str, cwd: Path, **env: str) -> str:
    inherited = {name: of for name, of in os.environ.items() if name != "GOSTITCH_LIBRARY"}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=inherited | env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_generated_module_is_fresh(example: Path) -> None:
    """What is in version control is what the Go sources give."""
    name = "python/pricing/_generated.py"

    assert (ROOT / EXAMPLE / name).read_text() == (example / name).read_text()


def test_its_python_tests(example: Path) -> None:
    """They pass, and none is skipped."""
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "--basetemp", str(example / "temp")]
    out = _run(sys.executable, "-m", "pytest", *options, cwd=example, PYTHONPATH="python")

    assert "6 passed" in out


def test_its_go_tests(example: Path) -> None:
    """The plain package needs nothing of gostitch; with the go.work all can be vetted and tested."""
    go, env = str(toolchain.go()), toolchain.environment()

    assert _run(go, "test", "./golib/pricing", cwd=example, **env | {"GOWORK": "off"})
    work = env | {"GOWORK": str(example / "go.work")}
    assert "" == _run(go, "vet", "./...", cwd=example, **work)
    assert "ok" in _run(go, "test", "./...", cwd=example, **work)
