"""Projects for the tests: made, built, and imported by programs."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from own.projects import Project
from programs import Programs


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with one function, not built."""
    return Project(tmp_path / "project")


@pytest.fixture
def projects(tmp_path: Path) -> Callable[[str], Project]:
    """Make projects by name."""
    return lambda name: Project(tmp_path / name, name)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Project]:
    """Two projects, built in place; nobody changes them."""
    made = {name: Project(tmp_path_factory.mktemp(name), name) for name in ("sums", "others")}
    for of in made.values():
        of.develop()
    return made


@pytest.fixture
def play(program: Programs) -> Iterator[Callable[..., list[str]]]:
    """Run a Python program that can import projects, and give its lines."""

    def run(text: str, *of: Project, **env: str | None) -> list[str]:
        path = os.pathsep.join(str(each.source) for each in of)
        done = program(text, "-X", "dev", env={"GOSTITCH_LIBRARY": None, "PYTHONPATH": path, **env})
        assert (0, "") == (done.returncode, done.stderr)
        return done.stdout.splitlines()

    return run
