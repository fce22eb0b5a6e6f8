"""Building Go functions of one's own against the core that is installed.

The module is a build backend (PEP 517 and 660): with ``requires = ["gostitch"]``
and ``build-backend = "gostitch.build"`` in ``[build-system]``, pip and other
tools make wheels and editable installs of a project whose ``[tool.gostitch]``
says where its Go functions are. ``gostitch build`` and ``gostitch develop`` do
the same from the command line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = [
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_sdist",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

Settings = dict[str, Any]

IN_PLACE = "gostitch-built"
"""The config setting by which ``gostitch develop`` says that it has built in place already."""


def get_requires_for_build_wheel(config_settings: Settings | None = None) -> list[str]:
    """Name what a build needs beyond pyproject.toml, compilers included where there are none."""
    from gostitch.build import _provide, _toolchain

    return [*_provide.requirements(), *_toolchain.missing()]


def get_requires_for_build_editable(config_settings: Settings | None = None) -> list[str]:
    """Name the same as for a wheel."""
    return get_requires_for_build_wheel(config_settings)


def get_requires_for_build_sdist(config_settings: Settings | None = None) -> list[str]:
    """Name what packing sources needs beyond pyproject.toml."""
    from gostitch.build import _provide

    return _provide.requirements()


def build_wheel(
    wheel_directory: str,
    config_settings: Settings | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build the wheel; gives its name."""
    from gostitch.build import _disk_space, _project, _wheel

    with _disk_space.explained():
        wheel, _ = _wheel.build(_project.read(Path.cwd()), Path(wheel_directory))
    return wheel.name


def build_editable(
    wheel_directory: str,
    config_settings: Settings | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Build in place, and a wheel that points there; gives its name."""
    from gostitch.build import _disk_space, _project, _wheel

    built = IN_PLACE in (config_settings or {})
    project = _project.read(Path.cwd())
    with _disk_space.explained():
        return _wheel.build_editable(project, Path(wheel_directory), build_library=not built).name


def build_sdist(sdist_directory: str, config_settings: Settings | None = None) -> str:
    """Pack the sources; gives the name of the archive."""
    from gostitch.build import _disk_space, _project, _sdist

    with _disk_space.explained():
        return _sdist.build(_project.read(Path.cwd()), Path(sdist_directory)).name


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: Settings | None = None
) -> str:
    """Write the metadata without building; gives the name of its folder."""
    from gostitch.build import _project, _wheel

    return _wheel.prepare(_project.read(Path.cwd()), Path(metadata_directory))


def prepare_metadata_for_build_editable(
    metadata_directory: str, config_settings: Settings | None = None
) -> str:
    """Write the same metadata as for a wheel."""
    return prepare_metadata_for_build_wheel(metadata_directory, config_settings)
