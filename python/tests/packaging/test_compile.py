"""The command that compiles names its files so that every CPython finds them."""

from __future__ import annotations

import pytest
from compile import Compile, GoLibrary
from setuptools import Distribution, Extension
from setuptools.command import build_ext

# importlib.machinery.EXTENSION_SUFFIXES of CPython 3.11, and of 3.15.
_OLD = [".cpython-311-x86_64-linux-gnu.so", ".abi3.so", ".so"]
_NEW = [
    ".cpython-315-x86_64-linux-gnu.so",
    ".abi3-x86_64-linux-gnu.so",
    ".abi3.so",
    ".abi3t-x86_64-linux-gnu.so",
    ".abi3t.so",
    ".so",
]


@pytest.mark.parametrize("suffixes", [_OLD, _NEW], ids=["3.11", "3.15"])
def test_one_name_for_all_cpythons(suffixes: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A wheel for 3.10 and later has the suffix that all of them have, whichever built it."""
    monkeypatch.setattr(build_ext, "EXTENSION_SUFFIXES", suffixes)
    bridge = Extension("gostitch._bridge", ["bridge.c"], py_limited_api=True)
    library = GoLibrary("gostitch.libgostitch", "./gocore/cmd/libgostitch")
    command = Compile(Distribution({"name": "gostitch", "ext_modules": [bridge, library]}))
    command.finalize_options()

    assert "gostitch/_bridge.abi3.so" == command.get_ext_filename("gostitch._bridge")
    assert "gostitch/libgostitch.so" == command.get_ext_filename("gostitch.libgostitch")
