"""The build backend: setuptools, plus the compilers that the machine lacks.

A machine without a recent Go or without a C compiler gets both from PyPI, as
build requirements of this one build; nothing is installed on the system.
"""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403 - a backend is a module with these names

sys.path.insert(0, str(Path(__file__).parent))

import toolchain


def get_requires_for_build_wheel(config_settings: object = None) -> list[str]:
    """Name what a build of the wheel needs beyond pyproject.toml."""
    return build_meta.get_requires_for_build_wheel(config_settings) + toolchain.missing()


def get_requires_for_build_editable(config_settings: object = None) -> list[str]:
    """Name what an editable build needs beyond pyproject.toml."""
    return build_meta.get_requires_for_build_editable(config_settings) + toolchain.missing()
