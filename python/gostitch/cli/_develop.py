"""``gostitch develop``: the project in this folder, built in place and installed editable."""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
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
    from gostitch.build import _functions, _metadata, _project

    project = _project.read(Path.cwd())
    try:
        _metadata.read(project)  # refuses before anything is built
        built = _functions.build(project, project.folder, for_editors=True)
    except OSError as error:
        sys.exit(f"the library cannot be written: {error}")
    here = Path.cwd()
    print(f"built   {os.path.relpath(built.library, here)}: {', '.join(built.functions)}")
    print(f"wrote   {os.path.relpath(built.generated, here)}")
    if built.go_work:
        work = os.path.relpath(built.go_work, here)
        print(f"wrote   {work}, for editors and 'go test ./...'; keep it out of version control")
    if not options.no_install and not _install():
        return 1
    print(f"try     python -c 'import {project.package}'; after a change in Go: gostitch develop")
    return 0


def _install() -> bool:
    """Install the project editable, with its dependencies; tells whether that worked."""
    from gostitch.build import IN_PLACE

    if importlib.util.find_spec("pip") is None:
        print(f"pip is not in {sys.prefix}, so nothing was installed; use: uv pip install -e .")
        return True
    done = subprocess.run(
        [
            sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
            "--no-build-isolation", "--config-settings", f"{IN_PLACE}=yes", "--editable", ".",
        ],
        check=False,
    )  # fmt: skip
    if done.returncode == 0:
        print(f"installed into {sys.prefix}, editable")
    return done.returncode == 0
