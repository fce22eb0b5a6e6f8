"""The metadata of a project's wheel and sdist, from [project]."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, NamedTuple

from gostitch._version import VERSION

from . import _provide
from ._project import Project


class Metadata(NamedTuple):
    """What goes into ``.dist-info``."""

    name: str  # as file names have it
    version: str
    text: bytes
    entry_points: str
    licenses: tuple[Path, ...]  # relative to the root
    readme: Path | None

    @property
    def stem(self) -> str:
        """Give what the names of wheel and sdist begin with."""
        return f"{self.name}-{self.version}"


def read(project: Project) -> Metadata:
    """Check [project] and write it as metadata; exits with one sentence if it is wrong."""
    library = _provide.metadata()
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    try:
        of: Any = library.StandardMetadata.from_pyproject(project.pyproject, project.root)
    except library.ConfigurationError as error:
        sys.exit(f"{project.root / 'pyproject.toml'}: {error}")
    if of.version is None:
        sys.exit(
            f"{project.root / 'pyproject.toml'}: gostitch reads the version from [project]; "
            'write version = "1.0" there instead of dynamic'
        )
    # Library and package must be of one version.
    of.dependencies = [*of.dependencies, Requirement(f"gostitch=={VERSION}")]
    return Metadata(
        name=canonicalize_name(of.name).replace("-", "_"),
        version=str(of.version),
        text=bytes(of.as_rfc822()),
        entry_points=_entry_points(of),
        licenses=tuple(map(Path, of.license_files or ())),
        readme=Path(of.readme.file) if of.readme and of.readme.file else None,
    )


def _entry_points(of: Any) -> str:
    groups = {"console_scripts": of.scripts, "gui_scripts": of.gui_scripts, **of.entrypoints}
    return "\n".join(
        f"[{group}]\n" + "".join(f"{name} = {what}\n" for name, what in entries.items())
        for group, entries in groups.items()
        if entries
    )
