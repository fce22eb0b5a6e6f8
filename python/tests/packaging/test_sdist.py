"""The sdist: all that a build reads, nothing that it does not, and the same wheel comes of it."""

from __future__ import annotations

import tarfile
from collections.abc import Callable
from pathlib import Path

import core_sources
import pytest

from install_matrix import checkouts

# What setuptools adds.
_METADATA = {
    "PKG-INFO",
    "setup.cfg",
    *(
        f"python/gostitch.egg-info/{name}.txt"
        for name in ("SOURCES", "dependency_links", "entry_points", "requires", "top_level")
    ),
    "python/gostitch.egg-info/PKG-INFO",
}


@pytest.mark.timeout(300)
def test_the_sdist_has_what_a_build_reads_and_no_more(sdist: Path) -> None:
    """The package, the Go core, the build's own files, licence and readme; no test, no example."""
    native = checkouts.files("python/native")
    root = {"LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.py"}
    with tarfile.open(sdist) as archive:
        found = {of.name.partition("/")[2] for of in archive.getmembers() if of.isfile()}

    assert {
        *root,
        *native,
        *checkouts.files("python/gostitch"),
        *core_sources.paths(),
    } == found - _METADATA
    assert not [name for name in found if "_test.go" in name or "testdata" in name]


@pytest.mark.timeout(300)
def test_a_wheel_of_the_sdist_is_the_wheel_of_the_checkout(
    wheel: Path, wheel_of_sdist: Path, contents: Callable[[Path], dict[str, str]]
) -> None:
    """Same name and same bytes of every file, though built in two places, one of them used before."""
    assert wheel.name == wheel_of_sdist.name
    assert contents(wheel) == contents(wheel_of_sdist)
