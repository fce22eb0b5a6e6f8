"""``gostitch build``: a wheel of the project in this folder."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from gostitch.build import _targets

NAME = "build"
HELP = "Build a wheel of this project, with its Go functions as a library"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("dist"),
        metavar="FOLDER",
        help="where to put it (default: %(default)s)",
    )
    parser.add_argument(
        "--target",
        choices=sorted(_targets.TARGETS),
        help="build for this machine and any Linux with glibc 2.17 or newer, with zig",
    )


def run(options: argparse.Namespace) -> int:
    """Build, and say what came of it."""
    from gostitch.build import _disk_space, _project, _wheel

    if options.target:
        os.environ[_targets.VARIABLE] = options.target
    try:
        wheel, built = _wheel.build(_project.read(Path.cwd()), options.out)
    except OSError as error:
        why = _disk_space.reason(str(error)) or f"{error}; choose another folder with --out"
        sys.exit(f"the wheel cannot be written into {options.out}: {why}")
    print(f"{wheel} has {', '.join(built.functions)}")
    return 0
