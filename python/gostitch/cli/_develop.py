"""``gostitch develop``: the project in this folder, built in place and installed editable."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

NAME = "develop"
HELP = "Build this project's Go functions in place, and install it editable"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--no-install", action="store_true", help="build in place, and do not install the project"
    )


def run(options: argparse.Namespace) -> int:
    """Build, install, and say what to do next."""
    from gostitch.build import _disk_space, _functions, _install, _metadata, _project

    project = _project.read(Path.cwd())
    try:
        if not project.has_other_backend:
            _metadata.read(project)  # refuses before anything is built
        built = _functions.build_in_place(project, for_editors=True)
    except OSError as error:
        why = _disk_space.reason(str(error)) or (
            f"{error}; this command builds in place, and 'gostitch build --out FOLDER' does not"
        )
        sys.exit(f"the library cannot be written into {project.folder}: {why}")
    here = Path.cwd()
    print(f"built   {os.path.relpath(built.library, here)}: {', '.join(built.functions)}")
    print(f"wrote   {os.path.relpath(built.generated, here)}")
    if built.go_work:
        work = os.path.relpath(built.go_work, here)
        print(f"wrote   {work}, for editors and 'go test ./...'; keep it out of version control")
    if project.has_other_backend:
        print(
            f"not installed: {project.backend} packs this project; install it once with that, as "
            "'pip install --editable .' does, or name gostitch.build as build-backend"
        )
    elif not options.no_install and _install.editable(project.source):
        print(f"installed into {sys.prefix}, editable")
    print(f"try     python -c 'import {project.package}'; after a change in Go: gostitch develop")
    return 0
