"""``gostitch develop`` where pip cannot install, or another backend does: what was built is there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from gostitch.build import _install
from own.projects import Project

# What pip sees of a Python that belongs to the system: no virtual environment, and the mark.
_OF_THE_SYSTEM = """
import sys as _sys, sysconfig as _sysconfig
if "pip" in _sys.orig_argv:
    _sys.base_prefix = _sys.prefix
    _get_path = _sysconfig.get_path
    _sysconfig.get_path = lambda name, *rest: {folder!r} if name == "stdlib" else _get_path(name, *rest)
"""


def test_a_python_that_the_system_manages(project: Project, tmp_path: Path) -> None:
    """Pip's page of text becomes one sentence (PEP 668), after what was built."""
    (tmp_path / "EXTERNALLY-MANAGED").write_text("[externally-managed]\nError=Use apt.\n")
    (tmp_path / "sitecustomize.py").write_text(_OF_THE_SYSTEM.format(folder=str(tmp_path)))
    done = project.gostitch("develop", env={"PYTHONPATH": str(tmp_path)})

    assert 1 == done.returncode
    assert done.stdout.startswith("built   python/sums/libsums.so: sums.add\n")
    # What the backend needs is fetched once, which is said.
    said = [each for each in done.stderr.splitlines() if " from PyPI into " not in each]
    assert 1 == len(said), done.stderr
    line = said[0]
    assert "the system alone may install into " in line
    assert "(PEP 668); make a virtual environment (python3 -m venv .venv)" in line
    assert line.endswith(f"with --no-install and PYTHONPATH={project.source}")
    assert project.library.is_file()


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (
            "ERROR: Could not install packages due to an OSError: [Errno 30] Read-only file "
            "system: '/srv/lib/__editable__.sums-1.0.pth'\n",
            "/srv/lib cannot be written (Read-only file system); make a virtual environment",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 13] Permission denied: "
            "'/srv/lib/x.pth'\nConsider using the `--user` option or check the permissions.\n",
            "/srv/lib cannot be written (Permission denied); make a virtual environment",
        ),
        (
            "ERROR: Could not install packages due to an OSError: [Errno 28] No space left on "
            "device\n",
            "the disk is full; make room",
        ),
    ],
)
def test_a_folder_that_pip_cannot_write(said: str, cause: str) -> None:
    """What pip said is one sentence with the folder and the remedy."""
    text = _install.refusal(said, Path("/srv/python"))

    assert 1 == len(text.splitlines())
    assert f"but the project was not installed: {cause}" in text


def test_another_reason_of_pip(project: Project) -> None:
    """Pip's words stay where they are the reason, and the remedy follows."""
    project.edit("pyproject.toml", 'version = "1.0"', 'version = "1.0"\ndependencies = ["nowhere"]')
    done = project.gostitch("develop", env={"PIP_NO_INDEX": "1"})

    assert 1 == done.returncode
    first, *_, last = done.stderr.splitlines()
    assert "Could not find a version that satisfies the requirement nowhere" in first
    assert "pip says why above; correct that, or use what was built, with --no-install" in last


_BACKENDS = {
    "hatchling.build": """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "sums"
version = "1.0"
""",
    "setuptools": """
[project]
name = "sums"
version = "1.0"
""",
    "poetry.core.masonry.api": """
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"

[tool.poetry]
name = "sums"
version = "1.0"
description = ""
authors = []
""",
}


@pytest.mark.parametrize("backend", _BACKENDS)
def test_another_backend(project: Project, play: Callable[..., list[str]], backend: str) -> None:
    """Building in place needs none, and what is built is whole; who installs is said."""
    project.write("pyproject.toml", f"{_BACKENDS[backend]}\n[tool.gostitch]\n")
    done = project.gostitch("develop", env={"PIP_NO_INDEX": "1"})

    assert 0 == done.returncode, done.stderr
    assert f"not installed: {backend} packs this project" in done.stdout
    assert ["3"] == play("import sums; print(sums.add(1, 2))", project)


@pytest.mark.parametrize("package", ["sums", "company.sums"])
def test_type_checkers_read_the_package(project: Project, package: str) -> None:
    """PEP 561: without ``py.typed`` mypy takes all of an installed package for ``Any``."""
    if package != "sums":
        shutil.move(project.source / "sums", project.source / "company" / "sums")
        project.edit("python/company/sums/__init__.py", "from sums", f"from {package}")
        project.add_settings(f'package = "{package}"')
    project.develop()

    packed = project.gostitch("build", "--out", str(project.root / "dist"))
    assert 0 == packed.returncode, packed.stderr
    (wheel,) = (project.root / "dist").glob("*.whl")
    marker = f"{package.replace('.', '/')}/py.typed"
    assert marker in zipfile.ZipFile(wheel).namelist()
    assert (project.source / marker).is_file()
    # As installed: mypy follows no path that is given by MYPYPATH to a package without the file.
    site = project.root / "site"
    zipfile.ZipFile(wheel).extractall(site)
    (project.root / "use.py").write_text(f"import {package}\nreveal_type({package}.add(1, 2))\n")
    checked = subprocess.run(
        [sys.executable, "-c", _MYPY, str(site), "--strict", "use.py"],
        cwd=project.root,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert 'Revealed type is "int"' in checked.stdout.replace("builtins.", ""), checked.stdout


# mypy asks the interpreter for its site-packages: here it gets one more.
_MYPY = """
import sys
from mypy import main, modulefinder
found = modulefinder.get_search_dirs
modulefinder.get_search_dirs = lambda python: ([*found(python)[0], sys.argv[1]], found(python)[1])
sys.exit(main.main(args=sys.argv[2:], stdout=sys.stdout, stderr=sys.stderr))
"""
