"""The interpreter, the package and what it needs, where something is wrong with them."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gostitch
from gostitch.doctor import _opentelemetry, _platform, _python, _sentry, _versions

ROOT = Path(__file__).parents[3]
PACKAGE = Path(gostitch.__file__).parent


def _copy(folder: Path) -> Path:
    """Copy the package, all but the large library."""
    copy = folder / "gostitch"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("libgostitch.so", "__pycache__"))
    return copy


def test_the_interpreter(doctor: Callable) -> None:
    """Version, program and virtual environment are told."""
    found = doctor().findings["python.interpreter"]

    assert "ok" == found["status"]
    assert sys.executable == found["facts"]["executable"]
    assert sys.prefix == found["facts"]["virtual_environment"]
    assert found["words"].startswith(f"CPython {sys.version.split()[0]}, 64 bit")


def test_versions_are_those_of_pyproject() -> None:
    """The oldest versions of other packages are those that pyproject.toml asks for."""
    text = (ROOT / "pyproject.toml").read_text()
    for name, oldest in (
        ("opentelemetry-sdk", _opentelemetry.OLDEST),
        ("sentry-sdk", _sentry.OLDEST),
    ):
        found = re.search(rf'"{name}>=([\d.]+)"', text)
        assert found is not None
        assert oldest == _versions.numbers(found[1])


def test_a_broken_compiled_part(doctor: Callable, tmp_path: Path) -> None:
    """A compiled module that is damaged is a problem with Python's own words."""
    copy = _copy(tmp_path)
    compiled = [path for path in copy.glob("*.so") if not path.name.startswith("lib")]
    assert compiled
    for path in compiled:
        path.write_text("no library")
    found = doctor(PYTHONPATH=str(tmp_path))

    assert 1 == found.status
    part = found.findings["python.compiled"]
    assert "problem" == part["status"]
    assert "cannot be imported" in part["words"]
    assert compiled[0].name in part["words"]
    assert "pip install --force-reinstall gostitch" in part["fix"]
    assert "problem" == found.findings["library.load"]["status"]


def test_a_missing_compiled_part(doctor: Callable, tmp_path: Path) -> None:
    """A package without its compiled part, as in a checkout not built, is a problem."""
    copy = _copy(tmp_path)
    for path in copy.glob("*.so"):
        path.unlink()
    found = doctor(PYTHONPATH=str(tmp_path)).findings["python.compiled"]

    assert f"The compiled part of the package is missing in {copy}." == found["words"]


def test_two_packages(doctor: Callable, tmp_path: Path) -> None:
    """A second gostitch on sys.path is a warning that names it."""
    other, start = tmp_path / "other", tmp_path / "start"
    for folder in (other / "gostitch", start):
        folder.mkdir(parents=True)
    (other / "gostitch" / "__init__.py").touch()
    (start / "sitecustomize.py").write_text(f"import sys; sys.path.append({str(other)!r})")
    found = doctor(PYTHONPATH=str(start)).findings["python.package"]

    assert "warning" == found["status"]
    assert f"There is another gostitch on sys.path: {other / 'gostitch'}." in found["words"]


def test_the_installed_package(doctor: Callable) -> None:
    """Version, place and kind of the installation are told."""
    found = doctor().findings["python.package"]

    assert "ok" == found["status"]
    assert gostitch.__version__ == found["facts"]["version"]
    assert str(PACKAGE) == found["facts"]["folder"]
    assert [] == found["facts"]["duplicates"]


def test_a_package_changed_after_installation(doctor: Callable, tmp_path: Path) -> None:
    """Code of another version than its metadata asks to install again."""
    copy = _copy(tmp_path)
    (copy / "_version.py").write_text('"""Newer."""\n\nVERSION = "9.9.9"\n')
    found = doctor(PYTHONPATH=str(tmp_path), GOSTITCH_LIBRARY=None).findings["python.package"]

    assert "warning" == found["status"]


def test_another_version_of_the_library(doctor: Callable, tmp_path: Path) -> None:
    """A library of another release is refused with both versions and the remedy."""
    copy = _copy(tmp_path)
    (copy / "_version.py").write_text('"""Newer."""\n\nVERSION = "9.9.9"\n')
    found = doctor(PYTHONPATH=str(tmp_path))

    assert 1 == found.status
    load = found.findings["library.load"]
    assert (
        f"is version {gostitch.__version__} and the Python package is version 9.9.9"
        in (load["words"])
    )
    assert "Install both from the same release." == load["fix"]


_FINE = {
    "implementation": "CPython",
    "version": "3.12.1",
    "executable": "/usr/bin/python3",
    "bits": 64,
    "debug_build": False,
    "free_threaded": False,
    "virtual_environment": None,
}


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({}, "ok", "CPython 3.12.1, 64 bit, without a virtual environment (/usr/bin/python3)."),
        ({"implementation": "PyPy"}, "problem", "gostitch needs CPython"),
        ({"free_threaded": True}, "problem", "free-threaded"),
        ({"bits": 32}, "problem", "needs 64 bits"),
        ({"debug_build": True}, "note", "debug build"),
        ({"version": "3.15.2"}, "ok", "CPython 3.15.2"),
        ({"version": "3.16.0"}, "note", "tested up to 3.15"),
    ],
)
def test_other_interpreters(change: dict, status: str, words: str) -> None:
    """What gostitch cannot work in is a problem; what is untested is a note."""
    verdict = _python.judge(_FINE | change)

    assert status == verdict.status
    assert words in verdict.words
    assert (verdict.fix is not None) == (status == "problem")


@pytest.mark.parametrize(
    ("system", "status", "words"),
    [
        (("Linux", "6.1", "x86_64", (2, 36), False), "ok", "Linux on x86_64, glibc 2.36."),
        (("Linux", "6.1", "aarch64", (2, 17), False), "note", "tested under an emulator only"),
        (("Linux", "6.1", "riscv64", (2, 36), False), "problem", "no build for riscv64"),
        (("Linux", "6.1", "x86_64", None, True), "problem", "not glibc but musl"),
        (("Darwin", "24", "arm64", None, False), "problem", "this is Darwin"),
    ],
)
def test_other_systems(system: tuple, status: str, words: str) -> None:
    """Linux with glibc is needed, and a machine there is a build for."""
    verdict = _platform.judge(*system)

    assert status == verdict.status
    assert words in verdict.words
    assert (verdict.fix is not None) == (status == "problem")
