"""An sdist and wheels, built once for all tests of packaging."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from install_matrix import checkouts

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def run(*command: str | Path, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a command that builds or uses what is built, whatever comes of it."""
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name != "GOSTITCH_LIBRARY"} | env,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="session")
def must_run() -> Callable[..., str]:
    """Run a command that must succeed, and give its output."""

    def command(*words: str | Path, cwd: Path, **env: str) -> str:
        done = run(*words, cwd=cwd, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return command


@pytest.fixture(scope="session")
def pip_wheel() -> Run:
    """Build a wheel as pip does, with the compilers of this environment."""

    def build(source: Path, into: Path, **env: str) -> subprocess.CompletedProcess[str]:
        return run(
            sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation",
            "--wheel-dir", into, ".",
            cwd=source, **env,
        )  # fmt: skip

    return build


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout."""
    return checkouts.copy(tmp_path_factory.mktemp("checkout"))


@pytest.fixture(scope="session")
def wheel(checkout: Path, pip_wheel: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the checkout."""
    return _built(pip_wheel, checkout, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def sdist(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist of the checkout."""
    into = tmp_path_factory.mktemp("sdist")
    done = run(sys.executable, "setup.py", "--quiet", "sdist", "--dist-dir", into, cwd=checkout)
    assert (0, "") == (done.returncode, done.stderr)
    (packed,) = into.glob("*.tar.gz")
    return packed


@pytest.fixture(scope="session")
def unpacked(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, unpacked somewhere else than the checkout."""
    into = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(into, filter="data")
    (folder,) = into.iterdir()
    return folder


@pytest.fixture(scope="session")
def wheel_of_sdist(
    unpacked: Path, pip_wheel: Run, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The wheel of the sdist, built where an earlier build left a module behind."""
    version = f"cpython-{sys.version_info.major}{sys.version_info.minor}"
    for folder in (f"lib.linux-{os.uname().machine}-{version}", "lib"):
        (unpacked / "build" / folder / "gostitch").mkdir(parents=True)
        (unpacked / "build" / folder / "gostitch" / "left_behind.py").touch()
    return _built(pip_wheel, unpacked, tmp_path_factory.mktemp("wheel_of_sdist"))


@pytest.fixture(scope="session")
def contents() -> Callable[[Path], dict[str, str]]:
    """Give the digest of each file in a wheel."""

    def digests(wheel: Path) -> dict[str, str]:
        with zipfile.ZipFile(wheel) as archive:
            return {
                name: hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()
            }

    return digests


def _built(pip_wheel: Run, source: Path, into: Path) -> Path:
    done = pip_wheel(source, into)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = into.glob("*.whl")
    return built
